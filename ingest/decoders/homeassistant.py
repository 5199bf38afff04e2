"""Home Assistant's MQTT discovery, by which ESPHome and many others announce what they publish.

`rest` is the topic that the device itself used. A topic that ends in `config` announces: what it
says is learned under that topic, an empty payload forgets it. Any other topic means what a learned
configuration says; a state topic that none names cannot be read yet and is kept for another try.
Messages carry no time of their own: a reading's time is that of its arrival.

One device may have several entities of one metric. The one whose object is called as the metric
keeps the device's name, the others (all of them, where none is called so) are
`<device>/<object>`; this depends on what is announced, not on the order in which it is.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from core.catalogue import catalogue
from ingest.decoders.entity_words import words
from ingest.decoders.homeassistant_budget import Budget
from ingest.decoders.homeassistant_config import COMPONENTS, learn, place
from ingest.decoders.homeassistant_plain import plainly
from ingest.decoders.homeassistant_template import render
from ingest.decoders.life_safety import in_text, meant
from ingest.decoders.plain_values import measured
from ingest.decoders.record import MAX_RECORDS, Channel, Decoded, DecodeError, Record
from ingest.decoders.source import Definitions, Source
from ingest.decoders.strict_json import read_json

_NO_STATE = frozenset(("", "unknown", "unavailable", "none", "null", "nan", "undefined"))
_NO_READING = {
    "debug": "a log", "logs": "a log", "status": "availability", "availability": "availability",
    "LWT": "availability", "birth": "availability", "command": "a command", "set": "a command",
    "get": "a command", "cmd": "a command", "attributes": "attributes",
}  # fmt: skip
"""By the last level of a topic that no configuration names as a state."""
_NEVER_FILTERED = frozenset(metric.name for metric in catalogue() if metric.never_filtered)
_PRESSED = frozenset(("event", "device_automation"))
_RELEASES = frozenset(("release", "released", "up", "idle", "none"))


def decode(rest: str, payload: bytes, arrival: float, definitions: Definitions) -> Decoded:
    """Decode an announcement, or a state by what was announced (see above).

    Raises:
        DecodeError: not readable, or a state whose announcement was not seen.
    """
    entities = _entities(rest, definitions)
    if entities:
        return _state(entities, payload, arrival)
    where = place(rest)
    if where is not None:
        return _announced(rest, where, payload, definitions)
    if any(_covering(known["o"], rest) for known in definitions.values()):
        return Decoded(nothing="told on a topic that is no state")
    last = rest.rpartition("/")[2]
    if last in _NO_READING or last.startswith("log"):
        return Decoded(nothing=_NO_READING.get(last, "a log"))
    if not payload.strip():
        return Decoded(nothing="an empty message")
    raise DecodeError(
        "unknown_definition",
        "No announcement names this topic, so nobody can tell what its values mean: let the device "
        "publish its discovery again (retained, with its bridge subscribed to it), then try again.",
    )


def _announced(
    topic: str, where: tuple[str, str, str], payload: bytes, definitions: Definitions
) -> Decoded:
    if not payload.strip():
        return Decoded(nothing="an announcement taken back", learned={topic: None})
    given = read_json(payload)
    if not isinstance(given, dict):
        raise DecodeError("bad_definition", "The announcement is no JSON object.")
    if given.get("migrate_discovery", given.get("migr_discvry")) is True:
        return Decoded(nothing="an announcement that is being moved")
    learned = learn(*where, given)
    if not learned["s"] and not learned["o"]:
        forgotten = {topic: None} if topic in definitions else {}
        return Decoded(nothing="an announcement without states", learned=forgotten)
    return Decoded(nothing="an announcement", learned={topic: learned})


def _entities(topic: str, definitions: Definitions) -> list[tuple[str, dict[str, Any]]]:
    """Device and entity of each that a topic is a state of; life safety first."""
    found = [
        (known["d"], entity)
        for known in definitions.values()
        for named in _covering(known["s"], topic)
        for entity in known["s"][named]
    ]
    if not found:
        return []
    several = _several(definitions, {device for device, _ in found})
    named = [
        (device if (device, entity["m"], entity["n"]) not in several
         else f"{device}/{entity['n']}", entity)
        for device, entity in found
    ]  # fmt: skip
    named.sort(key=lambda one: one[1]["m"] not in _NEVER_FILTERED)
    return named[:MAX_RECORDS]


def names(known: Mapping[str, Any], topic: str) -> bool:
    """Whether a learned configuration names a topic, as a state or otherwise."""
    return bool(_covering(known["s"], topic) or _covering(known["o"], topic))


def _covering(named: Collection[str], topic: str) -> list[str]:
    """Those of some topics, which may have wildcards (OpenMQTTGateway announces `+/+/…`), that
    cover a topic."""
    if topic in named:
        return [topic]
    return [one for one in named if ("+" in one or "#" in one) and _covers(one, topic)]


def _covers(wildcard: str, topic: str) -> bool:
    levels = topic.split("/")
    parts = wildcard.split("/")
    if parts[-1] == "#":
        parts.pop()
        levels = levels[: len(parts)] if len(levels) >= len(parts) else []
    return len(parts) == len(levels) and all(
        part in ("+", level) for part, level in zip(parts, levels, strict=True)
    )


def _several(definitions: Definitions, devices: set[str]) -> set[tuple[str, str, str]]:
    """Device, metric and object of the entities that need more than their device's name."""
    objects: dict[tuple[str, str], set[str]] = {}
    for known in definitions.values():
        if known.get("d") in devices:
            for entities in known.get("s", {}).values():
                for entity in entities:
                    objects.setdefault((known["d"], entity["m"]), set()).add(entity["n"])
    several: set[tuple[str, str, str]] = set()
    for (device, metric), names in objects.items():
        if len(names) > 1:
            main = names & {metric, metric.removeprefix("room_")}
            keeps = min(main) if main else None
            several.update((device, metric, name) for name in names if name != keeps)
    return several


def _state(entities: list[tuple[str, dict[str, Any]]], payload: bytes, arrival: float) -> Decoded:
    text = payload.decode("utf-8", "replace").strip()
    if not text:
        return Decoded(nothing="an empty message")
    budget = Budget(len(payload))
    variables: dict[str, Any] = {"value": text}
    if text[:1] in ("{", "[", '"') or any("value_json" in one.get("x", "") for _, one in entities):
        try:
            variables["value_json"] = read_json(payload)
        except DecodeError:
            if text[:1] in ("{", "["):
                raise
    records: list[Record] = []
    refused: DecodeError | None = None
    for device, entity in entities:
        channel = Channel(device, entity["m"], entity.get("u"))
        value: float | str | None
        try:
            state = render(entity["x"], variables, budget) if "x" in entity else text
            if entity["k"] in _PRESSED:
                kind = _pressed(entity, state, variables)
                value = None if kind is None else 1.0
                if kind is not None and channel.metric == "button":
                    channel = Channel(device, meant(words(kind)) or "button", None)
            else:
                value = _value(entity, state)
                blind = value is None and "x" in entity and "value_json" not in variables
                if blind and entity["m"] in _NEVER_FILTERED:
                    value = plainly(
                        entity, text, None
                    )  # its template looks into JSON: this is none
        except DecodeError as error:
            safety = entity["m"] in _NEVER_FILTERED
            value = plainly(entity, text, variables.get("value_json")) if safety else None
            refused = refused if value is not None else error
            records.append(Record(channel, value, arrival, dated=False))
            continue
        if isinstance(value, str):
            refused = DecodeError(
                "no_value", f"The state is none that {entity['m']} can have, so it was not used."
            )
        if value is not None:
            records.append(Record(channel, value, arrival, dated=False))
    if refused is not None and not any(isinstance(record.value, float) for record in records):
        raise refused
    return Decoded(records, nothing="" if records else "a state without a value")


def _value(entity: dict[str, Any], state: str) -> float | str | None:
    """What a state is worth; a text that is no state of such an entity stays a text."""
    kind, metric = entity["k"], entity["m"]
    if state.lower() in _NO_STATE:
        return None
    if kind == "sensor":
        number = _number(state, entity.get("f", 1.0))
        return None if isinstance(number, float) and not measured(metric, number) else number
    if kind == "text":
        value = in_text(metric, state)
        return state[:200] if value is None else value
    if state == entity.get("on"):
        return 1.0
    if state == entity.get("off"):
        return 0.0
    if metric in _NEVER_FILTERED:
        value = in_text(metric, state)
        if value is not None:
            return value
    if kind in ("lock", "cover"):
        return 1.0 if state.lower() in ("jammed", "unlocking", "opening", "closing") else None
    return state[:200]


def _number(state: str, factor: float) -> float | str:
    try:
        value = float(state.replace("_", "?")) * factor  # Python alone reads 1_0 as 10
    except ValueError:
        return state[:200]
    return value if math.isfinite(value) else state[:200]


def _pressed(entity: dict[str, Any], state: str, variables: dict[str, Any]) -> str | None:
    """What was pressed or happened, as the entity calls it; None where nothing was."""
    if entity["k"] == "device_automation":
        happened = state == entity["on"] if entity.get("on") else bool(state)
        kind = entity.get("t") or "pressed"
        return kind if happened and not words(kind) & _RELEASES else None
    told = variables.get("value_json")
    if "x" in entity:
        try:
            told = read_json(state)
        except DecodeError:
            told = None
    kind = told.get("event_type") if isinstance(told, dict) else state
    if not isinstance(kind, str) or kind.lower() in _NO_STATE or words(kind) & _RELEASES:
        return None
    return kind


_PLACES = "|".join(sorted(COMPONENTS))
SOURCE = Source(
    "homeassistant",
    decode,
    formats={"homeassistant-discovery-json": "homeassistant/sensor/device/object/config"},
    topics=(
        r"(?P<rest>homeassistant/.*)",
        rf"(?P<rest>(?:[^/]+/){{1,4}}(?:{_PLACES})/(?:[^/]+/)?[^/]+/config)",
    ),
)
