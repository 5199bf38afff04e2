"""What routing goes by, read in one go for all timers that are due."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from alerts.routing.escalation import Called
from alerts.routing.routing import Case, Duty, Team
from alerts.routing.travel import Place
from core.clock import wall_time
from core.database import Connection, load_queries

ALIVE = timedelta(minutes=2)
"""Wall time since a page of theirs last gave a sign of life within which a member is there."""

_queries = load_queries("alerts")


@dataclass(slots=True)
class Timer:
    """A timer that is due, with what it needs of its episode."""

    episode: int
    round: int
    calls: int
    reminders: int
    reminded_at: datetime | None
    severity: int
    """Of the episode, or of a review where it has cleared."""
    held_by: int | None
    held_since: datetime | None
    held_until: datetime | None


@dataclass(slots=True)
class Facts:
    """What is known for routing, at one moment, of several episodes."""

    cases: dict[int, Case] = field(default_factory=dict)
    teams: dict[int, Team] = field(default_factory=dict)
    duties: list[Duty] = field(default_factory=list)
    called: dict[int, list[Called]] = field(default_factory=lambda: defaultdict(list))
    declined: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))


async def load_facts(connection: Connection, timers: Sequence[Timer], now: datetime) -> Facts:
    """What is known now of the episodes of these timers."""
    facts = Facts()
    severities = {one.episode: one.severity for one in timers}
    alive = wall_time() - ALIVE
    async for row in _queries.cases(connection, episodes=list(severities), now=now):
        facts.cases[row["episode"]] = Case(
            episode=row["episode"],
            severity=severities[row["episode"]],
            home=row["home"],
            area=row["area"],
            place=_place(row),
            teams=frozenset(row["teams"]),
        )
    async for row in _queries.routed_teams(connection):
        facts.teams[row["id"]] = Team(
            row["id"], row["service"], frozenset(row["areas"]), _place(row)
        )
    async for row in _queries.duties(connection, now=now, alive_since=alive):
        facts.duties.append(
            Duty(
                member=row["member"],
                teams=frozenset(row["teams"]),
                reachable=row["reachable"],
                emergencies=frozenset(row["emergencies"]),
                place=_place(row),
            )
        )
    rows = _queries.called(
        connection,
        episodes=[one.episode for one in timers],
        rounds=[one.round for one in timers],
        alive_since=alive,
    )
    async for row in rows:
        if row["declined"]:
            facts.declined[row["episode"]].add(row["member"])
        else:
            called = Called(row["member"], row["at"], row["reached"], row["seen"])
            facts.called[row["episode"]].append(called)
    return facts


def _place(row: Any) -> Place | None:
    if row["latitude"] is None or row["longitude"] is None:
        return None
    return Place(row["latitude"], row["longitude"])
