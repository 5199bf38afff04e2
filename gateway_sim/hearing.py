"""What gateways hear: what devices should say, under the faults of a run."""

from __future__ import annotations

import re
from collections import defaultdict

import numpy as np

from gateway_sim.columns import Columns, channels
from gateway_sim.day import Reading
from gateway_sim.devices import REMEMBERS_H
from gateway_sim.effects import Shown
from gateway_sim.faulty import KIND_OF, Faulty
from gateway_sim.production import MONITOR_EVERY, Production
from gateway_sim.sorting import order_by

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

    def between(
        self, start: float, end: float, every: float = MONITOR_EVERY
    ) -> dict[int, list[Reading]]:
        """What is heard at start < time <= end (Unix seconds) by number of home, in the order in
        which it was measured; also what devices remember of a power cut that ends then.

        Args:
            every: seconds between the packs of worn monitors.
        """
        shown = self.shown(start, end, every)
        made = shown.made
        order = order_by(made.home, made.time, made.channel)
        found: dict[int, list[Reading]] = defaultdict(list)
        names = channels()
        for home, channel, time, value, qualifier, shift in zip(
            made.home[order].tolist(), made.channel[order].tolist(),
            (shown.time[order] / 1000.0).tolist(), shown.value[order].tolist(),
            shown.qualifier[order].tolist(), shown.shift[order].tolist(), strict=True,
        ):  # fmt: skip
            device, metric = names[channel]
            if shift:
                device = renumbered(device, shift)
            found[home].append(Reading(time, device, metric, value, qualifier))
        return found

    def shown(self, start: float, end: float, every: float = MONITOR_EVERY) -> Shown:
        """The same as columns, in no particular order."""
        made = self._production.columns(start, end, every=every)
        made = made.take(np.flatnonzero(~self._faulty.without_power(made)))
        parts = [made, *self._remembered(start, end, every)]
        whole = Columns.joined(parts)
        return self._faulty.shown(whole, self._raw).heard()

    def next_due(self, after: float) -> float:
        """When the next reading is made, or a gateway's fate changes, after a moment."""
        return min(self._production.next_due(after), self._faulty.next_change(after))

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

    def _raw(self, start: float, end: float) -> Columns:
        return self._production.columns(start, end)


def renumbered(device: str, by: int) -> str:
    """The name of a device whose number is off; one without a number keeps its name."""
    return re.sub(r"\d+$", lambda number: str(int(number[0]) + by), device)
