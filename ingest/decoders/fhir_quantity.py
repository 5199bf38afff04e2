"""A FHIR Quantity as a value, a unit that the catalogue reads, and a qualifier."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from core.catalogue import Metric
from core.reading import Qualifier
from ingest.decoders.fhir_codes import MDC_UNITS, is_mdc
from ingest.decoders.homeassistant_meaning import UNITS

_UCUM = frozenset(("http://unitsofmeasure.org", "urn:oid:2.16.840.1.113883.6.8", ""))
_ANNOTATION = re.compile(r"\{[^{}]*\}")
_BARE = {"": "1", "{score}": "1", "{ACVPU}": "1", "{steps}": "1", "#": "1"}
QUALIFIERS = {
    "<": Qualifier.BELOW, "<=": Qualifier.BELOW, ">": Qualifier.ABOVE, ">=": Qualifier.ABOVE,
}  # fmt: skip
_SPELLED = {
    "beats/minute": "/min", "beats per minute": "/min", "beat/min": "/min", "{beats}/min": "/min",
    "breaths/minute": "/min", "breaths per minute": "/min", "min-1": "/min", "slag/min": "/min",
    "mm hg": "mm[Hg]", "mmhg": "mm[Hg]", "torr": "mm[Hg]",
    "degrees c": "Cel", "degc": "Cel", "deg c": "Cel", "celsius": "Cel", "cel": "Cel", "c": "Cel",
    "degrees f": "[degF]", "degf": "[degF]", "deg f": "[degF]", "fahrenheit": "[degF]",
    "f": "[degF]", "[degf]": "[degF]",
    "lbs": "[lb_av]", "lb": "[lb_av]", "pounds": "[lb_av]", "pound": "[lb_av]",
    "[lb_us]": "[lb_av]", "in": "[in_i]", "inch": "[in_i]", "inches": "[in_i]", "[in_us]": "[in_i]",
    "kilogram": "kg", "kilograms": "kg", "kgs": "kg", "gram": "g", "grams": "g",
    "percent": "%", "mmol/l": "mmol/L", "mg/dl": "mg/dL", "l/min": "L/min", "lpm": "L/min",
    "kg/m^2": "kg/m2", "kg/m²": "kg/m2", "minutes": "min", "minute": "min", "step": "1",
    "score": "1", "points": "1",
}  # fmt: skip


def unit_of(quantity: dict[str, Any], metric: Metric) -> str | None:
    """The unit of a quantity, in a spelling that the metric is read in, if there is one.

    The code decides where it is one of UCUM or IEEE 11073; the human-readable `unit` only where
    there is no such code (FHIR R4, 2.24.0.13.4). A unit that the metric is not read in comes back
    as it was given, so that admission can say so.
    """
    given = list(_given(quantity))
    for unit in given:
        for spelled in _spellings(unit):
            if metric.conversion(spelled) is not None:
                return spelled
    return given[0][:32] if given else None


def _given(quantity: dict[str, Any]) -> Iterator[str]:
    code, system, unit = (quantity.get(key) for key in ("code", "system", "unit"))
    if isinstance(code, str) and code.strip():
        if is_mdc(system) and code.strip() in MDC_UNITS:
            yield MDC_UNITS[code.strip()]
            return
        if system is None or (isinstance(system, str) and system in _UCUM):
            yield code.strip()
            return
    if isinstance(unit, str) and unit.strip():
        yield unit.strip()


def _spellings(unit: str) -> Iterator[str]:
    unit = unit[:64]
    yield unit
    plain = _ANNOTATION.sub("", unit).strip()
    if plain != unit:
        yield plain or "1"
    for one in (unit, plain):
        if one in _BARE:
            yield _BARE[one]
        if one in UNITS and UNITS[one][1] == 1.0:
            yield UNITS[one][0]
        if one.lower() in _SPELLED:
            yield _SPELLED[one.lower()]
