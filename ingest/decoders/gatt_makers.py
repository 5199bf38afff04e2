"""What some makers put into service data or characteristics of their own, as far as it is known.

Sources: the scales of Xiaomi and MiBeacon as their reverse engineering has it in public decoders
(Theengs Decoder, ESPHome); the weather station of Oregon Scientific as in its public notes. What is
encrypted is refused by name.
"""

from __future__ import annotations

from ingest.decoders.gatt_fields import Fields, scaled
from ingest.decoders.measured import Measured
from ingest.decoders.record import Decoded, DecodeError
from ingest.decoders.source import Definitions

_STABLE = 1 << 5
_JIN = 0.5
"""Kilograms."""
_NO_SENSOR = 0x7FFF
_NO_HUMIDITY = 0x7F
_MAX_OBJECTS = 16


def scale(device: str, payload: bytes, arrival: float, definitions: Definitions) -> Decoded:
    """181D: weight of a Xiaomi scale; one that still settles is no reading."""
    fields, said = Fields("weight of a scale", payload), Measured(device, arrival)
    flags, raw = fields.unsigned(1), fields.unsigned(2)
    said.at(fields.date_time() if fields.left() >= 7 else None)
    if not flags & _STABLE:
        return Decoded(nothing="a scale that still settles")
    _weigh(said, raw, pounds=bool(flags & 1), jin=bool(flags & 16))
    return Decoded(said.records, nothing="" if said.records else "an empty scale")


def body_scale(device: str, payload: bytes, arrival: float, definitions: Definitions) -> Decoded:
    """181B: weight and impedance of a Xiaomi body composition scale."""
    fields, said = Fields("weight of a scale", payload), Measured(device, arrival)
    unit, flags = fields.unsigned(1), fields.unsigned(1)
    said.at(fields.date_time())
    impedance, raw = fields.unsigned(2), fields.unsigned(2)
    if not flags & _STABLE:
        return Decoded(nothing="a scale that still settles")
    _weigh(said, raw, pounds=bool(unit & 1), jin=bool(flags & 64))
    if flags & 2 and 0 < impedance < 3000:
        said.add("impedance", float(impedance), "Ohm")
    return Decoded(said.records, nothing="" if said.records else "an empty scale")


def _weigh(said: Measured, raw: int, *, pounds: bool, jin: bool) -> None:
    if pounds:
        said.add("weight", scaled(raw or None, 100), "[lb_av]")
    elif raw:
        said.add("weight", raw / 100 * _JIN if jin else raw / 200, "kg")


def mibeacon(device: str, payload: bytes, arrival: float, definitions: Definitions) -> Decoded:
    """FE95: objects of Xiaomi's sensors.

    Raises:
        DecodeError: encrypted, or cut off.
    """
    fields, said = Fields("broadcast of a Xiaomi sensor", payload), Measured(device, arrival)
    control = fields.unsigned(2)
    fields.take(3)  # product and counter
    if control & 0x08:
        raise DecodeError(
            "encrypted", "This broadcast of a Xiaomi sensor is encrypted; Saimi has no key to it."
        )
    if control & 0x10:
        fields.take(6)
    if control & 0x20 and fields.take(1)[0] & 0x20:
        fields.take(2)
    for _ in range(_MAX_OBJECTS):
        if not control & 0x40 or fields.left() < 3:
            break
        kind, length = fields.unsigned(2), fields.unsigned(1)
        _object(said, kind, Fields("object of a Xiaomi sensor", fields.take(length)))
    return Decoded(said.records, nothing="" if said.records else "a broadcast without a reading")


def _object(said: Measured, kind: int, value: Fields) -> None:
    """One object; of a kind that is not known, nothing."""
    match kind:
        case 0x1004:
            said.add("room_temperature", value.signed(2) / 10, "Cel")
        case 0x1006:
            said.add("humidity", value.unsigned(2) / 10, "%")
        case 0x100D:
            said.add("room_temperature", value.signed(2) / 10, "Cel")
            said.add("humidity", value.unsigned(2) / 10, "%")
        case 0x100A:
            said.add("battery", float(value.unsigned(1)), "%")
        case 0x1007:
            said.add("illuminance", float(value.unsigned(3)), "lx")
        case 0x0003:
            said.add("motion", 1.0)
        case 0x000F:
            said.add("motion", 1.0)
            said.add("illuminance", float(value.unsigned(3)), "lx")
        case 0x1014 | 0x1015 | 0x1016:
            metric = {0x1014: "water_leak", 0x1015: "smoke", 0x1016: "gas"}[kind]
            said.add(metric, float(value.unsigned(1) & 1))
        case 0x1019:
            state = value.unsigned(1)
            said.add("door", {0: 1.0, 1: 0.0, 2: 1.0}.get(state))  # 2: left open too long
        case _:
            pass


def weather_station(
    device: str, payload: bytes, arrival: float, definitions: Definitions
) -> Decoded:
    """74E78E10: temperatures of base and three sensors, then their humidities.

    The second half of it (type 2) has the extremes of the day, which are no readings of now.
    """
    fields, said = Fields("weather station", payload), Measured(device, arrival)
    if fields.unsigned(1) & 0x7F != 1:
        return Decoded(nothing="the extremes of a weather station")
    for raw, where in [(fields.signed(2), where) for where in range(4)]:
        value = None if raw in (_NO_SENSOR, -0x8000) else raw / 10
        said.add("room_temperature", value, "Cel", device=_place(device, where))
    for raw, where in [(fields.unsigned(1), where) for where in range(4)]:
        value = None if raw == _NO_HUMIDITY or raw > 100 else float(raw)
        said.add("humidity", value, "%", device=_place(device, where))
    return Decoded(said.records, nothing="" if said.records else "a station without a sensor")


def _place(device: str, which: int) -> str:
    return f"{device}/sensor{which}" if which else device
