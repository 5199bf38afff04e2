"""How a home's weeks went, the last four beside the eight before: counts by place and hour. Pure.

It supports the assessment of needs by people and judges nothing: a measure is called changed when
its last four weeks differ by a fifth and lie outside what any of the weeks before was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WEEKS, LATELY = 12, 4
DAYS = 7 * WEEKS
_HOURS = 24
_LEAST_WEEKS = 2
"""Weeks that must be known on each side before two sides are compared."""
_SHARE = 0.2
_NIGHT = (22, 6)

KITCHEN = frozenset({"kitchen"})
BATHROOM = frozenset({"bathroom", "toilet", "wc"})
FRIDGE = frozenset({"fridge", "fridge door"})
OUTSIDE = frozenset({"front", "front door", "back", "back door"})
_DOORS = FRIDGE | OUTSIDE

MEASURES = ("activity", "nights", "bathroom_nights", "kitchen", "meals", "bathroom_days", "outside")
"""Movement a day and a night; the bathroom at night; then signs of looking after oneself."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """One measure, a day or night, by week; None: not known."""

    name: str
    weekly: tuple[float | None, ...]

    @property
    def before(self) -> float | None:
        """Mean of the weeks before."""
        return _mean(self.weekly[:-LATELY])

    @property
    def lately(self) -> float | None:
        """Mean of the last weeks."""
        return _mean(self.weekly[-LATELY:])

    @property
    def change(self) -> float | None:
        """0.1 for a tenth more; None: not to be compared."""
        before, lately = self.before, self.lately
        return lately / before - 1 if before and lately is not None else None

    @property
    def changed(self) -> int:
        """1 more than in any week before and by a fifth, -1 fewer, 0 neither."""
        change, lately = self.change, self.lately
        if change is None or lately is None or abs(change) < _SHARE:
            return 0
        known = [week for week in self.weekly[:-LATELY] if week is not None]
        return 1 if lately > max(known) else -1 if lately < min(known) else 0


@dataclass(frozen=True)
class Weeks:
    """What was heard in a home in twelve weeks."""

    heard_days: int
    """Days on which any sensor of the home was heard."""
    measures: tuple[Measure, ...]
    """Those that are known in any week."""


def weeks_of(counts: Mapping[str, Sequence[int]]) -> Weeks:
    """The weeks of a home, by place and hour (24 a day, DAYS days).

    Days without any sound from the home are left out, since no count is not a count of 0. So is a
    whole week without a sound from all places of a measure: its sensor may have been dead.
    """
    places = {
        name.lower(): np.asarray(given, dtype=np.float64).reshape(DAYS, _HOURS)
        for name, given in counts.items()
    }
    everything = sum(places.values(), np.zeros((DAYS, _HOURS)))
    heard = everything.sum(axis=1) > 0
    rooms = _of(places, lambda name: name not in _DOORS)
    bathroom = _of(places, BATHROOM.__contains__)
    fridge = _of(places, FRIDGE.__contains__)
    counted = {
        "activity": (rooms, rooms.sum(axis=1)),
        "nights": (rooms, _nights(rooms)),
        "bathroom_nights": (bathroom, _nights(bathroom)),
        "kitchen": (kitchen := _of(places, KITCHEN.__contains__), kitchen.sum(axis=1)),
        "meals": (fridge, (fridge > 0).sum(axis=1).astype(np.float64)),
        "bathroom_days": (bathroom, bathroom[:, _NIGHT[1] : _NIGHT[0]].sum(axis=1)),
        "outside": (outside := _of(places, OUTSIDE.__contains__), outside.sum(axis=1)),
    }
    made = [Measure(name, _weekly(*counted[name], heard)) for name in MEASURES]
    known = tuple(one for one in made if any(week is not None for week in one.weekly))
    return Weeks(int(heard.sum()), known)


def _of(places: Mapping[str, Floats], which: Callable[[str], bool]) -> Floats:
    return sum((n for name, n in places.items() if which(name)), np.zeros((DAYS, _HOURS)))


def _nights(grid: Floats) -> Floats:
    """Of each day the night that ends on it; the first one's evening is not known."""
    evening = np.vstack([np.full((1, _HOURS), np.nan), grid[:-1]])[:, _NIGHT[0] :].sum(axis=1)
    return np.asarray(evening + grid[:, : _NIGHT[1]].sum(axis=1))


def _weekly(grid: Floats, daily: Floats, heard: NDArray[np.bool_]) -> tuple[float | None, ...]:
    found: list[float | None] = []
    for week in range(WEEKS):
        days = slice(7 * week, 7 * week + 7)
        known = daily[days][heard[days] & ~np.isnan(daily[days])]
        found.append(float(known.mean()) if grid[days].sum() > 0 and len(known) else None)
    return tuple(found)


def _mean(weeks: Sequence[float | None]) -> float | None:
    known = [week for week in weeks if week is not None]
    return sum(known) / len(known) if len(known) >= _LEAST_WEEKS else None
