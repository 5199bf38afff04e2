"""Looks out for calls for help in what arrives now, while the main subscription is behind.

The broker hands a session its messages in order, so a call would wait behind a backlog. Therefore,
while there is one, a second connection without a past sees what arrives from now on; calls are
found by decoding and stored at once, on a connection to the database of their own. Everything else
waits for its turn in the main subscription, where the calls come again and are recognised
(`copies`). One worker looks out for all; nothing is acknowledged or receipted by it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import timedelta

import asyncpg
import structlog

from core.clock import Clock
from core.database import connect, load_queries, translated
from core.errors import BrokerError, DatabaseError
from core.outage import Outage
from ingest.admission import admit, gateway_names
from ingest.batch import Batch
from ingest.definitions import Definitions
from ingest.directory import Directory
from ingest.instants import micros
from ingest.message import Message, Understood, learners, understand
from ingest.registry_link import RegistryLink
from ingest.store import Store
from ingest.subscriber import Subscriber
from ingest.subscription import from_now_on
from ingest.writer import Written

LOOK_EVERY_S = 0.25
CAUGHT_UP_S = 3.0
"""Seconds without a backlog until it is over: a pause of the broker's is none."""
_MOST = 500
_MOST_BYTES = 2 * 1024 * 1024
_MOST_NUMBERS = 10_000
_PAUSE_S = 1.0

_log = structlog.get_logger()


class Lookout:
    """`run` it beside the main subscription; `behind` says whether that has a backlog."""

    def __init__(
        self,
        mqtt_url: str,
        database_url: str,
        service: str,
        clock: Clock,
        behind: Callable[[], bool],
        retention: timedelta,
        on_stored: Callable[[Batch, Sequence[Written]], None] | None = None,
    ) -> None:
        self.looking = False
        """It sees what arrives."""
        self.found = 0
        """Messages with calls, since the start."""
        self._mqtt_url = mqtt_url
        self._database_url = database_url
        self._service = service
        self._clock = clock
        self._behind = behind
        self._retention = retention
        self._on_stored = on_stored
        self._directory = Directory()
        self._definitions = Definitions()
        self._registry = RegistryLink(database_url, clock, self._directory, self._definitions)
        self._store = Store(database_url, clock, early=True)
        self._numbers: OrderedDict[tuple[str, str, int], None] = OrderedDict()
        self._caught_up_at = 0.0
        self._outage = Outage(
            "nobody looks out for calls now; trying again", "calls are looked out for again"
        )

    async def run(self) -> None:
        """Look out whenever there is a backlog, until cancelled."""
        try:
            while True:
                while not self._late():  # noqa: ASYNC110 - counters of a thread, not an event
                    await asyncio.sleep(LOOK_EVERY_S)
                try:
                    await self._while_behind()
                except (DatabaseError, BrokerError, OSError) as error:
                    self._outage.without(str(error))
                    await asyncio.sleep(_PAUSE_S)
        finally:
            await self._registry.close()
            await self._store.close()

    def _late(self) -> bool:
        now = asyncio.get_running_loop().time()
        if self._behind():
            self._caught_up_at = now + CAUGHT_UP_S
        return now < self._caught_up_at

    async def _while_behind(self) -> None:
        connection = await connect(self._database_url)
        queries = load_queries("ingest")
        try:
            async with translated():
                await queries.am_behind(connection, service=self._service)
                self._outage.over()
                while self._late():
                    if await queries.look_out(connection, service=self._service):
                        await self._look(connection)
                    else:
                        await asyncio.sleep(LOOK_EVERY_S)
                await queries.caught_up(connection, service=self._service)
                await queries.forget_if_all_caught_up(connection, service=self._service)
        finally:
            connection.terminate()

    async def _look(self, connection: asyncpg.Connection) -> None:
        """Be the one who looks out, until there is no backlog (or the lock may be lost)."""
        arrived = asyncio.Event()
        subscriber = Subscriber(
            self._mqtt_url,
            f"{self._service}-lookout",
            self._clock,
            from_now_on(),
            arrived=arrived,
        )
        subscriber.start()
        _log.info("looking out for calls, since there is a backlog", service=self._service)
        try:
            while self._late() and not connection.is_closed():
                if subscriber.failed is not None:
                    raise subscriber.failed
                self.looking = subscriber.connected
                arrived.clear()
                messages = subscriber.take(_MOST, _MOST_BYTES)
                if messages:
                    await self._store_calls(messages)
                    subscriber.done(messages)
                    continue
                try:
                    async with asyncio.timeout(LOOK_EVERY_S):
                        await arrived.wait()
                except TimeoutError:
                    pass
        finally:
            self.looking = False
            await subscriber.close()

    async def _store_calls(self, messages: list[Message]) -> None:
        fresh = [message for message in messages if not message.retained]
        await self._registry.load_definitions(learners(fresh))
        understood = [understand(message, self._definitions) for message in fresh]
        # Whoever stores the message stores what it tells; here it only has to be understood.
        self._definitions.settle(one.learned for one in understood if one.learned is not None)
        understood = [one for one in understood if self._first(one)]
        await self._registry.load(gateway_names(understood))
        oldest = micros(self._clock.now() - self._retention)
        calls = calls_of(admit(understood, self._directory, oldest))
        if calls.messages:
            written = await self._store.store(calls)
            if self._on_stored is not None:
                self._on_stored(calls, written)
            self.found += len(calls.messages)

    def _first(self, one: Understood) -> bool:
        """Whether a numbered message has not been seen here: its gateway may send it again."""
        known = one.decoded or one.error
        if known is None or known.boot is None or known.seq is None:
            return True
        key = (one.gateway, known.boot, known.seq)
        if key in self._numbers:
            return False
        self._numbers[key] = None
        if len(self._numbers) > _MOST_NUMBERS:
            self._numbers.popitem(last=False)
        return True


def calls_of(batch: Batch) -> Batch:
    """The calls for help of a batch and nothing else: no receipts, no ledger, no refusals."""
    rows = batch.rows[batch.rows["call"]].copy()
    numbers = sorted(set(rows["message"].tolist()))
    places = {number: place for place, number in enumerate(numbers)}
    rows["message"] = [places[number] for number in rows["message"].tolist()]
    return Batch(
        [batch.messages[number]._replace(counted=False) for number in numbers],
        batch.records,
        rows,
        digests=[(places[number], one) for number, one in batch.digests if number in places],
    )
