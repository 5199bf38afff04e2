"""Having an episode: locking it, the lease, telling the others, and the event that records it.

What `alerts.handling` and `alerts.handling.visit` do with an episode is made of these; all are part
of the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from alerts.delivery.outbox import HOME, Message, What, enqueue
from alerts.episodes.listing import NOT_FOUND
from alerts.finding import LIFE_SAFETY, rfc3339
from alerts.routing.escalation import pages_as
from alerts.routing.in_force import values_in_force
from alerts.routing.values import Urgency, Values
from core.clock import LOCAL, wall_time
from core.database import EPISODE_CHANNEL, Connection, load_queries
from core.errors import ConflictError, NotFoundError

LATE = timedelta(minutes=1)
"""From this age on an event says when it was done besides when it was applied."""

_queries = load_queries("alerts")


class AlreadyTakenError(ConflictError):
    """Somebody else has acknowledged it; `name`, `at` for a sentence in the reader's language."""

    def __init__(self, name: str, at: datetime) -> None:
        self.name = name
        self.at = at
        super().__init__(
            f"{name} took this alert at {_clock_time(at)}: agree with them who goes on with it."
        )


class AlreadyClosedError(ConflictError):
    """It is closed; `name`, `at` and `outcome` for a sentence in the reader's language."""

    def __init__(self, name: str, at: datetime, outcome: str) -> None:
        self.name = name
        self.at = at
        self.outcome = outcome
        super().__init__(
            f'{name} closed this alert as "{outcome}" at {_clock_time(at)}: nothing more is to be '
            "done with it."
        )


class NotHeldError(ConflictError):
    """Nothing was changed; the member does not have the episode (any more)."""

    def __init__(self) -> None:
        super().__init__(
            "You do not have this alert, or not any more: look who has it, or acknowledge it."
        )


class TooLateError(ConflictError):
    """Nothing was changed; what was done at `made_at` would not hold any more."""

    def __init__(self, made_at: datetime) -> None:
        self.made_at = made_at
        super().__init__(
            f"What you did at {_clock_time(made_at)} came here too late to still hold: take the "
            "alert again if you go on with it."
        )


async def take(connection: Connection, found: Any, member: int, now: datetime) -> int:
    """Acknowledge what nobody has, and tell those who were called, and the home.

    Raises:
        TooLateError: it was done so long ago that the lease would be over.
    """
    refuse_stale(found, now)
    version = await lease(connection, found, member, now, "acknowledged")
    await tell(connection, found, now, besides=(member,))
    await tell_home(connection, found, now)
    return version


async def go_on(connection: Connection, found: Any, member: int, now: datetime) -> int:
    """Renew what one has; who confirms what was handed over is somebody who is coming.

    Raises:
        TooLateError: it was done so long ago that the lease would be over.
    """
    refuse_stale(found, now)
    version = await lease(connection, found, member, now, "renewed")
    await tell_home(connection, found, now)
    return version


async def tell_home(connection: Connection, found: Any, now: datetime) -> None:
    """Tell the home that called for help that somebody is coming, the one that wished for a call
    that somebody will ring; once a round.
    """
    what: What = "call_coming" if found["kind"] == "call_request" else "help_coming"
    if found["kind"] in (*LIFE_SAFETY, "call_request"):
        number = await _queries.timer_round(connection, episode=found["id"])
        step = f"{number}.{what.replace('_', '-')}"
        coming = Message(found["id"], step, None, int(found["severity"]), what, HOME)
        await enqueue(connection, [coming], now=now)


async def lease(
    connection: Connection,
    found: Any,
    member: int,
    now: datetime,
    what: str,
    detail: Mapping[str, Any] | None = None,
) -> int:
    """Let the member have it for a lease from now; `what` is the event. Returns its version."""
    episode = found["id"]
    until = now + urgency(found).lease
    since = now if what == "acknowledged" else found["acknowledged_at"]
    version = await _queries.acknowledge(
        connection, episode=episode, member=member, since=since, now=now, until=until
    )
    await _queries.set_lease(connection, episode=episode, until=until)
    told = {**(detail or {}), "severity": found["severity"], "until": rfc3339(until)}
    await record(connection, found, what, member, now, told)
    return int(version)


def refuse_stale(found: Any, now: datetime) -> None:
    """What somebody took on long ago, out of reach, has been done by others or is over by now."""
    made_at = found["made_at"]
    if made_at is not None and now - made_at > urgency(found).lease:
        raise TooLateError(made_at)


def urgency(found: Any) -> Urgency:
    """How long things are waited for with an episode as it stands."""
    severity = pages_as(found["severity"], cleared=found["cleared_at"] is not None)
    values: Values = found["values"]
    return values.of(severity)


async def tell(
    connection: Connection, found: Any, now: datetime, *, besides: Iterable[int]
) -> None:
    """Tell those who were called about it in this round that somebody has it."""
    others = [
        row async for row in _queries.called_besides(
            connection, episode=found["id"], besides=list(besides)
        )
    ]  # fmt: skip
    await enqueue(
        connection,
        [
            Message(
                found["id"], f"{row['round']}.stood-down", row["member"], int(found["severity"]),
                "stand_down",
            )
            for row in others
        ],
        now=now,
    )  # fmt: skip


async def lock(
    connection: Connection,
    *,
    episode: int,
    member: int,
    now: datetime,
    made_at: datetime | None = None,
) -> dict[str, Any]:
    """The episode, held until the end of the transaction, with `made_at` for its events.

    Raises:
        NotFoundError: there is none that the member may see.
    """
    found = await _queries.lock_for_member(connection, episode=episode, member=member, now=now)
    if found is None:
        raise NotFoundError(NOT_FOUND)
    # Read after the wait for the lock: what others did meanwhile counts.
    standing = await _queries.standing(connection, episode=episode)
    values = await values_in_force(connection)
    return {**found, **standing, "made_at": made_at, "values": values}


def refuse_closed(found: Any) -> None:
    """Nothing more is done with an episode that is closed."""
    if found["closed_at"] is not None:
        raise AlreadyClosedError(found["closed_by_name"], found["closed_at"], found["outcome"])


def refuse_held_by_another(found: Any, member: int) -> None:
    """Only who has it, or may take it on, goes on."""
    if found["acknowledged_by"] not in (None, member):
        raise AlreadyTakenError(found["acknowledged_by_name"], found["acknowledged_at"])


def refuse_unless_held(found: Any, member: int, *, or_desk: bool = False) -> None:
    """Only who has it goes on; or, for what the desk may do to anybody's, the desk."""
    if found["acknowledged_by"] != member and not (or_desk and found["role"] == "coordinator"):
        raise NotHeldError


async def record(
    connection: Connection,
    found: Any,
    what: str,
    member: int | None,
    now: datetime,
    detail: Mapping[str, Any],
) -> int:
    """Write an event of an episode that is locked; its id."""
    made_at, episode = found["made_at"], found["id"]
    if made_at is not None and now - made_at >= LATE:
        detail = {**detail, "made_at": rfc3339(made_at)}
    event: int = await _queries.record_event(
        connection,
        episode=episode,
        at=now,
        wall_at=wall_time(),
        what=what,
        member=member,
        detail=dict(detail),
    )
    await _queries.notify(connection, channel=EPISODE_CHANNEL, ids=[episode])
    return event


def _clock_time(moment: datetime) -> str:
    return moment.astimezone(LOCAL).strftime("%H:%M")
