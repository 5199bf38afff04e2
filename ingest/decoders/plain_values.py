"""What sources that send names and plain values have in common: numbers, yes and no, one time."""

from __future__ import annotations

import math
from typing import Any

from core.catalogue import catalogue
from ingest.decoders.life_safety import in_text
from ingest.decoders.record import MAX_RECORDS, Channel, Decoded, DecodeError, Record

UNSET_BEFORE = 1_514_764_800.0
"""Unix seconds, 2018: a clock that shows less was never set (seen: 1970, 2017-01-01)."""
LIFE_SAFETY = frozenset(metric.name for metric in catalogue() if metric.never_filtered)
_LIMITS = {metric.name: metric.possible for metric in catalogue()}
_CUMULATIVE = frozenset(("energy", "power", "movement_count", "measurement_count"))
"""Metrics that pass through every number, so that none of them is a mark."""
_MARKS = frozenset((32767.0, -32768.0, 65535.0, 65534.0))
_SCALED_MARKS = tuple(mark / scale for mark in (32767, 32768, 65535) for scale in (10, 100, 1000))
_BATTERY_MARKS = (127.0, 127.5, 254.0, 255.0)
_MAX_NAME = 256
_YES = frozenset(("true", "on", "yes", "1", "alarm", "detected", "active", "open", "triggered"))
_NO = frozenset(
    ("false", "off", "no", "0", "normal", "clear", "none", "inactive", "closed", "idle", "ok")
)


def number(value: Any) -> float | None:
    """A finite number, also where it arrives as a text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str) and (len(value) > 32 or "_" in value):
        return None
    try:
        got = float(value)
    except (ValueError, OverflowError):
        return None
    return got if math.isfinite(got) else None


def truth(value: Any) -> float | None:
    """1 for yes and 0 for no in the ways that gateways write them; None where it says neither."""
    if isinstance(value, (bool, int, float)):
        return 1.0 if value == 1 else 0.0 if value == 0 else None
    if isinstance(value, str):
        word = value.strip().lower()
        return 1.0 if word in _YES else 0.0 if word in _NO else None
    return None


def alarm(metric: str, value: Any) -> float | None:
    """What a value of a life-safety event says: 1 on, 0 over, None unknown.

    `maybe_fall` and `fall_warning` are neither: the device itself has not decided yet, and says so
    when it has.
    """
    if isinstance(value, (bool, int, float)):
        return 1.0 if value else 0.0
    if not isinstance(value, str) or len(value) > 64:
        return None
    word = value.strip().lower()
    if word.startswith("maybe") or word == "fall_warning":
        return None
    return 0.0 if word == "none" else in_text(metric, word)


def measured(metric: str, value: float) -> bool:
    """Whether a number is a measurement, not a mark that a device sends when it has none.

    The marks are the ends of 16-bit integers, also scaled (3276.7, 655.35), and those of 8 bits
    for a battery (127, 255). A scaled mark that is possible for the metric is a measurement.
    """
    if metric == "battery" and value in _BATTERY_MARKS:
        return False
    if metric in _CUMULATIVE:
        return True
    if value in _MARKS:
        return False
    low, high = _LIMITS[metric]
    return low <= value <= high or not any(
        math.isclose(abs(value), mark, abs_tol=1e-6) for mark in _SCALED_MARKS
    )


class Readings:
    """The records of one message, all of one time; a metric of a device has one of them.

    Where several values claim the same metric of the same device, the first counts; of events
    (yes or no), one that says yes is enough, because any of two alarms is an alarm.
    """

    def __init__(self, time: float, *, dated: bool) -> None:
        self._time = time
        self._dated = dated
        self._records: dict[tuple[str, str], Record] = {}

    def add(
        self,
        device: str,
        metric: str,
        value: float | None,
        unit: str | None = None,
        *,
        at: float | None = None,
    ) -> None:
        """Add a value; None is unknown and adds nothing. `at` is its own time, if it has one.

        Raises:
            DecodeError: the device has no name or an endless one, or the records are too many.
        """
        if value is None or (unit is not None and not measured(metric, value)):
            return
        key = (device, metric)
        before = self._records.get(key)
        if before is not None and (
            unit is not None or not isinstance(before.value, float) or before.value >= value
        ):
            return
        if not 0 < len(device) <= _MAX_NAME or not device.isprintable():
            raise DecodeError(
                "bad_name",
                "A device's name has 1 to 256 characters that can be seen; this has not.",
            )
        if len(self._records) >= MAX_RECORDS:
            raise DecodeError("too_large", f"The message has over {MAX_RECORDS:,} readings.")
        time, dated = (self._time, self._dated) if at is None else (at, True)
        self._records[key] = Record(Channel(device, metric, unit), value, time, dated=dated)

    def unnamed(self, device: str, called: str, value: float) -> None:
        """Let a value that Saimi has no metric for be kept with the rejected, called so."""
        channel = Channel(device[:_MAX_NAME], called, None)
        self._records[device, called] = Record(
            channel, value, self._time, dated=self._dated, original=""
        )

    def said(self, instead: str, learned: dict[str, Any] | None = None) -> Decoded:
        """The message understood; `instead` says what it is where it holds no reading."""
        records = list(self._records.values())
        return Decoded(records, nothing="" if records else instead, learned=learned or {})


def set_clock(seconds: float | None) -> bool:
    """Whether Unix seconds come from a clock that was set at all, in this century."""
    return seconds is not None and UNSET_BEFORE <= seconds < 4_102_444_800.0
