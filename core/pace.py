"""A pace: something is done at most so often, and at once where it was not done for a while."""

from __future__ import annotations

from collections.abc import Callable


class Pace:
    """`time` tells seconds, by any clock that only goes forward."""

    def __init__(self, every_s: float, time: Callable[[], float]) -> None:
        self._every_s = every_s
        self._time = time
        self._last = float("-inf")

    def left(self) -> float:
        """Seconds until it may be done; 0.0: now."""
        return max(0.0, self._last + self._every_s - self._time())

    def step(self) -> None:
        """It is done now."""
        self._last = self._time()
