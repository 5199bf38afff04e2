"""Asking for a repeat reading: what a rule found counts once it is confirmed, or nobody repeats it.

Of any rule that says so (`confirm_within_min`). The first reading starts a deadline and calls
nobody. The rule is applied again to what was known before that reading: had it found the same
then, no longer ago than the deadline, this reading is the repeat and confirms it. When the deadline
passes without any newer reading, it counts as it is. A repeat that is in order ends it, since then
the rule finds nothing. Nothing is remembered for it, so two readings that come in one message
confirm each other as well as two that come apart.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from alerts.finding import Finding
from alerts.rules.rule import Rule
from alerts.subjects.subject import Assess, Context, Subject, newest_first


def asked_again(
    assess: Assess, rule: Rule, subject: Subject, finding: Finding, context: Context
) -> tuple[Finding, datetime | None]:
    """The finding as it counts now, and when to look again where it waits.

    Its parameters get `confirmed`: whether a second reading said the same.
    """
    if rule.confirm_within is None or finding.hold != "raise" or not finding.evidence:
        return finding, None
    when = finding.evidence[0].time
    earlier = _earlier(assess, subject, finding, context)
    confirmed = earlier is not None and when - earlier.evidence[0].time <= rule.confirm_within
    params = {**finding.params, "confirmed": confirmed}
    if confirmed and earlier is not None:
        evidence = newest_first({*finding.evidence, *earlier.evidence})
        return replace(finding, params=params, evidence=evidence), None
    deadline = when + rule.confirm_within
    if context.now >= deadline:
        return replace(finding, params=params), None
    return replace(finding, params=params, pages=0), deadline


def _earlier(
    assess: Assess, subject: Subject, finding: Finding, context: Context
) -> Finding | None:
    """What the rule, or a more severe one, finds in what was known before this reading."""
    found = assess([subject.before(finding.evidence[0].time)], context)
    return next(
        (
            one
            for _, one in found
            if isinstance(one, Finding)
            and (one.kind, one.origin, one.hold) == (finding.kind, finding.origin, "raise")
            and one.severity >= finding.severity
            and one.evidence
        ),
        None,
    )
