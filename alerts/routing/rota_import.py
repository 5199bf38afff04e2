"""Taking a rota over into the database: all of it, or nothing.

The shifts of the document's teams that start in its days become those of the document, with what
the desk has changed; what has been served until now stays as it was. The same document again
changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.routing.rota import Gap, Rota, RotaError, Shift, gaps, shifts
from alerts.routing.rota_changes import RotaChange, apply
from core.database import REGISTRY_CHANNEL, ROTA, Connection, load_queries, translated

_queries = load_queries("alerts")
_Key = tuple[str, str, datetime, datetime]
"""Team, member, start, end."""


@dataclass(frozen=True)
class RotaReport:
    """What an import did."""

    shifts: int
    """In force from now on, in the document's days."""
    added: int
    removed: int
    """Of those that were there: taken out, or ended now."""
    changes: int
    """Of the desk, not over yet: they stand."""
    gaps: list[Gap]
    """When nobody is on duty for a team of the document, from now to its end."""


async def import_rota(connection: Connection, rota: Rota, *, now: datetime) -> RotaReport:
    """Take `rota` over in one transaction; `now` is aware.

    Raises:
        RotaError: it names somebody who is not registered or cannot be on duty; nothing is written.
    """
    async with translated(), connection.transaction():
        await _queries.lock_rota(connection)
        teams = await _check_names(connection, rota)
        known = [
            row
            async for row in _queries.shifts_from(
                connection, teams=teams, since=max(now, rota.since)
            )
        ]
        before = [row for row in known if rota.since <= row["start"] < rota.until]
        others = [row for row in known if not rota.since <= row["start"] < rota.until]
        rows = _queries.rota_changes(connection, teams=teams, now=now)
        changes = [RotaChange(**dict(row)) async for row in rows]
        within = [
            one._replace(start=max(one.start, rota.since))
            for one in changes
            if rota.since < one.end and one.start < rota.until
        ]
        made = apply(shifts(rota), within)
        wanted = {key for one in made for key in _left_of(one, others, now)}
        # Whoever stays on duty is not relieved and called back.
        there = {(r["team"], r["member"], max(r["start"], now), r["end"]): r for r in before}
        gone = [row for key, row in there.items() if key not in wanted]
        new = sorted(wanted - there.keys())
        await _queries.end_shifts(
            connection, ids=[row["id"] for row in gone if row["start"] < now], now=now
        )
        await _queries.remove_shifts(
            connection, ids=[row["id"] for row in gone if row["start"] >= now]
        )
        await _queries.add_shifts(
            connection,
            teams=[key[0] for key in new],
            members=[key[1] for key in new],
            starts=[key[2] for key in new],
            ends=[key[3] for key in new],
        )
        await load_queries("core").notify_registry_of(
            connection, channel=REGISTRY_CHANNEL, what=ROTA
        )
        after = [
            Shift(row["team"], row["member"], row["start"], row["end"])
            async for row in _queries.shifts_from(connection, teams=teams, since=now)
        ]
    since = max(now, rota.since)
    uncovered = gaps(after, rota.teams, since, rota.until) if since < rota.until else []
    return RotaReport(len(wanted), len(new), len(gone), len(within), uncovered)


def _left_of(shift: Shift, others: list[Any], now: datetime) -> list[_Key]:
    """What of a shift lies ahead, less what the rota before or after this one has them serve."""
    start, end = max(shift.start, now), shift.end
    for row in others:
        if (row["team"], row["member"]) == (shift.team, shift.member):
            if row["start"] <= start < row["end"]:
                start = row["end"]
            elif start < row["start"] < end:
                end = row["start"]
    return [(shift.team, shift.member, start, end)] if start < end else []


async def on_duty(connection: Connection, *, at: datetime) -> list[dict[str, object]]:
    """Who is on duty at `at`: team, member, display_name, start, end."""
    async with translated():
        return [dict(row) async for row in _queries.on_duty(connection, at=at)]


async def _check_names(connection: Connection, rota: Rota) -> list[int]:
    teams = {
        row["name"]: row["id"] async for row in _queries.rota_teams(connection, names=rota.teams)
    }
    for name in rota.teams:
        if name not in teams:
            raise RotaError(f"The rota names team {name!r}, which is not registered.")
    members = {
        row["username"]: row
        async for row in _queries.rota_members(connection, usernames=rota.members)
    }
    for name in rota.members:
        if name not in members:
            raise RotaError(f"The rota names member {name!r}, who is not registered.")
        if members[name]["disabled"]:
            raise RotaError(f"The rota names member {name!r}, whose login is closed.")
        if members[name]["role"] in ("operator", "administrator"):
            raise RotaError(
                f"The rota names {name!r}: an operator sees no clients, so is not on duty."
            )
    return list(teams.values())
