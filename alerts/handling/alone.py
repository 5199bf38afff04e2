"""A member alone in a home: a timer that calls the desk unless they say in time that they are out.

The timer is a row of the database and runs whatever becomes of the phone. When it is over, the
alert worker records it with the episode that the visit is about and pages the desk, again and
again, until the member has ended it. It ends with nothing else: closing the episode does not mean
that they have left.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from alerts.delivery.outbox import Message, enqueue
from alerts.finding import Severity, rfc3339
from alerts.handling.holding import lock, record
from core.clock import wall_time
from core.database import EPISODE_CHANNEL, Connection, load_queries, translated
from core.errors import UserError

SHORTEST = timedelta(minutes=5)
LONGEST = timedelta(hours=4)
USUAL = timedelta(minutes=30)
AGAIN = timedelta(minutes=3)
"""How often the desk is told until it is ended, as about an emergency that nobody takes."""
MOST = 100

_queries = load_queries("alerts")
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Alone:
    """A running timer."""

    episode: int
    since: datetime
    due_at: datetime
    """When the desk is told; moves on each time it was."""
    told: int
    """How often it was."""


async def start(
    connection: Connection,
    *,
    episode: int,
    member: int,
    now: datetime,
    length: timedelta = USUAL,
    made_at: datetime | None = None,
) -> int:
    """Begin the member's timer, or let the running one end `length` from when this was done.

    Returns the episode's version.

    Raises:
        UserError: it is too short or too long.
        NotFoundError: there is no such episode that the member may see.
    """
    if not SHORTEST <= length <= LONGEST:
        raise UserError(
            f"The timer runs between {SHORTEST.seconds // 60} and {LONGEST.seconds // 60} minutes."
        )
    async with translated(), connection.transaction():
        found = await lock(connection, episode=episode, member=member, now=now, made_at=made_at)
        until = (made_at or now) + length
        await _queries.start_alone(
            connection, member=member, episode=episode, now=now, due_at=until
        )
        version = await _queries.raise_version(connection, episode=episode, now=now)
        await record(connection, found, "alone_started", member, now, {"until": rfc3339(until)})
        return int(version)


async def end(
    connection: Connection,
    *,
    episode: int,
    member: int,
    now: datetime,
    made_at: datetime | None = None,
) -> int:
    """The member is out and safe. Nothing is changed where no timer runs. Returns the version.

    Raises:
        NotFoundError: there is no such episode that the member may see.
    """
    async with translated(), connection.transaction():
        found = await lock(connection, episode=episode, member=member, now=now, made_at=made_at)
        ended = await _queries.end_alone(connection, member=member)
        if ended is None:
            return int(found["version"])
        version = await _queries.raise_version(connection, episode=episode, now=now)
        await record(connection, found, "alone_ended", member, now, {})
        return int(version)


async def running(connection: Connection, member: int) -> Alone | None:
    """The member's timer."""
    async with translated():
        row = await _queries.alone(connection, member=member)
    return None if row is None else Alone(**dict(row))


async def run_due(connection: Connection, *, now: datetime) -> int:
    """Tell the desk of each whose time is over, in the caller's transaction; how many those are.

    Where that fails the timers stay due, and nothing else is held up by it.
    """
    try:
        async with connection.transaction():
            return await _tell(connection, now)
    except Exception:
        if connection.is_closed():
            raise
        _log.exception("timers of members alone failed")
        return 0


async def _tell(connection: Connection, now: datetime) -> int:
    rows = [row async for row in _queries.claim_alone(connection, now=now, most=MOST)]
    for row in rows:
        await _queries.told_alone(connection, member=row["member"], due_at=now + AGAIN)
        await _queries.record_event(
            connection,
            episode=row["episode"],
            at=now,
            wall_at=wall_time(),
            what="alone_overdue",
            member=row["member"],
            detail={"since": rfc3339(row["since"])},
        )
    if rows:
        episodes = sorted({row["episode"] for row in rows})
        await enqueue(
            connection,
            [
                Message(
                    row["episode"],
                    f"alone-{row['member']}-{row['since']:%y%m%d%H%M%S}-{row['told'] + 1}",
                    None,
                    Severity.EMERGENCY,
                    "alone",
                )
                for row in rows
            ],
            now=now,
        )
        await _queries.raise_versions(connection, episodes=episodes)
        await _queries.notify(connection, channel=EPISODE_CHANNEL, ids=episodes)
    return len(rows)
