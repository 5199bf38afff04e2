"""Severe blood pressure. One reading of a cuff is often the cuff's: its rule asks for a repeat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alerts.finding import Finding, Reading
from alerts.rules.rule import Level
from alerts.subjects.subject import Context, Subject, by_hand, newest_first, shown
from core.reading import Qualifier

Measurement = dict[str, Reading]
"""What a cuff said at one time: systolic, diastolic or both."""


def assess(subjects: Sequence[Subject], context: Context) -> Iterator[tuple[int, Finding]]:
    """A finding where the newest measurement is severe."""
    for index, subject in enumerate(subjects):
        if subject.client is None:
            continue
        newest = _newest(subject)
        if not newest:
            continue
        rule = context.rule(subject, "severe_blood_pressure")
        hold = rule.holds(_severe, newest) if rule.speaks else None
        if hold is None:
            continue
        timely = all(context.timely(reading) for reading in newest.values())
        yield (
            index,
            Finding(
                kind="blood_pressure",
                rule=rule.id,
                severity=rule.severity,
                pages=rule.severity if timely else 0,
                key="severe_blood_pressure",
                params={
                    "systolic": shown(newest["systolic"]) if "systolic" in newest else None,
                    "diastolic": shown(newest["diastolic"]) if "diastolic" in newest else None,
                    **by_hand(subject, *newest.values()),
                },
                evidence=newest_first(newest.values()),
                hold=hold,
            ),
        )


def _newest(subject: Subject) -> Measurement:
    """Values of one time are one measurement."""
    systolic, diastolic = subject.latest("systolic"), subject.latest("diastolic")
    if systolic is None or diastolic is None:
        one = systolic or diastolic
        return {one.metric: one} if one is not None else {}
    if systolic.time == diastolic.time:
        return {"systolic": systolic, "diastolic": diastolic}
    newer = max(systolic, diastolic, key=lambda reading: reading.time)
    return {newer.metric: newer}


def _severe(limits: Level, measurement: Measurement) -> bool:
    """At or above either limit; HI is above wherever the cuff's own limit lies."""
    for metric, reading in measurement.items():
        if shown(reading) >= limits[metric] or reading.qualifier == Qualifier.ABOVE:
            return True
    return False
