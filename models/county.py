"""What was learned of a county: how people and homes are when they are well, and how illness looks.

The cohort comes from any readings; the model of deterioration only from homes whose illnesses are
known. A county without labels has a cohort alone: baselines, trends, silence and routines work.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from core.errors import ModelError
from models import store
from models.deterioration import Deterioration
from models.evidence import FEATURES
from models.following import Following

KIND = store.Kind("cohort and deterioration", 1, FEATURES)


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one kind of illness was told on homes kept apart."""

    cases: int
    caught: int
    median_hours: float | None


class Band(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Looks whose probability lies in a band; each illness and each day of the well counts once."""

    below: float
    share: float
    expected: float | None
    observed: float | None


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What it was trained on, and how it did on homes kept apart."""

    clients: int
    homes: int
    readings: int
    days: float
    digest: str
    folds: int = 0
    false_alerts: float | None = None
    """Wanted, on 100 days of clients who are well."""
    false_at_limit: float | None = None
    false_at_urgent: float | None = None
    told: dict[str, Kept] = {}
    calibration: list[Band] = []


@dataclass(frozen=True)
class County:
    """A trained county; using it never changes it."""

    following: Following
    deterioration: Deterioration | None
    """None: no labelled homes were learned from."""
    limit: float
    """Probability from which somebody is told."""
    urgent: float
    """Probability from which it is urgent."""
    record: Record


class _Values(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    following: dict[str, Any]
    deterioration: dict[str, Any] | None
    limit: float
    urgent: float
    record: Record


def save(folder: Path, county: County) -> None:
    """Write a county and its card; see models.store.put."""
    from models.county_card import card

    model = county.deterioration
    values = _Values(
        county.following.state(), None if model is None else model.state(), county.limit,
        county.urgent, county.record,
    )  # fmt: skip
    store.put(folder, KIND, msgspec.to_builtins(values), card(county), county.record.digest)


def load(folder: Path) -> County:
    """Read a county.

    Raises:
        ModelError: it is missing, damaged, changed, of another version or of other features.
    """
    content = store.get(folder, KIND)
    try:
        values = msgspec.json.decode(content, type=_Values)
        model = values.deterioration
        if not 0 < values.limit <= values.urgent <= 1:
            raise ValueError("an alert limit out of range")
        return County(
            Following.from_state(values.following),
            None if model is None else Deterioration.from_state(model),
            values.limit, values.urgent, values.record,
        )  # fmt: skip
    except (msgspec.DecodeError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelError(f"{folder} does not hold a model: {error}.") from error
