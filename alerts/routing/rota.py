"""The rota: weekly patterns and swaps in county time -> shifts in UTC, and the gaps in them. Pure.

    begins = 2026-11-30               # the first day on which a shift may start
    ends = 2027-03-01                 # the first day on which none does

    [[patterns]]
    teams = ["Home care west", "Home care east"]      # one member may serve several
    member = "maija"
    days = ["mon", "tue", "wed", "thu", "fri"]        # "holiday": public holidays
    start = "21:00"
    end = "07:00"                     # not after `start`: on the next day
    every_weeks = 2                   # 1 if left out
    week = 0                          # 0: the week of `begins`, 1: the week after it, …

    [[swaps]]
    member = "maija"                  # who is relieved
    to = "pekka"                      # who serves instead; left out: nobody, which leaves a gap
    start = 2026-12-24T21:00:00       # county time
    end = 2026-12-25T07:00:00
    teams = ["Home care west"]        # all of them if left out

A public holiday counts as a "holiday" and not as its weekday, so that a pattern says in one list
when it holds. Holidays are Finland's days off, the eves of Christmas and Midsummer with them
(library `holidays`, category public).

On the night when summer time begins 03:00-04:00 does not exist: a time in it is read with the
offset that was in force before (RFC 5545), so 03:30 is an hour later. When it ends 03:00-04:00
comes twice: a time in it is the first of the two. Both for a start and for an end, so whoever hands
over at 03:30 leaves neither a gap nor an overlap; a shift over that night is an hour shorter or
longer.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args

import holidays
import msgspec
from msgspec import Meta

from core.clock import LOCAL
from core.errors import UserError

LONGEST_DAYS = 400
"""A rota is for this many days at most: nobody plans further, and a typing error stays small."""
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"]
DAYS: tuple[Day, ...] = get_args(Day)
Name = Annotated[str, Meta(min_length=1, max_length=200)]
ClockTime = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""Hours and minutes, county time."""
_DAY = timedelta(days=1)


class RotaError(UserError):
    """The rota contradicts itself or the registry; says which entry, and why."""


class _Entry(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    pass


class Pattern(_Entry):
    """Shifts that come again every week, or every few weeks."""

    teams: Annotated[list[Name], Meta(min_length=1, max_length=100)]
    member: Name
    days: Annotated[list[Day], Meta(min_length=1, max_length=8)]
    start: ClockTime
    end: ClockTime
    every_weeks: Annotated[int, Meta(ge=1, le=52)] = 1
    week: Annotated[int, Meta(ge=0, le=51)] = 0


class Swap(_Entry):
    """From `start` to `end` somebody else serves, or nobody."""

    member: Name
    start: datetime
    end: datetime
    to: Name | None = None
    teams: Annotated[list[Name], Meta(max_length=100)] = []


class Rota(_Entry):
    """The whole document."""

    begins: date
    ends: date
    patterns: Annotated[list[Pattern], Meta(min_length=1, max_length=2000)]
    swaps: Annotated[list[Swap], Meta(max_length=2000)] = []

    @property
    def teams(self) -> list[str]:
        """Whose rota it is."""
        return sorted({team for pattern in self.patterns for team in pattern.teams})

    @property
    def members(self) -> list[str]:
        """Everybody who is named."""
        named = {pattern.member for pattern in self.patterns}
        named |= {swap.member for swap in self.swaps} | {swap.to for swap in self.swaps if swap.to}
        return sorted(named)

    @property
    def since(self) -> datetime:
        """The beginning of the first day."""
        return in_utc(datetime.combine(self.begins, time()))

    @property
    def until(self) -> datetime:
        """The end of the last day."""
        return in_utc(datetime.combine(self.ends, time()))


class Shift(NamedTuple):
    """A member is on duty for a team from `start` until before `end` (UTC)."""

    team: str
    member: str
    start: datetime
    end: datetime


class Gap(NamedTuple):
    """Nobody is on duty for a team from `start` until `end` (UTC)."""

    team: str
    start: datetime
    end: datetime


def parse_rota(text: str | bytes, *, form: Literal["json", "toml"] = "toml") -> Rota:
    """Read a rota.

    Raises:
        RotaError: it is not readable, or contradicts itself; says where.
    """
    try:
        if form == "toml":
            content: Any = tomllib.loads(text.decode() if isinstance(text, bytes) else text)
            rota = msgspec.convert(content, Rota)
        else:
            rota = msgspec.json.decode(text, type=Rota)
    except (msgspec.MsgspecError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RotaError(f"This is not a rota: {error}.") from error
    _check(rota)
    return rota


def read_rota(path: Path) -> Rota:
    """Read a rota from a .json or .toml file.

    Raises:
        RotaError: the file cannot be read, or is no rota.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise RotaError(f"{path} cannot be read: {error.strerror}.") from error
    try:
        return parse_rota(text, form="json" if path.suffix == ".json" else "toml")
    except RotaError as error:
        raise RotaError(f"{path}: {error}") from error


def shifts(rota: Rota) -> list[Shift]:
    """The shifts of a rota, by team, member and time; those that touch are one."""
    found: dict[tuple[str, str], list[tuple[datetime, datetime]]] = defaultdict(list)
    for pattern in rota.patterns:
        for start, end in _times(rota, pattern):
            for team in pattern.teams:
                found[team, pattern.member].append((start, end))
    for swap in rota.swaps:
        _swap(found, swap)
    return [
        Shift(team, member, start, end)
        for (team, member), spans in sorted(found.items())
        for start, end in _joined(spans)
    ]


def gaps(
    served: Iterable[Shift], teams: Collection[str], since: datetime, until: datetime
) -> list[Gap]:
    """When nobody is on duty for a team between `since` and `until`, by team and time."""
    spans: dict[str, list[tuple[datetime, datetime]]] = {team: [] for team in teams}
    for shift in served:
        if shift.team in spans:
            spans[shift.team].append((shift.start, shift.end))
    found = []
    for team in sorted(spans):
        covered = since
        for start, end in _joined(spans[team]):
            if start > covered:
                found.append(Gap(team, covered, min(start, until)))
            covered = end
            if covered >= until:
                break
        if covered < until:
            found.append(Gap(team, covered, until))
    return [gap for gap in found if gap.start < gap.end]


def is_holiday(day: date) -> bool:
    """Whether it is a day off in Finland."""
    return day in _holidays(day.year)


@cache
def _holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("FI", years=year))


def day_name(day: date) -> Day:
    """What a pattern calls this day."""
    return "holiday" if is_holiday(day) else DAYS[day.weekday()]


def in_utc(local: datetime) -> datetime:
    """A time of the county's clocks (or one with an offset of its own) in UTC."""
    return (local.replace(tzinfo=LOCAL) if local.tzinfo is None else local).astimezone(UTC)


def _times(rota: Rota, pattern: Pattern) -> Iterator[tuple[datetime, datetime]]:
    start, end = time.fromisoformat(pattern.start), time.fromisoformat(pattern.end)
    first_monday = rota.begins - _DAY * rota.begins.weekday()
    for number in range((rota.ends - rota.begins).days):
        day = rota.begins + _DAY * number
        week = (day - first_monday).days // 7
        if week % pattern.every_weeks != pattern.week or day_name(day) not in pattern.days:
            continue
        last = day if end > start else day + _DAY
        span = in_utc(datetime.combine(day, start)), in_utc(datetime.combine(last, end))
        if span[0] < span[1]:  # Not so of an hour that does not exist.
            yield span


def _swap(found: dict[tuple[str, str], list[tuple[datetime, datetime]]], swap: Swap) -> None:
    since, until = in_utc(swap.start), in_utc(swap.end)
    taken = False
    for team, member in list(found):
        if member != swap.member or (swap.teams and team not in swap.teams):
            continue
        kept: list[tuple[datetime, datetime]] = []
        for start, end in _joined(found[team, member]):
            first, last = max(start, since), min(end, until)
            if first >= last:
                kept.append((start, end))
                continue
            taken = True
            kept += [span for span in ((start, first), (last, end)) if span[0] < span[1]]
            if swap.to is not None:
                found[team, swap.to].append((first, last))
        found[team, member] = kept
    if not taken:
        raise RotaError(
            f"Swap of {swap.member!r} from {swap.start:%Y-%m-%d %H:%M}: they have no shift then "
            "that could be given away."
        )


def _joined(spans: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """The same times in as few spans as possible, in order."""
    joined: list[tuple[datetime, datetime]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _check(rota: Rota) -> None:
    if not rota.begins < rota.ends:
        raise RotaError(f"The rota ends ({rota.ends}) before it begins ({rota.begins}).")
    if not 1970 <= rota.begins.year <= 2200:
        raise RotaError(f"The rota begins in the year {rota.begins.year}: that cannot be meant.")
    if (rota.ends - rota.begins).days > LONGEST_DAYS:
        raise RotaError(
            f"The rota is for {(rota.ends - rota.begins).days} days: {LONGEST_DAYS} are the most."
        )
    for number, pattern in enumerate(rota.patterns, 1):
        if pattern.week >= pattern.every_weeks:
            raise RotaError(
                f"Pattern {number} ({pattern.member!r}) is for week {pattern.week} of every "
                f"{pattern.every_weeks}: weeks are counted from 0."
            )
    teams = set(rota.teams)
    for number, swap in enumerate(rota.swaps, 1):
        if in_utc(swap.start) >= in_utc(swap.end):
            raise RotaError(f"Swap {number} ({swap.member!r}) ends before it begins.")
        if unknown := sorted(set(swap.teams) - teams):
            raise RotaError(f"Swap {number} names team {unknown[0]!r}, of which there is no shift.")
        if swap.to == swap.member:
            raise RotaError(f"Swap {number} gives the shift of {swap.member!r} to themselves.")
    shifts(rota)  # A swap of a shift that does not exist.
