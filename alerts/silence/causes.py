"""Higher causes inhibit lower ones: what a cause explains is kept, and pages nobody.

    own outage, outage of the county  >  of an area  >  a gateway  >  a device
    pause, absence                    >  silence, and what is told from a home's routine

A finding that is inhibited says by what; its episode, if one stands, stays, and comes back if it
outlives the cause. Only what is told from hearing nothing is ever inhibited this way: values say
what they say, and help, smoke, carbon monoxide and fall reach a person whatever else is the matter.
"""

from __future__ import annotations

from dataclasses import replace

from alerts.finding import Finding
from alerts.subjects.subject import Assessment, Context, Subject

UNHEARD = frozenset({"silence", "inactivity", "routine"})
"""Kinds of finding that are told from hearing nothing, or less than usual."""
GATEWAY = frozenset({"gateway_silent", "gateway_deaf"})
"""Findings of which a home is not heard at all."""


def inhibited(finding: Finding, by: str) -> Finding:
    """The finding, explained by a higher cause."""
    return replace(finding, pages=0, inhibited_by=by)


def inhibit(subject: Subject, assessment: Assessment, context: Context) -> None:
    """Let the findings that a cause above this subject explains open and raise nothing."""
    findings = assessment.findings
    if not UNHEARD & {finding.kind for finding in findings}:
        return
    own = context.deaf
    gateway = next((one.key for one in findings if one.key in GATEWAY), "")
    for number, finding in enumerate(findings):
        if finding.inhibited_by or finding.kind not in UNHEARD:
            continue
        by = ""
        if finding.kind == "silence":
            if finding.origin.partition("/")[0] in subject.lost:
                by = "area_outage"
        elif own:
            by = "own_outage"
        elif subject.lost:
            by = "area_outage"
        elif gateway:
            by = gateway
        if by:
            findings[number] = inhibited(finding, by)
