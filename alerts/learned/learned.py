"""The models at work: what is new of a batch of subjects -> findings, and a new memory. Pure.

    learned = Learned(county)                      # models.county.load(folder), once
    memory = empty(len(subjects))                  # or alerts.learned.memory.unpacked(...)
    new = news(subject, metric, place, time, value, received, offset=local_offset(now))
    told = learned.assess(subjects, context, new, memory, held=..., listening=...)
    for index, verdict in told.verdicts: ...       # as a rule says them: Finding, or a time to look
    memory = told.memory                           # for the next look

Subjects are a batch's, in any order; rows of `new` name them by their place in it. Rows may repeat
what a memory has taken already, and come late: that is found out by their times. A look every five
minutes (`EVERY`) is enough, and nothing is lost between looks: the next one must be given all that
was measured from `since(memory)` on, and what was received since then of before.

Nothing here reads a database: `alerts/learned/store.py` does, for the worker, and the backtest
hands in the readings of history. What is known of a subject and what findings say is told by
models/following.py and alerts/learned/findings.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from alerts.finding import Finding
from alerts.learned import findings as says
from alerts.subjects.subject import Context, Subject
from core.catalogue import catalogue
from core.clock import LOCAL
from models.county import County
from models.deterioration import Scored
from models.evidence import evidence
from models.following import Facts, Memory
from models.household import PLACES, ROOMS
from models.readings import Flags, Floats, Indexes
from models.rooms import Happened
from models.signs import METRICS, Measured

EVERY = timedelta(minutes=5)
"""How often a subject is looked at; what a monitor says in between waits for the next look."""
HOLDING = frozenset({"news2", "spo2", "glucose", "blood_pressure", "deterioration", "inactivity"})
"""Kinds of open episodes during which a baseline does not learn."""
AMBIENT = ("motion", "door", "bed", "power")
"""Metrics that are signs of life: a value above 0 (of a bed also 0: somebody got up)."""
_OUT, _IN = PLACES.index("bed_out"), PLACES.index("bed_in")
_PLACE = {name: number for number, name in enumerate(PLACES)}


@dataclass(frozen=True)
class News:
    """What is new of a batch, in order of subject and time."""

    measured: Measured
    happened: Happened

    def only(self, rows: Indexes) -> News:
        """What is new of some subjects, as a batch of its own, in their order."""
        count = max(
            int(self.measured.subject.max(initial=-1)), int(self.happened.home.max(initial=-1)),
            int(rows.max(initial=-1)),
        )  # fmt: skip
        place = np.full(count + 1, -1)
        place[rows] = np.arange(len(rows))
        measured = self.measured.only(place[self.measured.subject] >= 0)
        happened = self.happened.only(place[self.happened.home] >= 0)
        measured = replace(measured, subject=place[measured.subject])
        happened = replace(happened, home=place[happened.home])
        return News(
            measured.only(np.lexsort((measured.time, measured.subject))),
            happened.only(np.lexsort((happened.time, happened.home))),
        )


@dataclass(frozen=True)
class Told:
    """What a look tells."""

    verdicts: list[tuple[int, Finding | datetime]]
    memory: Memory
    changed_days: Flags
    """(n,): whose days changed, so that they have to be kept anew."""
    has_rooms: Flags
    """(n,): of whom rooms are followed."""
    scored: Scored | None = field(default=None, repr=False)
    """What the model of deterioration said, for whoever judges it."""


def place_of(kind: str, location: str) -> int:
    """What events of a device are of, as a place in models.household.PLACES; -1: of nothing."""
    if kind == "bed":
        return _OUT
    if kind == "plug":
        return _PLACE["cooking"] if location == "kitchen" else _PLACE["elsewhere"]
    if kind in ("motion", "door"):
        known = PLACES[:ROOMS] if kind == "motion" else ("front", "fridge")
        return _PLACE[location if location in known else "elsewhere"]
    return -1


def local_offset(now: datetime) -> float:
    """Seconds that a local clock shows more than UTC."""
    offset = now.astimezone(LOCAL).utcoffset()
    return 0.0 if offset is None else offset.total_seconds()


def news(
    subject: Indexes, metric: Indexes, place: Indexes, time: Floats, value: Floats,
    received: Floats, *, offset: float,
) -> News:  # fmt: skip
    """Readings as columns (r,), in any order, as models take them.

    Args:
        subject: place in the batch.
        metric: numbers of the catalogue; other metrics are left out.
        place: `place_of` their devices.
        time, received: Unix seconds.
        value: in the catalogue's unit. A meter's LO and HI count as the limit that it can show, an
            infinite value as the last possible one.
        offset: what a local clock shows more, now.
    """
    order = np.lexsort((time, subject))
    subject, metric, place = subject[order], metric[order], place[order]
    time, value, received = time[order], value[order], received[order]
    local = time + offset
    known = catalogue()
    number = np.full(max(known.by_id) + 1, -1)
    number[[known[name].id for name in METRICS]] = np.arange(len(METRICS))
    vital = number[metric] >= 0
    vital &= ~np.isnan(value)
    low, high = known.low[metric[vital]], known.high[metric[vital]]
    ambient = np.isin(metric, [known[name].id for name in AMBIENT]) & (place >= 0)
    bed = metric == known["bed"].id
    place = np.where(bed, np.where(value > 0, _IN, _OUT), place)
    ambient &= (value > 0) | bed
    return News(
        Measured(
            subject[vital], number[metric[vital]], time[vital], local[vital],
            np.clip(value[vital], low, high), received[vital],
        ),
        Happened(
            subject[ambient], place[ambient], time[ambient], local[ambient], received[ambient]
        ),
    )  # fmt: skip


def empty(subjects: int) -> Memory:
    """The memory of subjects of whom nothing is known."""
    return Memory.new(subjects)


def since(memory: Memory) -> Floats:
    """(n,): Unix seconds from which on everything has to be handed in; 0: nothing was taken yet."""
    rooms = memory.rooms["step"] * 300.0
    taken = memory.signs["taken"]
    result: Floats = np.where(rooms > 0, np.minimum(rooms, taken), taken)
    return result


@dataclass(frozen=True)
class Learned:
    """The models of a county, applied to batches of subjects; applying them never changes them."""

    county: County

    def assess(
        self,
        subjects: Sequence[Subject],
        context: Context,
        new: News,
        memory: Memory,
        *,
        held: NDArray[np.bool_],
        listening: Floats,
    ) -> Told:
        """What the models say of every subject now.

        Args:
            memory: of the same subjects; left as it is.
            held: (n,): an episode of a kind in HOLDING is open, or the client is away or has
                guests: nothing of this is learned.
            listening: (n,): 0 where since the look before the gateway could not be heard, or the
                client is known to be away: silence is no evidence then.
        """
        now, offset = context.now.timestamp(), local_offset(context.now)
        # Of two people's sensors nobody can say whose they are: they are about the home.
        together = np.array([subject.kind == "home" for subject in subjects], dtype=bool)
        known = self.county.following.look(
            new.measured, new.happened, memory, Facts(held, listening, together), now, offset
        )
        verdicts: list[tuple[int, Finding | datetime]] = []
        scored = None
        if self.county.deterioration is not None:
            scored = self.county.deterioration.score(evidence(known.signs, known.rooms))
            verdicts += says.deterioration(subjects, context, known, scored, self.county)
        verdicts += says.trends(subjects, context, known)
        verdicts += says.pressures(subjects, context, known)
        verdicts += says.inactivity(subjects, context, known, listening)
        verdicts += says.routines(subjects, context, known)
        return Told(verdicts, known.memory, known.signs.changed_days, known.has_rooms, scored)
