"""Which metric a property of zigbee2mqtt is, by its name as the library's definitions use it.

The names and units are those of some 4,500 models. What has no metric here (colour, settings,
timers, counters, positions, air quality classes) is understood and left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNITS = {
    "": "1", "lqi": "1", "VOC Index points": "1", "°C": "Cel", "C": "Cel", "°F": "[degF]",
    "%": "%", "lx": "lx", "lux": "lx", "ppm": "[ppm]", "ppb": "[ppb]", "hPa": "hPa",
    "kPa": "kPa", "Pa": "Pa", "W": "W", "kW": "kW", "kWh": "kWh", "Wh": "Wh", "V": "V",
    "mV": "mV", "A": "A", "mA": "mA", "µg/m³": "ug/m3", "μg/m³": "ug/m3", "ug/m³": "ug/m3",
    "ug/m3": "ug/m3", "mg/m³": "mg/m3", "dB": "dB", "dBA": "dB", "breaths/min": "/min",
    "bpm": "/min", "times/min": "/min", "beats/min": "/min", "1/min": "/min",
}  # fmt: skip
"""As definitions write a unit: as the catalogue accepts it."""
NUMERIC = {
    "temperature": "room_temperature", "local_temperature": "room_temperature",
    "current_temperature": "room_temperature", "device_temperature": "device_temperature",
    "internalTemperature": "device_temperature", "cpu_temperature": "device_temperature",
    "humidity": "humidity", "illuminance": "illuminance", "illuminance_lux": "illuminance",
    "co2": "carbon_dioxide", "co": "carbon_monoxide_concentration",
    "formaldehyd": "formaldehyde", "hcho": "formaldehyde", "soil_moisture": "soil_moisture",
    "total_power": "power",
    "pressure": "air_pressure", "power": "power", "energy": "energy", "voltage": "voltage",
    "mains_voltage": "voltage", "battery_voltage": "battery_voltage", "current": "current",
    "battery": "battery", "pm1": "pm1_0", "pm25": "pm2_5", "pm4": "pm4_0", "pm10": "pm10",
    "voc": "voc", "voc_index": "voc_index", "noise": "sound_level", "linkquality": "link_quality",
    "breathing_rate": "respiratory_rate", "respiratory_rate": "respiratory_rate",
    "respiration_rate": "respiratory_rate", "heart_rate": "pulse", "heartbeat_rate": "pulse",
}  # fmt: skip
"""Temperatures are a room's: no device here is worn or held in a mouth."""
BINARY = {
    "occupancy": "motion", "motion": "motion", "movement": "motion", "pir": "motion",
    "pir_detection": "motion", "presence": "presence", "contact": "door", "door": "door",
    "window": "door", "opening": "door", "water_leak": "water_leak", "leak": "water_leak",
    "active_water_leak": "water_leak", "water_leak_alarm": "water_leak", "gas": "gas",
    "gas_alarm": "gas", "vibration": "vibration", "tamper": "tamper", "battery_low": "battery_low",
    "test": "self_test", "self_test": "self_test", "fault": "fault", "fault_alarm": "fault",
    "pressure": "bed", "bed_occupancy": "bed", "bed": "bed",
}  # fmt: skip
"""`pressure` that is yes or no is a pad's that somebody lies or sits on."""
ACTIONS = frozenset(("action", "click"))
_RADAR = {"none": 0.0, "presence": 1.0, "motion": 1.0, "peaceful": 1.0, "small": 1.0, "large": 1.0,
          "static": 1.0, "move": 1.0, "moving": 1.0, "stationary": 1.0, "small_movement": 1.0,
          "large_movement": 1.0, "occupied": 1.0, "unoccupied": 0.0, "present": 1.0,
          "absent": 0.0, "someone": 1.0, "nobody": 0.0}  # fmt: skip
_OPEN = {"open": 1.0, "tilted": 1.0, "closed": 0.0, "error_forced_open": 1.0}
_STATUS = {"unoccupied": 0.0, "occupied": 1.0, "sitting": 1.0, "on_the_bed": 1.0,
           "low_posture": 1.0, "falling": 1.0}  # fmt: skip
ENUMS: Mapping[str, tuple[tuple[str, Mapping[str, float]], ...]] = {
    "status": (
        ("fall", {word: float(word == "falling") for word in _STATUS}),
        ("presence", _STATUS),
        ("bed", {word: float(word == "on_the_bed") for word in _STATUS}),
    ),
    "presence": (("presence", _RADAR),),
    "presence_state": (("presence", _RADAR),),
    "human_presence_state": (("presence", _RADAR),),
    "human_motion_state": (("presence", _RADAR),),
    "motion_state": (("presence", _RADAR),),
    "movement": (("motion", {"movement": 1.0, "no_movement": 0.0, "no_presence": 0.0}),),
    "pressure_state": (("bed", {"none": 0.0, "sit": 1.0, "sedentary": 1.0}),),
    "opening_state": (("door", _OPEN),),
    "door_state": (("door", _OPEN),),
    "lock_state": (("lock", {"locked": 0.0, "unlocked": 1.0, "not_fully_locked": 1.0}),),
    "battery_state": (("battery_low", {"low": 1.0, "middle": 0.0, "medium": 0.0, "high": 0.0}),),
    "gas": (("gas", {"normal": 0.0, "alarm": 1.0}),),
    "gas_state": (("gas", {"normal": 0.0, "alarm": 1.0}),),
    "alarm": (("smoke", {"fire": 1.0}),),
    "voice": (
        ("smoke", {"smoke_warning": 1.0}),
        ("carbon_monoxide", {"co_warning": 1.0}),
        ("self_test", {"test_intro": 1.0}),
    ),
}
_LIFE_SAFETY = {
    name: metric
    for metric, stem, names in (
        ("smoke", "smoke", " _alarm _detected _state _status"),
        ("smoke", "fire", " _alarm _detected"),
        ("carbon_monoxide", "carbon_monoxide", " _alarm _detected _state"),
        ("carbon_monoxide", "co", "_alarm _detected _state _status"),
        ("fall", "fall", " _detected _alarm ing en _status _down_status _state _down"),
        ("fall", "tumble", " _alarm"),
        ("help", "sos", " _alarm _alert _state"),
        ("help", "panic", " _alarm _button"),
        ("help", "emergency", " _alarm _alert"),
        ("help", "help", " _call _alarm"),
    )
    for name in (stem + ending for ending in names.split(" "))
}
UNDEFINED: Mapping[str, dict[str, Any]] = {
    "temperature": {"metric": "room_temperature", "unit": "Cel"},
    "local_temperature": {"metric": "room_temperature", "unit": "Cel"},
    "device_temperature": {"metric": "device_temperature", "unit": "Cel"},
    "humidity": {"metric": "humidity", "unit": "%"},
    "co2": {"metric": "carbon_dioxide", "unit": "[ppm]"},
    "power": {"metric": "power", "unit": "W"},
    "energy": {"metric": "energy", "unit": "kWh"},
    "linkquality": {"metric": "link_quality", "unit": "1"},
    "contact": {"metric": "door", "on": False, "off": True},
    "occupancy": {"metric": "motion", "on": True, "off": False},
    "presence": {"metric": "presence", "on": True, "off": False},
    "water_leak": {"metric": "water_leak", "on": True, "off": False},
    "vibration": {"metric": "vibration", "on": True, "off": False},
    "tamper": {"metric": "tamper", "on": True, "off": False},
    "battery_low": {"metric": "battery_low", "on": True, "off": False},
    "test": {"metric": "self_test", "on": True, "off": False},
    "gas": {"metric": "gas", "on": True, "off": False},
}
"""What may be read without a definition: keys that all known definitions use in one way."""


def life_safety(name: str) -> str | None:
    """The life-safety metric of a property of exactly this name."""
    return _LIFE_SAFETY.get(name.lower() if len(name) <= 64 else name)
