"""Everything that models remember and know of subjects: vital signs and rooms, look by look.

A look takes what is new of n subjects and tells what is known of each now. Memory in, memory out:
nothing else is kept, so the engine over a database and a backtest over a recording are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from models import daily, rooms, signs
from models.baseline import Baseline
from models.readings import Flags, Floats, Indexes
from models.rooms import Happened, Rooms
from models.routine import Routine
from models.signs import METRICS, Measured, Signs
from models.silence import Silence
from models.trend import Trend


@dataclass
class Memory:
    """Of n subjects; all zeros: nothing is known."""

    signs: signs.Memory
    days: daily.Memory
    rooms: rooms.Kept

    @classmethod
    def new(cls, subjects: int) -> Self:
        """Of subjects of whom nothing is known."""
        return cls(
            np.zeros(subjects, signs.SIGNS),
            np.zeros((subjects, len(METRICS)), daily.CELL),
            np.zeros(subjects, rooms.ROOMS),
        )

    def only(self, rows: Indexes) -> Memory:
        """Of some subjects."""
        return Memory(self.signs[rows], self.days[rows], self.rooms[rows])


@dataclass(frozen=True)
class Facts:
    """What is known of n subjects apart from readings."""

    held: Flags
    """(n,): learn nothing: an episode is open, or somebody is away or has guests."""
    listening: Floats
    """(n,): 0 if since the look before the gateway was away, or nobody was expected at home."""
    together: Flags
    """(n,): a home for two."""


@dataclass(frozen=True)
class Known:
    """What is known of n subjects at a look."""

    signs: signs.Followed
    rooms: rooms.Followed
    memory: Memory
    has_rooms: Flags
    """(n,): a sensor of its rooms was ever heard."""


@dataclass(frozen=True)
class Following:
    """What was learned of a cohort, and follows subjects by it; following never changes it."""

    signs: Signs
    alone: Rooms
    together: Rooms

    def look(
        self, measured: Measured, happened: Happened, memory: Memory, facts: Facts, now: float,
        offset: float,
    ) -> Known:  # fmt: skip
        """Take what is new of n subjects; `now` in Unix seconds, `offset` what a local clock shows
        more. What is late, or was taken before, is found out by its times."""
        told = self.signs.follow(measured, memory.signs, memory.days, facts.held, now, offset)
        count = len(memory.rooms)
        has = memory.rooms["step"] > 0
        has[happened.home] = True
        known = _unknown(memory.rooms)
        for together, model in ((False, self.alone), (True, self.together)):
            rows = np.flatnonzero(has & (facts.together == together))
            if not len(rows):
                continue
            place = np.full(count, -1)
            place[rows] = np.arange(len(rows))
            of = happened.only(place[happened.home] >= 0)
            of = Happened(place[of.home], of.place, of.time, of.local, of.received)
            found = model.follow(
                of, memory.rooms[rows], facts.listening[rows], facts.held[rows], now, offset
            )
            for name, column in vars(known).items():
                column[rows] = getattr(found, name)
        return Known(told, known, Memory(told.signs, told.days, known.memory), has)

    def state(self) -> dict[str, Any]:
        """Itself in plain values."""
        return {
            "baseline": self.signs.baseline.state(),
            "trend": self.signs.trend.state(),
            "followed": self.signs.followed.tolist(),
            "night": self.alone.night.state(),
            "day": self.alone.day.state(),
            "silence": self.alone.silence.state(),
            "silence_of_two": self.together.silence.state(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The reverse of `state`.

        Raises:
            ValueError: these are not its values.
        """
        night, day = Routine.from_state(state["night"]), Routine.from_state(state["day"])
        followed = Signs(
            Baseline.from_state(state["baseline"]),
            Trend.from_state(state["trend"]),
            np.array(state["followed"], dtype=bool),
        )
        widths = {len(followed.baseline.cohort.scale), len(followed.trend.scale)}
        routines = (len(night.shape), len(day.shape))
        if widths | {len(followed.followed)} != {len(METRICS)}:
            raise ValueError("a baseline or a trend is of other metrics")
        if routines != (len(rooms.BY_NIGHT), len(rooms.BY_DAY)):
            raise ValueError("a routine is of other measures")
        return cls(
            followed,
            Rooms(Silence.from_state(state["silence"]), night, day),
            Rooms(Silence.from_state(state["silence_of_two"]), night, day),
        )


def _unknown(kept: rooms.Kept) -> rooms.Followed:
    count, measures = len(kept), len(rooms.MEASURES)

    def nothing(*shape: int) -> Floats:
        return np.full((count, *shape), np.nan)

    return rooms.Followed(
        nothing(), nothing(), nothing(), np.zeros(count, dtype=np.int64),
        nothing(measures), nothing(measures), nothing(measures, 4), nothing(measures), kept.copy(),
    )  # fmt: skip
