"""Failed logins are answered ever more slowly.

Counted per process and in memory: a restart forgets them, several web processes each allow their
own. Nobody is locked out for good, since that would let a stranger lock out the night shift.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

FREE = 5
"""Failures in a row of one name from one address that cost nothing."""
FREE_BY_ADDRESS = 30
"""The same for one address, whatever the name: a whole office may share it."""
_FORGET = timedelta(minutes=15)
_LONGEST = timedelta(minutes=1)
_KEYS = 10_000


@dataclass
class _Failures:
    count: int
    last: datetime


class Attempts:
    """Failures by key; a key is an address, or a name and the address it was tried from."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def wait(self, key: str, now: datetime, *, free: int = FREE) -> timedelta:
        """How long this key has to wait before it may try again."""
        failures = self._failures.get(key)
        if failures is None or failures.count < free or now - failures.last > _FORGET:
            return timedelta(0)
        pause = min(_LONGEST, timedelta(seconds=2 ** min(failures.count - free + 1, 10)))
        return max(timedelta(0), failures.last + pause - now)

    def failed(self, key: str, now: datetime) -> None:
        """Count a failure."""
        failures = self._failures.pop(key, None)
        if failures is None or now - failures.last > _FORGET:
            failures = _Failures(0, now)
        self._failures[key] = _Failures(failures.count + 1, now)
        while len(self._failures) > _KEYS:
            self._failures.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """Forget the failures of a key."""
        self._failures.pop(key, None)
