"""Readings as FHIR R4 Observations.

A value leaves with the shortest digits that read back as the very same number. A reading beyond
its meter's range has a comparator; a suspect one has the status `unknown`, which ingest takes as
suspect again; a struck-out one is `entered-in-error`. Systolic, diastolic and mean pressure of one
moment of one device are one Observation with components.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from core.catalogue import Metric, catalogue
from core.reading import Qualifier, State
from web.fhir.codes import (
    CATEGORY,
    DEVICE,
    PANEL_METRICS,
    UCUM,
    answer,
    category,
    code,
    panel_code,
    profiles,
)
from web.words import UNITS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PANEL_IDS = tuple(catalogue()[name].id for name in PANEL_METRICS)
PANEL_GROUP = _PANEL_IDS[0]
_COMPARATORS = {Qualifier.BELOW: "<", Qualifier.ABOVE: ">"}
_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_LARGEST_WHOLE = 2**53


@dataclass(frozen=True, slots=True)
class Reading:
    """A stored reading, with what its device is called."""

    time: datetime
    received_at: datetime
    value: float
    device: int
    gateway_name: str
    device_name: str
    metric: int
    qualifier: int
    state: int

    @property
    def key(self) -> Key:
        """Of the Observation that it is in."""
        return Key(self.time, self.device, group(self.metric))


class Key(NamedTuple):
    """What tells an Observation from every other one; also the order in which they are paged."""

    time: datetime
    device: int
    group: int

    @property
    def id(self) -> str:
        """Its logical id."""
        return f"{self.group}-{self.device}-{(self.time - _EPOCH) // _MICROSECOND}"


def group(metric: int) -> int:
    """The metric's number; one and the same for all of a blood pressure."""
    return PANEL_GROUP if metric in _PANEL_IDS else metric


def metrics_of_group(number: int) -> tuple[int, ...]:
    """The metrics that an Observation of this group can have."""
    return _PANEL_IDS if number == PANEL_GROUP else (number,)


def key_of(text: str) -> Key | None:
    """The key behind a logical id; None where it is none of ours."""
    parts = text.split("-")
    if len(parts) != 3 or not all(one.isascii() and one.isdigit() for one in parts):
        return None
    number, device, microseconds = (int(one) for one in parts)
    if number not in catalogue().by_id or number != group(number) or device >= 2**31:
        return None
    try:
        key = Key(_EPOCH + microseconds * _MICROSECOND, device, number)
    except OverflowError:
        return None
    return key if key.id == text else None


def decimal(value: float) -> int | float:
    """The number as JSON gets it: the shortest digits that are read back as the same double."""
    whole = value.is_integer() and abs(value) < _LARGEST_WHOLE
    return int(value) if whole else value


def instant(at: datetime) -> str:
    """A FHIR instant, UTC, with the microseconds that there are."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def observations(readings: Iterable[Reading], pseudonym: str) -> Iterator[dict[str, Any]]:
    """The Observations of one client's readings, which come in the order of their keys."""
    for key, some in groupby(readings, key=lambda one: one.key):
        yield observation(key, list(some), pseudonym)


def observation(key: Key, readings: Sequence[Reading], pseudonym: str) -> dict[str, Any]:
    """The readings of one key (one, or those of a blood pressure) as an Observation."""
    first = readings[0]
    metric = catalogue().by_id[first.metric]
    panel = key.group == PANEL_GROUP
    whole: dict[str, Any] = {"resourceType": "Observation", "id": key.id}
    if kept := profiles(metric):
        whole["meta"] = {"profile": kept}
    states = {one.state for one in readings}
    whole |= {
        "status": _status(states),
        "category": [{"coding": [{"system": CATEGORY, "code": category(metric)}]}],
        "code": panel_code() if panel else code(metric),
        "subject": {"reference": f"Patient/{pseudonym}"},
        "effectiveDateTime": instant(key.time),
        "issued": instant(max(one.received_at for one in readings)),
        "device": {
            "reference": f"Device/{first.device}",
            "identifier": {
                "system": DEVICE,
                "value": f"{first.gateway_name}/{first.device_name}",
            },
        },
    }
    if panel:
        struck = states == {State.STRUCK_OUT}
        whole["component"] = _components(readings, struck=struck)
    else:
        whole |= _value(metric, first)
    if State.SUSPECT in states:
        whole["note"] = [{"text": "In doubt: whose it is, its device or its time. Not scored."}]
    return whole


def _status(states: set[int]) -> str:
    if states == {State.STRUCK_OUT}:
        return "entered-in-error"
    return "unknown" if State.SUSPECT in states else "final"


def _components(readings: Sequence[Reading], *, struck: bool) -> list[dict[str, Any]]:
    """Systolic and diastolic always, as the profile has it; what is not there says so."""
    by_metric = {one.metric: one for one in readings}
    found = []
    for number in _PANEL_IDS:
        metric, reading = catalogue().by_id[number], by_metric.get(number)
        if reading is None and metric.name == "mean_arterial_pressure":
            continue
        part = {"code": code(metric)}
        if reading is not None and (struck or reading.state != State.STRUCK_OUT):
            part |= _value(metric, reading)
        else:
            why = "unknown" if reading is None else "error"
            part["dataAbsentReason"] = {"coding": [{"system": _ABSENT, "code": why}]}
        found.append(part)
    return found


def _value(metric: Metric, reading: Reading) -> dict[str, Any]:
    if metric.name == "consciousness":
        return {"valueCodeableConcept": answer(metric.codes[int(reading.value)])}
    if metric.codes:
        return {"valueBoolean": reading.value != 0}
    quantity: dict[str, Any] = {"value": decimal(reading.value)}
    comparator = _COMPARATORS.get(Qualifier(reading.qualifier))
    if comparator:
        quantity["comparator"] = comparator
    shown = UNITS.get(metric.unit, metric.unit)
    quantity |= {"unit": shown or metric.unit, "system": UCUM, "code": metric.unit}
    return {"valueQuantity": quantity}
