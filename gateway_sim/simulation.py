"""Makes a county live: every reading in its time, through the gateways' outbox to the broker."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from core.broker import BrokerAddress
from core.catalogue import catalogue
from core.clock import Clock, wall_time
from gateway_sim.county import County
from gateway_sim.faults import NO_FAULTS, FaultFile
from gateway_sim.faulty import Faulty
from gateway_sim.fleet import OWN_CONNECTIONS, Fleet
from gateway_sim.formats import Format, Told, formats_of
from gateway_sim.hearing import Hearing
from gateway_sim.labelling import labels
from gateway_sim.ledger import Ledger
from gateway_sim.outbox import Lane, Outbox
from gateway_sim.plan import Plan, keep_plan
from gateway_sim.production import Production
from gateway_sim.reading import Reading
from gateway_sim.scenario import Scenario
from gateway_sim.senml import encode_pack

HISTORY_EVERY = 900.0
"""Seconds between the vital signs of the past that a simulation begins with."""
_PACK = 100
"""Readings in a message at most."""
_STEP_S = 0.04
"""Real seconds between two rounds of producing at least, so that a fast clock makes packs."""
_FORGET_S = 0.25
_AT_ONCE = 3600.0
"""Simulated seconds produced in one round at most, after the machine has slept."""
_BACKLOG = 20_000
"""Messages in the outbox beyond which history waits."""


@dataclass(frozen=True)
class SimulationProgress:
    """How far a simulation is."""

    now: datetime
    """Simulated time up to which everything was produced."""
    published: int
    """Messages that went out."""
    readings: int
    """Readings in messages that were stored."""
    waiting: int
    """Messages without a receipt."""


@dataclass(frozen=True)
class SimulationReport:
    """What a simulation did, counted at the gateways."""

    started: datetime
    ended: datetime
    """Both simulated time."""
    published: int
    """Messages that went out, each counted once."""
    readings: int
    """Readings that the devices of this run made."""
    repeated: int
    """Times a message went out again."""
    unreceipted: int
    """Messages without a receipt; they stay in the outbox for the next start."""
    dropped: int
    """Messages given up: a gateway's space was full, or, in a format that keeps nothing, it had no
    connection."""


async def simulate(
    *,
    county: County,
    clock: Clock,
    mqtt_url: str,
    directory: Path,
    scenario: Scenario,
    stop: asyncio.Event,
    faults: FaultFile = NO_FAULTS,
    ledger: Ledger | None = None,
    history: timedelta = timedelta(0),
    duration: timedelta | None = None,
    progress: Callable[[SimulationProgress], None] | None = None,
    patience: timedelta = timedelta(seconds=30),
    on_ready: Callable[[], None] = lambda: None,
    connections: int = OWN_CONNECTIONS,
    credentials: Mapping[str, BrokerAddress] | None = None,
) -> SimulationReport:
    """Simulate `county` on `clock` until `stop` is set or `duration` has gone by.

    Args:
        directory: where the outbox and the plan are kept, from start to start.
        faults: what goes wrong; its hours count from the plan's start.
        ledger: where to note the truth; the caller closes it.
        history: how much of the past to send as well, behind what is live; only the first time in
            this directory.
        duration: simulated; None: until `stop`.
        progress: called about twice a second.
        patience: real time to wait at the end until every receipt is in.
        on_ready: called once every file is open.
        connections: how many gateways have a connection of their own; the others share one.
        credentials: how each gateway comes in at the broker; none: all as `mqtt_url` says.

    Raises:
        BrokerError: the broker refuses the gateways. (That it is not there is waited out.)
        StoreError: a file cannot be used, or another simulator uses it.
    """
    begun = clock.now()
    plan = keep_plan(county, scenario, directory, begun)
    formats = formats_of(county, scenario.gateways.formats)
    with Outbox(directory / "outbox.db", space=faults.gateways.space) as outbox:
        fleet = partial(
            Fleet,
            feed=outbox,
            mqtt_url=mqtt_url,
            clock=clock,
            ledger=ledger,
            connections=connections,
            credentials=credentials,
            formats=formats,
        )
        faulty = Faulty(county, faults, plan.start)
        run = _Run(county, plan, faulty, formats, clock, outbox, ledger, fleet, begun)
        on_ready()
        return await run.run(stop, history, duration, progress, patience)


class _Run:
    def __init__(
        self,
        county: County,
        plan: Plan,
        faulty: Faulty,
        formats: Mapping[str, Format],
        clock: Clock,
        outbox: Outbox,
        ledger: Ledger | None,
        fleet: Callable[[Sequence[str]], Fleet],
        begun: datetime,
    ) -> None:
        self._county = county
        self._clock = clock
        self._outbox = outbox
        self._ledger = ledger
        self._begun = begun
        self._faulty = faulty
        self._formats = formats
        self._told: dict[str, int] = defaultdict(int)
        """Messages of a boot in foreign formats, by boot; nobody sees their numbers on the wire."""
        self._unheard = 0
        """Messages in foreign formats that were lost for want of a connection."""
        self._hearing = Hearing(Production(county, plan), faulty)
        self._down: set[str] = set()
        """Gateways whose connection is held down."""
        self._readings = 0
        # A simulator that is started again never says twice what it said before.
        self._until = max(begun.timestamp(), outbox.marked("produced_until") or 0.0)
        own = [home.gateway for home in county.homes]
        left_over = sorted(outbox.gateways - set(own))
        outbox.start_boots([*own, *left_over])
        self._fleet = fleet([*own, *left_over])
        if ledger is not None:
            ledger.label(labels(county, plan))
            ledger.faults(faulty.truth())

    async def run(
        self,
        stop: asyncio.Event,
        history: timedelta,
        duration: timedelta | None,
        progress: Callable[[SimulationProgress], None] | None,
        patience: timedelta,
    ) -> SimulationReport:
        end = float("inf") if duration is None else self._until + duration.total_seconds()
        connected = asyncio.create_task(self._fleet.connect(stop))
        past = asyncio.create_task(self._past(self._until, history.total_seconds(), stop))
        beside: list[asyncio.Task[Any]] = [connected, past, asyncio.create_task(self._forget())]
        if progress is not None:
            beside.append(asyncio.create_task(self._tell(progress)))
        try:
            await self._live(stop, end, beside)
            await past
            if await connected:
                await self._fleet.drain(patience.total_seconds())
            self._raise(beside)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await self._fleet.close()
        self._outbox.commit()
        return SimulationReport(
            started=self._begun,
            ended=datetime.fromtimestamp(self._until, UTC),
            published=self._fleet.published,
            readings=self._readings,
            repeated=self._fleet.repeated,
            unreceipted=len(self._outbox),
            dropped=self._outbox.dropped + self._unheard,
        )

    async def _live(
        self, stop: asyncio.Event, end: float, beside: Sequence[asyncio.Task[Any]]
    ) -> None:
        """Produce what has become due, again and again; time that was missed is made up for."""
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set() and self._until < end:
                self._raise(beside)
                now = min(self._clock.now().timestamp(), end, self._until + _AT_ONCE)
                if now > self._until:
                    made = self._hearing.between(self._until, now)
                    self._go_down(self._until, now)
                    self._until = now
                    self._outbox.mark("produced_until", now)
                    self._store(made, Lane.LIVE, now)
                    self._come_back(now)
                await self._either(stopped, asyncio.sleep(_STEP_S))
                due = min(self._hearing.next_due(self._until), end)
                wait = max(0.0, due - self._clock.now().timestamp())
                await self._either(stopped, self._clock.sleep(timedelta(seconds=wait)))
        finally:
            stopped.cancel()

    async def _past(self, start: float, seconds: float, stop: asyncio.Event) -> None:
        """Store what the devices said before the start, hour by hour; once per directory."""
        until = self._outbox.marked("history_until")
        end = self._outbox.marked("history_end")
        if until is None or end is None:
            until, end = start - seconds, start
            self._outbox.mark("history_end", end)
        while until < end and not stop.is_set():
            step = min(until + 3600.0, end)
            made = self._hearing.between(until, step, HISTORY_EVERY)
            until = step
            self._outbox.mark("history_until", until)
            self._store(made, Lane.HISTORY, step)
            await asyncio.sleep(0)
            while len(self._outbox) > _BACKLOG and not stop.is_set():
                await self._fleet.changed(0.1)

    def _store(self, made: dict[int, list[Reading]], lane: Lane, at: float) -> None:
        """One or more messages a home, made `at` (Unix seconds): into the ledger, then into the
        outbox, then sent."""
        touched: list[str] = []
        told: list[tuple[str, Told]] = []
        for number, readings in made.items():
            gateway = self._county.homes[number].gateway
            if gateway in self._formats:
                if lane is not Lane.HISTORY:  # nothing keeps a past in these formats
                    told.extend((gateway, one) for one in self._in_format(gateway, readings))
                continue
            touched.append(gateway)
            urgent = [reading for reading in readings if _never_filtered(reading)]
            others = [reading for reading in readings if not _never_filtered(reading)]
            for reading in urgent:
                self._add(gateway, [reading], Lane.URGENT, at)
            for first in range(0, len(others), _PACK):
                self._add(gateway, others[first : first + _PACK], lane, at)
        if self._ledger is not None:
            self._ledger.commit()
        self._outbox.commit()
        if self._ledger is not None:
            self._ledger.given_up(self._outbox.given_up(), wall_time())
        for gateway, one in told:
            self._fleet.say(gateway, one)
        self._fleet.touch(touched)

    def _in_format(self, gateway: str, readings: list[Reading]) -> list[Told]:
        """Readings in the gateway's format, noted as sent if it can send now, else as given up."""
        told = list(self._formats[gateway].tell(readings))
        heard = self._fleet.hears(gateway)
        boot, now = self._outbox.boot(gateway), wall_time()
        for one in told:
            self._told[boot] += 1
            seq = self._told[boot]
            if self._ledger is not None:
                source = self._formats[gateway].source
                at = now if heard else None
                self._ledger.add(gateway, boot, seq, one.readings, at, source)
                if not heard:
                    self._ledger.given_up([(gateway, boot, seq)], now)
            self._readings += len(one.readings)
        self._unheard += 0 if heard else len(told)
        return told if heard else []

    def _go_down(self, since: float, now: float) -> None:
        """Cut off whom the power or the network fails, and start anew who does."""
        off, away = self._faulty.down(now)
        restarted = self._faulty.restarts(since, now)
        self._fleet.hold(sorted((off | restarted) - self._down), forget=True)
        self._fleet.hold(sorted(away - self._down - restarted), forget=False)
        self._down |= off | away | restarted
        self._outbox.start_boots(sorted(restarted))

    def _come_back(self, now: float) -> None:
        off, away = self._faulty.down(now)
        back = self._down - off - away
        self._fleet.release(sorted(back))
        self._down -= back

    def _add(self, gateway: str, readings: list[Reading], lane: Lane, at: float) -> None:
        boot, seq = self._outbox.boot(gateway), self._outbox.next_seq(gateway)
        pack = encode_pack(readings, boot, seq, made=round(at, 3))
        self._outbox.add(gateway, pack, lane)
        if self._ledger is not None:
            self._ledger.add(gateway, boot, seq, readings)
        self._readings += len(readings)

    async def _forget(self) -> None:
        """Take what was receipted off the disk now and then; late forgetting only costs repeats."""
        while True:
            await asyncio.sleep(_FORGET_S)
            if self._outbox.has_receipts:
                self._outbox.commit()

    async def _tell(self, progress: Callable[[SimulationProgress], None]) -> None:
        while True:
            now = datetime.fromtimestamp(self._until, UTC)
            waiting = len(self._outbox)
            progress(SimulationProgress(now, self._fleet.published, self._readings, waiting))
            await asyncio.sleep(0.5)

    def _raise(self, beside: Sequence[asyncio.Task[Any]]) -> None:
        """Raise what ended one of the tasks beside, if something did."""
        self._fleet.check()
        for task in beside:
            if task.done() and not task.cancelled():
                task.result()

    @staticmethod
    async def _either(stopped: asyncio.Task[bool], sleep: Awaitable[None]) -> None:
        """Sleep, but no longer than until the stop."""
        sleeping = asyncio.ensure_future(sleep)
        await asyncio.wait({stopped, sleeping}, return_when=asyncio.FIRST_COMPLETED)
        sleeping.cancel()


def _never_filtered(reading: Reading) -> bool:
    return reading.value >= 1.0 and catalogue()[reading.metric].never_filtered
