"""Scales and body composition of the Bluetooth health profiles, battery, and room climate."""

from __future__ import annotations

from ingest.decoders.gatt_fields import Fields, scaled
from ingest.decoders.measured import Measured
from ingest.decoders.record import Decoded
from ingest.decoders.source import Definitions

_KG, _LB = ("kg", 200), ("[lb_av]", 100)
"""Unit of a mass, and steps to it."""
_M, _INCH = ("m", 1000), ("[in_i]", 10)
_MASSES = ((5, "muscle_mass"), (6, "fat_free_mass"), (7, "soft_lean_mass"), (8, "body_water_mass"))
"""By bit of the flags."""


def weight(device: str, payload: bytes, arrival: float, definitions: Definitions) -> Decoded:
    """2A9D."""
    fields, said = Fields("weight", payload), Measured(device, arrival)
    flags = fields.unsigned(1)
    mass, height = (_LB, _INCH) if flags & 1 else (_KG, _M)
    value = fields.known(2)
    if flags & 2:
        said.at(fields.date_time())
    if flags & 4:
        said.of_user(fields.unsigned(1))
    index, tall = (fields.known(2), fields.known(2)) if flags & 8 else (None, None)
    if value is not None:
        said.add("weight", value / mass[1], mass[0])
        said.add("body_mass_index", scaled(index or None, 10), "kg/m2")
        said.add("body_height", scaled(tall or None, height[1]), height[0])
    return Decoded(said.records, nothing="" if said.records else "a weighing that failed")


def composition(device: str, payload: bytes, arrival: float, definitions: Definitions) -> Decoded:
    """2A9C."""
    fields, said = Fields("body composition", payload), Measured(device, arrival)
    flags = fields.unsigned(2)
    (unit, per), (tall, steps) = (_LB, _INCH) if flags & 1 else (_KG, _M)
    fat = fields.known(2)
    if flags & 2:
        said.at(fields.date_time())
    if flags & 4:
        said.of_user(fields.unsigned(1))
    said.add("body_fat", scaled(fat, 10), "%")
    if flags & 8:
        said.add("basal_metabolism", scaled(fields.known(2), 1), "kJ/d")
    if flags & 16:
        said.add("muscle_percentage", scaled(fields.known(2), 10), "%")
    for bit, metric in _MASSES:
        if flags >> bit & 1:
            said.add(metric, scaled(fields.known(2), per), unit)
    if flags >> 9 & 1:
        said.add("impedance", scaled(fields.known(2) or None, 10), "Ohm")
    if flags >> 10 & 1:
        said.add("weight", scaled(fields.known(2), per), unit)
    if flags >> 11 & 1:
        said.add("body_height", scaled(fields.known(2) or None, steps), tall)
    return Decoded(said.records, nothing="" if said.records else "a body composition that failed")


def battery(device: str, payload: bytes, arrival: float, definitions: Definitions) -> Decoded:
    """2A19; over 100 is unknown."""
    said, level = Measured(device, arrival), Fields("battery level", payload).unsigned(1)
    said.add("battery", float(level) if level <= 100 else None, "%")
    return Decoded(said.records, nothing="" if said.records else "a battery level not known")


def room_temperature(
    device: str, payload: bytes, arrival: float, definitions: Definitions
) -> Decoded:
    """2A6E; -327.68 is unknown."""
    said, raw = Measured(device, arrival), Fields("temperature of a room", payload).signed(2)
    said.add("room_temperature", scaled(None if raw == -0x8000 else raw, 100), "Cel")
    return Decoded(said.records, nothing="" if said.records else "a temperature not known")


def humidity(device: str, payload: bytes, arrival: float, definitions: Definitions) -> Decoded:
    """2A6F."""
    said, raw = Measured(device, arrival), Fields("humidity", payload).known(2)
    said.add("humidity", scaled(raw, 100), "%")
    return Decoded(said.records, nothing="" if said.records else "a humidity not known")


def air_pressure(device: str, payload: bytes, arrival: float, definitions: Definitions) -> Decoded:
    """2A6D."""
    said, raw = Measured(device, arrival), Fields("pressure of air", payload).known(4)
    said.add("air_pressure", scaled(raw, 10), "Pa")
    return Decoded(said.records, nothing="" if said.records else "a pressure not known")
