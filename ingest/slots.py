"""Which worker uses which session at the broker.

A slot is a session: its name is the client id. Its holder makes its beats go on as long as it hears
the broker. Whether a holder lives is judged by watching the beats on one's own monotonic clock, so
no two machines need agree on the time (the way of Kubernetes' leader election); while a watcher is
blind itself, for want of the database or the broker, it judges nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from core.database import Connection, load_queries, translated

_DECISIONS = 0x5A14_0018
"""Key of the advisory lock under which slots change hands."""


class Slot(NamedTuple):
    """A row of `ops.ingest_slot`."""

    name: str
    shared: bool
    draining: bool
    holder: UUID | None
    """The process that uses it; None: given back."""
    beats: int


class Watch:
    """Tells which slots have stood still for a lease (seconds) before one's own eyes."""

    def __init__(self, lease_s: float) -> None:
        self._lease_s = lease_s
        self._seen: dict[str, tuple[Slot, float]] = {}
        self._looked = float("-inf")

    def blind(self) -> None:
        """Nothing could be seen: whoever stood still meanwhile may have been blind as well."""
        self._seen.clear()

    def look(self, slots: Iterable[Slot], now: float) -> list[Slot]:
        """The slots whose holder has given no sign for a lease; `now` is monotonic, seconds."""
        if now - self._looked > self._lease_s / 2:
            self.blind()  # we stood still ourselves
        self._looked = now
        before, self._seen = self._seen, {}
        silent = []
        for slot in slots:
            known, since = before.get(slot.name, (None, now))
            self._seen[slot.name] = slot, since if known == slot else now
            if slot.holder is not None and known == slot and now - since >= self._lease_s:
                silent.append(slot)
        return silent


class Wait(NamedTuple):
    """There is no slot to be had for now."""

    why: str
    """One sentence."""


def choose(
    slots: Collection[Slot], service: str, *, shared: bool, silent: Collection[Slot], patient: bool
) -> str | Wait:
    """The name of the slot that a worker without one should claim.

    `service` is also the name of the first slot, the only one of a service with one worker. That
    worker takes everything, whoever held the slot before (it may have been killed a moment ago)
    unless it is `patient`: another has taken the slot from it. Nobody takes everything while others
    take shares, nor the other way round: messages would come twice.
    """
    live = [one for one in slots if one.holder is not None and one not in silent]
    if shared:
        if any(not one.shared and not one.draining for one in live):
            return Wait("An ingest that takes everything is running: stop it first.")
        free = [one.name for one in slots if one.holder is None]
        free += [one.name for one in silent if not one.shared and not one.draining]
        if free:
            return free[0]
        taken = {one.name for one in slots}
        names = [service, *(f"{service}-{number}" for number in range(1, len(taken) + 1))]
        return next(name for name in names if name not in taken)
    if any(one.shared and not one.draining for one in live):
        return Wait("Workers that share what comes are running: stop them first.")
    if patient and any(one.name == service for one in live):
        return Wait("Another ingest has taken over; this one stands by.")
    return service


def storing_name(holder: UUID) -> str:
    """What the connection is called on which `holder` stores, so that its heir can end it."""
    return f"saimi-ingest {holder}"


class SlotTable:
    """The table of slots as one worker, `holder`, of `service` works with it."""

    def __init__(self, connection: Connection, service: str, holder: UUID) -> None:
        self._connection = connection
        self._service = service
        self._holder = holder
        self._queries = load_queries("ingest")

    async def slots(self) -> list[Slot]:
        """All slots of the service, the first one first.

        Raises:
            DatabaseError: the database is away or refuses (so do all methods).
        """
        async with translated():
            rows = self._queries.slots(self._connection, service=self._service)
            return [
                Slot(row["name"], row["shared"], row["draining"], row["holder"], row["beats"])
                async for row in rows
            ]

    async def claim(
        self, *, shared: bool, silent: Collection[Slot], patient: bool, now: datetime
    ) -> str | Wait:
        """Take a slot of one's own, as `choose` says; `now` is wall time."""
        async with translated(), self._connection.transaction():
            await self._queries.decide_slots(self._connection, key=_DECISIONS)
            slots = await self.slots()
            still = [one for one in silent if one in slots]
            choice = choose(slots, self._service, shared=shared, silent=still, patient=patient)
            if isinstance(choice, str):
                before = next((one for one in slots if one.name == choice), None)
                if before in still:  # frozen, it might be waited for without end
                    await self._end_storing(before)
                async for _ in self._queries.await_slot(self._connection, name=choice):
                    pass
                await self._queries.claim_slot(
                    self._connection,
                    name=choice,
                    service=self._service,
                    shared=shared,
                    holder=self._holder,
                    now=now,
                )
                await self._end_storing(before)
            return choice

    async def renew(self, *, hears: bool, now: datetime) -> set[str]:
        """Give a sign of life if the broker is heard; the slots that are still ours."""
        async with translated():
            rows = self._queries.renew_slots(
                self._connection, holder=self._holder, hears=int(hears), now=now
            )
            return {row["name"] async for row in rows}

    async def hold(self) -> set[str]:
        """The slots that are ours, and stay so until the end of the transaction."""
        async with translated():
            rows = self._queries.hold_slots(self._connection, holder=self._holder)
            return {row["name"] async for row in rows}

    async def take_over(self, slot: Slot, now: datetime) -> bool:
        """Take `slot`, to read its session to the end; False if it has been heard of meanwhile."""
        async with translated(), self._connection.transaction():
            await self._queries.decide_slots(self._connection, key=_DECISIONS)
            if slot in await self.slots():
                await self._end_storing(slot)
            taken = await self._queries.take_over_slot(
                self._connection,
                name=slot.name,
                holder=slot.holder,
                beats=slot.beats,
                heir=self._holder,
                now=now,
            )
            return taken is not None

    async def _end_storing(self, slot: Slot | None) -> None:
        """What the holder has begun to store is not stored: the broker gives it to its heir."""
        if slot is None or slot.holder is None:
            return
        async for _ in self._queries.end_storing(
            self._connection, application=storing_name(slot.holder)
        ):
            pass

    async def remove(self, name: str) -> None:
        """The session of this slot has ended."""
        async with translated():
            await self._queries.remove_slot(self._connection, name=name, holder=self._holder)

    async def give_back(self, now: datetime) -> None:
        """Leave all of one's slots, with their sessions, to others."""
        async with translated():
            await self._queries.give_back_slots(self._connection, holder=self._holder, now=now)
