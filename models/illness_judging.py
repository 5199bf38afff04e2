"""How a county's model does on homes that it never saw, beside plain thresholds."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.county import Band, County, Kept
from models.evidence import FEATURES
from models.illness_training import Table, bands, told
from models.illnesses import Looks, client_days, false_alerts, labels
from models.readings import Flags

PLAIN_TOTAL, PLAIN_SINGLE = 5, 3
"""NEWS2 at which plain thresholds tell of somebody (the chart's urgent ones)."""


class Way(msgspec.Struct, frozen=True):
    """What one way of telling does."""

    false_per_100_client_days: float
    """Alerts that begin on 100 days of clients with whom nothing is the matter."""
    caught: int
    """Illnesses told before their crisis (without one, before recovery)."""
    share: float
    told: dict[str, Kept]


class Report(msgspec.Struct, frozen=True):
    """A model on a recording or several."""

    clients: int
    client_days: int
    """With nothing the matter."""
    illnesses: int
    limit: float
    model: Way
    urgent: Way
    plain: Way
    """NEWS2 of 5, or 3 in one sign, of what was measured within a day."""
    calibration: list[Band]


def judge(county: County, table: Table) -> Report:
    """Judge a model.

    Raises:
        ValueError: it has no model of deterioration.
    """
    if county.deterioration is None:
        raise ValueError("there is no model of deterioration to judge")
    looks = table.looks
    ill, well, weight = labels(looks, table.illnesses)
    probability = np.concatenate(
        [county.deterioration.score(some).probability for some in _parts(table.evidence)]
    )
    news = table.evidence[:, FEATURES.index("news2")]
    three = table.evidence[:, FEATURES.index("news2_three")]
    shown = np.nan_to_num(probability)
    plain = (np.nan_to_num(news) >= PLAIN_TOTAL) | (np.nan_to_num(three) >= PLAIN_SINGLE)
    model, urgent, charted = (
        _way(over, well, looks, table)
        for over in (shown >= county.limit, shown >= county.urgent, plain)
    )
    used = weight > 0
    return Report(
        len(np.unique(looks.subject)),
        client_days(looks, well),
        sum(one.cases for one in model.told.values()),
        county.limit,
        model,
        urgent,
        charted,
        bands(probability[used], ill[used], weight[used]),
    )


def _way(over: Flags, well: Flags, looks: Looks, table: Table) -> Way:
    found = told(over, looks, table.illnesses)
    caught = sum(one.caught for one in found.values())
    cases = sum(one.cases for one in found.values())
    return Way(
        round(false_alerts(over, well, looks), 3), caught, round(caught / max(cases, 1), 4), found
    )


def _parts(rows: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Pieces that stay in the cache."""
    return np.array_split(rows, max(len(rows) // 20_000, 1))
