"""Putting readings right that are stored already: strike them out, or say whose they are.

Nothing is deleted. A reading carries what holds now; what held before, who changed it and why is
kept beside it (`telemetry.correction`), so each correction can be taken back. Aggregates and scores
follow: the same transaction queues the stretch for both, of the client before and the client after.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.catalogue import catalogue
from core.clock import wall_time
from core.database import NOTE_CHANNEL, REGISTRY_CHANNEL, Connection, load_queries, translated
from core.errors import NotFoundError, UserError
from core.reading import State


@dataclass(frozen=True)
class Stretch:
    """Which readings: those of a device in a stretch of time, and of some metrics only."""

    device: int
    since: datetime
    until: datetime
    """Not included."""
    metrics: tuple[str, ...] = ()
    """Names of the catalogue; empty: all."""


@dataclass(frozen=True)
class Corrected:
    """What a correction did."""

    correction: int
    """Its number, by which it can be taken back."""
    readings: int


async def strike_out(
    connection: Connection, which: Stretch, *, reason: str, now: datetime, member: int | None = None
) -> Corrected:
    """Declare readings wrong: kept and shown as struck out, not scored, not in aggregates.

    Raises:
        UserError: no reason, an unknown metric, an empty stretch.
        NotFoundError: there is nothing to strike out there.
        DatabaseError: the database refuses or is away; nothing is changed.
    """
    return await _correct(
        connection, which, "struck_out", reason, now, member, state=int(State.STRUCK_OUT)
    )


async def reassign(
    connection: Connection,
    which: Stretch,
    subject: int,
    *,
    reason: str,
    now: datetime,
    member: int | None = None,
    user_index: int | None = None,
    registry: bool = True,
) -> Corrected:
    """Say whose readings are, stored ones and, with `registry`, those that come in later.

    `user_index` narrows down to what a shared device held under this index, and is the index that
    is assigned in the registry (None: all readings of the stretch, index 0).

    Raises:
        UserError: no reason, an unknown metric, an empty stretch.
        NotFoundError: there is nothing to reassign, in the registry neither.
        DatabaseError: the database refuses or is away; nothing is changed.
    """
    return await _correct(
        connection, which, "reassigned", reason, now, member,
        subject=subject, held_index=user_index, registry=registry,
    )  # fmt: skip


async def restore(
    connection: Connection,
    correction: int,
    *,
    reason: str,
    now: datetime,
    member: int | None = None,
) -> Corrected:
    """Take a correction back, except for readings that were corrected again since.

    The registry's assignments stay as they are.

    Raises:
        UserError: no reason.
        NotFoundError: there is no such correction, or nothing of it is left to take back.
        DatabaseError: the database refuses or is away; nothing is changed.
    """
    queries = load_queries("core")
    _require_reason(reason)
    async with translated(), connection.transaction():
        device = await queries.device_of_correction(connection, correction=correction)
        if device is None:
            raise NotFoundError(f"There is no correction {correction} that changed a reading.")
        await queries.lock_device(connection, device=device)
        number = await _begin(connection, "restored", reason, now, member, [])
        changed = [
            row
            async for row in queries.restore_readings(
                connection, correction=number, restored=correction
            )
        ]
        if not changed:
            raise NotFoundError(
                f"Nothing is left of correction {correction} to take back: its readings have been "
                "corrected again since."
            )
        return await _follow(connection, number, device, changed)


async def _correct(
    connection: Connection,
    which: Stretch,
    what: str,
    reason: str,
    now: datetime,
    member: int | None,
    *,
    state: int | None = None,
    subject: int | None = None,
    held_index: int | None = None,
    registry: bool = False,
) -> Corrected:
    _require_reason(reason)
    if which.since >= which.until:
        raise UserError("The stretch is empty: its end must lie behind its beginning.")
    queries = load_queries("core")
    place = {"device": which.device, "since": which.since, "until": which.until}
    async with translated(), connection.transaction():
        await queries.lock_device(connection, device=which.device)
        former: list[dict[str, Any]] = []
        if registry and subject is not None:
            index = {"user_index": held_index or 0}
            rows = queries.assignments_within(connection, **place, **index)
            former = [dict(row) async for row in rows]
            await queries.clear_assignments(connection, **place, **index)
            await queries.assign(connection, **place, **index, subject=subject)
            await queries.notify_registry(connection, channel=REGISTRY_CHANNEL)
        number = await _begin(connection, what, reason, now, member, former)
        changed = [
            row
            async for row in queries.correct_readings(
                connection, **place, correction=number, metrics=_metrics(which),
                held_index=held_index, subject=subject, state=state,
            )
        ]  # fmt: skip
        if not changed and not registry:
            raise NotFoundError("There are no readings there that this would change.")
        return await _follow(connection, number, which.device, changed)


async def _begin(
    connection: Connection,
    what: str,
    reason: str,
    now: datetime,
    member: int | None,
    former: list[dict[str, Any]],
) -> int:
    number: int = await load_queries("core").begin_correction(
        connection, made_at=now, wall_at=wall_time(), member=member, what=what,
        reason=reason.strip(), former=json.loads(json.dumps(former, default=datetime.isoformat)),
    )  # fmt: skip
    return number


async def _follow(
    connection: Connection, number: int, device: int, changed: list[Any]
) -> Corrected:
    """Queue what depends on the readings: scores and aggregates of both clients."""
    queries = load_queries("core")
    touched = [
        (subject, row["since"], row["until"])
        for row in changed
        for subject in sorted({row["before"], row["after"]})
    ]
    if touched:
        subjects, since, until = (list(column) for column in zip(*touched, strict=True))
        await queries.note_corrected(
            connection, subjects=subjects, since=since, until=until, wall_at=wall_time()
        )
        await queries.touch_corrected(
            connection, subjects=subjects, device=device, since=since, until=until,
            wall_at=wall_time(),
        )  # fmt: skip
        await queries.notify_corrected(connection, channel=NOTE_CHANNEL)
    return Corrected(number, sum(row["readings"] for row in changed))


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise UserError("A correction needs a reason: whoever reads the record must understand it.")


def _metrics(which: Stretch) -> list[int]:
    known = catalogue()
    for name in which.metrics:
        if known.get(name) is None:
            raise UserError(f"{name[:64]!r} is no metric of Saimi's catalogue.")
    return [known[name].id for name in which.metrics] or sorted(known.by_id)
