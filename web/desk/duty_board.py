"""Who is on duty now and when nobody is, in words, as the page and the API have it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from alerts.routing.rota import Gap
from core.database import Connection, load_queries
from web.desk.duty import Duty, OnRota, duties, horizon
from web.i18n import Texts
from web.words import service_name

SHOWN = 30
"""Gaps listed; the rest are counted."""


class Serving(msgspec.Struct, forbid_unknown_fields=True):
    """Somebody on duty, or next."""

    name: str
    at: datetime
    """Until when; who is next: from when."""
    said: str
    """The same in words."""


class TeamDuty(msgspec.Struct, forbid_unknown_fields=True):
    """One team."""

    id: int
    name: str
    service: str
    state: str
    """`served`; `unserved`: nobody is on duty; `empty`: it has no rota."""
    now: list[Serving]
    next: Serving | None
    gaps: int
    """Within a fortnight."""


class DutyGap(msgspec.Struct, forbid_unknown_fields=True):
    """Nobody is on duty for a team."""

    team: int
    name: str
    start: datetime
    end: datetime
    said: str


class DutyBoard(msgspec.Struct, forbid_unknown_fields=True):
    """Who is on duty."""

    teams: list[TeamDuty]
    gaps: list[DutyGap]
    """Within a fortnight, the first first; teams without any rota are not among them."""
    more: int
    """Gaps besides these."""
    version: str
    """Another where the fortnight's shifts are other ones."""
    time: datetime


@dataclass(frozen=True)
class DutyFound:
    """What was read, before it is put into words."""

    teams: Sequence[Mapping[str, Any]]
    duties: Mapping[int, Duty]
    version: str


async def read_duty(connection: Connection, now: datetime) -> DutyFound:
    """The coming fortnight of every team."""
    queries = load_queries("web")
    days = horizon(now)
    teams = [dict(row) async for row in queries.rota_teams_named(connection)]
    rows = queries.rota_of(connection, since=days[0][1], until=days[-1][2])
    shifts = [OnRota(**dict(row)) async for row in rows]
    version = hashlib.sha256(repr(shifts).encode()).hexdigest()[:16]
    return DutyFound(teams, duties([team["id"] for team in teams], shifts, now), version)


def duty_board(found: DutyFound, text: Texts, now: datetime) -> DutyBoard:
    """The same in the words of one language."""
    names = {team["id"]: team["name"] for team in found.teams}
    lacking = sorted(
        (gap for duty in found.duties.values() if not duty.empty for gap in duty.gaps),
        key=lambda gap: (gap.start, names[int(gap.team)]),
    )
    return DutyBoard(
        teams=[_team(team, found.duties[team["id"]], text, now) for team in found.teams],
        gaps=[_gap(gap, names, text, now) for gap in lacking[:SHOWN]],
        more=max(0, len(lacking) - SHOWN),
        version=found.version,
        time=now,
    )


def _team(team: Mapping[str, Any], duty: Duty, text: Texts, now: datetime) -> TeamDuty:
    return TeamDuty(
        id=team["id"],
        name=team["name"],
        service=service_name(text, team["service"]),
        state="empty" if duty.empty else "served" if duty.now else "unserved",
        now=[
            Serving(
                one.name,
                one.end,
                text.gettext("until %(time)s", time=text.moment(one.end, now)),
            )
            for one in duty.now
        ],
        next=None if duty.next is None else _next(duty.next, text, now),
        gaps=0 if duty.empty else len(duty.gaps),
    )


def _next(one: OnRota, text: Texts, now: datetime) -> Serving:
    said = text.gettext("from %(time)s", time=text.moment(one.start, now))
    return Serving(one.name, one.start, said)


def _gap(gap: Gap, names: Mapping[int, str], text: Texts, now: datetime) -> DutyGap:
    team = int(gap.team)
    start = text.gettext("now") if gap.start <= now else text.date_time(gap.start)
    return DutyGap(team, names[team], gap.start, gap.end, f"{start} – {text.date_time(gap.end)}")
