"""The home: rooms too cold or too hot, and an outside door at night without a return."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from alerts.finding import Finding, Reading, rfc3339
from alerts.rules.rule import Level
from alerts.subjects.subject import Context, Subject, is_above, is_below, shown
from core.clock import LOCAL

ROOM = "room_temperature"
DOOR = "door"
OUTSIDE = ("front", "front door", "back", "back door", "outside", "outside door", "entrance")
"""Locations of doors that lead out, in lower case."""
_COLD = ("room_cold",)
_RULES = {True: ("room_cold", "room_warm"), False: ("room_hot",)}
"""In the heating season, and outside it."""


def assess_rooms(subjects: Sequence[Subject], context: Context) -> Iterator[tuple[int, Finding]]:
    """One finding for each room, of those subjects of whom a temperature is new."""
    month = context.now.astimezone(LOCAL).month
    for index, subject in enumerate(subjects):
        for reading in _newest_by_device(subject.slow.get(ROOM, ()), context):
            finding = _room(subject, reading, month, context)
            if finding is not None:
                yield index, finding


def _newest_by_device(readings: Sequence[Reading], context: Context) -> Iterator[Reading]:
    seen: set[int] = set()
    for one in readings:
        if one.device not in seen:
            seen.add(one.device)
            yield one


def _room(subject: Subject, reading: Reading, month: int, context: Context) -> Finding | None:
    season = context.rule(subject, "room_cold").limits
    heated = month >= season["first_month"] or month <= season["last_month"]
    for name in _RULES[heated]:
        rule = context.rule(subject, name)
        hold = rule.holds(_outside, reading, name) if rule.speaks else None
        if hold is None:
            continue
        frail = context.rule(subject, "room_frail")
        severity = frail.severity if subject.frail and frail.speaks else rule.severity
        return Finding(
            kind="room",
            origin=f"device {reading.device}",
            rule=rule.id,
            severity=severity,
            pages=severity if context.timely(reading) else 0,
            key="room_cold" if name in _COLD else "room_hot",
            params={
                "value": shown(reading),
                "limit": rule.raises["temperature"],
                "frail": severity != rule.severity,
            },
            evidence=(reading,),
            hold=hold,
        )
    return None


def _outside(level: Level, reading: Reading, name: str) -> bool:
    beyond = is_below if name in _COLD else is_above
    return beyond(reading, level["temperature"])


def assess_doors(
    subjects: Sequence[Subject], context: Context
) -> Iterator[tuple[int, Finding | datetime]]:
    """Of those for whom a clinician asked for it: went out at night and is not back."""
    for index, subject in enumerate(subjects):
        rule = context.rule(subject, "outside_door")
        doors = subject.slow.get(DOOR)
        if not doors or not rule.speaks:
            continue
        last = doors[0]
        hour = last.time.astimezone(LOCAL).hour
        start, end = rule.limits["from_hour"], rule.limits["until_hour"]
        night = hour >= start or hour < end if start > end else start <= hour < end
        # Closing the door behind oneself still moves the air: what comes soon after is going out.
        back = subject.back_at is not None and subject.back_at > last.time + timedelta(
            minutes=rule.limits["leaving_min"]
        )
        if not night or back:
            continue
        late = last.time + timedelta(minutes=rule.limits["away_min"])
        if context.now < late:
            yield index, late
            continue
        yield (
            index,
            Finding(
                kind="door",
                rule=rule.id,
                severity=rule.severity,
                pages=rule.severity if context.timely(last) else 0,
                key="outside_door",
                params={"since": rfc3339(last.time)},
                evidence=(last,),
            ),
        )
