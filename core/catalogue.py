"""The metric catalogue: what can be measured, in which unit, with which codes and limits.

The data is `catalogue.toml`; `saimi db migrate` copies it into `telemetry.metric`, so that SQL and
dashboards use the same units and codes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

Kind = Literal["vital", "body", "context", "ambient", "event", "device"]


class Conversion(NamedTuple):
    """How a value in a foreign unit becomes one in the metric's unit: value * factor + offset."""

    factor: float
    offset: float


_SAME = Conversion(1.0, 0.0)


class Metric(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of the catalogue."""

    id: int
    kind: Kind
    unit: str
    """UCUM."""
    possible: tuple[float, float]
    """Lowest and highest physically possible value, in `unit`."""
    decimals: int
    """How many decimals people are shown."""
    name: str = ""
    accepts: dict[str, list[float]] = {}
    validity_h: float | None = None
    loinc: str | None = None
    mdc: int | None = None
    """IEEE 11073-10101 code, context-free form."""
    codes: list[str] = []
    never_filtered: bool = False
    each_counts: bool = False

    def conversion(self, unit: str | None) -> Conversion | None:
        """How to read a value given in `unit`; None if that unit is not one of this metric's.

        No unit at all means the catalogue's: SenML leaves it out for plain numbers and booleans
        (RFC 8428, section 4.3), and only those metrics may leave it out.
        """
        if unit == self.unit:
            return _SAME
        if unit is None or unit == "":
            return _SAME if self.unit == "1" or self.codes else None
        other = self.accepts.get(unit)
        if other is None:
            return None
        return Conversion(other[0], other[1] if len(other) > 1 else 0.0)


class Catalogue:
    """All metrics, by name and by id, and their limits as arrays indexed by id."""

    def __init__(self, metrics: Mapping[str, Metric]) -> None:
        self.by_name = dict(metrics)
        self.by_id = {metric.id: metric for metric in metrics.values()}
        if len(self.by_id) != len(self.by_name):
            raise ValueError("two metrics of the catalogue share an id")
        size = max(self.by_id) + 1
        self.low: NDArray[np.float64] = np.full(size, np.nan)
        self.high: NDArray[np.float64] = np.full(size, np.nan)
        self.never_filtered: NDArray[np.bool_] = np.zeros(size, dtype=bool)
        self.each_counts: NDArray[np.bool_] = np.zeros(size, dtype=bool)
        for metric in self:
            self.low[metric.id], self.high[metric.id] = metric.possible
            self.never_filtered[metric.id] = metric.never_filtered
            self.each_counts[metric.id] = metric.each_counts

    def __iter__(self) -> Iterator[Metric]:
        return iter(self.by_name.values())

    def __getitem__(self, name: str) -> Metric:
        return self.by_name[name]

    def get(self, name: str) -> Metric | None:
        """The metric of that name, if there is one."""
        return self.by_name.get(name)


@cache
def catalogue() -> Catalogue:
    """The catalogue that ships with Saimi."""
    text = Path(__file__).with_name("catalogue.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    return Catalogue(
        {name: msgspec.convert({"name": name, **table}, Metric) for name, table in tables.items()}
    )
