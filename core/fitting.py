"""Which of readings, hours and days fits a range of time; the same for dashboards and pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

Resolution = Literal["raw", "hourly", "daily"]

RAW_FOR = timedelta(days=3)
"""Longest range shown by single readings."""
HOURS_FOR = timedelta(days=62)
"""Longest range shown by hours; beyond that it is days."""


def fitting(length: timedelta) -> Resolution:
    """What a range of this length is read from."""
    if length <= RAW_FOR:
        return "raw"
    return "hourly" if length <= HOURS_FOR else "daily"
