"""Calls from devices that nobody knows, which come again and again.

Such a call is stored for device 0, so a gateway that repeats itself, or invents devices, could fill
the database with them. Some calls of a gateway always go through, the first ones; what comes then
faster than every few seconds is the same emergency in the same home, of which people know already.
Remembered in memory only: a restart lets calls through once more.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.reading import UNKNOWN
from ingest.batch import Batch

MOST_AT_ONCE = 20
"""Calls of one gateway, of one metric, that are stored however fast they come."""
ONE_IN = 10_000_000
"""Microseconds of arrival after which one more is stored."""
_MOST_KNOWN = 10_000

_Key = tuple[str, int]
"""Gateway as the wire names it, and metric."""


class Repeats:
    """How many calls were stored a while ago: a bucket with a leak for each gateway and metric."""

    def __init__(self) -> None:
        self._stored: dict[_Key, tuple[float, int]] = {}  # calls in the bucket, and when
        self._pending: dict[_Key, tuple[float, int]] = {}

    def find(self, batch: Batch) -> NDArray[np.bool_]:
        """Which of the batch's rows repeat a call; the others are to be stored."""
        repeated = np.zeros(len(batch.rows), dtype=bool)
        self._pending = {}
        for place in np.flatnonzero(batch.rows["device"] == UNKNOWN).tolist():
            row = batch.rows[place]
            key = (batch.messages[row["message"]].gateway, int(row["metric"]))
            arrival = int(row["received_at"])
            held, at = self._pending.get(key) or self._stored.get(key) or (0.0, arrival)
            held = max(0.0, held - max(0, arrival - at) / ONE_IN)
            if held + 1 > MOST_AT_ONCE:
                repeated[place] = True
            else:
                self._pending[key] = held + 1, max(arrival, at)
        return repeated

    def committed(self) -> None:
        """What the last `find` let through is in the database."""
        if len(self._stored) > _MOST_KNOWN:
            self._stored.clear()
        self._stored.update(self._pending)
        self._pending = {}
