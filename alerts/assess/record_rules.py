"""What a client's record does to findings: repeated falls, agreed limits of care, own rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from alerts.finding import Finding, Severity
from alerts.subjects.subject import Assessment, Context, Subject, newest_first
from core.clock import LOCAL
from core.reading import State

CLINICAL = frozenset({"news2", "blood_pressure", "weight", "respiratory", "deterioration", "trend"})
"""Kinds whose paging agreed limits of care restrict. Calls for help, a client's own limits and
prescribed range, low glucose, doses, silence and the home are never among them."""
CAPS: Mapping[str, Severity] = {
    "palliative": Severity.REVIEW,
    "no_transfer": Severity.URGENT,
}
"""The most that findings of these kinds may page with. `no_cpr` says what is done in the home; it
restricts no call."""


def assess(subjects: Sequence[Subject], context: Context) -> Iterator[tuple[int, Finding]]:
    """Repeated falls; and what of a client's own rules cannot be used."""
    for index, subject in enumerate(subjects):
        if subject.rules_error:
            failed = context.rules["assessment_failed"]
            yield (
                index,
                Finding(
                    kind=failed.kind,
                    origin="own rules",
                    rule=failed.id,
                    severity=failed.severity,
                    pages=failed.severity,
                    key="assessment_failed",
                    params={"rule": subject.rules_error, "error": "RuleError"},
                ),
            )
        if subject.falls_before is not None:
            found = _falls(subject, subject.falls_before, context)
            if found is not None:
                yield index, found


def _falls(subject: Subject, before: int, context: Context) -> Finding | None:
    """Said with a new fall, once there were enough in the time before it."""
    rule = context.rule(subject, "repeated_falls")
    falls = [
        one for one in subject.events if one.metric == "fall" and one.state != State.STRUCK_OUT
    ]
    if not rule.speaks or not falls or before + 1 < rule.limits["falls"]:
        return None
    return Finding(
        kind="falls",
        rule=rule.id,
        severity=rule.severity,
        pages=rule.severity,
        key="repeated_falls",
        params={"falls": before + 1, "months": rule.limits["months"], "count": len(falls)},
        evidence=newest_first(falls),
    )


def restrict(subject: Subject, assessment: Assessment, context: Context) -> None:
    """Let clinical findings page no more than the agreed limits of care say.

    What is found stays as it is and is shown; from the day their review is due they restrict
    nothing.
    """
    if subject.client is None or subject.client.record.care_limits is None:
        return
    agreed = subject.client.record.care_agreed(context.now.astimezone(LOCAL).date())
    most = min((CAPS[one] for one in agreed if one in CAPS), default=Severity.EMERGENCY)
    for place, finding in enumerate(assessment.findings):
        if finding.kind in CLINICAL:
            params = {**finding.params, "care_limits": list(agreed)}
            pages = min(finding.pages, int(most))
            assessment.findings[place] = replace(finding, params=params, pages=pages)
