"""Calls from devices that nobody knows, which come again and again.

Such a call is stored for device 0, so a gateway that repeats itself, or invents devices, could fill
the database with them. The first call of each device goes through; so does the first few seconds'
worth of other devices. What comes then within some seconds is the same emergency in the same home,
of which people know already. Remembered in memory only: a restart lets calls through once more.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.reading import UNKNOWN
from ingest.batch import Batch

REPEATED_WITHIN = 10_000_000
"""Microseconds of arrival in which a call of one device is the same call."""
MOST_DEVICES = 20
"""Devices that a gateway may call for, of one metric, in this time."""
_MOST_KNOWN = 10_000

_Calls = dict[str, int]
"""By device, as the wire names it: when it last called."""


class Repeats:
    """Which calls were stored a moment ago."""

    def __init__(self) -> None:
        self._stored: dict[tuple[str, int], _Calls] = {}  # by gateway and metric
        self._pending: dict[tuple[str, int], _Calls] = {}

    def find(self, batch: Batch) -> NDArray[np.bool_]:
        """Which of the batch's rows repeat a call; the others are to be stored."""
        repeated = np.zeros(len(batch.rows), dtype=bool)
        self._pending = {}
        for place in np.flatnonzero(batch.rows["device"] == UNKNOWN).tolist():
            row = batch.rows[place]
            key = (batch.messages[row["message"]].gateway, int(row["metric"]))
            device, arrival = batch.records[row["record"]].channel.device, int(row["received_at"])
            calls = self._pending.get(key)
            if calls is None:
                calls = self._pending[key] = {
                    other: at
                    for other, at in self._stored.get(key, {}).items()
                    if arrival - at < REPEATED_WITHIN
                }
            before = calls.get(device)
            if before is not None and 0 <= arrival - before < REPEATED_WITHIN:
                repeated[place] = arrival > before  # else the very same message's
            elif before is None and len(calls) >= MOST_DEVICES:
                repeated[place] = True
            else:
                calls[device] = arrival
        return repeated

    def committed(self) -> None:
        """What the last `find` let through is in the database."""
        if len(self._stored) > _MOST_KNOWN:
            self._stored.clear()
        self._stored.update(self._pending)
        self._pending = {}
