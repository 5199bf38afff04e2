"""What a member does on the way to a client and with them, before the episode is closed.

Each is one transaction with its event, as in `alerts.handling`. Who says that they are coming has
the episode: on the way and there take it on where nobody has it, and begin the lease anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, get_args

from alerts.delivery.outbox import Message, enqueue
from alerts.handling.holding import (
    lease,
    lock,
    record,
    refuse_closed,
    refuse_held_by_another,
    refuse_stale,
    refuse_unless_held,
    take,
    tell_home,
)
from alerts.handling.refused import MAX_NOTE, NoteTooLongError
from core.database import EPISODE_CHANNEL, RIGHTS_CHANGED, Connection, load_queries, translated
from core.errors import UserError

Tried = Literal["phone", "door", "intercom", "remote_visit"]
"""How nobody was reached."""
TRIED: tuple[str, ...] = get_args(Tried)
MAX_MINUTES = 600
"""Longest way, in minutes."""

_queries = load_queries("alerts")


class NobodyToAskError(UserError):
    """Nothing was changed; no team offers that service."""

    def __init__(self) -> None:
        super().__init__("No team offers that service: choose another, or call the duty desk.")


async def on_way(
    connection: Connection,
    *,
    episode: int,
    member: int,
    now: datetime,
    minutes: int | None = None,
    made_at: datetime | None = None,
) -> int:
    """The member is on the way, `minutes` from the client as they reckon. Returns the version.

    Raises:
        NotFoundError, AlreadyTakenError, AlreadyClosedError, TooLateError: as for
            `handling.acknowledge`.
    """
    if minutes is not None and not 0 <= minutes <= MAX_MINUTES:
        raise UserError(f"A way takes between 0 and {MAX_MINUTES} minutes.")
    detail = {} if minutes is None else {"minutes": minutes}
    return await _come(connection, "on_way", episode, member, now, made_at, detail)


async def arrived(
    connection: Connection,
    *,
    episode: int,
    member: int,
    now: datetime,
    made_at: datetime | None = None,
) -> int:
    """The member is at the door. Returns the version.

    Raises:
        NotFoundError, AlreadyTakenError, AlreadyClosedError, TooLateError: as for
            `handling.acknowledge`.
    """
    return await _come(connection, "arrived", episode, member, now, made_at, {})


async def _come(
    connection: Connection,
    what: str,
    episode: int,
    member: int,
    now: datetime,
    made_at: datetime | None,
    detail: Mapping[str, Any],
) -> int:
    async with translated(), connection.transaction():
        found = await lock(connection, episode=episode, member=member, now=now, made_at=made_at)
        refuse_closed(found)
        refuse_held_by_another(found, member)
        if found["acknowledged_by"] is None:
            await take(connection, found, member, now)
            found["acknowledged_at"] = now
        refuse_stale(found, now)
        version = await lease(connection, found, member, now, what, detail)
        await tell_home(connection, found, now)
        return version


async def not_reached(
    connection: Connection,
    *,
    episode: int,
    member: int,
    now: datetime,
    how: str,
    note: str = "",
    made_at: datetime | None = None,
) -> int:
    """Record that the member tried to reach the client, and nobody answered. Returns the version.

    Raises:
        UserError: no such way; NoteTooLongError.
        NotFoundError, AlreadyClosedError: as for `handling.acknowledge`.
    """
    if how not in TRIED:
        raise UserError(f"Somebody is tried in one of these ways: {', '.join(TRIED)}.")
    detail = {"how": how, "note": note}
    return await _say(connection, "not_reached", episode, member, now, made_at, detail)


async def note(
    connection: Connection,
    *,
    episode: int,
    member: int,
    now: datetime,
    note: str,
    made_at: datetime | None = None,
) -> int:
    """Add a note to an open episode. Returns the version.

    Raises:
        UserError: it is empty; NoteTooLongError.
        NotFoundError, AlreadyClosedError: as for `handling.acknowledge`.
    """
    if not note:
        raise UserError("The note is empty: write something first.")
    return await _say(connection, "noted", episode, member, now, made_at, {"note": note})


async def remote_visit(
    connection: Connection,
    *,
    episode: int,
    member: int,
    now: datetime,
    made_at: datetime | None = None,
) -> int:
    """Record that a remote visit was begun: the client's link was opened. Returns the version.

    Raises:
        NotFoundError, AlreadyClosedError: as for `handling.acknowledge`.
    """
    return await _say(connection, "remote_visit", episode, member, now, made_at, {})


async def _say(
    connection: Connection,
    what: str,
    episode: int,
    member: int,
    now: datetime,
    made_at: datetime | None,
    detail: Mapping[str, Any],
) -> int:
    if len(detail.get("note", "")) > MAX_NOTE:
        raise NoteTooLongError(len(detail["note"]))
    async with translated(), connection.transaction():
        found = await lock(connection, episode=episode, member=member, now=now, made_at=made_at)
        refuse_closed(found)
        version = await _queries.raise_version(connection, episode=episode, now=now)
        await record(connection, found, what, member, now, detail)
        return int(version)


async def observed(
    connection: Connection,
    *,
    episode: int,
    member: int,
    now: datetime,
    readings: Sequence[Mapping[str, Any]],
    made_at: datetime | None = None,
) -> int:
    """Record that readings were entered with an episode; `core.entered` has stored them.

    `readings` are {metric, value}. The engine scores them as it does every reading. Returns the
    version.

    Raises:
        NotFoundError: there is no such episode that the member may see.
    """
    async with translated(), connection.transaction():
        found = await lock(connection, episode=episode, member=member, now=now, made_at=made_at)
        version = await _queries.raise_version(connection, episode=episode, now=now)
        detail = {"readings": [dict(one) for one in readings]}
        await record(connection, found, "observed", member, now, detail)
        return int(version)


async def ask(
    connection: Connection,
    *,
    episode: int,
    member: int,
    now: datetime,
    service: str,
    note: str,
    made_at: datetime | None = None,
) -> int:
    """Ask another profession about an episode: the case stays one, and with whoever has it.

    Whoever is on duty for a team of that `service` in the client's area is called and may see the
    client from then on; where nobody is, the desk is called. Returns the version.

    Args:
        service: a service of a team in the registry. note: what is asked, at most MAX_NOTE.

    Raises:
        UserError: nothing is asked; NoteTooLongError; NobodyToAskError: no such service.
        NotFoundError, AlreadyClosedError: as for `handling.acknowledge`.
        NotHeldError: the member does not have it, and is not of the desk.
    """
    if not note:
        raise UserError("Nothing is asked: write the question first.")
    if len(note) > MAX_NOTE:
        raise NoteTooLongError(len(note))
    async with translated(), connection.transaction():
        found = await lock(connection, episode=episode, member=member, now=now, made_at=made_at)
        refuse_closed(found)
        refuse_unless_held(found, member, or_desk=True)
        if not await _queries.is_service(connection, service=service):
            raise NobodyToAskError
        rows = _queries.on_duty_for(connection, episode=episode, service=service, now=now)
        asked = [row["member"] async for row in rows if row["member"] != member]
        version = await _queries.raise_version(connection, episode=episode, now=now)
        event = await record(
            connection, found, "asked", member, now, {"service": service, "note": note}
        )
        number = await _queries.timer_round(connection, episode=episode)
        text = f"{number}.asked-{event}"
        for other in asked or (None,):
            detail = {
                "round": number,
                "step": "asked" if other is not None else "desk",
                "message": text,
                "severity": found["severity"],
            }
            if other is None:
                detail["reasons"] = ["nobody_to_ask"]
            await record(connection, found, "called", other, now, detail)
        severity = int(found["severity"])
        await enqueue(
            connection,
            [Message(episode, text, other, severity, "page") for other in asked or (None,)],
            now=now,
        )
        await _queries.notify_rights(connection, channel=EPISODE_CHANNEL, payload=RIGHTS_CHANGED)
        return int(version)
