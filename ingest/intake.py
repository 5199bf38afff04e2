"""Where a worker's messages come from: its own session, and those of workers that are gone.

    own slot    everything, or a share; for as long as the slot is ours
    old news    what the broker has retained, once, where the own session shares
    the rest    the session of a worker that is gone: read to its end, then ended

One worker that takes everything is the rule; a second one stands by. Sharing needs MQTT 5.
Whoever loses a slot (it stood still, or was cut off) stores nothing more of what that slot brought,
since the broker gives it to the next holder, and looks for another slot.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from uuid import UUID, uuid4

import asyncpg
import structlog

from core.broker import BrokerAddress
from core.clock import Clock, wall_time
from core.database import Connection, connect
from core.errors import BrokerError, DatabaseError
from core.outage import Outage
from ingest.batch import Batch
from ingest.instants import FOREVER
from ingest.message import Message
from ingest.slots import Slot, SlotTable, Wait, Watch, storing_name
from ingest.subscriber import Subscriber
from ingest.subscription import Subscription, a_share, everything, old_news, the_rest
from ingest.unacknowledged import forget_acknowledged, load_unacknowledged, note_unacknowledged

LEASE_S = 15.0
"""Seconds without a beat after which a slot is taken over."""
LOOK_EVERY_S = 2.0
"""Seconds between two beats, and between two looks at the others'."""
BEHIND_MESSAGES = 500
BEHIND_BYTES = 8 * 1024 * 1024
_REACH_S = 2.0

_log = structlog.get_logger()


class Intake:
    """As a `Subscriber`, for a worker whose slots come and go; `run` it beside."""

    def __init__(
        self,
        mqtt_url: str,
        database_url: str,
        service: str,
        clock: Clock,
        *,
        shared: bool = False,
        lease_s: float = LEASE_S,
    ) -> None:
        self.name = service
        """Of the slot in use; the service's as long as there is none."""
        self.ready = asyncio.Event()
        """Subscribed, at least once."""
        self.waits_for: str | None = "There is no slot yet."
        """Why there is no slot of our own, in one sentence; None: there is one."""
        self._mqtt_url = mqtt_url
        self._database_url = database_url
        self._service = service
        self._clock = clock
        self._shared = shared
        self.lease_s = lease_s
        self._look_every_s = min(LOOK_EVERY_S, lease_s / 6)
        self._holder: UUID = uuid4()
        self.storing_name = storing_name(self._holder)
        """What the connection must be called on which its messages are stored."""
        self._watch = Watch(lease_s)
        self._arrived = asyncio.Event()
        self._wanted = asyncio.Event()
        self._looked = asyncio.Condition()
        self._connection: asyncpg.Connection | None = None
        self._own: Subscriber | None = None
        self._news: Subscriber | None = None
        self._rest: dict[str, Subscriber] = {}
        self._noted: set[str] = set()  # sessions of which something is noted as unacknowledged
        self._several = False  # sources, ever: else every message is the own slot's
        self._leaving: set[asyncio.Task[None]] = set()
        self._lost_before = False
        self._stands_by = False
        self._stopping = False
        self._taken: deque[int] = deque()  # arrivals of the first messages of what was taken
        self._took_over = 0
        self._announcing: asyncio.Task[None] | None = None
        self._turn = 0

    # What the service calls, as of a subscriber.

    async def wait(self) -> None:
        """Wait until there are messages, or the broker has refused us."""
        while True:
            self._arrived.clear()  # before one looks: what comes after that sets it again
            if self.waiting or self.failed:
                return
            await self._arrived.wait()

    def take(self, most: int, most_bytes: int) -> list[Message]:
        """Up to `most` messages (and about `most_bytes`) of one session, sessions in turn."""
        sources = self._all()
        for _ in sources:
            self._turn += 1
            if taken := sources[self._turn % len(sources)].take(most, most_bytes):
                self._taken.append(taken[0].arrival)
                return taken
        return []

    async def still_ours(self, messages: Sequence[Message]) -> list[Message]:
        """Those of `messages` that are ours to store: of a lost slot, what the broker does not
        give to the next holder. Waits while that is not known."""
        own = self._own
        if not self._several and own is not None and own.allowed:
            return list(messages)
        ours = list(messages)
        for owner in {one.connection.owner for one in messages if one.connection is not None}:
            while owner in self._all() and not owner.allowed and not self._stopping:
                self._wanted.set()
                async with self._looked:
                    await self._looked.wait()
            if owner not in self._all():
                ours = [one for one in ours if one.connection.owner is not owner or not one.mid]
        return ours

    async def hold(self, connection: Connection, batch: Batch, messages: Sequence[Message]) -> bool:
        """Whether all of `messages` are ours, and stay so until the end of the transaction, which
        stores `batch`, made of them or of some; if so, what it leaves unacknowledged is noted."""
        held = await SlotTable(connection, self._service, self._holder).hold()
        owners = {one.connection.owner for one in messages if one.connection is not None}
        if not all(
            one in self._all() and (one.name in held or one is self._news) for one in owners
        ):
            return False
        for owner in owners:
            mine = [one for one in messages if one.connection.owner is owner]
            await self._note(connection, owner, batch, mine)
        return True

    async def _note(
        self, connection: Connection, owner: Subscriber, batch: Batch, messages: list[Message]
    ) -> None:
        if owner is self._news or not (batch.rows["at_arrival"].any() or owner.name in self._noted):
            return
        await forget_acknowledged(connection, owner.name, owner.acknowledged_until)
        await note_unacknowledged(connection, owner.name, batch, messages)
        self._noted.add(owner.name)

    def look(self) -> None:
        """Find out anew which slots are ours."""
        for source in self._slots():
            source.allow(0)
        self._wanted.set()

    def done(self, messages: Sequence[Message]) -> None:
        """These, which one `take` gave, are in the database for good, or need not be: the broker
        may forget them."""
        self._taken.popleft()
        sources = self._all()
        if not self._several and sources:
            sources[0].done(messages)
            return
        for source in sources:
            if mine := [one for one in messages if one.connection.owner is source]:
                source.done(mine)

    def publish(self, key: object, topic: str, payload: bytes) -> None:
        """Publish at QoS 1, in place of what waits under the same `key`; may be lost."""
        if self._own is not None:
            self._own.publish(key, topic, payload)

    def flush(self) -> None:
        """Send what was given to `publish`."""
        if self._own is not None:
            self._own.flush()

    def pause(self) -> None:
        """Take no more messages, and no more slots."""
        self._stopping = True
        for source in self._all():
            source.pause()

    @property
    def waiting(self) -> int:
        """Messages in the queues."""
        return sum(source.waiting for source in self._all())

    @property
    def held(self) -> tuple[int, int]:
        """Messages, and bytes of payload, taken from the broker and not committed."""
        held = [source.held for source in self._all()]
        return sum(messages for messages, _ in held), sum(size for _, size in held)

    def is_behind(self) -> bool:
        """Whether more has come than is being worked on: as long as the broker has a backlog, it
        keeps what we may hold filled."""
        messages, size = self.held
        return messages > BEHIND_MESSAGES or size > BEHIND_BYTES

    @property
    def oldest(self) -> int | None:
        """When the first message that is not committed arrived, microseconds since 1970."""
        arrivals = [one.oldest for one in self._all()] + list(self._taken)[:1]
        return min((one for one in arrivals if one is not None), default=None)

    @property
    def slots(self) -> tuple[int, int]:
        """How many sessions are our own, and how many are read to their end."""
        return int(self._own is not None), len(self._rest)

    @property
    def takeovers(self) -> int:
        """Sessions of workers gone that were taken over since the start."""
        return self._took_over

    @property
    def unready(self) -> str | None:
        """Why no message can be taken now, in one sentence; None: they can."""
        if self._own is None and self.waits_for is not None:
            return self.waits_for
        return None if self.connected else "The broker is not connected."

    @property
    def connected(self) -> bool:
        """The broker can hand us messages now."""
        return self._own is not None and self._own.connected

    @property
    def failed(self) -> BrokerError | None:
        """Why the broker will not have us, if it never had."""
        return next((one.failed for one in self._all() if one.failed), None)

    async def close(self) -> None:
        """Take leave of the broker; sessions and slots stay for whoever comes."""
        for source in self._all():
            await source.close()
        await asyncio.gather(*self._leaving)
        if self._announcing is not None:
            self._announcing.cancel()
        self._own, self._news, self._rest = None, None, {}
        with contextlib.suppress(DatabaseError):  # then they are taken over when the lease is out
            await (await self._table()).give_back(wall_time())
        await self._disconnect()

    # The care for slots.

    async def run(self) -> None:
        """Look after the slots until cancelled."""
        outage = Outage(
            "the workers' slots cannot be read; trying again", "the workers' slots are read again"
        )
        while True:
            self._wanted.clear()
            try:
                await self._round()
                outage.over()
            except DatabaseError as error:
                outage.without(str(error))
                self._watch.blind()
                await self._disconnect()
                await asyncio.sleep(min(0.2, self._look_every_s))
            async with self._looked:
                self._looked.notify_all()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._look_every_s):
                    await self._wanted.wait()

    async def _round(self) -> None:
        if self._stopping:
            return
        table = await self._table()
        await self._remove_ended(table)
        began = asyncio.get_running_loop().time()
        held = await table.renew(hears=self.connected, now=wall_time())
        left = self.lease_s - (asyncio.get_running_loop().time() - began)
        for source in [one for one in self._slots() if one.name not in held]:
            self._lose(source)
        for source in self._all():
            source.allow(left)
        slots = await table.slots()
        silent: list[Slot] = []
        if self.connected or (self._stands_by and await self._reaches_broker()):
            silent = self._watch.look(slots, asyncio.get_running_loop().time())
        else:
            self._watch.blind()
        if self._own is None:
            await self._claim(table, silent)
        elif self.connected:
            for slot in slots:
                if slot in silent or (slot.holder is None and slot.name != self._own.name):
                    await self._take_over(table, slot)

    async def _claim(self, table: SlotTable, silent: Sequence[Slot]) -> None:
        choice = await table.claim(
            shared=self._shared, silent=silent, patient=self._lost_before, now=wall_time()
        )
        if isinstance(choice, Wait):
            if choice.why != self.waits_for:
                _log.warning("waiting for a slot", why=choice.why)
            self.waits_for, self._stands_by = choice.why, True
            return
        _log.info("slot claimed", slot=choice, shared=self._shared)
        self.name, self.waits_for, self._stands_by = choice, None, False
        wanted = a_share(self._service) if self._shared else everything(self._service)
        self._own = await self._begin(choice, wanted)
        if self._shared and self._news is None:
            self._news = await self._begin(f"{choice}-retained", old_news(choice))
        if not self.ready.is_set():
            self._announcing = asyncio.create_task(self._announce(self._own))

    async def _announce(self, own: Subscriber) -> None:
        await own.ready.wait()
        self.ready.set()

    async def _take_over(self, table: SlotTable, slot: Slot) -> None:
        if slot.name in self._rest or not await table.take_over(slot, wall_time()):
            return
        self._took_over += 1
        _log.warning("taking over what waits for a worker that is gone", slot=slot.name)
        self._rest[slot.name] = await self._begin(slot.name, the_rest(self._service, slot.name))

    async def _begin(self, name: str, wanted: Subscription) -> Subscriber:
        committed = (
            await load_unacknowledged(await self._connected(), name) if wanted.persistent else {}
        )
        if committed:
            self._noted.add(name)
        source = Subscriber(
            self._mqtt_url,
            name,
            self._clock,
            wanted,
            arrived=self._arrived,
            care=self._wanted,
            committed=committed,
        )
        self._several = self._several or bool(self._all())
        source.allow(self.lease_s / 2)
        source.start()
        return source

    async def _remove_ended(self, table: SlotTable) -> None:
        for source in [one for one in self._rest.values() if one.ended]:
            await source.close()
            await table.remove(source.name)
            await forget_acknowledged(await self._connected(), source.name, FOREVER)
            del self._rest[source.name]
            _log.info("all that waited for a worker that is gone is stored", slot=source.name)
        if self._news is not None and self._news.ended:
            await self._news.close()
            self._news = None

    def _lose(self, source: Subscriber) -> None:
        _log.warning("another worker has taken over a slot of ours", slot=source.name)
        if source is self._own:
            self._own, self._lost_before, self._several = None, True, True
            self.waits_for = "Another worker has taken over."
        else:
            del self._rest[source.name]
        leaving = asyncio.create_task(source.close())
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    def _slots(self) -> list[Subscriber]:
        return [*([self._own] if self._own else []), *self._rest.values()]

    def _all(self) -> list[Subscriber]:
        return [*self._slots(), *([self._news] if self._news else [])]

    async def _reaches_broker(self) -> bool:
        """Whether there is a broker: a worker that stands by must not take its absence for the
        death of the worker in use."""
        address = BrokerAddress.parse(self._mqtt_url)
        try:
            async with asyncio.timeout(_REACH_S):
                _, writer = await asyncio.open_connection(address.host, address.port)
        except OSError:  # TimeoutError is one
            return False
        writer.close()
        return True

    async def _table(self) -> SlotTable:
        return SlotTable(await self._connected(), self._service, self._holder)

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._database_url)
        return self._connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
