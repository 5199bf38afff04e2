"""Which metric an entity of Home Assistant is, from its class, its unit and its names.

The device class decides where it is one. Temperature and weight have one class for bodies, rooms
and things, so names decide: a temperature is a body's only where a name says so (body, fever,
kuume, feber, …), a device's own where it is a diagnostic or a name says so (chip, CPU, …), and a
room's otherwise, because a room taken for a body would be scored. A weight is a person's unless a
name says muscle, bone, fat or water. Heart rate and oxygen saturation have no class: the unit
(bpm, %) and the names decide. Life safety is asked first and wins over a vaguer class. A binary
sensor of class `safety` says of a person that it is unsafe, and where no name says why, that calls
for help; a heat detector is a fire alarm.
"""

from __future__ import annotations

from ingest.decoders.entity_words import BESIDE_THE_EVENT, BINARIES, NUMBERS, TEMPERATURES
from ingest.decoders.life_safety import meant, meant_by_entity

UNITS: dict[str, tuple[str, float]] = {
    "°C": ("Cel", 1.0), "ºC": ("Cel", 1.0), "C": ("Cel", 1.0), "℃": ("Cel", 1.0),
    "°F": ("[degF]", 1.0), "ºF": ("[degF]", 1.0), "F": ("[degF]", 1.0), "K": ("K", 1.0),
    "%": ("%", 1.0), "%RH": ("%", 1.0), "hPa": ("hPa", 1.0), "mbar": ("mbar", 1.0),
    "bar": ("hPa", 1000.0), "kPa": ("kPa", 1.0), "Pa": ("Pa", 1.0), "cbar": ("kPa", 1.0),
    "mmHg": ("mm[Hg]", 1.0), "mm[Hg]": ("mm[Hg]", 1.0),
    "inHg": ("hPa", 33.8638866667), "psi": ("hPa", 68.9475729318),
    "kg": ("kg", 1.0), "g": ("g", 1.0), "mg": ("g", 0.001), "lb": ("[lb_av]", 1.0),
    "lbs": ("[lb_av]", 1.0), "st": ("kg", 6.35029318), "oz": ("g", 28.349523125),
    "W": ("W", 1.0), "kW": ("kW", 1.0), "mW": ("W", 0.001), "MW": ("kW", 1000.0),
    "Wh": ("Wh", 1.0), "kWh": ("kWh", 1.0), "MWh": ("kWh", 1000.0), "J": ("J", 1.0),
    "kJ": ("kJ", 1.0), "kcal": ("kcal", 1.0),
    "V": ("V", 1.0), "mV": ("mV", 1.0), "kV": ("kV", 1.0), "A": ("A", 1.0), "mA": ("mA", 1.0),
    "dBm": ("dB[mW]", 1.0), "dB": ("dB", 1.0), "dBA": ("dB", 1.0), "lx": ("lx", 1.0),
    "lux": ("lx", 1.0), "ppm": ("[ppm]", 1.0), "ppb": ("[ppb]", 1.0),
    "µg/m³": ("ug/m3", 1.0), "μg/m³": ("ug/m3", 1.0), "ug/m3": ("ug/m3", 1.0),
    "µg/m3": ("ug/m3", 1.0), "mg/m³": ("mg/m3", 1.0), "mg/m3": ("mg/m3", 1.0),
    "bpm": ("/min", 1.0), "BPM": ("/min", 1.0), "beats/min": ("/min", 1.0), "/min": ("/min", 1.0),
    "1/min": ("/min", 1.0), "brpm": ("/min", 1.0), "br/min": ("/min", 1.0),
    "breaths/min": ("/min", 1.0), "Hz": ("Hz", 1.0),
    "mmol/L": ("mmol/L", 1.0), "mmol/l": ("mmol/L", 1.0), "mg/dL": ("mg/dL", 1.0),
    "mg/dl": ("mg/dL", 1.0), "Ω": ("Ohm", 1.0), "ohm": ("Ohm", 1.0), "Ohm": ("Ohm", 1.0),
    "steps": ("1", 1.0), "m": ("m", 1.0), "cm": ("cm", 1.0), "mm": ("mm", 1.0),
    "L/min": ("L/min", 1.0), "l/min": ("L/min", 1.0), "kg/m²": ("kg/m2", 1.0),
    "kg/m2": ("kg/m2", 1.0), "ms": ("ms", 1.0), "s": ("s", 1.0),
}  # fmt: skip
"""As gateways write a unit: UCUM (or what the catalogue accepts), and a factor to it."""

ASSUMED = {
    "pulse": "/min", "respiratory_rate": "/min", "battery": "%", "humidity": "%", "spo2": "%",
    "carbon_dioxide": "[ppm]", "illuminance": "lx", "signal_strength": "dB[mW]",
}  # fmt: skip
"""Units of metrics that are told in no other, where a device leaves the unit out. Not among
them are those told in two: a weight, temperature, pressure or glucose without unit is refused."""
_CLASSES = {
    "humidity": "humidity", "battery": "battery", "signal_strength": "signal_strength",
    "illuminance": "illuminance", "pressure": "air_pressure",
    "atmospheric_pressure": "air_pressure",
    "carbon_dioxide": "carbon_dioxide", "carbon_monoxide": "carbon_monoxide_concentration",
    "pm25": "pm2_5", "pm10": "pm10", "pm1": "pm1_0", "pm4": "pm4_0",
    "volatile_organic_compounds": "voc", "volatile_organic_compounds_parts": "voc",
    "power": "power", "energy": "energy", "voltage": "voltage", "current": "current",
    "weight": "weight", "sound_pressure": "sound_level",
    "blood_glucose_concentration": "glucose",
}  # fmt: skip
_BINARY_CLASSES = {
    "smoke": "smoke", "carbon_monoxide": "carbon_monoxide", "gas": "gas", "moisture": "water_leak",
    "motion": "motion", "moving": "motion", "occupancy": "presence", "presence": "presence",
    "door": "door", "window": "door", "opening": "door", "garage_door": "door",
    "vibration": "vibration", "tamper": "tamper", "problem": "fault", "battery": "battery_low",
    "lock": "lock",
}  # fmt: skip
_VAGUE = frozenset(
    ("", "problem", "safety", "motion", "moving", "occupancy", "presence", "vibration", "running",
     "sound", "heat", "opening", "enum", "power")
)  # fmt: skip
"""Classes that a life-safety event is also given, so that its names decide."""
_BED: frozenset[str] = next(known for known, metric in BINARIES if metric == "bed")
_HEAT_ALARM = frozenset(("heatalarm", "heatdetector", "heatdetected", "overheat", "overheating"))
_SAME_AS = {"kPa": "mm[Hg]", "Pa": "mm[Hg]", "g": "kg", "[lb_av]": "kg", "mg/dL": "mmol/L",
            "Hz": "/min", "kg/m2": "1", "": "1"}  # fmt: skip
_BY_UNIT = {
    "lx": "illuminance", "dB[mW]": "signal_strength", "W": "power", "kW": "power", "Wh": "energy",
    "kWh": "energy", "hPa": "air_pressure", "mbar": "air_pressure", "Ohm": "impedance",
    "mmol/L": "glucose", "mg/dL": "glucose", "/min": "pulse",
}  # fmt: skip
"""Metrics that the unit alone tells."""
_TEMPERATURE = frozenset(("Cel", "[degF]", "K"))


def of_sensor(
    device_class: str, unit: str, named: frozenset[str], device: frozenset[str], diagnostic: bool
) -> str | None:
    """The metric of a `sensor` with a number; `unit` as in UNITS' result, or empty.

    `named`: the words of the entity's own names; `device`: those of its device's name.
    """
    if device_class == "temperature" or (not device_class and unit in _TEMPERATURE):
        return _temperature(named, device, diagnostic)
    by_words = _by_words(unit, named) or _by_words(unit, named | device, only_body=True)
    if device_class in _CLASSES:
        metric = _CLASSES[device_class]
        if metric in ("weight", "air_pressure") and by_words is not None:
            return by_words
        if metric == "voltage" and (named & {"battery", "batt", "akku", "paristo", "batteri"}):
            return "battery_voltage"
        return metric
    if device_class not in ("", "enum"):
        return None
    return by_words or _BY_UNIT.get(unit)


def _temperature(named: frozenset[str], device: frozenset[str], diagnostic: bool) -> str:
    if named & TEMPERATURES["skin_temperature"]:
        return "skin_temperature"
    if named & TEMPERATURES["temperature"]:
        return "temperature"
    if diagnostic or (named - device) & TEMPERATURES["device_temperature"]:
        return "device_temperature"
    return "temperature" if device & TEMPERATURES["temperature"] else "room_temperature"


def _by_words(unit: str, named: frozenset[str], *, only_body: bool = False) -> str | None:
    kind = _SAME_AS.get(unit, unit)
    for of_unit, words, metric in NUMBERS:
        if of_unit == kind and named & words:
            if only_body and metric not in ("spo2", "pulse", "respiratory_rate", "glucose"):
                continue
            return metric
    return None


def of_binary(device_class: str, named: frozenset[str], device: frozenset[str]) -> str | None:
    """The metric of a `binary_sensor`; of what a device is, only its names may tell."""
    if device_class in _VAGUE:
        safety = meant_by_entity(named, device)
        if safety is not None:
            return safety
    if device_class in ("heat", "safety", "") and (named | device) & _HEAT_ALARM:
        return "smoke"
    metric = _BINARY_CLASSES.get(device_class)
    if metric == "presence" and (named | device) & _BED:
        return "bed"
    if metric is not None or device_class not in ("", "safety"):
        return metric
    for known, of_words in BINARIES:
        if named & known:
            return (meant(device) or of_words) if of_words == "button" else of_words
    unsafe = device_class == "safety" and not named & BESIDE_THE_EVENT
    if not named - device:
        return meant(device) or ("help" if unsafe else None)
    return "help" if unsafe else None


def of_text(named: frozenset[str], device: frozenset[str]) -> str | None:
    """The metric of a `sensor` that tells words: life safety, or none."""
    return meant_by_entity(named, device)


def of_event(named: frozenset[str], device: frozenset[str]) -> str:
    """The metric of presses and triggers: life safety where names say so, else a button."""
    return meant(named) or meant(device) or "button"
