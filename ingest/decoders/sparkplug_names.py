"""Which metric of the catalogue a free name means, as in `Vitals/Heart Rate` with unit bpm."""

from __future__ import annotations

from functools import lru_cache

from core.catalogue import catalogue
from ingest.decoders import homeassistant_meaning as meaning
from ingest.decoders.entity_words import words
from ingest.decoders.life_safety import meant

_SYNONYMS = {
    "heartrate": "pulse", "hr": "pulse", "pulserate": "pulse", "oxygensaturation": "spo2",
    "spo2": "spo2", "sao2": "spo2", "bloodoxygen": "spo2", "respirationrate": "respiratory_rate",
    "respiratoryrate": "respiratory_rate", "breathingrate": "respiratory_rate",
    "sys": "systolic", "systolicpressure": "systolic", "bloodpressuresystolic": "systolic",
    "systolicbloodpressure": "systolic", "dia": "diastolic", "diastolicpressure": "diastolic",
    "bloodpressurediastolic": "diastolic", "diastolicbloodpressure": "diastolic",
    "bodytemperature": "temperature", "bodytemp": "temperature", "coretemperature": "temperature",
    "temperature": "room_temperature", "temp": "room_temperature",
    "roomtemperature": "room_temperature", "ambienttemperature": "room_temperature",
    "bloodglucose": "glucose", "bloodsugar": "glucose", "bodyweight": "weight",
    "relativehumidity": "humidity", "co2": "carbon_dioxide", "co": "carbon_monoxide",
    "batterylevel": "battery", "batterypercent": "battery", "rssi": "signal_strength",
    "occupancy": "presence", "dooropen": "door", "window": "door", "contact": "door",
    "waterleak": "water_leak", "leak": "water_leak", "flood": "water_leak", "pm25": "pm2_5",
    "pressure": "air_pressure", "barometricpressure": "air_pressure", "lux": "illuminance",
    "bedoccupancy": "bed", "bedoccupied": "bed", "movement": "motion",
}  # fmt: skip
_CATALOGUE = {metric.name.replace("_", ""): metric.name for metric in catalogue()}


@lru_cache(maxsize=8_192)
def metric_of(name: str, unit: str | None) -> str | None:
    """The metric that a name means: life safety by its words, else the catalogue's name or a
    synonym at the end of the path, else what unit and words tell. None where it is no reading.

    A bare "temperature" is a room's: only a name that says body is scored as a body's.
    """
    path = [part for part in name.split("/") if part]
    if not path or path[0] in ("Node Control", "Device Control", "Properties"):
        return None
    last = "".join(one for one in path[-1].lower() if one.isalnum())
    written = meaning.UNITS.get(unit or "", ("", 1.0))[0]
    safety = meant(words(path[-1])) or (meant(words(name)) if not written else None)
    if safety == "carbon_monoxide" and written in ("[ppm]", "[ppb]"):
        return "carbon_monoxide_concentration"
    if safety is not None and not written:
        return safety
    called = _SYNONYMS.get(last) or _CATALOGUE.get(last)
    if called in ("temperature", "room_temperature"):
        return meaning.of_sensor("temperature", written, words(name), frozenset(), False)
    if called is not None:
        return called
    return meaning.of_sensor("", written, words(name), frozenset(), False) if written else None
