"""Recordings of the simulator -> a county's model, and how a county's model does on others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from models.county import County, Record
from models.evidence import evidence
from models.fitting import fit, joined
from models.following import Facts, Following, Memory
from models.illness_training import Table, train
from models.illnesses import Looks
from saimi.simulated_homes import Simulated, read

EVERY = 3600.0
"""Seconds between two looks."""
_SELDOM = 4
"""Looks at which somebody of whom nothing is new is a row: every so many."""
Reached = Callable[[int, int], None]


def train_county(directories: Sequence[Path], false_alerts: float, reached: Reached) -> County:
    """Learn a county from recordings.

    Raises:
        UserError: one is not finished, or of another version; ModelError: there is too little in
            them.
    """
    total = 2 * len(directories) + 6
    records = []
    for number, directory in enumerate(directories, 1):
        records.append(read(directory))
        reached(number, total)
    following = fit(*joined([(one.measured, one.happened, one.together) for one in records]))
    record = Record(
        clients=sum(one.clients for one in records),
        homes=sum(len(np.unique(one.home)) for one in records),
        readings=sum(len(one.measured) + len(one.happened) for one in records),
        days=max(one.end - one.start for one in records) / 86_400.0,
        digest=sha256(" ".join(sorted(one.digest for one in records)).encode()).hexdigest(),
    )
    reached(len(directories) + 1, total)
    tables = []
    while records:
        # One after the other, each given up afterwards: readings take far more room than rows.
        tables.append(followed(records.pop(0), following))
        reached(len(directories) + 1 + len(tables), total)
    done = total - 5
    return train(
        following, Table.joined(tables), record, false_alerts,
        lambda fits, _: reached(done + fits, total),
    )  # fmt: skip


def followed(of: Simulated, following: Following) -> Table:
    """Every client of a recording, hour by hour, by what was known then."""
    count = len(of.names)
    memory = Memory.new(count)
    facts = Facts(np.zeros(count, dtype=bool), np.ones(count), of.together)
    rows, times, seen = [], [], []
    for number, (now, offset, measured, happened) in enumerate(of.looks(EVERY)):
        known = following.look(measured, happened, memory, facts, now, offset)
        memory = known.memory
        new = known.signs.age.min(axis=1) <= EVERY
        if number % _SELDOM == 0:
            new[:] = True
        new[of.clients :] = False
        some = np.flatnonzero(new)
        rows.append(some)
        times.append(np.full(len(some), now))
        seen.append(evidence(known.signs, known.rooms)[some].astype(np.float32))
    subject, time = np.concatenate(rows), np.concatenate(times)
    order = np.lexsort((time, subject))
    looks = Looks(subject[order], time[order], of.home[subject[order]])
    return Table(looks, np.concatenate(seen)[order], of.illnesses)
