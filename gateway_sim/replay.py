"""Recorded data through MQTT, like any other gateway's: packs, seq, receipts, repeats.

There is no outbox on disk here: what is recorded *is* the store. What is kept is only the packs
without an answer (`gateway_sim/memory.py`), so many at most, and those are sent again until it
comes. What is made on the way is sent in the same manner, for it can be made again.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from core.broker import BrokerAddress
from core.clock import Clock
from gateway_sim.fleet import OWN_CONNECTIONS, Fleet
from gateway_sim.ledger import Ledger
from gateway_sim.memory import Memory
from gateway_sim.recording import Pack, Recorded, Row, pack_of

MOST_ROWS = 100
"""Rows in a message, unless told otherwise."""
_WINDOW = 16
"""Messages of a home without an answer at most."""
_UNANSWERED = 4_000
"""Messages of all homes without an answer at most; some 4 kB each when they are full."""
REPEAT_AFTER_S = 60.0
"""Real seconds without a receipt before a gateway repeats anything: so long may what all of them
have on their way take a busy ingest, and repeats would only make it longer. After a reconnect
everything goes out again at once."""
_HANDED_ON = 64
"""Packs between two looks at the network, where nothing has to be waited for."""
_PAUSE_S = 0.05


@dataclass(frozen=True)
class ReplayProgress:
    """How far a replay is."""

    rows: int
    """Rows that were packed and handed to the gateways."""
    total: int | None
    at: datetime
    """Recorded time of the newest of them."""


@dataclass(frozen=True)
class ReplayReport:
    """What a replay did, counted at the gateways."""

    rows: int
    """Rows sent, each as one SenML record."""
    messages: int
    """Messages that went out, each counted once."""
    repeated: int
    """Times a message went out again."""
    unreceipted: int
    """Messages without an answer at the end; 0: everything sent is committed, or, without
    receipts, with the broker."""
    homes: int
    seconds: float
    """Real time from the first row to the last answer."""


async def replay(
    recorded: Recorded,
    *,
    mqtt_url: str,
    clock: Clock,
    stop: asyncio.Event,
    speed: float | None = None,
    as_live: bool = False,
    ledger: Ledger | None = None,
    progress: Callable[[ReplayProgress], None] | None = None,
    patience: float = 120.0,
    repeat_after: float = REPEAT_AFTER_S,
    most_rows: int = MOST_ROWS,
    connections: int = OWN_CONNECTIONS,
    credentials: Mapping[str, BrokerAddress] | None = None,
    receipts: bool = True,
) -> ReplayReport:
    """Send everything that was recorded.

    Args:
        speed: how many times faster than recorded; None: as fast as answers allow.
        as_live: shift all times so that the first row is now and let `clock` pace them (its factor
            is then the speed); with `speed` None so that the last row is now.
        ledger: where to note what was sent; the caller closes it.
        progress: called about twice a second.
        patience: real seconds to wait for the last answers.
        repeat_after: real seconds without a receipt before a gateway repeats anything.
        most_rows: in a message.
        connections: how many gateways have a connection of their own; the others share one.
        credentials: how each gateway comes in at the broker; none: all as `mqtt_url` says.
        receipts: whether somebody gives them; else the broker's acknowledgement is the answer.

    Raises:
        UserError: what is recorded cannot be read.
        BrokerError: the broker refuses the gateways. (That it is not there is waited out.)
    """
    shift = 0.0
    pace: Callable[[float], float] | None = None
    some = recorded.rows != 0
    if some:
        if as_live:
            zero = recorded.last if speed is None else recorded.first
            shift = math.floor(clock.now().timestamp()) - zero
        if speed is not None:
            pace = _paced_by(clock) if as_live else _paced(recorded.first, speed)
    memory = Memory(recorded.gateways, ledger, shift)
    fleet = Fleet(
        recorded.gateways,
        memory,
        mqtt_url=mqtt_url,
        clock=clock,
        ledger=ledger,
        window=_WINDOW,
        connections=connections,
        credentials=credentials,
        patience=repeat_after,
        receipts=receipts,
        heartbeats=pace is not None,  # nobody is there now who says at once what was
    )
    sender = _Sender(memory, fleet, stop, recorded.rows, progress)
    began = time.monotonic()
    try:
        if some and await fleet.connect(stop):
            if pace is None:
                await sender.send(recorded, most_rows)
            else:
                await sender.send_in_time(recorded, most_rows, lambda at: pace(at + shift))
            await fleet.drain(2.0 if stop.is_set() else patience)
    finally:
        await fleet.close()
    return ReplayReport(
        rows=sender.rows,
        messages=fleet.published,
        repeated=fleet.repeated,
        unreceipted=len(memory),
        homes=len(recorded.gateways),
        seconds=time.monotonic() - began,
    )


class _Sender:
    """Hands packs on no faster than answers and the pace allow."""

    def __init__(
        self,
        memory: Memory,
        fleet: Fleet,
        stop: asyncio.Event,
        total: int | None,
        progress: Callable[[ReplayProgress], None] | None,
    ) -> None:
        self._memory = memory
        self._fleet = fleet
        self._stop = stop
        self._total = total
        self._progress = progress
        self._told = float("-inf")
        self._handed_on = 0
        self.rows = 0

    async def send(self, recorded: Recorded, most_rows: int) -> None:
        """As fast as answers allow."""
        at = recorded.first
        for pack in recorded.packs(most_rows):
            if not await self._hand_on(pack):
                return
            at = pack.readings[-1].time
            self._tell(at)
        self._tell(at, last=True)

    async def send_in_time(
        self, recorded: Recorded, most_rows: int, pace: Callable[[float], float]
    ) -> None:
        """Each row once `pace` of its time says that there is nothing to wait for (seconds)."""
        packs: dict[str, list[Row]] = defaultdict(list)
        at = recorded.first
        for row in recorded.in_order():
            at = row.at
            if pace(at) > 0.0:
                await self._hand_all_on(packs)
                await self._wait(at, pace)
            mine = packs[row.gateway]
            mine.append(row)
            if len(mine) >= most_rows:
                del packs[row.gateway]
                if not await self._hand_on(pack_of(mine)):
                    return
                self._tell(at)
            if self._stop.is_set():
                return
        await self._hand_all_on(packs)
        self._tell(at, last=True)

    async def _wait(self, at: float, pace: Callable[[float], float]) -> None:
        while (early := pace(at)) > 0.0 and not self._stop.is_set():
            # In short naps: the clock may be told to run faster, and a stop must not wait.
            await asyncio.sleep(min(early, _PAUSE_S))
            self._fleet.check()

    async def _hand_all_on(self, packs: dict[str, list[Row]]) -> None:
        for rows in packs.values():
            if not await self._hand_on(pack_of(rows)):
                break
        packs.clear()

    async def _hand_on(self, pack: Pack) -> bool:
        """Give a pack to its gateway; False: we were stopped first."""
        while self._memory.waiting(pack.gateway) >= _WINDOW or len(self._memory) >= _UNANSWERED:
            if self._stop.is_set():
                return False
            await self._fleet.changed(0.5)
        if self._stop.is_set():
            return False
        self._memory.add(pack)
        self.rows += len(pack.readings)
        self._fleet.touch([pack.gateway])
        self._handed_on += 1
        if self._handed_on % _HANDED_ON == 0:
            await asyncio.sleep(0)  # lets the pump send what is there
        return True

    def _tell(self, at: float, *, last: bool = False) -> None:
        if self._progress is None or not self.rows:
            return
        now = time.monotonic()
        if last or now - self._told > 0.5:
            self._told = now
            at_all = ReplayProgress(self.rows, self._total, datetime.fromtimestamp(at, UTC))
            self._progress(at_all)


def _paced_by(clock: Clock) -> Callable[[float], float]:
    """Seconds until `clock` shows a time."""
    return lambda at: at - clock.now().timestamp()


def _paced(first: float, speed: float) -> Callable[[float], float]:
    """Real seconds until a recorded time has come, `speed` times as fast as recorded."""
    began = time.monotonic()
    return lambda at: (at - first) / speed - (time.monotonic() - began)
