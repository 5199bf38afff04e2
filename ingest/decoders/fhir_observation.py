"""One FHIR R4 Observation as records.

What it cannot be read as is a record whose metric is the code's name: admission refuses that by
name, and what stands beside it in the same message is used. Such a record has the number that was
told and, in `original`, the code and the value as they were, so that it is read again (`again`)
when Saimi knows the code. What was withdrawn has no original: it stays refused.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from core.catalogue import Metric, catalogue
from core.reading import Qualifier
from ingest.decoders.fhir_codes import answer, codings, consciousness, metric_of, shown, texts
from ingest.decoders.fhir_quantity import QUALIFIERS, unit_of
from ingest.decoders.fhir_time import When, when
from ingest.decoders.life_safety import words
from ingest.decoders.plain_values import LIFE_SAFETY, alarm, number, truth
from ingest.decoders.record import Channel, Record
from ingest.decoders.source import Definitions
from ingest.decoders.strict_json import read_json

_WITHDRAWN = {
    "entered-in-error": "entered in error; strike it out if it is stored",
    "cancelled": "cancelled",
}
_MAX_COMPONENTS = 256
_MAX_NAME = 256
_MAX_ORIGINAL = 1_024
_KEPT = ("code", "interpretation", "dataAbsentReason")
_NOT_KNOWN = frozenset(("unknown", "unavailable", "undetermined", "tuntematon", "okänd"))
_PERSONAL = re.compile(r"(?<![0-9A-Z])\d{6}[-+A-FU-Y]\d{3}[0-9A-Y](?![0-9A-Z])", re.I)
"""A Finnish personal identity code; nothing is called by one. It stands by itself: one in thirteen
of our own pseudonyms, 24 hexadecimal digits, has the like within."""


def records_of(
    observation: dict[str, Any], rest: str, named: Mapping[str, str], arrival: float
) -> Iterator[Record]:
    """The records of an Observation; none where it says that nothing was measured.

    `named` gives the names of devices that the same message describes, by reference; `rest` of the
    topic names a device that the observation does not.
    """
    device = _device(observation, rest, named)
    status = str(observation.get("status"))
    if status == "registered":
        return
    at = when(observation)
    if status in _WITHDRAWN:
        why = f"{shown(observation.get('code'))}, {_WITHDRAWN[status]}"
        yield _refused(observation, device, why, at, arrival, again=False)
        return
    doubt = status == "unknown"
    components = observation.get("component")
    parts = components[:_MAX_COMPONENTS] if isinstance(components, list) else []
    for part in (observation, *parts):
        if isinstance(part, dict):
            alone = part is observation and not (parts or observation.get("hasMember"))
            record = _record(part, device, at, arrival, doubt=doubt, alone=alone)
            if record is not None:
                yield record


def _record(
    part: dict[str, Any], device: str, at: When, arrival: float, *, doubt: bool, alone: bool
) -> Record | None:
    """The value of an observation, or of a component, which has the same fields."""
    code = part.get("code")
    name = metric_of(code)
    values = [key for key in part if key.startswith("value") and part[key] is not None]
    if not values:
        if name not in LIFE_SAFETY or not alone or part.get("dataAbsentReason") is not None:
            return None
        value: float | str | None = 1.0  # "a fall", and nothing else, says that one happened
    metric = catalogue().get(name) if name else None
    if metric is None:
        return _refused(part, device, shown(code), at, arrival, doubt=doubt)
    unit: str | None = None
    qualifier = Qualifier.EXACT
    if values:
        value, unit = _value(metric, values[0], part[values[0]])
        if value is None and metric.name in LIFE_SAFETY:
            value = _unclear(part[values[0]])
        if value is None:
            why = f"{shown(code)}, given as {values[0][5:][:32]}"
            return _refused(part, device, why, at, arrival, doubt=doubt)
        told = _qualifier(part, part[values[0]])
        if told is None:
            why = f"{shown(code)}, with a comparator nobody knows"
            return _refused(part, device, why, at, arrival, doubt=doubt)
        qualifier = told
    seconds = at.seconds
    if seconds is None and at.unreadable and metric.name not in LIFE_SAFETY:
        why = f"{shown(code)}, at no moment that can be told"
        return _refused(part, device, why, at, arrival, doubt=doubt, again=False)
    return Record(
        Channel(device, metric.name, unit),
        value,
        arrival if seconds is None else seconds,
        int(qualifier),
        dated=seconds is not None,
        suspect=doubt,
    )


def again(record: Record, definitions: Definitions) -> Record:
    """Read once more what was refused; the record itself where it is refused still."""
    if not record.original:
        return record
    part = read_json(record.original)
    at = When(record.time if record.dated else None)
    read = _record(part, record.channel.device, at, record.time, doubt=record.suspect, alone=False)
    return record if read is None or read.original is not None else read


def _value(metric: Metric, key: str, given: Any) -> tuple[float | None, str | None]:
    """A value[x] as a number and its unit; None where the metric cannot have such a value."""
    if metric.name in LIFE_SAFETY or metric.codes:
        return _coded(metric, key, given), None
    if key == "valueQuantity" and isinstance(given, dict):
        return number(given.get("value")), unit_of(given, metric)
    if key in ("valueInteger", "valueDecimal", "valueString"):
        bare = metric.unit if metric.conversion(None) is not None else None
        return (number(given), bare) if bare is not None else (None, None)
    return None, None


def _coded(metric: Metric, key: str, given: Any) -> float | None:
    if key == "valueQuantity" and isinstance(given, dict):
        given = given.get("value")
    concept = given if key == "valueCodeableConcept" else {"text": given}
    if metric.name == "consciousness":
        word = consciousness(concept)
        return number(given) if word is None else float(metric.codes.index(word))
    if key == "valueCodeableConcept":
        said = answer(metric.name, concept)
        if said is None and metric.name not in LIFE_SAFETY:
            said = next((one for one in map(truth, texts(concept)) if one is not None), None)
        return said
    return alarm(metric.name, given) if metric.name in LIFE_SAFETY else truth(given)


def _qualifier(part: dict[str, Any], given: Any) -> Qualifier | None:
    """Below or above what the meter shows: by the comparator, else by the interpretation."""
    comparator = given.get("comparator") if isinstance(given, dict) else None
    if comparator is not None:
        return QUALIFIERS.get(comparator) if isinstance(comparator, str) else None
    interpretations = part.get("interpretation")
    for one in interpretations[:8] if isinstance(interpretations, list) else ():
        for _, code, _ in codings(one):
            if code in ("<", ">"):  # off scale low, off scale high
                return QUALIFIERS[code]
    return Qualifier.EXACT


def _refused(
    part: dict[str, Any],
    device: str,
    name: str,
    at: When,
    arrival: float,
    *,
    doubt: bool = False,
    again: bool = True,
) -> Record:
    """What cannot be read, under a name that no metric has; `again`: a fix may change that."""
    quantity = part.get("valueQuantity")
    given = quantity if isinstance(quantity, dict) else {"value": part.get("valueInteger")}
    unit = given.get("code") or given.get("unit")
    return Record(
        Channel(device, name, unit[:32] if isinstance(unit, str) else None),
        number(given.get("value")),
        arrival if at.seconds is None else at.seconds,
        dated=at.seconds is not None,
        suspect=doubt,
        original=_original(part) if again else "",
    )


def _original(part: dict[str, Any]) -> str:
    """Code and value of a part as they were: what may name a person is left out."""
    kept = {key: part[key] for key in part if key in _KEPT or key.startswith("value")}
    try:
        text = json.dumps(kept)
    except (RecursionError, ValueError):
        return ""
    return text if len(text) <= _MAX_ORIGINAL else ""


def _unclear(given: Any) -> str | None:
    """What was said of an event and is neither yes nor no: in doubt it is on. None: not known."""
    for text in texts(given) if isinstance(given, dict) else (given,):
        if isinstance(text, str) and not words(text[:64]) & _NOT_KNOWN:
            return text[:64]
    return None


def _device(observation: dict[str, Any], rest: str, named: Mapping[str, str]) -> str:
    """The device, else whose observation it is: two clients of one sender are never one."""
    device = observation.get("device")
    if isinstance(device, dict):
        own = identifier_of(device.get("identifier"))
        reference = device.get("reference")
        if own is None and isinstance(reference, str):
            own = _local(observation, reference) or named.get(reference) or _name(reference)
        own = own or _name(device.get("display"))
        if own:
            return own
    subject = observation.get("subject")
    whose = _name(subject.get("reference")) if isinstance(subject, dict) else None
    return whose or _name(rest) or "fhir"


def _local(observation: dict[str, Any], reference: str) -> str | None:
    contained = observation.get("contained")
    if not reference.startswith("#") or not isinstance(contained, list):
        return None
    found = (
        one for one in contained[:32] if isinstance(one, dict) and one.get("id") == reference[1:]
    )
    return next((name for name in map(name_of_device, found) if name), None)


def name_of_device(resource: dict[str, Any]) -> str | None:
    """What a Device resource is called: by its identifier, serial number or name."""
    if resource.get("resourceType") not in ("Device", "DeviceMetric"):
        return None
    identifiers = resource.get("identifier")
    for one in identifiers[:8] if isinstance(identifiers, list) else ():
        own = identifier_of(one)
        if own:
            return own
    names = resource.get("deviceName")
    first = names[0] if isinstance(names, list) and names and isinstance(names[0], dict) else {}
    return _name(resource.get("serialNumber")) or _name(first.get("name"))


def identifier_of(identifier: Any) -> str | None:
    """The value of an Identifier, if it can be a device's name."""
    return _name(identifier.get("value")) if isinstance(identifier, dict) else None


def _name(text: Any) -> str | None:
    if not isinstance(text, str) or not 0 < len(text) <= _MAX_NAME or not text.isprintable():
        return None
    if _PERSONAL.search(text):
        return f"subject-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    return text.strip() or None
