"""Times that a device shows by the clock on the wall, without a zone: they are Finnish."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

_HOME = ZoneInfo("Europe/Helsinki")


def seconds_of_local(at: datetime, arrival: float) -> float | None:
    """Unix seconds of a local time; None where no calendar has it.

    In October an hour comes twice; it is taken as the one nearer to the arrival.
    """
    try:
        both = (at.replace(tzinfo=_HOME, fold=fold).timestamp() for fold in (0, 1))
        return min(both, key=lambda one: abs(one - arrival))
    except (ValueError, OverflowError):
        return None
