"""SpO2 on the pathway for respiratory infection, and worsening of COPD."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alerts.finding import Finding, Reading
from alerts.rules.rule import Level
from alerts.subjects.subject import Context, Subject, is_above, is_below, newest_first, shown
from core.clock import LOCAL

PATHWAY = ("respiratory_emergency", "respiratory_urgent")
"""From the most severe."""
_RISING = ("respiratory_rate", "pulse")


def assess(subjects: Sequence[Subject], context: Context) -> Iterator[tuple[int, Finding]]:
    """Findings of those on the pathway, and of those with COPD."""
    today = context.now.astimezone(LOCAL).date()
    for index, subject in enumerate(subjects):
        client = subject.client
        if client is None:
            continue
        # A prescribed range is this client's own, and comes before the pathway's.
        on = client.record.on_pathway("respiratory_infection", today)
        if on and "spo2" not in client.limits:
            for finding in _pathway(subject, context):
                yield index, finding
        if client.has("copd"):
            for finding in _copd(subject, context):
                yield index, finding


def _pathway(subject: Subject, context: Context) -> Iterator[Finding]:
    reading = subject.latest("spo2")
    if reading is None:
        return
    for name in PATHWAY:
        rule = context.rule(subject, name)
        hold = rule.holds(_at_most, reading) if rule.speaks else None
        if hold is None:
            continue
        yield Finding(
            kind="respiratory",
            rule=rule.id,
            severity=rule.severity,
            pages=rule.severity if context.timely(reading) else 0,
            key="respiratory_pathway",
            params={
                "value": shown(reading),
                "limit": rule.raises["spo2"],
                "qualifier": reading.qualifier,
            },
            evidence=(reading,),
            hold=hold,
        )
        if hold == "raise":
            return


def _at_most(level: Level, reading: Reading) -> bool:
    return shown(reading) <= level["spo2"] or is_below(reading, level["spo2"])


def _copd(subject: Subject, context: Context) -> Iterator[Finding]:
    """Several signs at once. Dyspnoea is felt and not measured: it is said to be missing."""
    rule = context.rule(subject, "copd_worsening")
    if not rule.speaks:
        return
    signs = [
        one
        for metric in (*_RISING, "spo2")
        if (one := subject.latest(metric)) is not None and _worse(rule.raises, one)
    ]
    if len(signs) < rule.limits["signs"]:
        return
    evidence = newest_first(signs)
    yield Finding(
        kind="respiratory",
        origin="copd",
        rule=rule.id,
        severity=rule.severity,
        pages=rule.severity if all(context.timely(one) for one in signs) else 0,
        key="copd_worsening",
        params={"signs": {one.metric: shown(one) for one in signs}},
        evidence=evidence,
        missing=("dyspnoea",),
    )


def _worse(level: Level, reading: Reading) -> bool:
    limit = level[reading.metric]
    if reading.metric in _RISING:
        return shown(reading) >= limit or is_above(reading, limit)
    return is_below(reading, limit)
