"""What the models remember of a subject, as bytes for a table of its own.

Three parts, since they change at different times: the signs with every look, days once a day, rooms
where there are any. Each begins with what it is and which layout it has; another layout, or another
length, is refused, and the subject starts afresh.
"""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

import numpy as np

from models.daily import CELL
from models.following import Memory
from models.rooms import ROOMS
from models.signs import METRICS, SIGNS

FORMAT = 1
"""What the numbers mean; another one is refused."""


def _mark(name: str, layout: np.dtype[np.void]) -> bytes:
    """Eight bytes that say which part and layout this is."""
    return sha256(f"{FORMAT} {name} {layout.descr}".encode()).digest()[:8]


_SIGNS, _DAYS, _ROOMS = (
    _mark(name, layout) for name, layout in (("signs", SIGNS), ("days", CELL), ("rooms", ROOMS))
)


class Packed(NamedTuple):
    """A subject's memory; None: this part is not there."""

    signs: bytes | None
    days: bytes | None
    rooms: bytes | None


def packed(memory: Memory, row: int, *, days: bool = True, rooms: bool = True) -> Packed:
    """One subject's memory; `days`, `rooms`: whether these parts are wanted."""
    return Packed(
        _SIGNS + memory.signs[row].tobytes(),
        _DAYS + memory.days[row].tobytes() if days else None,
        _ROOMS + memory.rooms[row].tobytes() if rooms else None,
    )


def unpacked(memory: Memory, row: int, stored: Packed) -> bool:
    """Put what is stored into a row of zeros; False, and still zeros: it is not of this layout."""
    for part, mark, size in (
        (stored.signs, _SIGNS, SIGNS.itemsize),
        (stored.days, _DAYS, CELL.itemsize * len(METRICS)),
        (stored.rooms, _ROOMS, ROOMS.itemsize),
    ):
        if part is not None and (part[:8] != mark or len(part) != 8 + size):
            return False
    if stored.signs is not None:
        memory.signs[row] = np.frombuffer(stored.signs, SIGNS, offset=8)[0]
    if stored.days is not None:
        memory.days[row] = np.frombuffer(stored.days, CELL, offset=8)
    if stored.rooms is not None:
        memory.rooms[row] = np.frombuffer(stored.rooms, ROOMS, offset=8)[0]
    return True
