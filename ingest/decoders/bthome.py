"""BTHome version 2, the open format of Bluetooth sensors (service FCD2, bthome.io/format).

Objects follow one another, each a kind and a value of that kind's length; so the lengths of all
kinds are needed, also of those that are no reading. What follows an unknown kind cannot be read.
"""

from __future__ import annotations

from typing import NamedTuple

from ingest.decoders.record import DecodeError
from ingest.decoders.ruuvi_formats import Value

SERVICE = 0xFCD2
_ENCRYPTED = 1
_VERSION = 2
_TEXTS = (0x53, 0x54)
_BUTTON = 0x3A


class _Kind(NamedTuple):
    metric: str
    unit: str | None
    length: int
    factor: float = 1.0
    signed: bool = False


_READ = {
    0x01: _Kind("battery", "%", 1), 0x02: _Kind("room_temperature", "Cel", 2, 100, True),
    0x03: _Kind("humidity", "%", 2, 100), 0x04: _Kind("air_pressure", "hPa", 3, 100),
    0x05: _Kind("illuminance", "lx", 3, 100), 0x06: _Kind("weight", "kg", 2, 100),
    0x07: _Kind("weight", "[lb_av]", 2, 100), 0x0A: _Kind("energy", "kW.h", 3, 1000),
    0x0B: _Kind("power", "W", 3, 100), 0x0C: _Kind("voltage", "V", 2, 1000),
    0x0D: _Kind("pm2_5", "ug/m3", 2), 0x0E: _Kind("pm10", "ug/m3", 2),
    0x11: _Kind("door", None, 1), 0x12: _Kind("carbon_dioxide", "[ppm]", 2),
    0x15: _Kind("battery_low", None, 1), 0x17: _Kind("carbon_monoxide", None, 1),
    0x1A: _Kind("door", None, 1), 0x1B: _Kind("door", None, 1), 0x1C: _Kind("gas", None, 1),
    0x1F: _Kind("lock", None, 1), 0x20: _Kind("water_leak", None, 1),
    0x21: _Kind("motion", None, 1), 0x23: _Kind("presence", None, 1),
    0x25: _Kind("presence", None, 1), 0x26: _Kind("fault", None, 1),
    0x29: _Kind("smoke", None, 1), 0x2B: _Kind("tamper", None, 1),
    0x2C: _Kind("vibration", None, 1), 0x2D: _Kind("door", None, 1),
    0x2E: _Kind("humidity", "%", 1), 0x43: _Kind("current", "A", 2, 1000),
    0x45: _Kind("room_temperature", "Cel", 2, 10, True), 0x4A: _Kind("voltage", "V", 2, 10),
    0x4D: _Kind("energy", "kW.h", 4, 1000), 0x57: _Kind("room_temperature", "Cel", 1, 1, True),
    0x58: _Kind("room_temperature", "Cel", 1, 20 / 7, True),
    0x5C: _Kind("power", "W", 4, 100, True), 0x5D: _Kind("current", "A", 2, 1000, True),
}  # fmt: skip
"""By kind; a value is divided by the factor."""
_PASSED = {
    **dict.fromkeys((0x00, 0x09, 0x0F, 0x10, 0x16, 0x18, 0x19, 0x1D, 0x1E, 0x22, 0x24, 0x27, 0x28,
                     0x2A, 0x2F, 0x3A, 0x46, 0x59, 0x60), 1),
    **dict.fromkeys((0x08, 0x13, 0x14, 0x3C, 0x3D, 0x3F, 0x40, 0x41, 0x44, 0x47, 0x48, 0x49, 0x51,
                     0x52, 0x56, 0x5A, 0x5E, 0x5F, 0x61, 0xF0), 2),
    **dict.fromkeys((0x42, 0x4B, 0xF2), 3),
    **dict.fromkeys((0x3E, 0x4C, 0x4E, 0x4F, 0x50, 0x55, 0x5B, 0x62, 0x63, 0xF1), 4),
}  # fmt: skip
"""Length of the kinds that are no reading."""


def values_of(data: bytes) -> list[Value]:
    """Read what follows the service's uuid.

    Raises:
        DecodeError: encrypted, of another version, or cut off.
    """
    if not data:
        raise DecodeError("truncated", "This BTHome broadcast is empty.")
    if data[0] & _ENCRYPTED:
        raise DecodeError("encrypted", "This BTHome broadcast is encrypted; Saimi has no key.")
    if data[0] >> 5 != _VERSION:
        raise DecodeError(
            "unknown_format", f"BTHome version {data[0] >> 5} is not read; version 2 is."
        )
    found: list[Value] = []
    at = 1
    while at < len(data):
        code = data[at]
        kind, length = _READ.get(code), _PASSED.get(code)
        if kind is not None:
            length = kind.length
        elif code in _TEXTS and at + 1 < len(data):
            length = 1 + data[at + 1]
        if length is None:
            break
        raw = data[at + 1 : at + 1 + length]
        if len(raw) < length:
            raise DecodeError("truncated", "This BTHome broadcast ends within a value.")
        if kind is not None:
            number = int.from_bytes(raw, "little", signed=kind.signed)
            value = number / kind.factor if kind.unit else float(number != 0)
            found.append(Value(kind.metric, value, kind.unit))
        elif code == _BUTTON and raw[0]:
            found.append(Value("button", 1.0, None))
        at += 1 + length
    return found
