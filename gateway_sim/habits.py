"""What illness and other events do to homes at every moment of a day (`illness.HABITS`)."""

from __future__ import annotations

import numpy as np

from gateway_sim.illness import HABITS, Illnesses, lean
from gateway_sim.noise import Floats
from gateway_sim.people import Indexes

_EVERY_S = 300.0


class Habits:
    """Habits of people over a span of Unix seconds, as they are every five minutes.

    Only of those with anything the matter is anything kept, and only what differs from 1.

    Args:
        person: index into `People` of each row asked about later, shape (rows,).
    """

    def __init__(self, illnesses: Illnesses, person: Indexes, start: float, end: float) -> None:
        self._start = start
        rows = np.flatnonzero(np.isin(person, illnesses.whom(start, end)))
        self._place = np.full(len(person), -1)
        self._place[rows] = np.arange(len(rows))
        moments = np.arange(start, end + _EVERY_S, _EVERY_S)
        self._last = len(moments) - 1
        who, when = np.repeat(person[rows], len(moments)), np.tile(moments, len(rows))
        present = illnesses.present(who, when)
        self._moved: dict[str, Floats] = {}
        for habit in HABITS:
            if any(getattr(kind, habit) is not None for _, kind, _ in present):
                values = lean(habit, np.ones(len(who)), present)
                self._moved[habit] = values.reshape(len(rows), len(moments))

    def __call__(self, habit: str, rows: Indexes, time: Floats) -> Floats:
        """The habit of each (row, Unix seconds), shape (n,); 1 is as usual."""
        values = np.ones(len(rows))
        moved = self._moved.get(habit)
        if moved is not None:
            place = self._place[rows]
            some = np.flatnonzero(place >= 0)
            at = np.floor((time[some] - self._start) / _EVERY_S).astype(np.int64)
            values[some] = moved[place[some], np.clip(at, 0, self._last)]
        return values

    def crossings(self, habit: str) -> tuple[Indexes, Floats, Floats]:
        """When a habit begins to be below a half, or again is above it: rows, Unix seconds, and
        what it is from then on; shapes (n,)."""
        moved = self._moved.get(habit)
        if moved is None:
            return np.empty(0, dtype=np.int64), np.empty(0), np.empty(0)
        below = moved < 0.5
        place, step = np.nonzero(below[:, 1:] != below[:, :-1])
        rows = np.flatnonzero(self._place >= 0)
        time: Floats = self._start + _EVERY_S * (step + 1.0).astype(np.float64)
        after: Floats = np.where(below[place, step + 1], 0.0, 1.0)
        of: Indexes = rows[place]
        return of, time, after

    def changed(self, habit: str) -> Indexes:
        """Rows whose habit is ever another than usual."""
        moved = self._moved.get(habit)
        if moved is None:
            return np.empty(0, dtype=np.int64)
        rows = np.flatnonzero(self._place >= 0)
        changed: Indexes = rows[(moved[self._place[rows]] != 1.0).any(axis=1)]
        return changed
