"""Clocks of devices that were never set or run ahead, and what can be said of the time in spite.

A gateway that writes into a message when it made it (`Decoded.made`) offers a bound: nothing in the
message was measured later. So where a device's times cannot be true, its newest reading in the
message is taken to be as old as the message, and the others keep their distance to it. That is
right for a device that sends when it has measured, and late by its delay for one that does not.

A clock that runs behind cannot be told from a reading that was stored: nothing bounds it from
below. It is reported (`saimi reading clocks`), not corrected.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

UNSET_BEFORE = 1_514_764_800.0
"""Unix seconds, 2018-01-01; a clock that shows less was never set (seen: 1970, 2017-01-01)."""
AHEAD = 300.0
"""Seconds that a clock may be ahead of the arrival."""


class Fault(StrEnum):
    """What is wrong with a clock."""

    UNSET = "unset"
    AHEAD = "ahead"
    GATEWAY_AHEAD = "gateway_ahead"
    """The gateway's own: its devices' times agree with it."""


class Offset(NamedTuple):
    """How the times of one device in one message become true ones."""

    fault: Fault
    seconds: float
    """To be added."""

    def corrected(self, time: float, arrival: float) -> float:
        """`time` as it is to be stored: what is right already stays, of a gateway that is ahead
        nothing is."""
        wrong = self.fault is Fault.GATEWAY_AHEAD or not UNSET_BEFORE <= time <= arrival + AHEAD
        return time + self.seconds if wrong else time

    @property
    def certain(self) -> bool:
        """Whether a clock that can be trusted bounds it; else only the arrival does, and how long
        the message was under way nobody knows."""
        return self.fault is not Fault.GATEWAY_AHEAD


def offset(times: Iterable[float], made: float | None, arrival: float) -> Offset | None:
    """The offset of a device's `times` in a message; all in Unix seconds.

    None: none of them is in doubt, or nothing bounds them.
    """
    times = [time for time in times if abs(time) < 1e11]
    if made is None or not UNSET_BEFORE <= made < 1e11 or not times:
        return None
    if gateway_ahead(made, arrival):
        if min(times) >= UNSET_BEFORE and max(times) <= made + AHEAD:
            return Offset(Fault.GATEWAY_AHEAD, arrival - made)
        return None  # the device's clock is wrong too, and not in the same way
    unset = [time for time in times if time < UNSET_BEFORE]
    ahead = [time for time in times if time > arrival + AHEAD]
    if not (unset or ahead) or (unset and ahead):
        return None  # having jumped within the message, no distance between times means anything
    newest = max(unset or ahead)
    return Offset(Fault.UNSET if unset else Fault.AHEAD, made - newest)


def gateway_ahead(made: float, arrival: float) -> bool:
    """Whether a gateway's own clock cannot be right: then none of its times is."""
    return arrival + AHEAD < made < 1e11
