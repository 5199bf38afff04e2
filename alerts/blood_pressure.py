"""Severe blood pressure: confirmed by a second measurement, or by nobody making one in time.

The first severe measurement starts a deadline and pages nobody: one reading of a cuff is often the
cuff's. A second one that is severe too confirms it; when the deadline passes without any second
measurement, it pages (clinical reference: a request to measure again has a deadline).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from alerts.finding import Finding, Reading
from alerts.subject import Context, Subject, newest_first, shown
from core.reading import Qualifier

Measurement = dict[str, Reading]
"""What a cuff said at one time: systolic, diastolic or both."""


def assess(
    subjects: Sequence[Subject], context: Context
) -> Iterator[tuple[int, Finding | datetime]]:
    """A finding, and while it waits for a second measurement the time to look again."""
    rule = context.rules["severe_blood_pressure"]
    if not rule.on:
        return
    deadline = timedelta(minutes=rule.limits["repeat_within_min"])
    for index, subject in enumerate(subjects):
        if subject.client is None:
            continue
        measured = _measurements(subject)
        if not measured or not _severe(measured[0], rule.limits):
            continue
        newest = measured[0]
        when = _time(newest)
        before = measured[1] if len(measured) > 1 else None
        confirmed = (
            before is not None and _severe(before, rule.limits) and when - _time(before) <= deadline
        )
        waiting = not confirmed and context.now < when + deadline
        if waiting:
            yield index, when + deadline
        timely = all(context.timely(reading) for reading in newest.values())
        evidence = [*newest.values(), *(before.values() if confirmed and before else ())]
        yield (
            index,
            Finding(
                kind="blood_pressure",
                rule=rule.id,
                severity=rule.severity,
                pages=rule.severity if timely and not waiting else 0,
                key="severe_blood_pressure",
                params={
                    "systolic": shown(newest["systolic"]) if "systolic" in newest else None,
                    "diastolic": shown(newest["diastolic"]) if "diastolic" in newest else None,
                    "confirmed": confirmed,
                },
                evidence=newest_first(evidence),
            ),
        )


def _measurements(subject: Subject) -> list[Measurement]:
    """The newest measurements, newest first: values of one time are one measurement."""
    by_time: dict[datetime, Measurement] = {}
    for metric in ("systolic", "diastolic"):
        for reading in subject.newest.get(metric, ()):
            by_time.setdefault(reading.time, {})[metric] = reading
    return [by_time[time] for time in sorted(by_time, reverse=True)][:2]


def _time(measurement: Measurement) -> datetime:
    return next(iter(measurement.values())).time


def _severe(measurement: Measurement, limits: dict[str, float]) -> bool:
    """At or above either limit; HI is above wherever the cuff's own limit lies."""
    return any(
        shown(reading) >= limits[metric] or reading.qualifier == Qualifier.ABOVE
        for metric, reading in measurement.items()
    )
