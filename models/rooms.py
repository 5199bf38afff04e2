"""Following a home by its ambient sensors: silence, and the counts of its days and nights.

Signs of life go to the model of silence (models/silence.py) in steps of five minutes, once a step
is over; counts of a day (models/household.py) to its routine (models/routine.py) when the night (at
6) or the day (at midnight) is over. What is kept of a home is what came of that, and the last event
of each place: enough to count visits and minutes out of bed as if all were looked at at once.

What comes late still counts for a day that is not over, and ends a gap at its time; that gap is not
learned. Somebody must have listened: a look at which the home's gateway was away, or nobody was at
home as far as is known, makes the time since the look before no evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.household import NIGHT, PLACES, SENSORS, WHOLE, Events, household
from models.readings import DAY, Flags, Floats, Indexes
from models.routine import Days, Routine
from models.silence import BED, DOOR, INSIDE, NONE, STEP_S, Memory, Silence, Steps

BY_NIGHT = ("bathroom_by_night", "rises", "minutes_out_of_bed", "front_by_night")
BY_DAY = tuple(name for name in WHOLE if name not in BY_NIGHT)
MEASURES = (*BY_NIGHT, *BY_DAY)
"""Of which routines are followed."""
_NIGHT, _DAY = slice(0, len(BY_NIGHT)), slice(len(BY_NIGHT), len(MEASURES))
_PLACE_OF = [WHOLE.index(name) for name in MEASURES]
_FRONT, _OUT, _IN = (PLACES.index(name) for name in ("front", "bed_out", "bed_in"))
_NEEDS = {name: list(SENSORS[name]) for name in MEASURES}
_NEVER = np.iinfo(np.int64).max
_WEEK = 7
"""Days that are gone through; a home that was not looked at for longer begins anew."""
GRACE = 600.0
"""Seconds after its end in which a day's last events may still come."""
GONE = 2 * DAY
"""Seconds without an event after which a sensor is taken to be dead, or not there."""
LONGEST = _WEEK * 288
"""Steps that are gone through, likewise."""

ROOMS = np.dtype(
    [
        ("ends", "<f4", (3, 24)),
        ("expected", "<f4", (3, 24)),
        ("gap", "<f4", (24,)),
        ("age", "<i4"),
        ("began", "<i4"),
        ("broken", "?"),
        ("lying", "?"),
        ("deaf", "?", (2,)),  # somebody did not listen all of this night, all of this day
        ("night_told", "?"),
        ("step", "<i8"),  # steps of STEP_S since 1970 that are taken: all before it
        ("taken_at", "<f8"),
        ("place_at", "<f8", (len(PLACES),)),
        ("day", "<i4"),  # local; 0: nothing was ever heard
        ("count", "<f4", (2, len(MEASURES))),  # of that day, and of the next one's night
        ("kept", "<f4", (len(MEASURES), 6)),
        ("more", "<f4", (len(MEASURES),)),  # what was told of the last night and day
        ("fewer", "<f4", (len(MEASURES),)),
        ("told", "<f4", (len(MEASURES), 4)),  # count, usual, low, high
        ("drift", "<f4", (len(MEASURES),)),
    ]
)
"""Of one home; all zeros: nothing is known."""
Kept = NDArray[np.void]
"""(homes,) of ROOMS."""
_SILENCE = ("ends", "expected", "gap", "age", "began", "broken")


@dataclass(frozen=True)
class Happened:
    """Rows (e) in order of home and time: what sensors noticed, as models.household.Events."""

    home: Indexes
    place: Indexes
    """Place in PLACES."""
    time: Floats
    local: Floats
    received: Floats

    def only(self, rows: Flags | Indexes) -> Happened:
        """Some rows."""
        return Happened(**{name: column[rows] for name, column in vars(self).items()})

    def __len__(self) -> int:
        return len(self.home)


@dataclass(frozen=True)
class Followed:
    """What is known of n homes now; NaN: unknown."""

    silence: Floats
    """(n,): the chance of a gap at least as long as the present one; 1 right after a sign."""
    silent_s: Floats
    """(n,): how long it is."""
    usual_signs: Floats
    """(n,): how many signs the home would usually have given in it."""
    began: Indexes
    """(n,): what began it, as models.silence has it."""
    more: Floats
    """(n, measures): the chance of at least as much as in the last night, on the last day."""
    fewer: Floats
    told: Floats
    """(n, measures, 4): count, usual, low, high."""
    drift: Floats
    memory: Kept


@dataclass(frozen=True)
class Rooms:
    """Follows homes by what is usual in a cohort; following never changes it."""

    silence: Silence
    night: Routine
    day: Routine

    def follow(
        self, happened: Happened, memory: Kept, listening: Floats, held: Flags, now: float,
        offset: float,
    ) -> Followed:  # fmt: skip
        """Take what is new and tell what is known of each of n homes.

        Args:
            happened: what may be new; what the memory has taken already is left out by its time.
            memory: as the look before gave it; left as it is.
            listening: (n,): 1, or 0 if since the last look the gateway was away or nobody was
                expected to be at home.
            held: (n,): do not learn this day and night.
            now: Unix seconds; offset: what a local clock shows is so much more.
        """
        kept = memory.copy()
        over = int(now // STEP_S)
        step = np.floor(happened.time / STEP_S).astype(np.int64)
        new = (step >= kept["step"][happened.home]) & (step < over)
        late = (step < kept["step"][happened.home]) & (
            happened.received > kept["taken_at"][happened.home]
        )
        first = (kept["step"] == 0) & (np.bincount(happened.home[new], minlength=len(kept)) > 0)
        if first.any():
            begins = np.full(len(kept), over)
            np.minimum.at(begins, happened.home[new], step[new])
            kept["step"] = np.where(first, begins, kept["step"])
        known = kept["step"] > 0
        deaf = known & (listening <= 0)
        kept["deaf"] |= deaf[:, None]
        told = self._silence(kept, happened, step, new, late, listening, over, offset)
        kept["taken_at"] = np.where(known, now, 0.0)
        self._days(kept, happened.only(new | late), held, now + offset)
        heard = known & (kept["day"] > 0)
        chance, silent, usual = (np.where(known, value, np.nan) for value in told)
        rows = {
            name: np.where(
                heard.reshape(-1, *[1] * (kept[name].ndim - 1)), kept[name], np.nan
            ).astype(np.float64)
            for name in ("more", "fewer", "told", "drift")
        }
        return Followed(
            chance, silent, usual, np.where(known, kept["began"], NONE).astype(np.int64),
            **rows, memory=kept,
        )  # fmt: skip

    def _silence(
        self, kept: Kept, happened: Happened, step: Indexes, new: Flags, late: Flags,
        listening: Floats, over: int, offset: float,
    ) -> tuple[Floats, Floats, Floats]:  # fmt: skip
        """Go on to step `over`, in place; chance, seconds and usual signs at its beginning."""
        many = len(kept)
        sign = signs(kept, happened)
        _end_gaps(kept, happened, step, late, sign)
        start = np.where(kept["step"] > 0, kept["step"], over)
        far = over - start > LONGEST
        kept["began"][far], kept["gap"][far], kept["broken"][far] = NONE, 0.0, True
        start = np.where(far, over - LONGEST, start)
        signed: dict[int, tuple[Indexes, Indexes]] = {}
        rows = np.flatnonzero(new & (step >= start[happened.home]))
        if len(rows):
            order = rows[np.argsort(step[rows], kind="stable")]
            cuts = np.flatnonzero(np.diff(step[order])) + 1
            for part in np.split(order, cuts):
                # Of several signs of one home in a step the last one speaks: they are in order.
                signed[int(step[part[0]])] = happened.home[part], sign[part]
        chance, silent, usual = (np.full(many, np.nan) for _ in range(3))
        edges = [*np.unique(start[start < over]).tolist(), over]
        for low, high in pairwise(edges):
            active = np.flatnonzero(start <= low)
            at = np.full((high - low, many), NONE)
            for number in range(low, high):
                if number in signed:
                    homes, what = signed[number]
                    at[number - low, homes] = what
            local = (np.arange(low, high) * STEP_S + offset) / DAY
            steps = Steps(
                ((local % 1.0) * 24.0).astype(np.int64),
                (np.floor(local).astype(np.int64) + 3) % 7 > 4,
                at[:, active], np.broadcast_to(listening[active], (high - low, len(active))),
            )  # fmt: skip
            scored = self.silence.score(steps, _memory(kept[active]))
            for name in _SILENCE:
                kept[name][active] = getattr(scored.memory, name)
            chance[active] = scored.probability[-1]
            silent[active] = scored.silent_s[-1]
            usual[active] = scored.usual_signs[-1]
        kept["step"] = np.where(kept["step"] > 0, over, 0)
        return chance, silent, usual

    def _days(self, kept: Kept, happened: Happened, held: Flags, local: float) -> None:
        """Count, and hand nights and days that are over to the routine; in place."""
        today = int(local // DAY)
        day = np.floor(happened.local / DAY).astype(np.int64)
        first = np.full(len(kept), _NEVER)
        np.minimum.at(first, happened.home, day)
        new = (kept["day"] == 0) & (first < _NEVER)
        stale = (kept["day"] > 0) & (today - kept["day"] > _WEEK)
        kept["day"] = np.where(new, np.maximum(first, today - _WEEK), kept["day"])
        kept["day"] = np.where(stale, today, kept["day"])
        # The day on which a home is heard first, or again after a week, is not a whole one.
        kept["deaf"][new | stale] = True
        for name in ("more", "fewer", "told", "drift"):
            kept[name][new | stale] = np.nan  # until a night or a day of it is over
        kept["count"][stale], kept["night_told"][stale] = 0.0, False
        while True:
            live = kept["day"] > 0
            of_day = day == kept["day"][happened.home]
            self._count(kept, happened.only(of_day))
            happened, day = happened.only(~of_day), day[~of_day]
            behind = live & (kept["day"] < today)
            morning = live & (local % DAY >= NIGHT[1] * 3600.0 + GRACE)
            self._tell(kept, (behind | morning) & ~kept["night_told"], held, night=True)
            if not behind.any():
                return
            self._tell(kept, behind, held, night=False)
            kept["day"] += behind
            kept["count"][behind, 0] = kept["count"][behind, 1]
            kept["count"][behind, 1] = 0.0
            kept["night_told"][behind] = False

    def _count(self, kept: Kept, happened: Happened) -> None:
        """Add events of each home's present day to its counts, in place.

        Counted together with the last event of each place, less what that alone would count: so
        visits and minutes out of bed are those of the whole day, in however many pieces it comes.
        """
        if not len(happened):
            return
        homes, number = np.unique(happened.home, return_inverse=True)
        home, place = np.nonzero(kept["place_at"][homes] > 0)
        time = kept["place_at"][homes][home, place]
        # The clock of then is taken to be that of now; it tells only whether a night goes on.
        offset = happened.local[0] - happened.time[0]
        before = _events(home, place, time, time + offset, kept["day"][homes])
        both = _events(
            np.concatenate([home, number]), np.concatenate([place, happened.place]),
            np.concatenate([time, happened.time]),
            np.concatenate([time + offset, happened.local]), kept["day"][homes],
        )  # fmt: skip
        heard = np.ones((2, len(homes), len(PLACES)), dtype=bool)
        more = household(both, 0, 2, heard) - household(before, 0, 2, heard)
        kept["count"][homes] += more[:, :, _PLACE_OF].swapaxes(0, 1)
        np.maximum.at(kept["place_at"], (happened.home, happened.place), happened.time)

    def _tell(self, kept: Kept, homes: Flags, held: Flags, *, night: bool) -> None:
        rows = np.flatnonzero(homes)
        if not len(rows):
            return
        model, some = (self.night, _NIGHT) if night else (self.day, _DAY)
        part = kept[rows]
        count = part["count"][:, 0, some].astype(np.float64)
        gone = part["place_at"] < part["taken_at"][:, None] - GONE
        deaf = part["deaf"][:, 0 if night else 1]
        for column, name in enumerate(MEASURES[some]):
            unknown = deaf | gone[:, _NEEDS[name]].any(axis=1)
            count[unknown, column] = np.nan
        days = Days(count[None], held[rows][None])
        scored = model.score(days, part["kept"][:, some].astype(np.float64))
        kept["kept"][rows, some] = scored.memory
        kept["more"][rows, some], kept["fewer"][rows, some] = scored.more[0], scored.fewer[0]
        kept["drift"][rows, some] = scored.drift[0]
        kept["told"][rows, some] = np.stack(
            [count, scored.usual[0], scored.low[0], scored.high[0]], axis=-1
        )
        kept["deaf"][rows, 0 if night else 1] = False
        if night:
            kept["night_told"][rows] = True


def signs(kept: Kept, happened: Happened) -> Indexes:
    """(e,): what sign of life each event is; while somebody lies, all but the front door is BED."""
    sign = np.where(happened.place == _FRONT, DOOR, INSIDE)
    bed = (happened.place == _IN) | (happened.place == _OUT)
    # The last event of a bed up to each event, by home: rows are in order of home and time.
    number = np.arange(len(sign))
    last = np.maximum.accumulate(np.where(bed, number, -1))
    same = (last >= 0) & (happened.home[np.maximum(last, 0)] == happened.home)
    lying = np.where(same, happened.place[np.maximum(last, 0)] == _IN, kept["lying"][happened.home])
    ends = np.ones(len(sign), dtype=bool)
    ends[:-1] = np.diff(happened.home) != 0
    fresh = ends & (happened.time >= kept["place_at"][happened.home][:, [_OUT, _IN]].max(axis=1))
    kept["lying"][happened.home[fresh]] = lying[fresh]
    result: Indexes = np.where((sign == INSIDE) & lying, BED, sign)
    return result


def _end_gaps(kept: Kept, happened: Happened, step: Indexes, late: Flags, sign: Indexes) -> None:
    """What came late, and within the present gap, ends it at its time; that gap is not learned."""
    for row in np.flatnonzero(late).tolist():
        home = int(happened.home[row])
        age = int(kept["step"][home]) - 1 - int(step[row])
        if kept["began"][home] != NONE and age < kept["age"][home]:
            kept["began"][home], kept["age"][home] = sign[row], age
            kept["gap"][home], kept["broken"][home] = 0.0, True


def _events(home: Indexes, place: Indexes, time: Floats, local: Floats, day: Indexes) -> Events:
    """In order of home and time, on days that count from each home's own."""
    order = np.lexsort((place, time, home))
    home = home[order]
    return Events(home, local[order] - day[home] * DAY, time[order], place[order])


def _memory(kept: Kept) -> Memory:
    return Memory(
        kept["ends"].astype(np.float64), kept["expected"].astype(np.float64),
        kept["gap"].astype(np.float64), kept["age"].astype(np.int64),
        kept["began"].astype(np.int64), kept["broken"].copy(),
    )  # fmt: skip
