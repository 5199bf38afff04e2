"""What the desk changed of a rota stands when the rota is taken over again. Pure.

A change says that from `start` until `end` one member of a team does not serve, or another does.
Both are true of the result however often they are applied, so a rota that has them already is not
changed by them, and one that does not know of them is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from alerts.routing.rota import Shift

_Span = tuple[datetime, datetime]


class RotaChange(NamedTuple):
    """One change of the desk (UTC)."""

    team: str
    relieved: str | None
    serving: str | None
    start: datetime
    end: datetime


def apply(shifts: Iterable[Shift], changes: Iterable[RotaChange]) -> list[Shift]:
    """The shifts as the desk has changed them since, by team, member and time.

    Args:
        changes: in the order in which they were made.
    """
    spans: dict[tuple[str, str], list[_Span]] = defaultdict(list)
    for one in shifts:
        spans[one.team, one.member].append((one.start, one.end))
    for change in changes:
        span = (change.start, change.end)
        if change.relieved is not None:
            key = (change.team, change.relieved)
            spans[key] = _without(spans[key], span)
        if change.serving is not None:
            key = (change.team, change.serving)
            spans[key] = _with(spans[key], span)
    return [
        Shift(team, member, start, end)
        for (team, member), served in sorted(spans.items())
        for start, end in sorted(served)
    ]


def _without(served: list[_Span], span: _Span) -> list[_Span]:
    first, last = span
    left = [
        part
        for start, end in served
        for part in ((start, min(end, first)), (max(start, last), end))
        if part[0] < part[1]
    ]
    return list(dict.fromkeys(left))


def _with(served: list[_Span], span: _Span) -> list[_Span]:
    """Those that touch are one."""
    first, last = span
    apart = [one for one in served if one[1] < first or last < one[0]]
    near = [one for one in served if one not in apart]
    return [*apart, (min([first, *(s for s, _ in near)]), max([last, *(e for _, e in near)]))]
