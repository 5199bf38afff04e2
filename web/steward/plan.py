"""A client's plan: what rules go by that a person decides, as the database keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from core.catalogue import catalogue
from core.record import EMPTY, Record

Bounds = tuple[float | None, float | None]
"""A client's own limits of one metric, low and high, in the catalogue's unit."""

USUAL = (
    "spo2",
    "respiratory_rate",
    "pulse",
    "systolic",
    "diastolic",
    "temperature",
    "glucose",
    "weight",
)
"""Metrics that are offered for limits of a client's own; others are shown where they have any."""


class Plan(msgspec.Struct, frozen=True):
    """`registry.plan_of`, typed."""

    spo2_scale: int = 1
    oxygen_prescribed: bool | None = None
    conditions: tuple[str, ...] = ()
    limits_of_care: str = ""
    limits: Mapping[str, Bounds] = {}
    record: Record = EMPTY

    def metrics(self) -> list[str]:
        """Names of the metrics whose limits are shown, in order."""
        return [*USUAL, *sorted(set(self.limits) - set(USUAL))]


def read_plan(found: Any) -> Plan:
    """What the database says.

    Raises:
        msgspec.ValidationError: it is no plan of this version.
    """
    return msgspec.convert(found, Plan)


def written(plan: Plan) -> dict[str, Any]:
    """For the database."""
    known: dict[str, Any] = msgspec.to_builtins(plan)
    return known


def unit_of(metric: str) -> str:
    """UCUM unit of a metric; '' where the catalogue no longer has it."""
    entry = catalogue().get(metric)
    return "" if entry is None else entry.unit
