"""Pauses: hospital and holiday (nobody to be heard of), guests (another routine than usual).

Each has an end, so that nobody is forgotten in one, and who set it. What they suspend is the
alert engine's to say; help, smoke, carbon monoxide and fall are never paused.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core.database import PAUSES, REGISTRY_CHANNEL, Connection, load_queries, translated
from core.errors import NotFoundError, RegistryError
from core.registry import Pause, PauseKind
from core.registry_check import check_pauses


async def set_pause(
    connection: Connection,
    *,
    subject: int,
    kind: PauseKind,
    since: datetime,
    until: datetime,
    member: int | None,
    now: datetime,
) -> int:
    """Pause a client, or a home with everybody in it, from `since` to `until`; its id.

    Args:
        member: who sets it; None: an operator at the command line.

    Raises:
        RegistryError: it ends before it begins or before now, is too long, or runs into another
            of its kind.
        NotFoundError: there is no such subject.
    """
    check_pauses("This subject", [Pause(kind, since, until)])
    if until <= now:
        raise RegistryError("This pause would be over already: give it an end that is to come.")
    queries = load_queries("core")
    async with translated(), connection.transaction():
        await queries.lock_registry(connection)
        if not await queries.is_pausable(connection, subject=subject):
            raise NotFoundError("There is no such client or home: nothing was changed.")
        other = await queries.pause_at(
            connection, subject=subject, kind=kind, since=since, until=until
        )
        if other is not None:
            raise RegistryError(
                f"There is a {kind} pause from {other['since']:%F %R} to {other['until']:%F %R} "
                "UTC already: end that one, or let the other begin after it."
            )
        ident: int = await queries.add_pause(
            connection,
            subject=subject, kind=kind, since=since, until=until, member=member, now=now,
        )  # fmt: skip
        await queries.notify_registry_of(connection, channel=REGISTRY_CHANNEL, what=PAUSES)
    return ident


async def end_pause(
    connection: Connection, *, pause: int, member: int | None, now: datetime
) -> None:
    """End a pause now; one that has not begun is taken back. Ended twice is ended once.

    Raises:
        NotFoundError: there is no such pause.
    """
    queries = load_queries("core")
    async with translated(), connection.transaction():
        await queries.lock_registry(connection)
        if not await queries.end_pause(connection, pause=pause, member=member, now=now):
            raise NotFoundError(f"There is no pause {pause}: nothing was changed.")
        await queries.notify_registry_of(connection, channel=REGISTRY_CHANNEL, what=PAUSES)


async def subject_named(
    connection: Connection, *, client: str | None = None, home: str | None = None
) -> int:
    """The subject of a client's reference, or of a home's name.

    Raises:
        NotFoundError: nobody and nothing is registered by that name.
    """
    async with translated():
        found: int | None = await load_queries("core").subject_named(
            connection, client=client, home=home
        )
    if found is None:
        raise NotFoundError(f"There is no client or home {client or home!r}.")
    return found


async def pauses_after(connection: Connection, *, now: datetime) -> list[dict[str, Any]]:
    """Pauses that are on or to come, the first to end first: id, of (a client's reference or a
    home's name), kind, since, until, set_by (name or None), set_at.
    """
    async with translated():
        rows = load_queries("core").pauses_after(connection, now=now)
        return [dict(row) async for row in rows]
