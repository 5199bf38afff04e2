"""Recordings of the simulator (`saimi simulate --out`) as models learn from them: look by look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gateway_sim.files_format import MANIFEST, UNFINISHED
from gateway_sim.files_read import HomeReadings, Recording
from gateway_sim.illness import kinds
from gateway_sim.ledger import TruthLabel
from gateway_sim.localtime import local_days
from models.household import PLACES
from models.illnesses import Illness
from models.readings import DAY, Flags, Floats, Indexes
from models.rooms import Happened
from models.signs import METRICS, Measured

SERIOUS = frozenset(
    {
        "infection", "pneumonia", "influenza", "urinary_infection", "urosepsis",
        "copd_exacerbation", "heart_failure", "dehydration", "missed_medication", "slow_decline",
    }
)  # fmt: skip
"""What the model of deterioration is to tell. A fall, an hour of low glucose, a walk at night are
events: others tell of these."""
_OVERLAP = 600.0
"""Seconds that a look sees again of the one before: what is not taken before it is over."""
_ROOM = {
    **{f"motion-{room}": PLACES.index(room) for room in PLACES[:5]},
    "door-front": PLACES.index("front"),
    "door-fridge": PLACES.index("fridge"),
    **dict.fromkeys(("plug-kettle", "plug-stove"), PLACES.index("cooking")),
}
_IN, _OUT = PLACES.index("bed_in"), PLACES.index("bed_out")
Columns = tuple[Indexes, Indexes, Floats, Floats]
"""Whose, of what, when (Unix seconds), value."""


@dataclass(frozen=True)
class Simulated:
    """A recording: clients, then homes for two, as subjects from 0 on."""

    names: tuple[str, ...]
    clients: int
    """How many of them are clients."""
    home: Indexes
    """(subjects,): number of the home."""
    together: Flags
    """(subjects,): a home for two."""
    measured: Measured
    """In order of time."""
    happened: Happened
    """In order of time."""
    illnesses: tuple[Illness, ...]
    """That need somebody; look-alikes are not among them."""
    start: float
    end: float
    digest: str

    def looks(self, every: float) -> Iterator[tuple[float, float, Measured, Happened]]:
        """Unix seconds, what a local clock shows more, and what is new, look after look."""
        times = np.arange(self.start + every, self.end + 1.0, every)
        offsets = local_time(times) - times
        for now, offset in zip(times.tolist(), offsets.tolist(), strict=True):
            window = (now - every - _OVERLAP, now)
            low, high = np.searchsorted(self.measured.time, window)
            some = self.measured.only(np.arange(low, high))
            low, high = np.searchsorted(self.happened.time, window)
            other = self.happened.only(np.arange(low, high))
            yield (
                now,
                offset,
                some.only(np.lexsort((some.time, some.subject))),
                other.only(np.lexsort((other.time, other.home))),
            )


def is_recording(directory: Path) -> bool:
    """Whether a folder holds a simulation rather than TIHM's files."""
    return (directory / MANIFEST).exists() or (directory / UNFINISHED).exists()


def read(directory: Path) -> Simulated:
    """A recording's vital signs, rooms and illnesses.

    Raises:
        UserError: it is not finished, or of another version.
    """
    record = Recording(directory)
    owner = {
        (row["gateway"], row["device"]): row["client"]
        for row in record.table("devices").to_pylist()
    }
    people = record.table("clients").to_pylist()
    homes = record.table("homes").to_pylist()
    pairs = [row["gateway"] for row in homes if row["clients"] > 1]
    names = (*(row["client"] for row in people), *pairs)
    place = {name: number for number, name in enumerate(names)}
    number = {row["gateway"]: n for n, row in enumerate(homes)}
    signs: list[Columns] = []
    rooms: list[Columns] = []
    for home in record.homes():
        _take(home, owner, place, signs, rooms)
    who, metric, time, value = _in_order(signs)
    measured = Measured(who, metric, time, local_time(time), value, time)
    who, at, time, _ = _in_order(rooms)
    return Simulated(
        names,
        len(people),
        np.array([*(number[row["gateway"]] for row in people), *(number[one] for one in pairs)]),
        np.arange(len(names)) >= len(people),
        measured,
        Happened(who, at, time, local_time(time), time),
        tuple(_illnesses(record.labels(), place)),
        record.manifest.start.timestamp(),
        record.manifest.end.timestamp(),
        " ".join(sorted(file.sha256 for file in record.manifest.files)),
    )


def _take(
    home: HomeReadings,
    owner: dict[tuple[str, str], str | None],
    place: dict[str, int],
    signs: list[Columns],
    rooms: list[Columns],
) -> None:
    """Add what one home's devices said, as the engine is told it."""
    for (device, metric), one in home.series.items():
        client = owner.get((home.gateway, device))
        who = place.get(home.gateway if client is None else client)
        if who is None:
            continue
        time, value = one.time / 1000.0, one.value
        whose = np.full(len(time), who)
        if metric in METRICS and client is not None:
            signs.append((whose, np.full(len(time), METRICS.index(metric)), time, value))
        elif metric == "bed":
            # In a home for two a bed tells of one of them only.
            if home.gateway not in place:
                rooms.append((whose, np.where(value > 0, _IN, _OUT), time, value))
        elif device in _ROOM and metric in ("motion", "door", "power"):
            on = value > 0
            at = np.full(int(on.sum()), _ROOM[device])
            rooms.append((whose[on], at, time[on], value[on]))


def _illnesses(labels: list[TruthLabel], place: dict[str, int]) -> Iterator[Illness]:
    """Illnesses that began and ended, from labels in order of time."""
    open_: dict[tuple[str, str], dict[str, float]] = {}
    for label in labels:
        who, at = (label.client, label.kind), label.time.timestamp()
        if label.what == "onset":
            open_[who] = {"onset": at}
        elif who in open_:
            open_[who][label.what] = at
            if label.what == "recovered" and not kinds()[label.kind].harmless:
                said = open_.pop(who)
                yield Illness(
                    place[label.client],
                    label.kind,
                    label.kind in SERIOUS,
                    said["onset"],
                    said.get("first_sign", said["onset"]),
                    said.get("crisis", np.nan),
                    at,
                )


def _in_order(parts: list[Columns]) -> Columns:
    who, what, time, value = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(time, kind="stable")
    return who[order], what[order], time[order], value[order]


def local_time(time: Floats) -> Floats:
    """What a local clock shows at Unix seconds, as models.readings has it."""
    day, hour = local_days(time)
    local: Floats = day * DAY + hour * 3600.0
    return local
