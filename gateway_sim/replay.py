"""Recorded data through MQTT, like any other gateway's: packs, seq, receipts, repeats.

There is no outbox on disk here: the recorded files *are* the store. What is kept is only the
window of packs without a receipt, and that is sent again until receipts come. So a replay that is
itself killed begins anew, under new boot identifiers, and ingest finds the readings it has.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from core.clock import Clock
from gateway_sim.day import Reading
from gateway_sim.fleet import Fleet
from gateway_sim.ledger import Ledger
from gateway_sim.outbox import Lane, Message
from gateway_sim.senml import encode_pack
from gateway_sim.tihm import Row, gateway_name, rows, survey

MOST_ROWS = 100
"""Rows in a message, unless told otherwise."""
_WINDOW = 16
"""Messages of a home without a receipt at most."""
_PAUSE_S = 0.05


@dataclass(frozen=True)
class ReplayProgress:
    """How far a replay is."""

    rows: int
    """Rows that were packed and handed to the gateways."""
    total: int
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
    """Messages without a receipt at the end; 0: everything sent is committed."""
    homes: int
    seconds: float
    """Real time from the first row to the last receipt."""


async def replay(
    *,
    directory: Path,
    mqtt_url: str,
    clock: Clock,
    stop: asyncio.Event,
    start: datetime | None = None,
    end: datetime | None = None,
    speed: float | None = None,
    as_live: bool = False,
    ledger: Ledger | None = None,
    progress: Callable[[ReplayProgress], None] | None = None,
    patience: float = 120.0,
    most_rows: int = MOST_ROWS,
) -> ReplayReport:
    """Send the rows of a TIHM folder with start <= recorded time < end.

    Args:
        speed: how many times faster than recorded; None: as fast as receipts allow.
        as_live: shift all times so that the first row is now and let `clock` pace them (its factor
            is then the speed); with `speed` None so that the last row is now.
        ledger: where to note what was sent; the caller closes it.
        progress: called about twice a second.
        patience: real seconds to wait for the last receipts.
        most_rows: in a message.

    Raises:
        UserError: the folder is not TIHM's, or has no rows in that time.
        BrokerError: the broker refuses the gateways. (That it is not there is waited out.)
    """
    found = await asyncio.to_thread(survey, directory, start, end)
    memory = _Memory(sorted(found.devices), ledger)
    fleet = Fleet(
        memory.gateways,
        memory,
        mqtt_url=mqtt_url,
        clock=clock,
        ledger=ledger,
        window=_WINDOW,
    )
    shift = 0.0
    pace: Callable[[float], float] = _no_pace
    if found.rows:
        if as_live:
            zero = found.last if speed is None else found.first
            shift = math.floor(clock.now().timestamp()) - zero
        if speed is not None:
            pace = _paced_by(clock) if as_live else _paced(found.first, speed)
    sender = _Sender(memory, fleet, shift, pace, stop, most_rows)
    began = time.monotonic()
    try:
        if found.rows and await fleet.connect(stop):
            await sender.send(rows(directory, start, end), found.rows, progress)
            await fleet.drain(2.0 if stop.is_set() else patience)
    finally:
        await fleet.close()
    return ReplayReport(
        rows=sender.rows,
        messages=fleet.published,
        repeated=fleet.repeated,
        unreceipted=len(memory) + fleet.unreceipted,
        homes=len(memory.gateways),
        seconds=time.monotonic() - began,
    )


class _Memory:
    """The feed of a replay: what was packed and not sent yet."""

    def __init__(self, patients: Iterable[str], ledger: Ledger | None) -> None:
        self.gateways = [gateway_name(patient) for patient in patients]
        self._boots = {gateway: secrets.token_hex(8) for gateway in self.gateways}
        self._seq = dict.fromkeys(self.gateways, 0)
        self._waiting: dict[str, deque[Message]] = {g: deque() for g in self.gateways}
        self._ledger = ledger

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def add(self, gateway: str, pack: list[Row], shift: float) -> None:
        """Make one message of some rows."""
        seq = self._seq[gateway] = self._seq[gateway] + 1
        boot = self._boots[gateway]
        readings = [Reading(row.time + shift, row.device, row.metric, row.value) for row in pack]
        units = [row.unit for row in pack]
        texts = {n: row.text for n, row in enumerate(pack) if row.value != row.value}
        payload = encode_pack(readings, boot, seq, units, texts)
        if self._ledger is not None:
            self._ledger.add(gateway, boot, seq, readings)
        self._waiting[gateway].append(Message(seq, gateway, boot, seq, Lane.LIVE, payload))

    def take(self, gateway: str, room: int, room_for_history: int) -> list[Message]:
        waiting = self._waiting[gateway]
        return [waiting.popleft() for _ in range(min(room, len(waiting)))]

    def receipt(self, gateway: str, boot: str, ranges: Iterable[tuple[int, int]]) -> None:
        """Nothing to forget: the fleet's window has what is on its way."""

    def waiting(self, gateway: str) -> int:
        return len(self._waiting[gateway])

    def boot(self, gateway: str) -> str:
        return self._boots[gateway]

    def highest_seq(self, gateway: str) -> int:
        return self._seq[gateway]


class _Sender:
    """Packs rows by home and hands them on no faster than receipts and the pace allow."""

    def __init__(
        self,
        memory: _Memory,
        fleet: Fleet,
        shift: float,
        pace: Callable[[float], float],
        stop: asyncio.Event,
        most_rows: int,
    ) -> None:
        self._memory = memory
        self._fleet = fleet
        self._shift = shift
        self._pace = pace
        self._stop = stop
        self._most_rows = most_rows
        self._packs: dict[str, list[Row]] = defaultdict(list)
        self.rows = 0

    async def send(
        self,
        source: Iterable[Row],
        total: int,
        progress: Callable[[ReplayProgress], None] | None,
    ) -> None:
        told = float("-inf")
        for row in source:
            early = self._pace(row.time + self._shift)
            if early > 0.0:
                await self._flush()
                await self._wait(early, row)
            if self._stop.is_set():
                return
            pack = self._packs[row.patient]
            pack.append(row)
            if len(pack) >= self._most_rows:
                await self._hand_on(row.patient)
                if progress is not None and time.monotonic() - told > 0.5:
                    told = time.monotonic()
                    at = datetime.fromtimestamp(row.time, UTC)
                    progress(ReplayProgress(self.rows, total, at))
        await self._flush()
        if progress is not None and self.rows:
            progress(ReplayProgress(self.rows, total, datetime.fromtimestamp(row.time, UTC)))

    async def _wait(self, early: float, row: Row) -> None:
        while early > 0.0 and not self._stop.is_set():
            # In short naps: the clock may be told to run faster, and a stop must not wait.
            await asyncio.sleep(min(early, _PAUSE_S))
            self._fleet.check()
            early = self._pace(row.time + self._shift)

    async def _flush(self) -> None:
        for patient in [patient for patient, pack in self._packs.items() if pack]:
            await self._hand_on(patient)

    async def _hand_on(self, patient: str) -> None:
        gateway = gateway_name(patient)
        while self._memory.waiting(gateway) + self._fleet.on_its_way(gateway) >= _WINDOW:
            if self._stop.is_set():
                return
            await self._fleet.changed(0.5)
        pack = self._packs.pop(patient)
        self._memory.add(gateway, pack, self._shift)
        self.rows += len(pack)
        self._fleet.touch([gateway])
        await asyncio.sleep(0)  # lets the pump send what is there


def _no_pace(at: float) -> float:
    return 0.0


def _paced_by(clock: Clock) -> Callable[[float], float]:
    """Seconds until `clock` shows a time."""
    return lambda at: at - clock.now().timestamp()


def _paced(first: float, speed: float) -> Callable[[float], float]:
    """Real seconds until a recorded time has come, `speed` times as fast as recorded."""
    began = time.monotonic()
    return lambda at: (at - first) / speed - (time.monotonic() - began)
