"""Home Assistant's discovery: from a configuration to what its state messages must be read with.

What is kept of one configuration, under its topic, is small plain data:

    {"d": device, "s": {state topic: [entity, …]}, "o": [other topics of the device]}
    entity: {"m": metric, "k": kind, "n": object, "u": unit?, "f": factor?, "x": template?,
             "on": text?, "off": text?}

The device is its first identifier, else its first connection (a MAC address), else its name, else
what the topic calls it: identifiers do not change when somebody renames a device.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.wire import MAX_NAME
from ingest.decoders import homeassistant_meaning as meaning
from ingest.decoders.entity_words import words
from ingest.decoders.homeassistant_names import availabilities, device_of, spelled_out
from ingest.decoders.homeassistant_parsing import MAX_TEMPLATE, check
from ingest.decoders.plain_values import LIFE_SAFETY
from ingest.decoders.record import DecodeError

READ = ("sensor", "binary_sensor", "event", "lock", "switch", "cover", "device_automation")
COMPONENTS = frozenset(READ) | frozenset(
    ("alarm_control_panel", "button", "camera", "climate", "device", "device_tracker", "fan",
     "humidifier", "image", "lawn_mower", "light", "notify", "number", "scene", "select", "siren",
     "tag", "text", "update", "vacuum", "valve", "water_heater")
)  # fmt: skip
MAX_ENTITIES = 256
"""In one configuration."""
_MAX_TOPIC = 256
_OPENINGS = frozenset(("door", "garage", "gate", "window"))


def place(topic: str) -> tuple[str, str, str] | None:
    """Component, node (may be empty) and object of a configuration's topic; None if it is none.

    `<prefix>/<component>/[<node>/]<object>/config`, whatever the prefix is, or without one.
    """
    levels = topic.split("/")
    if len(levels) < 3 or levels[-1] != "config":
        return None
    if len(levels) >= 4 and levels[-4] in COMPONENTS:
        return levels[-4], levels[-3], levels[-2]
    return (levels[-3], "", levels[-2]) if levels[-3] in COMPONENTS else None


def learn(component: str, node: str, object_id: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a configuration (see above).

    Raises:
        DecodeError: too many entities, or all that there is has a template that is not run and is
            no life safety.
    """
    config = spelled_out(given)
    device = device_of(config)
    name = _device_name(device, node, object_id, config)
    called = words(device.get("name"), device.get("model"))
    states: dict[str, list[dict[str, Any]]] = {}
    others: dict[str, None] = dict.fromkeys(_topics(config))
    refused: DecodeError | None = None
    count = 0
    for kind, own, entity_config in _entities(component, object_id, config, given):
        count += 1
        if count > MAX_ENTITIES:
            raise DecodeError(
                "too_large", f"The device announces more than {MAX_ENTITIES} entities."
            )
        others.update(dict.fromkeys(_topics(entity_config)))
        topic = entity_config.get("topic" if kind == "device_automation" else "state_topic")
        if not isinstance(topic, str) or not 0 < len(topic) <= _MAX_TOPIC:
            continue
        entity = _entity(kind, own, entity_config, called)
        if entity is None:
            others[topic] = None
            continue
        try:
            check(entity.get("x", ""))
        except DecodeError as error:
            if entity["m"] not in LIFE_SAFETY:  # those are read without it, see `plainly`
                refused = error
        states.setdefault(topic, []).append(entity)
    if refused is not None and count == 1:
        raise refused
    return {"d": name, "s": states, "o": [topic for topic in others if topic not in states]}


def _entities(
    component: str, object_id: str, config: dict[str, Any], given: Mapping[str, Any]
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Component, object and configuration of each entity."""
    if component != "device":
        yield component, object_id, config
        return
    parts = config.get("components")
    shared = {
        key: value
        for key, value in config.items()
        if key in ("state_topic", "availability_topic", "availability")
    }
    for own, part in parts.items() if isinstance(parts, dict) else ():
        if isinstance(part, dict):
            full = spelled_out(part, given.get("~"))
            yield str(full.get("platform", "")), str(own)[:MAX_NAME], {**shared, **full}


def _device_name(
    device: Mapping[str, Any], node: str, object_id: str, config: Mapping[str, Any]
) -> str:
    identifiers = device.get("identifiers")
    connections = device.get("connections")
    candidates = [
        identifiers[0] if isinstance(identifiers, list) and identifiers else identifiers,
        connections[0][-1]
        if isinstance(connections, list) and connections and isinstance(connections[0], list)
        and connections[0]
        else None,
        device.get("name"),
        node,
        config.get("unique_id"),
    ]  # fmt: skip
    for candidate in candidates:
        if isinstance(candidate, (str, int)) and not isinstance(candidate, bool) and candidate:
            return str(candidate)[:MAX_NAME]
    return object_id[:MAX_NAME]


def _topics(config: Mapping[str, Any]) -> Iterator[str]:
    """Topics on which a device says or hears something that is no reading."""
    for key, value in config.items():
        if key.endswith("_topic") and key != "state_topic" and isinstance(value, str):
            yield value[:_MAX_TOPIC]
    for one in availabilities(config):
        if isinstance(one.get("topic"), str):
            yield one["topic"][:_MAX_TOPIC]


def _entity(
    kind: str, own: str, config: Mapping[str, Any], called: frozenset[str]
) -> dict[str, Any] | None:
    device_class = config.get("device_class")
    device_class = device_class if isinstance(device_class, str) else ""
    written = config.get("unit_of_measurement")
    unit, factor = meaning.UNITS.get(written, ("", 1.0)) if isinstance(written, str) else ("", 1.0)
    named = words(
        own, *(config.get(key) for key in ("name", "object_id", "unique_id", "default_entity_id"))
    )
    entity: dict[str, Any] = {"k": kind, "n": own[:MAX_NAME]}
    metric: str | None = None
    if kind == "sensor":
        diagnostic = config.get("entity_category") == "diagnostic"
        metric = meaning.of_sensor(device_class, unit, named, called, diagnostic)
        if metric is None and not written and device_class in ("", "enum"):
            pressed = bool(named & {"action", "button", "click"})
            entity["k"] = "event" if pressed else "text"
            metric = (meaning.of_event if pressed else meaning.of_text)(named, called)
        if not written and metric is not None:
            unit = meaning.ASSUMED.get(metric, "")
        entity |= {"u": unit or (str(written)[:32] if written else None), "f": factor}
    elif kind == "binary_sensor":
        metric = meaning.of_binary(device_class, named, called)
        entity |= _texts(config, "payload_on", "payload_off", "ON", "OFF")
    elif kind == "switch":
        metric = "switch"
        entity |= {
            "on": _text(config.get("state_on", config.get("payload_on")), "ON"),
            "off": _text(config.get("state_off", config.get("payload_off")), "OFF"),
        }
    elif kind == "lock":
        metric = "lock"
        entity |= _texts(config, "state_unlocked", "state_locked", "UNLOCKED", "LOCKED")
    elif kind == "cover" and device_class in _OPENINGS:
        metric = "door"
        entity |= _texts(config, "state_open", "state_closed", "open", "closed")
    elif kind == "event":
        metric = "motion" if device_class == "motion" else meaning.of_event(named, called)
    elif kind == "device_automation":
        trigger = words(config.get("type"), config.get("subtype"))
        metric = meaning.of_event(named | trigger, called)
        entity |= {"on": _text(config.get("payload"), ""), "t": _text(config.get("type"), "")}
    if metric is None:
        return None
    entity["m"] = metric
    template = config.get("value_template")
    if isinstance(template, str) and template:
        entity["x"] = template[: MAX_TEMPLATE + 1]  # one too long is refused when it is used
    return {key: value for key, value in entity.items() if value not in (None, 1.0)}


def _texts(
    config: Mapping[str, Any], on: str, off: str, default_on: str, default_off: str
) -> dict[str, str]:
    return {"on": _text(config.get(on), default_on), "off": _text(config.get(off), default_off)}


def _text(value: Any, default: str) -> str:
    return default if value is None or isinstance(value, (dict, list)) else str(value)[:64]
