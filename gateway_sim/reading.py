"""What a simulated device says, before any format."""

from __future__ import annotations

from typing import NamedTuple


class Reading(NamedTuple):
    """What a device says of one metric at one time."""

    time: float
    """Unix seconds, whole milliseconds."""
    device: str
    metric: str
    value: float
    qualifier: int = 0
    """-1: below, 1: above what the device can measure; the value is its limit then."""
