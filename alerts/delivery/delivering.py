"""The delivering worker: one message after another from the outbox to the outside.

A message is in hand of one worker, who has committed that before it goes out: after a kill it is
known which message may have arrived already. That one is sent again, marked as a repeat; nothing
else is. So there is at most one repeat a kill, since a worker has one message on its way at a time;
more at once is more workers (`saimi deliver --workers`).

Who lives holds an advisory lock of their number. What the dead had in hand is anybody's at once.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import asyncpg
import structlog

from alerts.delivery.channels import Policy, shipped_policy
from alerts.delivery.in_force import PolicyInForce
from alerts.delivery.post import Looked, Post
from alerts.delivery.recipients import Envelope
from alerts.delivery.recording import Recorder
from alerts.delivery.route import Address
from alerts.delivery.sending import Outcome, Sender
from alerts.serving import serve
from core.clock import Clock, ScaledClock, wall_time
from core.database import OUTBOX_CHANNEL, load_queries
from core.errors import DatabaseUnavailableError

POLL = 1.0
"""Wall seconds between two looks where nothing wakes the worker, at most."""
BEAT = 1.0
"""Wall seconds between two heartbeats, and two looks for what the dead had in hand."""
ASIDE = timedelta(seconds=60)
"""How long a message is left alone that our own code fails on."""
LOCKS = 7241004
"""Space of the advisory locks by which workers show that they live."""

_log = structlog.get_logger()
_queries = load_queries("alerts")
_core = load_queries("core")


async def run(
    *,
    database_url: str,
    clock: Clock,
    senders: Mapping[str, Sender],
    stop: asyncio.Event,
    instance: str = "main",
    least: int = 1,
    policy: Policy | None = None,
    public_url: str | None = None,
    wall: Callable[[], datetime] = wall_time,
    chance: Callable[[], float] = random.random,
    on_ready: Callable[[], None] | None = None,
) -> None:
    """Deliver what is in the outbox until `stop` is set; what is on its way then is ended first.

    Args:
        senders: by kind of channel. A kind without one counts as a service that fails.
        least: the lowest severity that this worker takes, so that some are free for what is urgent.
        chance: draws from 0 to 1, for pauses.

    Raises:
        SchemaError: the database is of another version.
    """
    in_force = PolicyInForce(policy or shipped_policy())
    post = Post(clock=clock, wall=wall, policy=in_force.policy, public_url=public_url)
    recorder = Recorder(clock=clock, wall=wall, policy=in_force.policy, chance=chance)
    worker = Worker(
        post, recorder, senders, in_force=in_force, clock=clock, wall=wall, instance=instance,
        least=least,
    )  # fmt: skip
    await serve(worker, database_url, stop, on_ready)


class Worker:
    """One worker and its connection."""

    def __init__(
        self,
        post: Post,
        recorder: Recorder,
        senders: Mapping[str, Sender],
        *,
        in_force: PolicyInForce,
        clock: Clock,
        wall: Callable[[], datetime],
        instance: str,
        least: int,
    ) -> None:
        self._post = post
        self._recorder = recorder
        self._senders = senders
        self._in_force = in_force
        self._clock = clock
        self._wall = wall
        self._instance = instance
        self._least = least
        self._beaten = float("-inf")
        self._number = 0

    async def begin(self, connection: asyncpg.Connection, wake: Callable[[], None]) -> None:
        """Take a number of its own for each connection: with that goes what was in hand."""

        def enqueued(*_: object) -> None:
            wake()

        self._number = await _queries.next_worker(connection)
        await _queries.live(connection, space=LOCKS, worker=self._number)
        await connection.add_listener(OUTBOX_CHANNEL, enqueued)

    async def turn(self, connection: asyncpg.Connection) -> float:
        """What is to be done now and then, and a message."""
        await self._keep(connection)
        found = await self._take(connection, self._number)
        if isinstance(found, Envelope):
            await self._deliver(connection, self._number, found)
            return 0.0
        return 0.0 if found.more else await self._idle(connection)

    async def _take(self, connection: asyncpg.Connection, number: int) -> Envelope | Looked:
        try:
            return await self._post.take(connection, number, least=self._least)
        except Exception:
            message = self._post.looking_at
            if message is None or connection.is_closed():
                raise
            # The rest goes on; it is tried again, after a fix or by another version.
            _log.exception("a message cannot be taken", message=message)
            await _queries.put_off(connection, id=message, retry_at=self._wall() + ASIDE)
            return Looked(more=True)

    async def _deliver(
        self, connection: asyncpg.Connection, number: int, envelope: Envelope
    ) -> None:
        """To all of its addresses at the same time; then what became of it.

        Where the connection breaks meanwhile the message is another worker's, and is let go.
        """
        sending = asyncio.gather(*(self._send(address, envelope) for _, address in envelope.tries))

        def let_go(_connection: object) -> None:
            sending.cancel()

        connection.add_termination_listener(let_go)
        try:
            outcomes = await sending
        except asyncio.CancelledError:
            if not connection.is_closed():
                raise
            raise DatabaseUnavailableError(
                "The database broke off while a message went out."
            ) from None
        finally:
            connection.remove_termination_listener(let_go)
        if not await self._recorder.record(connection, number, envelope, outcomes):
            _log.warning("a message went to another worker meanwhile", message=envelope.row.id)
        for outcome, (_, address) in zip(outcomes, envelope.tries, strict=True):
            if outcome.result != "sent":
                _log.warning(
                    "not delivered",
                    message=envelope.row.id,
                    service=address.service,
                    result=outcome.result,
                    error=outcome.error,
                )

    async def _send(self, address: Address, envelope: Envelope) -> Outcome:
        sender = self._senders.get(address.kind)
        if sender is None:
            return Outcome("failed", "this kind of channel is not set up here")
        within_s = envelope.within_s[address.kind]
        try:
            async with asyncio.timeout(within_s + 5.0):
                return await sender.send(address, envelope.message, within_s=within_s)
        except TimeoutError:
            return Outcome("interrupted", "no answer in time")
        except Exception as error:
            # By its kind alone: what it says may repeat an address.
            return Outcome("interrupted", f"sending failed ({type(error).__name__})")

    async def _keep(self, connection: asyncpg.Connection) -> None:
        """What is done between messages, every so often."""
        tick = time.monotonic()
        if tick - self._beaten < BEAT:
            return
        self._beaten = tick
        policy = await self._in_force.look(connection)
        self._post.use(policy)
        self._recorder.use(policy)
        wall = self._wall()
        await _core.beat(
            connection, service="deliver", instance=self._instance, wall_at=wall_time(), detail={}
        )
        released = [
            row["id"] async for row in _queries.release_dead(connection, space=LOCKS, wall=wall)
        ]
        if released:
            _log.warning("taking over what a dead worker had in hand", messages=released)

    async def _idle(self, connection: asyncpg.Connection) -> float:
        """Wall seconds until something may be due."""
        found = await _queries.next_due(connection, least=self._least)
        waits = [POLL]
        if found["retry_at"] is not None:
            waits.append((found["retry_at"] - self._wall()).total_seconds())
        if found["due_at"] is not None:
            factor = self._clock.factor if isinstance(self._clock, ScaledClock) else 1.0
            waits.append((found["due_at"] - self._clock.now()).total_seconds() / factor)
        return max(0.01, min(waits))
