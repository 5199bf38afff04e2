"""What rtl_433 hears of cheap radio sensors, as OpenMQTTGateway passes it on (`RTL_433toMQTT`).

One broadcast is an object with `model`, mostly `id` and `channel`, and fields whose names have the
unit (`temperature_C`, `pressure_hPa`); names and words as in rtl_433 22.11 (its DATA_FORMAT.md and
the devices' own). The device is `model/channel/id` of what is told, so its name does not depend on
how the gateway makes topics.

Life safety is read of any field: by its name (`smoke: 1`), by what it says ("Fire alarm", "Keypad
Panic Button"), or of a detector of nothing else by its model or subtype. Some smoke detectors
say only who they are, and only when they sound: there the broadcast itself is the alarm. An alarm
of a kind of sensor that is not told (a panic button's and a door contact's are one in some
protocols) is kept with the rejected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ingest.decoders.life_safety import in_text, meant, words
from ingest.decoders.plain_values import LIFE_SAFETY, Readings, alarm, number, truth

_NUMBERS = {
    "temperature_C": ("room_temperature", "Cel"), "temperature_F": ("room_temperature", "[degF]"),
    "humidity": ("humidity", "%"), "pressure_hPa": ("air_pressure", "hPa"),
    "pressure_kPa": ("air_pressure", "kPa"), "co2_ppm": ("carbon_dioxide", "[ppm]"),
    "co_ppm": ("carbon_monoxide_concentration", "[ppm]"),
    "pm1_ug_m3": ("pm1_0", "ug/m3"), "pm2_5_ug_m3": ("pm2_5", "ug/m3"),
    "pm4_ug_m3": ("pm4_0", "ug/m3"), "pm10_ug_m3": ("pm10", "ug/m3"),
    "pm10_0_ug_m3": ("pm10", "ug/m3"), "light_lux": ("illuminance", "lx"),
    "lux": ("illuminance", "lx"), "moisture": ("soil_moisture", "%"), "power_W": ("power", "W"),
    "energy_kWh": ("energy", "kW.h"), "voltage_V": ("voltage", "V"), "current_A": ("current", "A"),
    "battery_mV": ("battery_voltage", "mV"), "battery_V": ("battery_voltage", "V"),
}  # fmt: skip
"""By field. Probes with a number (`temperature_1_C`) are a barbecue's or a pool's."""
_STATES = {
    "motion": "motion", "opened": "door", "contact_open": "door", "reed_open": "door",
    "tamper": "tamper", "water": "water_leak", "leak_detected": "water_leak",
    "detect_wet": "water_leak", "vibration": "vibration", "gas": "gas",
}  # fmt: skip
_EVENTS = {
    "motion": "motion", "pir": "motion", "open": "door", "opened": "door", "leak": "water_leak",
    "waterdetected": "water_leak", "tamper": "tamper", "press": "button", "pressed": "button",
}  # fmt: skip
"""What a text says that happened, where it is no call for help."""
_OVER = frozenset(
    ("closed", "close", "ready", "off", "clear", "cleared", "restore", "restored", "ended", "over",
     "released", "dry", "muted")
)  # fmt: skip
_TOLD = ("event", "state", "status", "cmd", "command", "message", "text", "action", "alert",
         "alarm", "warning", "reason", "extradata", "extra", "data", "value", "button")  # fmt: skip
"""Fields that say in words what happened."""
_KIND = ("type", "subtype", "class", "device", "model")
_WHETHER = ("alarm", "detect", "detected", "triggered", "active", "switch1", "event", "state",
            "status", "alert")  # fmt: skip
"""Fields by which a detector says whether it has detected something; `switch1` (OPEN, CLOSED) is
Interlogix'."""
_TRIAL = ("test", "learn")
_ALIVE = frozenset(("battery_ok", "battery_mV", "battery_V", "heartbeat", "supervised"))
"""Fields of a broadcast that says that the device is there; it need not be about an event."""
_KINDS = {
    "motion": "motion", "pir": "motion", "doorbell": "button", "heat": "smoke", "medical": "help",
    "pendant": "help",
}  # fmt: skip
"""What a device is by a word of its model or subtype. A heat detector is a fire alarm."""
_MAX_TEXT = 64


def device_of(told: Mapping[str, Any]) -> str | None:
    """`model/channel/id`, as far as they are told; None without a model."""
    model = told.get("model")
    if not isinstance(model, str) or not model.strip():
        return None
    parts = (model, told.get("channel"), told.get("id"))
    return "/".join(str(one)[:_MAX_TEXT] for one in parts if isinstance(one, (str, int)))


def read(readings: Readings, device: str, told: Mapping[str, Any]) -> None:
    """Add what one broadcast tells of `device`.

    Raises:
        DecodeError: the device has no name that can be kept.
    """
    if told.get("type") == "TPMS":
        return  # a tyre's
    for key, (metric, unit) in _NUMBERS.items():
        if key != "temperature_F" or number(told.get("temperature_C")) is None:
            readings.add(device, metric, number(told.get(key)), unit)
    full = number(told.get("battery_ok"))  # from 0, empty, to 1, full
    if full is not None:
        readings.add(device, "battery_low", 1.0 if full <= 0 else 0.0)
    for key, metric in _STATES.items():
        readings.add(device, metric, truth(told.get(key)))
    closed = truth(told.get("closed"))
    readings.add(device, "door", None if closed is None else 1.0 - closed)
    kind = _kind(told)
    trial = any(truth(told.get(key)) == 1.0 for key in _TRIAL)
    if kind in LIFE_SAFETY and not trial:
        readings.add(device, kind, _detected(kind, told))
    elif kind == "motion" and told.keys() & {"switch1", "state"}:
        readings.add(device, kind, truth(told.get("switch1", told.get("state"))))
    elif kind in ("motion", "button") and not told.keys() & (_STATES.keys() | {"event", "state"}):
        readings.add(device, kind, 1.0)  # such a device speaks only when something happens
    readings.add(device, "self_test", 1.0 if trial else None)
    for metric, value in _said(told):
        readings.add(device, metric, value)
    for key, value in told.items():
        _by_name(readings, device, key, value)
    if kind is None and (truth(told.get("alarm")) == 1.0 or _alarm_of_something(told)):
        readings.unnamed(device, "an alarm of a sensor whose kind is not told", 1.0)


def _kind(told: Mapping[str, Any]) -> str | None:
    """What the device is by its model and subtype, where it is one thing."""
    called = words(*(told.get(key) for key in _KIND if isinstance(told.get(key), str)))
    event = meant(called - {"heat", "test"})
    if event is not None:
        return event
    return next((metric for word, metric in _KINDS.items() if word in called), None)


def _detected(metric: str, told: Mapping[str, Any]) -> float | None:
    """Whether a detector of nothing else has detected it; None where it only says it is there."""
    asked = [key for key in _WHETHER if key in told]
    said = [truth(told[key]) if key == "switch1" else alarm(metric, told[key]) for key in asked]
    if "button" in told:  # a button for help has one meaning, whatever the number of the button
        said.append(1.0 if told["button"] else 0.0)
    known = [one for one in said if one is not None]
    if known:
        return max(known)
    return None if asked or told.keys() & _ALIVE else 1.0


def _said(told: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """What fields say in words that happened."""
    for key in _TOLD:
        text = told.get(key)
        if not isinstance(text, str) or not 0 < len(text) <= _MAX_TEXT:
            continue
        said = words(text)
        over = bool(said & _OVER)
        event = "smoke" if "heatalarm" in said else meant(said)
        if event is not None:
            yield event, 0.0 if over or in_text(event, text) == 0.0 else 1.0
        elif said & {"closed", "close"}:
            yield "door", 0.0
        elif "test" in said:
            yield "self_test", 1.0
        else:
            happened = next((_EVENTS[one] for one in _EVENTS if one in said), None)
            if happened is not None:
                yield happened, 0.0 if over else 1.0


def _alarm_of_something(told: Mapping[str, Any]) -> bool:
    """Whether a text says nothing but that there is an alarm ("Alarm", "24H Zone")."""
    texts = (told.get(key) for key in _TOLD)
    return any(isinstance(one, str) and one.strip().lower() in ("alarm", "24h zone")
               for one in texts)  # fmt: skip


def _by_name(readings: Readings, device: str, key: str, value: Any) -> None:
    """Life safety by a field's own name."""
    if value is None or isinstance(value, (dict, list)) or key in _KIND:
        return
    metric = meant(words(key[:_MAX_TEXT]))
    if metric in LIFE_SAFETY and number(value) in (None, 0.0, 1.0):
        readings.add(device, metric, alarm(metric, value))
