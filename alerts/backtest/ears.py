"""When each device was heard, in the replay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import numpy as np

from alerts.backtest.around import Around
from alerts.backtest.history import Columns, Listened, micros
from alerts.backtest.memory import Known
from alerts.finding import Reading
from alerts.silence.silence import PORTABLE
from alerts.subjects.subject import Device, Subject
from alerts.worker.state import State


class Ears:
    """When each listened device was heard (`load_devices`).

    A gateway's own status is not kept in history, so a gateway counts as silent when all its
    listened devices are.
    """

    def __init__(self, devices: tuple[Listened, ...], readings: Columns) -> None:
        self._of: dict[int, list[Listened]] = {}
        for device in devices:
            for watcher in device.watchers:
                self._of.setdefault(watcher, []).append(device)
        self._readings = readings
        self._rows: dict[int, np.ndarray[tuple[int], np.dtype[np.int64]]] = {}
        self._newest: dict[int, np.ndarray[tuple[int], np.dtype[np.int64]]] = {}
        self._received: dict[int, np.ndarray[tuple[int], np.dtype[np.int64]]] = {}
        rows = np.argsort(readings.device, kind="stable")
        number = readings.device[rows]
        for device in devices:
            low, high = np.searchsorted(number, [device.id, device.id + 1])
            own = rows[low:high]
            times = readings.time[own]
            # Of the rows received so far, the place of the one measured last.
            best = np.maximum.accumulate(times)
            places = np.maximum.accumulate(np.where(times == best, np.arange(len(own)), 0))
            self._rows[device.id] = own
            self._newest[device.id] = places
            self._received[device.id] = readings.received[own].astype(np.int64)

    def watchers(self) -> Iterator[int]:
        """Subjects who are listened for."""
        yield from self._of

    def received(self, devices: Sequence[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """When anything of any of these devices was received, microseconds since 1970, in order."""
        return np.sort(np.concatenate([self._received[number] for number in devices]))

    def hear(
        self, subject: Subject, known: Known, now: datetime, delay: timedelta, around: Around
    ) -> None:
        """Add its devices, and who came and went, as `load_devices` gives them."""
        subject.devices = [
            self._device(one, known.state, now, delay) for one in self._of.get(subject.id, ())
        ]
        if any(
            one.kind in PORTABLE and now - one.heard_at > one.silent_after + delay
            for one in subject.devices
        ):
            subject.door_at, subject.moved_at = around.comings(known.person, now)
        if subject.kind == "home" and subject.devices:
            subject.at_risk = list(known.person.at_risk)

    def _device(self, one: Listened, state: State, now: datetime, delay: timedelta) -> Device:
        known = state.heard.get(str(one.id))
        since = known or now - one.silent_after - delay
        last: Reading | None = None
        count = int(self._received[one.id].searchsorted(micros(now), side="right"))
        if count:
            row = self._rows[one.id][self._newest[one.id][count - 1]]
            reading = self._readings.reading(int(row))
            last = reading if reading.time >= since else None
        heard_at = max((at for at in (known, last and last.time) if at), default=now)
        return Device(
            id=one.id, name=one.name, kind=one.kind, location=one.location, gateway=one.gateway,
            owner=one.owner, silent_after=one.silent_after, heard_at=heard_at, last=last,
        )  # fmt: skip
