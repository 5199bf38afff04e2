"""Hypoglycaemia: level 1 below 3.9, level 2 below 3.0 mmol/L (ADA/EASD), at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alerts.finding import Finding, Reading
from alerts.rules.rule import Level
from alerts.subjects.subject import Context, Subject, is_below, shown
from core.reading import Qualifier

_LEVELS = ((2, "hypoglycaemia_level_2"), (1, "hypoglycaemia_level_1"))


def assess(subjects: Sequence[Subject], context: Context) -> Iterator[tuple[int, Finding]]:
    """A finding for the lower of the two levels that holds.

    A meter's LO is level 2 wherever its limit lies: it cannot be told from less than 3.0. Besides
    the newest value every one counts that is recent enough to page: a low one is not unsaid by a
    better one that came in the same message.
    """
    for index, subject in enumerate(subjects):
        if subject.client is None:
            continue
        newest = subject.newest.get("glucose")
        if not newest:
            continue
        recent = context.now - context.rules.late_after
        readings = [one for one in newest if one is newest[0] or one.time >= recent]
        for finding in _findings(subject, readings, context):
            yield index, finding


def _findings(subject: Subject, readings: Sequence[Reading], context: Context) -> Iterator[Finding]:
    for level, name in _LEVELS:
        rule = context.rule(subject, name)
        if not rule.speaks:
            continue
        for reading in readings:
            hold = rule.holds(_is_low, reading, level)
            if hold is None:
                continue
            yield Finding(
                kind="glucose",
                rule=rule.id,
                severity=rule.severity,
                pages=rule.severity if context.timely(reading) else 0,
                key="hypoglycaemia",
                params={
                    "value": shown(reading),
                    "limit": rule.raises["glucose"],
                    "level": level,
                    "qualifier": reading.qualifier,
                    **_medicines(subject),
                },
                evidence=(reading,),
                hold=hold,
            )
            if hold == "raise":
                return


def _medicines(subject: Subject) -> dict[str, list[str]]:
    """Those with which it falls further, and comes back after it was treated."""
    taken = subject.client.record.medicines if subject.client else ()
    found: list[str] = [name for name in taken if name in ("insulin", "sulfonylurea")]
    return {"medicines": found} if found else {}


def _is_low(limits: Level, reading: Reading, level: int) -> bool:
    unmeasurable = level == 2 and reading.qualifier == Qualifier.BELOW
    return unmeasurable or is_below(reading, limits["glucose"])
