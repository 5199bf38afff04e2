"""What gateways hear: what devices should say, under the faults of a run."""

from __future__ import annotations

from collections import defaultdict
from functools import partial

import numpy as np

from gateway_sim.columns import Columns, channels
from gateway_sim.devices import REMEMBERS_H
from gateway_sim.effects import Shown
from gateway_sim.faulty import KIND_OF, Faulty, Mask
from gateway_sim.production import MONITOR_EVERY, Production
from gateway_sim.reading import Reading

_HALF_S = 0.0005
_REMEMBERS_MS = np.array(
    [round(3_600_000.0 * REMEMBERS_H.get(KIND_OF[c.device], 0.0)) for c in channels()],
    dtype=np.int64,
)


class Hearing:
    """What reaches the gateways of a county: a pure function of time."""

    def __init__(self, production: Production, faulty: Faulty) -> None:
        self._production = production
        self._faulty = faulty
        self._all = range(faulty.homes)

    def between(
        self, start: float, end: float, every: float = MONITOR_EVERY
    ) -> dict[int, list[Reading]]:
        """What is heard at start < time <= end (Unix seconds) by number of home, in the order in
        which it was measured; also what devices remember of a power cut that ends then.

        Args:
            every: seconds between the packs of worn monitors.
        """
        shown = self.shown(start, end, every).by_home()
        found: dict[int, list[Reading]] = defaultdict(list)
        for home, reading in zip(shown.made.home.tolist(), shown.readings(), strict=True):
            found[home].append(reading)
        return found

    def shown(self, start: float, end: float, every: float = MONITOR_EVERY) -> Shown:
        """The same as columns, in no particular order."""
        made = self._production.columns(start, end, every=every)
        made = made.take(np.flatnonzero(~self._faulty.without_power(made)))
        parts = [made, *self._remembered(start, end, every)]
        return self._heard(Columns.joined(parts), self._all, every)

    def recorded(
        self, start: float, end: float, homes: range, every: float | None, until: float
    ) -> Shown:
        """What was measured at start <= time < end (Unix seconds) and has reached the gateways by
        `until`, in no particular order: as somebody knows it who looks back from then.

        Args:
            homes: whose, following one another.
            every: seconds between the packs of worn monitors; None: there are none.
        """
        made = self._production.within(start, end, homes, every)
        if self._faulty.any:
            made = made.take(np.flatnonzero(~self._lost(made, start, until)))
        return self._heard(made, homes, every)

    def next_due(self, after: float) -> float:
        """When the next reading is made, or a gateway's fate changes, after a moment."""
        return min(self._production.next_due(after), self._faulty.next_change(after))

    def _heard(self, made: Columns, homes: range, every: float | None) -> Shown:
        raw = partial(self._production.columns, homes=homes, every=every)
        return self._faulty.shown(made, raw, homes).heard()

    def _lost(self, made: Columns, start: float, until: float) -> Mask:
        """What was measured without power, and no device remembers when power returns."""
        lost = self._faulty.without_power(made)
        bounds = (int(np.floor(1000.0 * moment)) for moment in (start, until))
        for high, since in self._faulty.power_returns(*bounds):
            kept = (made.time >= since[made.home]) & (made.time < high)
            lost &= ~(kept & (made.time >= high - _REMEMBERS_MS[made.channel]))
        return lost

    def _remembered(self, start: float, end: float, every: float) -> list[Columns]:
        after, until = (int(np.floor(t * 1000.0 + 1e-4)) for t in (start, end))
        parts = []
        for high, since in self._faulty.power_returns(after, until):
            oldest = max(int(since.min()), high - int(_REMEMBERS_MS.max()))
            if oldest == high:
                continue
            made = self._production.columns(
                oldest / 1000.0 - _HALF_S, high / 1000.0 - _HALF_S, every=every
            )
            kept = (made.time >= since[made.home]) & (
                made.time >= high - _REMEMBERS_MS[made.channel]
            )
            parts.append(made.take(np.flatnonzero(kept)))
        return parts
