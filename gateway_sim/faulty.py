"""A fault file laid on a county and a start: what goes wrong with which device or gateway, when.

Like everything that is made, it is a pure function of time: a simulator that was killed goes on
with the same faults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from gateway_sim.columns import RESIDENTS, Columns, channels
from gateway_sim.county import County
from gateway_sim.devices import KINDS, ambient, makers_of, personal
from gateway_sim.effects import Shown, afflict
from gateway_sim.faults import (
    AnyFault,
    DeviceFault,
    FaultFile,
    GatewayFault,
    PowerCut,
    ReadingFault,
    Reboot,
    Stuck,
    measured,
    moments,
)
from gateway_sim.ledger import TruthFault
from gateway_sim.noise import Floats, key, mix, uniform

Mask = NDArray[np.bool_]
Moments = NDArray[np.int64]
KIND_OF = {
    model.name: model.kind
    for model in (
        *ambient(),
        *(m for n in range(RESIDENTS) for worn in (True, False) for m in personal(n, worn, True)),
    )
}
DEVICES = tuple(sorted({channel.device for channel in channels()}))
"""All devices that a home can have."""
_PLACE = {name: place for place, name in enumerate(DEVICES)}
DEVICE_OF = np.array([_PLACE[channel.device] for channel in channels()])
"""Place in `DEVICES` of each channel."""
_MEASURED = np.array([c.metric in measured(KIND_OF[c.device]) for c in channels()])
_PEEKED_S = 26 * 3600
"""How far back a device that is stuck is asked for its last value."""
_HOUR_S, _HOUR_MS = 3600.0, 3_600_000.0


class _Laid(NamedTuple):
    fault: AnyFault
    start: int
    end: int
    """Milliseconds since 1970."""
    met: Mask
    """Of devices: shape (homes, devices); of gateways: (homes, 1)."""
    begins: Moments
    """As `met`, where it begins."""
    salt: np.uint64


class Faulty:
    """What goes wrong in `county` by `file`, whose hours count from `start`."""

    def __init__(self, county: County, file: FaultFile, start: datetime) -> None:
        self._county = county
        zero = start.timestamp()
        areas = np.array([home.area for home in county.homes])
        self._laid = [
            self._lay(n, fault, zero, file.hours, areas) for n, fault in enumerate(file.fault)
        ]
        self._cuts = [laid for laid in self._laid if isinstance(laid.fault, PowerCut)]
        self._of_devices = [laid for laid in self._laid if isinstance(laid.fault, DeviceFault)]
        self._of_gateways = [laid for laid in self._laid if isinstance(laid.fault, GatewayFault)]
        self._before: dict[int, Floats] = {}
        self._before_of = range(0)
        """The homes that `_before` is of."""

    @property
    def homes(self) -> int:
        """How many there are."""
        return len(self._county.homes)

    @property
    def any(self) -> bool:
        """Whether anything goes wrong at all."""
        return bool(self._laid)

    # devices

    def shown(self, made: Columns, raw: Callable[[float, float], Columns], homes: range) -> Shown:
        """What devices show of what they should.

        Args:
            made: of `homes` alone, which follow one another.
            raw: all their readings after one moment and until another (Unix seconds), to look back.
        """
        shown = Shown.rightly(made)
        for laid in self._of_devices:
            fault = laid.fault
            begins = laid.begins[made.home, DEVICE_OF[made.channel]]
            rows = np.flatnonzero((made.time >= begins) & (made.time < laid.end))
            if isinstance(fault, ReadingFault) and len(rows):
                rows = rows[self._is_meant(fault)[made.channel[rows]]]
            if not len(rows) or not isinstance(fault, DeviceFault):
                continue
            before = np.empty(0)
            if isinstance(fault, Stuck):
                last = self._stuck(laid, raw, homes)
                before = last[made.home[rows] - homes.start, made.channel[rows]]
            ends = np.full(len(rows), laid.end)
            afflict(shown, fault, rows, begins[rows], ends, laid.salt, before)
        return shown

    @staticmethod
    def _is_meant(fault: ReadingFault) -> Mask:
        named = np.array([not fault.metrics or c.metric in fault.metrics for c in channels()])
        return named & (_MEASURED | isinstance(fault, Stuck))

    def _stuck(self, laid: _Laid, raw: Callable[[float, float], Columns], homes: range) -> Floats:
        """The last values before a fault began, shape (homes, channels); NaN: none."""
        if self._before_of != homes:  # one block of homes after the other
            self._before_of = homes
            self._before.clear()
        number = next(n for n, other in enumerate(self._laid) if other is laid)
        if number not in self._before:
            last = np.full((len(homes), len(channels())), np.nan)
            some = slice(homes.start, homes.stop)
            met = laid.begins[some][laid.met[some]]
            end = float(met.max(initial=laid.start)) / 1000.0
            since = laid.start / 1000.0 - _PEEKED_S
            while since < end:
                made = raw(since, min(since + _HOUR_S, end)).by_time()
                begins = laid.begins[made.home, DEVICE_OF[made.channel]]
                known = made.take(np.flatnonzero((made.time < begins) & (begins < laid.end)))
                # Of several, the last one stays.
                last[known.home - homes.start, known.channel] = known.value
                since += _HOUR_S
            self._before[number] = last
        return self._before[number]

    # gateways

    def without_power(self, made: Columns) -> Mask:
        """Which rows are made while their gateway is off."""
        lost = np.zeros(len(made), dtype=bool)
        for cut in self._cuts:
            during = (made.time >= cut.start) & (made.time < cut.end)
            lost |= during & cut.met[made.home, 0]
        return lost

    def power_returns(self, after: int, until: int) -> Iterator[tuple[int, Moments]]:
        """Ends of power cuts within after < time <= until (milliseconds): when, and since when each
        home was without power, shape (homes,); the same moment for homes that were not, or are
        still. Cuts of a home that overlap or touch are one, and told of once."""
        for place, cut in enumerate(self._cuts):
            if not after < cut.end <= until:
                continue
            returns = cut.met[:, 0].copy()
            for number, other in enumerate(self._cuts):
                on = other.start <= cut.end < other.end
                if on or (other.end == cut.end and number < place):
                    returns &= ~other.met[:, 0]
            since = np.where(returns, cut.start, cut.end)
            for _ in self._cuts:
                for other in self._cuts:
                    joins = returns & other.met[:, 0] & (other.end >= since)
                    since = np.where(joins & (other.start < since), other.start, since)
            yield cut.end, since

    def down(self, time: float) -> tuple[set[str], set[str]]:
        """Gateways that are off, and those that have no network, at Unix seconds."""
        off: set[str] = set()
        away: set[str] = set()
        for laid in self._of_gateways:
            if not isinstance(laid.fault, Reboot) and laid.start <= time * 1000.0 < laid.end:
                (off if isinstance(laid.fault, PowerCut) else away).update(self._names(laid))
        return off, away - off

    def restarts(self, start: float, end: float) -> set[str]:
        """Gateways that start anew at start < time <= end (Unix seconds)."""
        found: set[str] = set()
        for laid in self._of_gateways:
            if any(start < moment <= end for moment in self._restarts_of(laid)):
                found.update(self._names(laid))
        return found

    def next_change(self, after: float) -> float:
        """When a gateway goes off, comes back, or starts anew after a moment (Unix seconds)."""
        times = [
            moment
            for laid in self._of_gateways
            for moment in (laid.start / 1000.0, laid.end / 1000.0, *self._restarts_of(laid))
        ]
        return min((time for time in times if time > after), default=float("inf"))

    def truth(self) -> Iterator[TruthFault]:
        """Every fault of every device and gateway that it meets."""
        homes = self._county.homes
        for laid in self._laid:
            kind, end = laid.fault.kind, laid.end / 1000.0
            for home, place in np.argwhere(laid.met).tolist():
                gateway = homes[home].gateway
                if isinstance(laid.fault, Reboot):
                    for moment in self._restarts_of(laid):
                        yield TruthFault(kind, gateway, "", moment, moment)
                    continue
                device = DEVICES[place] if isinstance(laid.fault, DeviceFault) else ""
                begin = float(laid.begins[home, place]) / 1000.0
                yield TruthFault(kind, gateway, device, begin, end)

    @staticmethod
    def _restarts_of(laid: _Laid) -> list[float]:
        start, end = laid.start / 1000.0, laid.end / 1000.0
        if isinstance(laid.fault, Reboot):
            return list(moments(laid.fault, start, end))
        return [end] if isinstance(laid.fault, PowerCut) else []

    def _names(self, laid: _Laid) -> list[str]:
        return [self._county.homes[n].gateway for n in np.flatnonzero(laid.met[:, 0]).tolist()]

    # whom a fault meets

    def _lay(
        self, n: int, fault: AnyFault, zero: float, hours: float, areas: NDArray[np.str_]
    ) -> _Laid:
        fault = msgspec.structs.replace(fault, until_hours=fault.until_hours or hours)
        start = round((zero + _HOUR_S * fault.from_hours) * 1000.0)
        end = round((zero + _HOUR_S * (fault.until_hours or hours)) * 1000.0)
        here = np.isin(areas, fault.areas) if fault.areas else np.ones(len(areas), dtype=bool)
        salt = key(self._county.seed, 80, n)
        if isinstance(fault, DeviceFault):
            met = self._exists & here[:, None] & self._chosen(fault)
        else:
            met = here[:, None]
        drawn = self._drawn(salt, met.shape[1])
        met = met & (drawn < fault.share)
        spread = fault.spread_hours if isinstance(fault, DeviceFault) else 0.0
        late = spread * _HOUR_MS * self._drawn(key(self._county.seed, 81, n), met.shape[1])
        begins = np.where(met, start + np.round(late).astype(np.int64), end)
        return _Laid(fault, start, end, met, begins, salt)

    def _drawn(self, salt: np.uint64, columns: int) -> Floats:
        """A number in [0, 1) for each home and column."""
        numbers = np.arange(len(self._county.homes) * columns, dtype=np.uint64)
        return uniform(mix(numbers + salt)).reshape(-1, columns)

    def _chosen(self, fault: DeviceFault) -> Mask:
        """Devices of the wanted kinds and makers, shape (homes, devices)."""
        kinds = [KIND_OF[name] for name in DEVICES]
        wanted = np.array([not fault.devices or kind in fault.devices for kind in kinds])
        if not fault.makers:
            return np.broadcast_to(wanted, self._exists.shape)
        made_by = np.stack([self._maker(kind) for kind in kinds], axis=1)
        return wanted & np.isin(made_by, fault.makers)

    def _maker(self, kind: str) -> NDArray[np.str_]:
        """Who made a home's devices of a kind, shape (homes,): a home buys of one maker."""
        makers = makers_of(kind)
        drawn = self._drawn(key(self._county.seed, 82, sorted(KINDS).index(kind)), 1)
        steps = np.cumsum(list(makers.values()))[:-1]
        names: NDArray[np.str_] = np.array(list(makers))[(drawn >= steps).sum(axis=1)]
        return names

    @cached_property
    def _exists(self) -> Mask:
        """Which devices each home has, shape (homes, devices)."""
        exists = np.zeros((len(self._county.homes), len(DEVICES)), dtype=bool)
        for home in self._county.homes:
            places = [_PLACE[m.name] for m in home.devices if m.name in _PLACE]
            exists[home.number, places] = True
        return exists
