"""Theengs Gateway and OpenMQTTGateway: Bluetooth broadcasts that Theengs Decoder has read.

`<prefix>/<gateway>/BTtoMQTT/<address>` has one sensor's properties in JSON. The device is its
address, as `AA:BB:CC:DD:EE:FF`; probes and buttons with a number are `<address>/tempc2`. What the
gateways hear on other ways is named by its topic. A time is only in it where OpenMQTTGateway was
built to say it (`UTCtime`, `unixtime`); otherwise it counts at its arrival.

What the gateways hear by radio is read as rtl_433 says it (`rtl_433.py`). Bare codes of radio and
infrared, commands and what a gateway says of itself are no readings; nor is the topic `presence`,
which repeats what was published already, or how strongly a phone or a tag is heard that says
nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ingest.decoders import rtl_433
from ingest.decoders.fhir_time import seconds_of
from ingest.decoders.life_safety import meant, words
from ingest.decoders.plain_values import LIFE_SAFETY, Readings, alarm, number, set_clock, truth
from ingest.decoders.record import Decoded, DecodeError
from ingest.decoders.source import Definitions, Source
from ingest.decoders.strict_json import read_json

_ADDRESS = re.compile(r"(?:[0-9A-F]{2}:?){5}[0-9A-F]{2}", re.ASCII)
_NO_READINGS = frozenset(
    ("LWT", "presence", "SYStoMQTT", "RLStoMQTT", "WebUItoMQTT", "SSD1306toMQTT", "OLEDtoMQTT",
     "LOGtoMQTT", "undecoded", "internal", "commands", "version", "trackersync")
)  # fmt: skip
_RADIO = re.compile(
    r"(?:RTL_433|433|433_1|Pilight|Piligh|RF|RF2|SRFB|WEATHER_STATION|IR|2G|LORA|RS232|"
    r"GFSUNINVERTER|ONOFF)toMQTT"
)
"""What is heard otherwise than by Bluetooth."""
_LORA = "LORAtoMQTT"
"""Sensors of its makers' own say what those of Bluetooth say."""
_TO_DEVICE = re.compile(r"MQTTto\w+")
_NUMBERS = {
    "hum": ("humidity", "%"), "batt": ("battery", "%"), "volt": ("battery_voltage", "V"),
    "pres": ("air_pressure", "hPa"), "lux": ("illuminance", "lx"),
    "moi": ("soil_moisture", "%"), "for": ("formaldehyde", "mg/m3"),
    "co2": ("carbon_dioxide", "[ppm]"), "pm1": ("pm1_0", "ug/m3"), "pm25": ("pm2_5", "ug/m3"),
    "pm4": ("pm4_0", "ug/m3"), "pm10": ("pm10", "ug/m3"), "tvoc": ("voc", "[ppb]"),
    "voc": ("voc_index", "1"), "nox": ("nox_index", "1"), "steps": ("steps", "1"),
    "impedance": ("impedance", "Ohm"), "energy": ("energy", "kW.h"), "current": ("current", "A"),
    "tx": ("transmit_power", "dB[mW]"), "txpower": ("transmit_power", "dB[mW]"),
    "mov": ("movement_count", "1"), "seq": ("measurement_count", "1"),
    "accx": ("acceleration_x", "m/s2"), "accy": ("acceleration_y", "m/s2"),
    "accz": ("acceleration_z", "m/s2"), "x_axis": ("acceleration_x", "m/s2"),
    "y_axis": ("acceleration_y", "m/s2"), "z_axis": ("acceleration_z", "m/s2"),
}  # fmt: skip
"""By property: its metric and unit."""
_OF_PEOPLE = {
    "bpm": ("pulse", "/min"), "act_bpm": ("pulse", "/min"), "hr": ("pulse", "/min"),
    "heart_rate": ("pulse", "/min"), "pulse": ("pulse", "/min"), "spo2": ("spo2", "%"),
    "pi": ("perfusion_index", "%"), "perfusion": ("perfusion_index", "%"),
    "perfusion_index": ("perfusion_index", "%"), "sys": ("systolic", "mm[Hg]"),
    "systolic": ("systolic", "mm[Hg]"), "dia": ("diastolic", "mm[Hg]"),
    "diastolic": ("diastolic", "mm[Hg]"), "map": ("mean_arterial_pressure", "mm[Hg]"),
    "bmi": ("body_mass_index", "kg/m2"), "fat": ("body_fat", "%"),
    "body_fat": ("body_fat", "%"),
}  # fmt: skip
"""The same, where a zero is a device that has found nothing."""
_NOT_FOUND = frozenset((0.0, 127.0, 255.0))
_STATES = {
    "motion": "motion", "presence": "presence", "occupancy": "presence", "batt_low": "battery_low",
    "lowbatt": "battery_low", "leak": "water_leak", "water_leak": "water_leak",
    "flood": "water_leak", "wet": "water_leak", "vibration": "vibration", "tamper": "tamper",
    "problem": "fault", "gas": "gas", "flag_impact_x": "vibration",
    "flag_impact_y": "vibration", "flag_impact_z": "vibration", "flag_reed": "door",
}  # fmt: skip
"""By property. A tag's knock (`flag_impact_…`) is vibration. Its free fall (`flag_fall`) is a fall:
the tag is worn, and whether somebody fell with it or only dropped it, no program can tell."""
_OPENINGS = {"open": 1.0, "opened": 1.0, "timeout not closed": 1.0, "closed": 0.0, "close": 0.0}
_WEIGHTS = {"kg": ("kg", 1.0), "lb": ("[lb_av]", 1.0), "lbs": ("[lb_av]", 1.0),
            "jin": ("kg", 0.5), "st": ("[lb_av]", 14.0), "g": ("g", 1.0)}  # fmt: skip
_STABLE = ("stable", "stabilized", "is_stabilized", "stabilised")
_KITCHEN = ("SKALE",)
_OTHER_PROBES = frozenset(("BBQ", "TIRE"))
"""Types whose temperatures and pressures are of no room."""
_BUTTON = re.compile(r"button(\d*)", re.ASCII)
_PROBE = re.compile(r"temp([cf])(\d?)", re.ASCII)
_MAX_PROPERTIES = 512


def decode(rest: str, payload: bytes, arrival: float, definitions: Definitions) -> Decoded:
    """Decode a message; `definitions` are not used.

    Raises:
        DecodeError: no topic of these gateways, no JSON, or encrypted.
    """
    levels = rest.removeprefix("home/").split("/")  # a bridge has cut that off
    if not payload.strip():
        return Decoded(nothing="an empty message, which deletes a retained one")
    if _NO_READINGS & set(levels) or any(_TO_DEVICE.fullmatch(level) for level in levels):
        return Decoded(nothing="a code, a command, or what a gateway says of itself")
    if not any(level.endswith("toMQTT") for level in levels):
        raise DecodeError(
            "not_theengs",
            f"{levels[-1][:64]!r} ends no topic of Theengs Gateway or OpenMQTTGateway.",
        )
    told = read_json(payload)
    if not isinstance(told, dict):
        raise DecodeError("not_theengs", "These gateways send an object; this is something else.")
    if len(told) > _MAX_PROPERTIES:
        raise DecodeError("too_large", f"No sensor has over {_MAX_PROPERTIES} properties.")
    if told.get("cipher") is not None or "ENCR" in str(told.get("model_id"))[-16:].upper():
        raise DecodeError(
            "encrypted",
            "This broadcast is encrypted; give the sensor's bind key to the gateway at home.",
        )
    seconds = _time(told)
    readings = Readings(arrival if seconds is None else seconds, dated=seconds is not None)
    radio = next((level for level in levels if _RADIO.fullmatch(level)), None)
    if radio is not None:
        told = _flat(told)
        device = rtl_433.device_of(told) or _device(levels, told)
        rtl_433.read(readings, device, told)
    else:
        device = _device(levels, told)
    if radio in (None, _LORA):
        for key, value in told.items():
            _property(readings, device, key, value, told)
    decoded = readings.said("a broadcast without a reading")
    if decoded.records:
        readings.add(device, "signal_strength", number(told.get("rssi")), "dB[mW]")
    return readings.said("a broadcast without a reading")


def _flat(told: dict[str, Any]) -> dict[str, Any]:
    """A radio's message with what it holds: LoRa has JSON in a text, pilight an object and the
    name of its protocol."""
    message = told.get("message")
    if isinstance(message, str) and message.lstrip().startswith("{"):
        try:
            message = read_json(message)
        except DecodeError:
            message = None
    flat = {**told, **message} if isinstance(message, dict) else told
    protocol = told.get("protocol")
    return {"model": protocol, **flat} if isinstance(protocol, str) else flat


def _device(levels: list[str], told: Mapping[str, Any]) -> str:
    """The sensor's address: its own where it is one, else that of the topic, else the topic."""
    for name in (told.get("id"), levels[-1]):
        plain = name.strip().upper() if isinstance(name, str) and len(name) < 32 else ""
        if _ADDRESS.fullmatch(plain):
            digits = plain.replace(":", "")
            return ":".join(digits[at : at + 2] for at in range(0, 12, 2))
    return "/".join(levels)


def _time(told: Mapping[str, Any]) -> float | None:
    seconds = number(told.get("unixtime"))
    if seconds is None:
        seconds = seconds_of(told.get("UTCtime"))
    return seconds if set_clock(seconds) else None


def _property(
    readings: Readings, device: str, key: str, value: Any, told: Mapping[str, Any]
) -> None:
    """One property; null, and what is no metric, adds nothing."""
    if value is None or isinstance(value, (dict, list)):
        return
    probe, button = _PROBE.fullmatch(key), _BUTTON.fullmatch(key)
    kind = str(told.get("type"))[:16].upper()
    if probe is not None:
        if kind not in _OTHER_PROBES:
            _temperature(readings, device, probe, value, told, body=kind == "BODY")
    elif button is not None:
        pressed = truth(value) if isinstance(value, bool) else number(value)
        own = f"{device}/{key}" if button[1] else device
        readings.add(own, "button", 1.0 if pressed else None)
    elif key in _NUMBERS:
        metric, unit = _NUMBERS[key]
        tyre = key == "pres" and (kind == "TIRE" or str(told.get("model_id")).startswith("TPMS"))
        if not tyre:
            readings.add(device, metric, number(value), unit)
    elif key in _OF_PEOPLE:
        got = number(value)
        readings.add(device, _OF_PEOPLE[key][0], None if got in _NOT_FOUND else got,
                     _OF_PEOPLE[key][1])  # fmt: skip
    elif key == "weight":
        _weight(readings, device, value, told)
    elif key in ("open", "contact"):
        readings.add(device, "door", _opening(key, value, told))
    elif key in _STATES:
        readings.add(device, _STATES[key], truth(value))
    elif key == "action":
        _action(readings, device, value)
    else:
        _alarm(readings, device, key, value)


def _temperature(
    readings: Readings,
    device: str,
    probe: re.Match[str],
    value: Any,
    told: Mapping[str, Any],
    *,
    body: bool,
) -> None:
    scale, which = probe.groups()
    if scale == "f" and number(told.get(f"tempc{which}")) is not None:
        return  # the same again
    own = f"{device}/tempc{which}" if which else device
    metric = "temperature" if body else "room_temperature"
    readings.add(own, metric, number(value), "Cel" if scale == "c" else "[degF]")


def _weight(readings: Readings, device: str, value: Any, told: Mapping[str, Any]) -> None:
    """A person's weight: not a thing's, and not before the scale has settled.

    Without a unit it is passed on without one, and admission keeps it with the rejected.
    """
    settling = any(key in told and truth(told[key]) == 0.0 for key in _STABLE)
    if settling or told.get("weighing_mode") == "object" or told.get("model_id") in _KITCHEN:
        return
    got = number(value)
    spelled = told.get("unit", told.get("weight_unit"))
    unit, factor = _WEIGHTS.get(str(spelled).strip().lower()[:8], (str(spelled)[:16], 1.0))
    if got:
        readings.add(device, "weight", got * factor, "" if spelled is None else unit)


def _opening(key: str, value: Any, told: Mapping[str, Any]) -> float | None:
    """1 open, 0 closed; a blind's position is neither, and a contact that is made is closed."""
    if isinstance(value, str) and value.strip().lower() in _OPENINGS:
        return _OPENINGS[value.strip().lower()]
    if key == "open" and {"position", "direction"} & told.keys():
        return None
    said = truth(value)
    return said if said is None or key == "open" else 1.0 - said


def _action(readings: Readings, device: str, value: Any) -> None:
    """What a switch on the wall or in the hand says was done to it."""
    if not isinstance(value, str) or not value.strip():
        return
    said = words(value[:64])
    called = meant(said)
    if called is not None:
        readings.add(device, called, 1.0)
    else:
        readings.add(device, "button", 0.0 if said & {"release", "released", "none"} else 1.0)


def _alarm(readings: Readings, device: str, key: str, value: Any) -> None:
    """Life safety under any name that says so (`smoke`, `sos`, `co`)."""
    metric = meant(words(key[:64]))
    if metric is None or metric not in LIFE_SAFETY:
        return
    if number(value) in (None, 0.0, 1.0):
        readings.add(device, metric, alarm(metric, value))
    elif metric == "carbon_monoxide":  # how much, not whether
        readings.add(device, "carbon_monoxide_concentration", number(value), "[ppm]")


SOURCE = Source(
    "theengs",
    decode,
    formats={"theengs-json": "BTtoMQTT", "openmqttgateway-json": "BTtoMQTT"},
    topics=(
        r"(?P<rest>home/[^/]+/(?:\w+toMQTT|LWT|presence|version|commands|internal)(?:/.*)?)",
        r"(?P<rest>home/(?:TheengsGateway|OpenMQTTGateway)[^/]*/.+)",
        r"(?P<rest>.+/BTtoMQTT/[^/]+)",
    ),
)
