"""zigbee2mqtt: devices' states, read by the definitions that it publishes of them.

`bridge/devices` (retained) tells what each device is; that is learned, and a state is read with it:
the key alone does not say what is meant (`contact` of a bed pad, `voltage` in mV or V). Of a device
that was never defined only keys that always mean the same are read; smoke, carbon monoxide, a fall
or a call for help are read of any device, whatever its definition leaves out.

A state repeats everything that zigbee2mqtt remembers of a device, not only what has changed, and
is published again at its restart. `last_seen` is when the device last spoke: with it, a
repetition is the same reading again and stored once. Without it (the default is off) the time is
the arrival's, so a repeated value counts as measured again; switch `last_seen` on. An `action` is
never repeated from memory; the empty one that follows it says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeGuard
from zoneinfo import ZoneInfo

from ingest.decoders.life_safety import meant, words
from ingest.decoders.plain_values import LIFE_SAFETY, Readings, alarm, number, set_clock, truth
from ingest.decoders.record import Decoded, DecodeError
from ingest.decoders.source import Definitions, Source
from ingest.decoders.strict_json import read_json
from ingest.decoders.zigbee2mqtt_definition import compact
from ingest.decoders.zigbee2mqtt_meaning import ACTIONS, UNDEFINED, life_safety

BASE = "zigbee2mqtt/"
"""The base topic by default; another is remapped by the home's bridge."""
DEVICE = "device:"
"""What is learned of a device is kept under this and its friendly name."""
LONE = "definition"
"""What is learned of a definition that names no device: it holds for devices without their own."""
MAX_DEVICES = 1_000
_MAX_LEVELS = 16
_HOME = ZoneInfo("Europe/Helsinki")
_SETTING = frozenset(
    ("silenced", "detection", "settings", "setting", "time", "switch", "mode", "type", "control")
)
"""Words of properties that are about an alarm without being one."""


def decode(rest: str, payload: bytes, arrival: float, definitions: Definitions) -> Decoded:
    """Decode a message; `rest` is the topic below the base topic.

    Raises:
        DecodeError: no JSON where JSON must be, or JSON of another shape.
    """
    rest = rest.removeprefix(BASE)
    if rest.startswith("bridge/") or rest == "bridge":
        return _bridge(rest.removeprefix("bridge").strip("/"), payload, definitions)
    if not payload.strip():
        return Decoded(nothing="an empty message, which deletes a retained one")
    name, tail = _device(rest, definitions)
    if tail in ("get", "set", "availability") or tail.startswith(("set/", "get/")):
        return Decoded(nothing="availability" if tail == "availability" else "a command")
    if tail:
        state: Any = {tail: _attribute(payload)}
    else:
        state = _state(payload)
        if not isinstance(state, dict):
            name, slash, key = rest.rpartition("/")
            if key in ("get", "set", "availability"):
                return Decoded(nothing="availability" if key == "availability" else "a command")
            if not slash:
                return Decoded(nothing="a value without the name of what it is")
            state = {key: state}
        elif rest.endswith(("/set", "/get", "/availability")):
            return Decoded(nothing="a command or the availability of a device")
    return _read_state(name, state, arrival, definitions)


def _bridge(rest: str, payload: bytes, definitions: Definitions) -> Decoded:
    if rest == "response/device/rename":
        return _renamed(payload, definitions)
    if rest != "devices":
        return Decoded(nothing=f"what the bridge says of itself ({rest[:64]})")
    if not payload.strip():
        return Decoded(nothing="an empty list of devices")
    told = read_json(payload)
    if isinstance(told, dict) and isinstance(told.get("exposes"), list):
        return Decoded(nothing="a definition", learned={LONE: compact({}, told)})
    if not isinstance(told, list) or not all(isinstance(entry, dict) for entry in told):
        raise DecodeError(
            "not_zigbee2mqtt", "bridge/devices is a list of devices; this is something else."
        )
    learned: dict[str, Any] = {key: None for key in definitions if key.startswith(DEVICE)}
    for entry in told[:MAX_DEVICES]:
        name = entry.get("friendly_name") or entry.get("ieee_address")
        definition = entry.get("definition")
        if _named(name) and isinstance(definition, dict):
            learned[DEVICE + name] = compact(entry, definition)
    return Decoded(nothing="the list of devices", learned=_changed(learned, definitions))


def _named(name: Any) -> TypeGuard[str]:
    """Whether this is a name that a device can have, and that a database can hold."""
    return isinstance(name, str) and 0 < len(name) <= 256 and name.isprintable()


def _changed(learned: dict[str, Any], definitions: Definitions) -> dict[str, Any]:
    """Only what is new: the list comes again at every restart, and is kept as it is."""
    return {key: value for key, value in learned.items() if definitions.get(key) != value}


def _renamed(payload: bytes, definitions: Definitions) -> Decoded:
    told = read_json(payload) if payload.strip() else None
    data = told.get("data") if isinstance(told, dict) else None
    nothing = "an answer of the bridge"
    if isinstance(data, dict) and isinstance(told, dict) and told.get("status") == "ok":
        before, after = data.get("from"), data.get("to")
        if isinstance(before, str) and _named(after):
            known = definitions.get(DEVICE + before)
            if known is not None and before != after:
                return Decoded(
                    nothing="a new name", learned={DEVICE + before: None, DEVICE + after: known}
                )
    return Decoded(nothing=nothing)


def _device(rest: str, definitions: Definitions) -> tuple[str, str]:
    """The device of a topic and what follows its name: the longest name that is known."""
    name, tail = rest, ""
    for _ in range(_MAX_LEVELS):
        if DEVICE + name in definitions:
            return name, tail
        name, slash, level = name.rpartition("/")
        if not slash:
            break
        tail = f"{level}/{tail}" if tail else level
    return rest, ""


def _defined(name: str, definitions: Definitions) -> tuple[str, Any]:
    """A device's name and definition; a network address stands for the name that it has now."""
    known = definitions.get(DEVICE + name)
    if known is None and name.startswith("0x"):
        for key, one in definitions.items():
            if key.startswith(DEVICE) and isinstance(one, Mapping) and one.get("ieee") == name:
                return key.removeprefix(DEVICE), one
    return name, known if known is not None else definitions.get(LONE)


def _state(payload: bytes) -> Any:
    text = payload.strip()
    if text[:1] in (b"{", b"["):
        return read_json(payload)
    return _attribute(payload)


def _attribute(payload: bytes) -> Any:
    """A plain value: JSON if it is, else the text itself."""
    try:
        return read_json(payload)
    except DecodeError:
        if payload.strip()[:1] in (b"{", b"["):
            raise
    try:
        return payload.decode("utf-8").strip()[:256]
    except UnicodeDecodeError:
        raise DecodeError("unreadable", "The value is neither JSON nor text in UTF-8.") from None


def _read_state(
    name: str, state: Mapping[str, Any], arrival: float, definitions: Definitions
) -> Decoded:
    name, known = _defined(name, definitions)
    properties = known.get("properties") if isinstance(known, Mapping) else None
    seen = _last_seen(state.get("last_seen"))
    readings = Readings(arrival if seen is None else seen, dated=seen is not None)
    if isinstance(properties, Mapping):
        for key, meanings in properties.items():
            if key in state:
                _read(readings, name, state[key], meanings)
    else:
        for key, meaning in UNDEFINED.items():
            _read(readings, name, state.get(key), (meaning,))
        battery = number(state.get("battery"))
        if battery:  # 0 is also what a device on mains says
            readings.add(name, "battery", battery, "%")
    for key, value in state.items():
        if properties is None or key not in properties:
            _never_missed(readings, name, key, value)
    return readings.said("a state without a reading")


def _read(readings: Readings, name: str, value: Any, meanings: Any) -> None:
    if value is None or value == "":
        return
    for meaning in meanings:
        if "action" in meaning:
            _act(readings, name, value, cube=meaning["action"] == "cube")
            continue
        metric = meaning["metric"]
        device = f"{name}/{meaning['part']}" if "part" in meaning else name
        if "unit" in meaning:
            readings.add(device, metric, number(value), meaning["unit"])
        elif "words" in meaning:
            readings.add(device, metric, _word(metric, value, meaning["words"]))
        else:
            readings.add(device, metric, _either(metric, value, meaning["on"], meaning["off"]))


def _word(metric: str, value: Any, meanings: Mapping[str, float | None]) -> float | None:
    if isinstance(value, str) and value in meanings:
        return meanings[value]
    return alarm(metric, value) if metric in LIFE_SAFETY else None


def _either(metric: str, value: Any, on: Any, off: Any) -> float | None:
    """1 where the value is what the definition calls on, also as text or number."""
    for meant_by, said in ((on, 1.0), (off, 0.0)):
        if meant_by is not None and str(value).strip().lower() == str(meant_by).lower():
            return said
    if metric in LIFE_SAFETY:
        return alarm(metric, value)
    plain = truth(value)
    if plain is None or on is None:
        return plain
    return plain if truth(on) != 0.0 else 1.0 - plain


def _act(readings: Readings, name: str, value: Any, *, cube: bool = False) -> None:
    """What was done with a button: a call for help where it is named so, else a press."""
    if not isinstance(value, str) or not value.strip() or value.strip().lower() == "none":
        return
    said = words(value)
    called = meant(said)
    if called is not None and not (cube and called == "fall"):  # the cube was dropped, nobody fell
        readings.add(name, called, 1.0)
    elif said & {"vibration", "tilt", "drop"}:
        readings.add(name, "vibration", 1.0)
    else:
        readings.add(name, "button", 0.0 if said & {"release", "released"} else 1.0)


def _never_missed(readings: Readings, name: str, key: str, value: Any) -> None:
    """An alarm that no definition told of, by its name."""
    if value is None or isinstance(value, (dict, list)) or value == "":
        return
    if key in ACTIONS:
        _act(readings, name, value)
        return
    base = key.lower()[:64]
    metric = life_safety(base)
    if metric is not None:
        readings.add(name, metric, alarm(metric, value))
    elif base == "co":
        if isinstance(value, (bool, str)) and number(value) is None:
            readings.add(name, "carbon_monoxide", alarm("carbon_monoxide", value))
        else:
            readings.add(name, "carbon_monoxide_concentration", number(value), "[ppm]")
    elif (
        isinstance(value, str)
        and meant(words(value)) == "fall"
        and base.endswith(("status", "state"))
    ):
        readings.add(name, "fall", alarm("fall", value))
    elif isinstance(value, (bool, str)):
        named = words(key)
        metric = None if named & _SETTING else meant(named)
        if metric is not None and alarm(metric, value) == 1.0:
            readings.add(name, metric, 1.0)


def _last_seen(value: Any) -> float | None:
    """`last_seen` in any of its three forms (ISO 8601, the same in local time, milliseconds) as
    Unix seconds; None where there is none or zigbee2mqtt's own clock was not set."""
    seconds: float | None = None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds = number(value)
        seconds = None if seconds is None else seconds / 1000
    elif isinstance(value, str) and len(value) <= 40:
        try:
            at = datetime.fromisoformat(value.strip())
            seconds = (at if at.tzinfo is not None else at.replace(tzinfo=_HOME)).timestamp()
        except (ValueError, OverflowError):
            seconds = number(value)
            seconds = None if seconds is None else seconds / 1000
    return seconds if set_clock(seconds) else None


SOURCE = Source(
    "zigbee2mqtt",
    decode,
    formats={"zigbee2mqtt-device-definition-json": "bridge/devices"},
    topics=(r"zigbee2mqtt/(?P<rest>.*)",),
)
