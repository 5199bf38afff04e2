"""The two numbers of IEEE 11073-20601 that Bluetooth health devices send, little-endian.

SFLOAT is a signed exponent of 4 bits and a signed mantissa of 12; FLOAT one of 8 bits and one of
24: mantissa times ten to the exponent. Five values with exponent 0 are marks: not a number, not at
this resolution, reserved (all three: nothing was measured), plus and minus infinity (the meter
showed HI or LO).
"""

from __future__ import annotations

from typing import NamedTuple

from core.reading import Qualifier

_NEITHER = (None, Qualifier.EXACT)
_HIGH, _LOW = (None, Qualifier.ABOVE), (None, Qualifier.BELOW)
_MARKS_16 = {0x07FF: _NEITHER, 0x0800: _NEITHER, 0x0801: _NEITHER, 0x07FE: _HIGH, 0x0802: _LOW}
_MARKS_32 = {0x007FFFFF: _NEITHER, 0x00800000: _NEITHER, 0x00800001: _NEITHER,
             0x007FFFFE: _HIGH, 0x00800002: _LOW}  # fmt: skip
METERS = {
    "glucose": (1.1, 27.8), "systolic": (60.0, 230.0), "diastolic": (40.0, 130.0),
    "mean_arterial_pressure": (40.0, 160.0), "pulse": (40.0, 180.0), "spo2": (70.0, 100.0),
    "temperature": (34.0, 42.0), "skin_temperature": (10.0, 45.0),
}  # fmt: skip
"""What every home meter can show at least, in the catalogue's unit [unsourced: from the data sheets
of common ones]; so a meter's LO lies below the first and its HI above the second."""


class Number(NamedTuple):
    """A value, or none; LO and HI are no value with a qualifier."""

    value: float | None
    qualifier: Qualifier = Qualifier.EXACT


def sfloat(raw: int) -> Number:
    """An SFLOAT given as its 16 bits."""
    mark = _MARKS_16.get(raw)
    if mark is not None:
        return Number(*mark)
    return Number(_scaled(_signed(raw & 0xFFF, 12), _signed(raw >> 12, 4)))


def float32(raw: int) -> Number:
    """A FLOAT given as its 32 bits; one that no computer holds is none."""
    mark = _MARKS_32.get(raw)
    if mark is not None:
        return Number(*mark)
    return Number(_scaled(_signed(raw & 0xFFFFFF, 24), _signed(raw >> 24, 8)))


def _signed(raw: int, bits: int) -> int:
    return raw - (1 << bits) if raw >> (bits - 1) else raw


def _scaled(mantissa: int, exponent: int) -> float:
    # Dividing by a power of ten is exact to the last digit; multiplying with its inverse is not.
    return mantissa / 10**-exponent if exponent < 0 else float(mantissa * 10**exponent)
