"""Shelly of the first generation: `shellies/<id>/…`, one plain value a topic, no times.

Retained by default, so that the broker repeats the last value at a new connection; without a time
it counts at its arrival, unless the broker marks it as retained.
"""

from __future__ import annotations

from typing import Any

from ingest.decoders.life_safety import meant, words
from ingest.decoders.plain_values import Readings, alarm, number, truth
from ingest.decoders.record import Decoded, DecodeError
from ingest.decoders.source import Definitions
from ingest.decoders.strict_json import read_json

_MARKS = frozenset(
    ("sensor", "relay", "emeter", "meter", "input", "input_event", "longpush", "light", "white",
     "color", "roller", "ext_temperature", "ext_humidity", "ext_switch", "announce", "info",
     "online", "status", "command", "temperature", "temperature_f", "temperature_status",
     "ext_temperatures", "ext_humidities", "thermostat", "loaderror",
     "overtemperature", "overpower", "voltage", "power", "energy", "adc", "settings")
)  # fmt: skip
"""Levels behind a device's name, which may itself have slashes."""
_SENSOR = {
    "humidity": ("humidity", "%"), "battery": ("battery", "%"), "lux": ("illuminance", "lx"),
}  # fmt: skip
_SENSOR_STATES = {
    "flood": "water_leak", "motion": "motion", "state": "door", "vibration": "vibration",
    "presence": "presence", "tamper": "tamper",
}  # fmt: skip
_METER = {"power": ("power", "W", 1.0), "energy": ("energy", "Wh", 1 / 60),
          "voltage": ("voltage", "V", 1.0), "current": ("current", "A", 1.0),
          "total": ("energy", "Wh", 1.0)}  # fmt: skip
"""The counter `energy` is in watt-minutes, `total` of an energy meter in watt-hours."""
_BARE = {"temperature": ("device_temperature", "Cel"), "voltage": ("voltage", "V"),
         "power": ("power", "W")}  # fmt: skip
_NO_TEMPERATURE = 999.0
"""What the first generation says when its sensor gives nothing."""
_GAS = {"none": 0.0, "mild": 1.0, "heavy": 1.0}


def decode(levels: list[str], payload: bytes, arrival: float, definitions: Definitions) -> Decoded:
    """Decode a message; `levels` are the topic's without `shellies`.

    What is learned: a sensor's unit of temperature, and that it has power from outside.

    Raises:
        DecodeError: no topic of a Shelly's, or an `info` or `status` that is no JSON.
    """
    at = next((one for one in range(len(levels) - 1, 0, -1) if levels[one] in _MARKS), 0)
    if at > 1 and levels[at - 1] in ("sensor", "relay", "emeter", "light"):
        at -= 1
    elif at > 2 and levels[at - 2] in ("relay", "emeter", "meter", "light", "white", "color"):
        at -= 2
    if at == 0:
        if len(levels) < 2:  # shellies/announce, shellies/command
            return Decoded(nothing="an announcement or a command to all")
        raise DecodeError("not_shelly", "The topic has no part that a Shelly's topic has.")
    device, what, below = "/".join(levels[:at]), levels[at], levels[at + 1 :]
    readings = Readings(arrival, dated=False)
    if what in ("info", "status", "announce"):
        return _info(readings, device, what, payload, definitions)
    if "command" in (what, *below) or what in ("online", "settings"):
        return Decoded(nothing="a command, or whether a device is online")
    text = payload[:256].decode("utf-8", "replace").strip()
    if what == "sensor" and below:
        return _sensor(readings, device, below[-1], text, definitions)
    _actuator(readings, device, what, below, text, payload)
    return readings.said(f"a value that is no reading ({what})")


def _sensor(
    readings: Readings, device: str, kind: str, text: str, definitions: Definitions
) -> Decoded:
    learned: dict[str, Any] = {}
    mains = f"mains:{device}"
    if kind == "temperature":
        degrees = number(text)
        if degrees != _NO_TEMPERATURE:
            readings.add(device, "room_temperature", degrees, _degrees(device, definitions))
    elif kind in ("ext_power", "charger"):
        if truth(text) == 1.0 and mains not in definitions:
            learned[mains] = True
        elif truth(text) == 0.0 and mains in definitions:
            learned[mains] = None
    elif kind == "battery" and definitions.get(mains):
        pass
    elif kind in _SENSOR:
        metric, unit = _SENSOR[kind]
        readings.add(device, metric, number(text), unit)
    elif kind in _SENSOR_STATES:
        value = {"open": 1.0, "close": 0.0}.get(text.lower(), truth(text))
        readings.add(device, _SENSOR_STATES[kind], value)
    elif kind in ("gas", "self_test") and text.lower() in ("test", "running"):
        readings.add(device, "self_test", 1.0)
    elif kind == "gas":
        readings.add(device, "gas", _GAS.get(text.lower(), truth(text)))
    else:
        metric_of = meant(words(kind))
        if metric_of is not None:
            readings.add(device, metric_of, alarm(metric_of, text))
    return readings.said(f"a value that is no reading ({kind[:64]})", learned)


def _degrees(device: str, definitions: Definitions) -> str:
    """Celsius, unless the device's `info` told that its owner set it to Fahrenheit."""
    return "[degF]" if definitions.get(f"degrees:{device}") == "F" else "Cel"


def _actuator(
    readings: Readings, device: str, what: str, below: list[str], text: str, payload: bytes
) -> None:
    which = below[0] if below else "0"
    own = device if which == "0" else f"{device}/{what}:{which[:16]}"
    if what in ("relay", "emeter", "meter", "light", "white", "color") and len(below) >= 2:
        if below[1] in _METER:
            metric, unit, factor = _METER[below[1]]
            value = number(text)
            readings.add(own, metric, None if value is None else value * factor, unit)
    elif what in ("relay", "light", "white", "color"):
        readings.add(own, "switch", {"overpower": 0.0}.get(text.lower(), truth(text)))
    elif what == "input":
        readings.add(f"{device}/{what}:{which[:16]}", "switch", truth(text))
    elif what == "longpush":
        readings.add(own, "button", 1.0 if truth(text) == 1.0 else None)
    elif what == "input_event":
        told = read_json(payload)
        event = told.get("event") if isinstance(told, dict) else None
        if isinstance(event, str) and event.strip():
            readings.add(own, "help" if meant(words(event)) == "help" else "button", 1.0)
    elif what == "ext_temperature":
        readings.add(f"{device}/{what}:{which[:16]}", "room_temperature", number(text), "Cel")
    elif what == "ext_humidity":
        readings.add(f"{device}/{what}:{which[:16]}", "humidity", number(text), "%")
    elif what in _BARE:
        metric, unit = _BARE[what]
        readings.add(device, metric, number(text), unit)


def _info(
    readings: Readings, device: str, what: str, payload: bytes, definitions: Definitions
) -> Decoded:
    """`info` tells the unit of the temperature; `status` of Shelly Motion is its readings."""
    told = read_json(payload)
    if not isinstance(told, dict):
        return Decoded(nothing="what a device says of itself")
    learned: dict[str, Any] = {}
    warmth = told.get("tmp")
    if isinstance(warmth, dict) and warmth.get("units") in ("C", "F"):
        key = f"degrees:{device}"
        if definitions.get(key, "C") != warmth["units"]:
            learned[key] = "F" if warmth["units"] == "F" else None
    if what == "status":
        readings.add(device, "motion", truth(told.get("motion")))
        readings.add(device, "vibration", truth(told.get("vibration")))
        readings.add(device, "illuminance", number(told.get("lux")), "lx")
        readings.add(device, "battery", number(told.get("bat")), "%")
    if what != "announce":
        for key, value in list(told.items())[:256]:
            metric = meant(words(key))
            if metric is not None and isinstance(value, (bool, str)):
                readings.add(device, metric, alarm(metric, value))
    return readings.said("what a device says of itself", learned)
