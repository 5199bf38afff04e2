"""Tasmota: what a plug, switch or sensor board with that firmware tells of itself.

Topics are `<prefix>/<topic>/<what>` with the prefixes tele, stat and cmnd, or the prefix behind the
topic. The device is `<topic>`; where two sensors of one board measure the same thing, each of the
board's sensors is `<topic>/<sensor>`, from then on. Sensors heard over Bluetooth are named so
always.

`Time` is local time without a zone by default, Finnish time where it says none; the hour that
autumn repeats is the one nearer to the arrival. A clock that was never set is not asked: Tasmota
sends at once or not at all, so the arrival is the time then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from ingest.decoders.life_safety import meant, words
from ingest.decoders.local_time import seconds_of_local
from ingest.decoders.plain_values import Readings, alarm, number, set_clock, truth
from ingest.decoders.record import Decoded, DecodeError
from ingest.decoders.source import Definitions, Source
from ingest.decoders.strict_json import read_json

_PREFIXES = frozenset(("tele", "stat", "cmnd"))
_MAX_VALUES = 512
"""Most of anything that one level of a message may name; no board has as many."""
_OBJECTS = frozenset(("SENSOR", "STATE", "RESULT", "MARGINS"))
"""What is always a JSON object."""
_MEASURES = {
    "Temperature": ("room_temperature", ""), "Humidity": ("humidity", "%"),
    "Pressure": ("air_pressure", ""), "CarbonDioxide": ("carbon_dioxide", "[ppm]"),
    "Illuminance": ("illuminance", "lx"), "PM1": ("pm1_0", "ug/m3"), "PM2.5": ("pm2_5", "ug/m3"),
    "PM4": ("pm4_0", "ug/m3"), "PM10": ("pm10", "ug/m3"), "TVOC": ("voc", "[ppb]"),
    "VOC": ("voc_index", "1"), "NOx": ("nox_index", "1"), "Battery": ("battery", "%"),
    "BatteryPercentage": ("battery", "%"), "RSSI": ("signal_strength", "dB[mW]"),
    "LinkQuality": ("link_quality", "1"), "Heart Rate": ("pulse", "/min"),
    "HeartRate": ("pulse", "/min"), "SPO2": ("spo2", "%"),
}  # fmt: skip
"""Keys of sensors; the unit of a temperature and a pressure is said once for the message."""
_ENERGY = {
    "Power": ("power", "W"), "Voltage": ("voltage", "V"), "Current": ("current", "A"),
    "Total": ("energy", "kWh"),
}  # fmt: skip
_STATES = {
    "Occupancy": "motion", "Motion": "motion", "Contact": "door", "Water": "water_leak",
    "Vibration": "vibration", "Tamper": "tamper", "Presence": "presence", "Door": "door",
    "BatteryLow": "battery_low", "PIR": "motion", "Gas": "gas",
}  # fmt: skip
"""Yes or no, as sensors bridged from Zigbee and Bluetooth say it; 1 of a contact is open."""
_PRESSURE = {"hPa": ("hPa", 1.0), "mmHg": ("mm[Hg]", 1.0), "inHg": ("hPa", 33.8638866667)}
_WEIGHTS = {"kg": ("kg", 1.0), "lbs": ("[lb_av]", 1.0), "lb": ("[lb_av]", 1.0), "jin": ("kg", 0.5)}
_BY_RADIO = re.compile(r".+-[0-9a-fA-F]{6,12}")
_NUMBERED = re.compile(r"(POWER|Switch|Button)(\d{0,2})", re.I)
_ZONES = {13: "motion", 21: "door", 40: "smoke", 42: "water_leak", 43: "carbon_monoxide",
          44: "help", 45: "vibration"}  # fmt: skip
"""What an alarm of a Zigbee sensor means, by its zone type (Zigbee Cluster Library, 8.2.2.2.3)."""
_WORDLESS = frozenset(("Time", "TempUnit", "PressureUnit", "SpeedUnit", "Uptime", "Wifi"))


def decode(rest: str, payload: bytes, arrival: float, definitions: Definitions) -> Decoded:
    """Decode a message; `rest` is the whole topic.

    Raises:
        DecodeError: no JSON where it must be, or no topic of Tasmota's.
    """
    levels = rest.split("/")
    if rest.startswith("tasmota/discovery/"):
        return Decoded(nothing="what a device can do; its readings come by themselves")
    topic, prefix, what = _place(levels)
    if prefix == "cmnd" or what == "LWT" or not payload.strip():
        return Decoded(nothing="a command, the availability of a device or a deletion")
    readings: Readings
    if payload.strip()[:1] != b"{" and what.upper() not in _OBJECTS:
        readings = Readings(arrival, dated=False)
        _state(readings, topic, what, payload[:64].decode("utf-8", "replace").strip())
        return readings.said("a plain value that is no reading")
    told = read_json(payload)
    if not isinstance(told, dict):
        raise DecodeError("not_tasmota", "Tasmota sends an object there; this is something else.")
    if what.upper() in ("STATUS8", "STATUS10") and isinstance(told.get("StatusSNS"), dict):
        told = told["StatusSNS"]
    elif what.upper().startswith(("INFO", "STATUS")):
        return Decoded(nothing="what a device says of itself")
    time = _time(told.get("Time"), arrival)
    readings = Readings(arrival if time is None else time, dated=time is not None)
    learned = _message(readings, topic, told, definitions)
    return readings.said("a message without a reading", learned)


def _place(levels: list[str]) -> tuple[str, str, str]:
    """Topic of the device, prefix, and what it is."""
    if len(levels) >= 3 and levels[0] in _PREFIXES:
        return "/".join(levels[1:-1]), levels[0], levels[-1]
    if len(levels) >= 3 and levels[-2] in _PREFIXES:
        return "/".join(levels[:-2]), levels[-2], levels[-1]
    raise DecodeError(
        "not_tasmota", "The topic has none of tele, stat and cmnd where Tasmota has them."
    )


def _message(
    readings: Readings, topic: str, told: Mapping[str, Any], definitions: Definitions
) -> dict[str, Any]:
    """Read every sensor; returns what is learned: that the board's sensors go by their names."""
    units = {
        "": ("[degF]" if told.get("TempUnit") == "F" else "Cel", 1.0),
        "pressure": _PRESSURE.get(str(told.get("PressureUnit") or "hPa")[:8], ("", 0.0)),
    }
    sensors = [
        (name, said)
        for name, said in _bounded(told).items()
        if isinstance(said, dict) and name not in _WORDLESS
    ]
    key = f"sensors:{topic}"
    several = definitions.get(key) is not None or _clash(sensors)
    for name, said in sensors:
        if name == "ENERGY":
            _energy(readings, topic, said)
        elif name in ("ZbReceived", "ZbInfo"):
            for address, one in _bounded(said).items():
                if isinstance(one, dict):
                    zigbee = str(one.get("Name") or address)[:128]
                    _sensor(readings, f"{topic}/{zigbee}", one, units)
        elif "Action" in said:
            _state(readings, topic, name, said["Action"])
        elif name == "ESP32":  # the chip itself
            readings.add(topic, "device_temperature", number(said.get("Temperature")), units[""][0])
        elif several or _BY_RADIO.fullmatch(name):
            _sensor(readings, f"{topic}/{name[:128]}", said, units)
        else:
            _sensor(readings, topic, said, units)
    for name, value in told.items():
        if isinstance(value, (str, bool, int, float)) and name not in _WORDLESS:
            _state(readings, topic, name, value)
    wifi = told.get("Wifi")
    if isinstance(wifi, dict):
        readings.add(topic, "signal_strength", number(wifi.get("Signal")), "dB[mW]")
    return {key: True} if several and definitions.get(key) is None else {}


def _bounded(said: Mapping[str, Any]) -> Mapping[str, Any]:
    if len(said) > _MAX_VALUES:
        raise DecodeError(
            "too_large",
            f"The message names over {_MAX_VALUES} things at once; no board has as many.",
        )
    return said


def _clash(sensors: list[tuple[str, dict[str, Any]]]) -> bool:
    seen: set[str] = set()
    for name, said in sensors:
        if name in ("ENERGY", "ESP32", "ZbReceived", "ZbInfo") or _BY_RADIO.fullmatch(name):
            continue
        own = {key for key in said if key in _MEASURES}
        if own & seen:
            return True
        seen |= own
    return False


def _sensor(
    readings: Readings,
    device: str,
    said: Mapping[str, Any],
    units: Mapping[str, tuple[str, float]],
) -> None:
    zone, status = number(said.get("ZoneType")), number(said.get("ZoneStatusChange"))
    if zone in _ZONES and status is not None:
        readings.add(device, _ZONES[int(zone)], float(int(status) & 3 != 0))  # alarm 1 or 2
    for key, value in _bounded(said).items():
        if key in _MEASURES:
            metric, unit = _MEASURES[key]
            factor = 1.0
            if not unit:
                unit, factor = units["pressure" if metric == "air_pressure" else ""]
            got = number(value)
            if got is not None and unit:
                readings.add(device, metric, got * factor, unit)
        elif key in _STATES:
            readings.add(device, _STATES[key], truth(value))
        elif key == "Weight":
            unit, factor = _WEIGHTS.get(str(_unit(said))[:8], ("", 0.0))
            got = number(value)
            if got is not None and unit:
                readings.add(device, "weight", got * factor, unit)
        elif key == "Impedance" and number(value):
            readings.add(device, "impedance", number(value), "Ohm")
        else:
            _alarm(readings, device, key, value)


def _unit(said: Mapping[str, Any]) -> Any:
    """The unit of a scale, in the spellings of its drivers."""
    return said.get("weight_unit") or said.get("Weight_unit") or said.get("WeightUnit") or "kg"


def _energy(readings: Readings, topic: str, said: Mapping[str, Any]) -> None:
    """A meter; with several channels each value is a list, and each channel a device."""
    for key, (metric, unit) in _ENERGY.items():
        for number_of, value in _channels(said.get(key)):
            device = f"{topic}/{number_of}" if number_of else topic
            readings.add(device, metric, number(value), unit)


def _channels(value: Any) -> Iterator[tuple[int, Any]]:
    if isinstance(value, list):
        yield from enumerate(value[:_MAX_VALUES], start=1)
    else:
        yield 0, value


def _state(readings: Readings, topic: str, name: str, value: Any) -> None:
    """A switch, a relay or a button; or something that its owner named as what it is for."""
    if isinstance(value, dict):
        return
    match = _NUMBERED.fullmatch(name[:32])
    if match is None:
        _alarm(readings, topic, name, value)
        return
    kind, which = match[1].lower(), match[2]
    device = f"{topic}/{name}" if which not in ("", "1") or kind == "switch" else topic
    if isinstance(value, str) and meant(words(value)) == "help":
        readings.add(topic, "help", 1.0)
    elif kind == "button":
        if isinstance(value, str) and value.strip():
            released = value.strip().upper() in ("CLEAR", "RELEASE", "NONE")
            readings.add(device, "button", 0.0 if released else 1.0)
    else:
        readings.add(device, "switch", truth(value))


def _alarm(readings: Readings, device: str, key: str, value: Any) -> None:
    """Life safety under any name that says so (`Smoke`, `Fire`, `CO`, `SOS`)."""
    if isinstance(value, (dict, list)) or value is None or value == "":
        return
    metric = meant(words(key))
    if metric is not None and number(value) not in (None, 0.0, 1.0):  # how much, not whether
        if metric == "carbon_monoxide":
            readings.add(device, "carbon_monoxide_concentration", number(value), "[ppm]")
    elif metric is not None:
        readings.add(device, metric, alarm(metric, value))
    elif key.lower() in ("action", "event") and isinstance(value, str):
        called = meant(words(value))
        if called is not None:
            readings.add(device, called, 1.0)


def _time(value: Any, arrival: float) -> float | None:
    """`Time` as Unix seconds; None where there is none or the clock was never set."""
    if not isinstance(value, str) or len(value) > 40:
        seconds = number(value)
        return seconds if set_clock(seconds) else None
    try:
        at = datetime.fromisoformat(value.strip())
        seconds = seconds_of_local(at, arrival) if at.tzinfo is None else at.timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if set_clock(seconds) else None


SOURCE = Source(
    "tasmota",
    decode,
    topics=(
        r"(?P<rest>(?:tele|stat|cmnd)/.+/[^/]+)",
        r"(?P<rest>tasmota/discovery/.+)",
        r"(?P<rest>.+/(?:tele|stat)/(?:SENSOR|STATE|RESULT|LWT|INFO\d|STATUS\d*|POWER\d*|MARGINS))",
    ),
)
