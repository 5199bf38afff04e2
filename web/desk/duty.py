"""From shifts to who is on duty now, who is next, and when nobody is. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from alerts.routing.rota import Gap, Shift, gaps, in_utc
from core.clock import LOCAL

DAYS = 14
"""Shown ahead, today included."""


@dataclass(frozen=True, slots=True)
class OnRota:
    """A shift, with what it is addressed by."""

    id: int
    team: int
    member: int
    name: str
    """The member's."""
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Part:
    """What of a shift is on one day."""

    shift: OnRota
    start: datetime
    end: datetime


@dataclass(slots=True)
class Day:
    """One day of a team, county time."""

    date: date
    start: datetime
    end: datetime
    """23 or 25 hours later when the clocks change."""
    parts: list[Part] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    """Of what of the day lies ahead."""


@dataclass(slots=True)
class Duty:
    """One team."""

    now: list[OnRota]
    """On duty now, whoever is longest first."""
    next: OnRota | None
    """Who begins next."""
    days: list[Day]
    gaps: list[Gap]
    """When nobody is on duty, from now to the last of the days."""

    @property
    def empty(self) -> bool:
        """It has no shift at all: no rota was taken over for it."""
        return not self.now and self.next is None


def horizon(now: datetime) -> list[tuple[date, datetime, datetime]]:
    """The days shown: each with its beginning and its end."""
    today = now.astimezone(LOCAL).date()
    edges = [_midnight(today + timedelta(days=number)) for number in range(DAYS + 1)]
    return [
        (today + timedelta(days=number), edges[number], edges[number + 1]) for number in range(DAYS)
    ]


def duties(teams: Iterable[int], shifts: Sequence[OnRota], now: datetime) -> Mapping[int, Duty]:
    """By team."""
    days = horizon(now)
    found = {}
    for team in teams:
        mine = sorted(
            (one for one in shifts if one.team == team and one.end > days[0][1]),
            key=lambda one: (one.start, one.name, one.id),
        )
        ahead = [one for one in mine if one.end > now]
        served = [Shift(str(team), str(one.member), one.start, one.end) for one in ahead]
        lacking = gaps(served, [str(team)], now, days[-1][2])
        found[team] = Duty(
            now=[one for one in ahead if one.start <= now],
            next=next((one for one in ahead if one.start > now), None),
            days=[_day(day, start, end, mine, lacking) for day, start, end in days],
            gaps=lacking,
        )
    return found


def _day(
    day: date, start: datetime, end: datetime, shifts: Sequence[OnRota], lacking: Sequence[Gap]
) -> Day:
    return Day(
        day,
        start,
        end,
        [
            Part(one, max(one.start, start), min(one.end, end))
            for one in shifts
            if one.start < end and start < one.end
        ],
        [
            Gap(one.team, max(one.start, start), min(one.end, end))
            for one in lacking
            if one.start < end and start < one.end
        ],
    )


def _midnight(day: date) -> datetime:
    return in_utc(datetime.combine(day, time()))
