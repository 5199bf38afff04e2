"""When the line from the broker to the alert engine was alive, so that silence is honest.

While ingest or the engine is down, every device looks silent. Silence is therefore counted only
over time in which the line was seen whole: ingest's heartbeat was fresh and a worker looked. The
record is one row, kept by whichever worker looks; gaps in it are outages of ours.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

GAP = timedelta(seconds=15)
"""Wall time without a sign of life that makes an outage; heartbeats come every 2 s."""
KEEP = 100
"""Outages remembered; older ones concern devices that have long been found silent."""


class Line(msgspec.Struct, frozen=True):
    """Until when the line was alive, and when it was not; times of the shared clock."""

    alive_at: datetime | None = None
    """When it was last seen whole; None: never."""
    wall_at: datetime | None = None
    """The same in wall time."""
    outages: tuple[tuple[datetime, datetime], ...] = ()

    def seen(self, *, wall: datetime, now: datetime) -> Line:
        """The record after the line was seen whole at `wall`, `now`."""
        if self.alive_at is None or self.wall_at is None:
            return Line(now, wall)
        outages = self.outages
        if wall - self.wall_at > GAP:
            outages = (*outages, (self.alive_at, now))[-KEEP:]
        return Line(max(now, self.alive_at), max(wall, self.wall_at), outages)

    def before(self, silence: timedelta) -> datetime | None:
        """The moment such that who was heard last before it has been silent for longer.

        None where the line was never alive.
        """
        if self.alive_at is None:
            return None
        end = self.alive_at
        for start, stop in reversed(self.outages):
            if end - stop >= silence:
                break
            silence -= max(timedelta(0), end - stop)
            end = min(end, start)
        return end - silence

    def silence(self, since: datetime) -> timedelta:
        """How long nothing was heard since `since` while somebody could have heard it.

        Counted up to the last moment at which the line was seen whole: an outage that is still
        going on adds nothing. Zero where it never was.
        """
        if self.alive_at is None:
            return timedelta(0)
        deaf = sum(
            (max(timedelta(0), end - max(start, since)) for start, end in self.outages),
            timedelta(0),
        )
        return max(timedelta(0), self.alive_at - since - deaf)
