"""Training on homes whose illnesses are known: judged and limited on homes kept apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from models.calibration import Sigmoid
from models.county import Band, County, Kept, Record
from models.deterioration import Deterioration
from models.following import Following
from models.illnesses import (
    Illness,
    Looks,
    false_alerts,
    labels,
    limit_for,
    warnings,
)
from models.readings import Flags, Floats, Indexes

FOLDS = 4
URGENT_SHARE = 0.25
"""Of the false alerts that are tolerated, how many may be urgent."""
BANDS = (0.01, 0.03, 0.10, 0.30, 0.60, 0.90)


@dataclass(frozen=True)
class Table:
    """Looks at many clients, what was seen, and what was truly the matter."""

    looks: Looks
    evidence: NDArray[np.float32]
    """(looks, FEATURES)."""
    illnesses: tuple[Illness, ...]

    def since(self, time: float) -> Table:
        """The looks, and the illnesses that began, from a time on (Unix seconds)."""
        rows = self.looks.time >= time
        ill = tuple(one for one in self.illnesses if one.onset >= time)
        return Table(self.looks.only(rows), self.evidence[rows], ill)

    @classmethod
    def joined(cls, tables: Sequence[Table]) -> Table:
        """Several recordings as one; a client or home of one is none of another."""
        subjects, homes, ill = 0, 0, []
        parts = []
        for one in tables:
            parts.append(
                Looks(one.looks.subject + subjects, one.looks.time, one.looks.home + homes)
            )
            ill += [each._replace(subject=each.subject + subjects) for each in one.illnesses]
            subjects += int(one.looks.subject.max(initial=-1)) + 1
            homes += int(one.looks.home.max(initial=-1)) + 1
        return cls(
            Looks(*(np.concatenate([getattr(p, n) for p in parts]) for n in vars(parts[0]))),
            np.concatenate([one.evidence for one in tables]),
            tuple(ill),
        )


def train(
    following: Following,
    table: Table,
    record: Record,
    false_alerts_wanted: float,
    reached: Callable[[int, int], None] = lambda done, of: None,
) -> County:
    """Train a model of deterioration, with limits at which so many alerts on 100 days of clients
    who are well are false; `reached` hears how many fits are done.

    Raises:
        ModelError: nobody is ill, or nobody is well.
    """
    looks = table.looks
    ill, well, weight = labels(looks, table.illnesses)
    used = weight > 0
    fold = folds(looks.home)
    apart = np.full(len(ill), np.nan)
    for number in range(FOLDS):
        rows = used & (fold != number)
        model = Deterioration.fit(table.evidence[rows], ill[rows], weight[rows])
        apart[fold == number] = model.score(table.evidence[fold == number]).probability
        reached(number + 1, FOLDS + 1)
    calibration = _calibration(apart[used], ill[used], weight[used])
    probability = np.where(np.isnan(apart), np.nan, calibration.score(np.nan_to_num(apart)))
    limit = limit_for(probability, well, looks, false_alerts_wanted)
    urgent = max(limit, limit_for(probability, well, looks, URGENT_SHARE * false_alerts_wanted))
    model = Deterioration.fit(table.evidence[used], ill[used], weight[used])
    reached(FOLDS + 1, FOLDS + 1)
    over = np.nan_to_num(probability) >= limit
    record = Record(
        clients=record.clients, homes=record.homes, readings=record.readings, days=record.days,
        digest=sha256(f"{record.digest} {false_alerts_wanted}".encode()).hexdigest(),
        folds=FOLDS,
        false_alerts=false_alerts_wanted,
        false_at_limit=round(false_alerts(over, well, looks), 3),
        false_at_urgent=round(
            false_alerts(np.nan_to_num(probability) >= urgent, well, looks), 3
        ),
        told=told(over, looks, table.illnesses),
        calibration=bands(probability[used], ill[used], weight[used]),
    )  # fmt: skip
    return County(following, replace(model, calibration=calibration), limit, urgent, record)


def folds(home: Indexes) -> Indexes:
    """(n,): the fold of each row; homes are dealt out at random, always alike."""
    names, place = np.unique(home, return_inverse=True)
    dealt: Indexes = np.random.default_rng(0).permutation(len(names)) % FOLDS
    return dealt[place]


def told(over: Flags, looks: Looks, illnesses: Sequence[Illness]) -> dict[str, Kept]:
    """How each kind of illness was told where `over` is."""
    found = {}
    for kind in sorted({one.kind for one in illnesses if one.serious}):
        hours = np.array(warnings(over, looks, illnesses, kind))
        if len(hours):
            caught = hours[~np.isnan(hours)]
            median = round(float(np.median(caught)), 1) if len(caught) else None
            found[kind] = Kept(len(hours), len(caught), median)
    return found


def bands(probability: Floats, ill: Flags, weight: Floats) -> list[Band]:
    """Whether probabilities are right, by bands."""
    known = ~np.isnan(probability)
    probability, ill, weight = probability[known], ill[known], weight[known]
    band = np.searchsorted(BANDS, probability, side="right")
    found = []
    for number, below in enumerate((*BANDS, 1.0)):
        rows = band == number
        total = float(weight[rows].sum())
        expected = observed = None
        if total > 0:
            expected = round(float(weight[rows] @ probability[rows]) / total, 4)
            observed = round(float(weight[rows] @ ill[rows]) / total, 4)
        found.append(Band(below, round(total / float(weight.sum()), 4), expected, observed))
    return found


def _calibration(score: Floats, ill: Flags, weight: Floats) -> Sigmoid:
    """As models.calibration, each row counting what it does."""
    known = ~np.isnan(score)
    return Sigmoid.fit(score[known], ill[known], weight[known])
