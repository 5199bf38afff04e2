"""One clock for all processes.

Logic never asks the operating system for the time: it is given a `Clock`. The clock is either
real, or runs `factor` times as fast from an anchor that all processes read from the database, so
that a simulated county can live an hour in a minute. Latencies are always wall time.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

LOCAL = ZoneInfo("Europe/Helsinki")
"""The county's civil time: days, nights, routines and rotas. Durations are UTC."""


def wall_time() -> datetime:
    """Real time (UTC), for latencies and leases between processes; never for readings."""
    return datetime.fromtimestamp(time.time(), UTC)


class Clock(Protocol):
    """What everything that needs *now* is given."""

    def now(self) -> datetime:
        """The time that readings and alerts live in; aware, UTC."""
        ...

    async def sleep(self, duration: timedelta) -> None:
        """Wait until this clock has gone on by `duration`."""
        ...


@dataclass(frozen=True)
class ScaledClock:
    """Runs `factor` times as fast as real time, `anchor` being shown at real time `wall_anchor`.

    With `anchor == wall_anchor` and factor 1 it is the real clock.
    """

    wall_anchor: datetime
    anchor: datetime
    factor: float = 1.0

    def now(self) -> datetime:
        return self.anchor + (wall_time() - self.wall_anchor) * self.factor

    def at(self, wall: datetime) -> datetime:
        """What this clock shows at the real time `wall`."""
        return self.anchor + (wall - self.wall_anchor) * self.factor

    def wall(self, at: datetime) -> datetime:
        """The real time at which this clock shows `at`."""
        return self.wall_anchor + (at - self.anchor) / self.factor

    async def sleep(self, duration: timedelta) -> None:
        await asyncio.sleep(max(0.0, duration.total_seconds() / self.factor))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
REAL_CLOCK = ScaledClock(wall_anchor=_EPOCH, anchor=_EPOCH)
"""Real time."""


class ManualClock:
    """Stands still until it is told; for tests and for back-tests."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def set(self, now: datetime) -> None:
        """Show `now` from now on."""
        self._now = now

    def advance(self, duration: timedelta) -> None:
        """Go on by `duration`."""
        self._now += duration

    async def sleep(self, duration: timedelta) -> None:
        self.advance(duration)
        await asyncio.sleep(0)
