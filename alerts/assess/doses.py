"""Doses that a dispenser says were missed, once the window of that dose is over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta

from alerts.finding import Finding, Reading, rfc3339
from alerts.subjects.subject import Context, Subject
from core.clock import LOCAL
from core.record import Dose

METRIC = "missed_dose"
_EARLY = timedelta(minutes=15)
"""A dispenser's clock may run ahead by this much."""


def assess(
    subjects: Sequence[Subject], context: Context
) -> Iterator[tuple[int, Finding | datetime]]:
    """One finding for each dispenser whose last dose was missed, and when its window is over."""
    for index, subject in enumerate(subjects):
        seen: set[int] = set()
        for reading in subject.slow.get(METRIC, ()):
            if reading.device in seen:
                continue
            seen.add(reading.device)
            if reading.value < 1:
                continue  # taken since
            dose, due = _dose(subject, reading.time)
            over = due + timedelta(minutes=dose.window_minutes) if dose else reading.time
            if context.now < over:
                yield index, over
                continue
            critical = dose is not None and dose.critical
            rule = context.rule(subject, "missed_dose_critical" if critical else "missed_dose")
            if not rule.speaks:
                continue
            yield (
                index,
                Finding(
                    kind="missed_dose",
                    origin=f"device {reading.device}",
                    rule=rule.id,
                    severity=rule.severity,
                    pages=rule.severity if _timely(reading, over, context) else 0,
                    key="missed_dose",
                    params={"medicine": dose.medicine if dose else "", "due": rfc3339(due)},
                    evidence=(reading,),
                ),
            )


def _timely(reading: Reading, over: datetime, context: Context) -> bool:
    """Whether it reached Saimi soon enough after its window to call anybody."""
    late = context.rules.late_after + context.delay
    return reading.received_at <= max(over, reading.time) + late


def _dose(subject: Subject, at: datetime) -> tuple[Dose | None, datetime]:
    """The dose of the care plan that was due last before that time, and when it was."""
    doses = subject.client.record.doses if subject.client else ()
    local = (at + _EARLY).astimezone(LOCAL)
    best: tuple[datetime, Dose] | None = None
    for dose in doses:
        hour, minute = dose.at.split(":")
        due = datetime.combine(local.date(), time(int(hour), int(minute)), LOCAL)
        if due > local:
            due = datetime.combine(
                local.date() - timedelta(days=1), time(int(hour), int(minute)), LOCAL
            )
        if best is None or due > best[0]:
            best = (due, dose)
    return (None, at) if best is None else (best[1], best[0])
