"""Ruuvi's data formats 3, 5, 6 and E1, as in its documentation; all big-endian.

Each has marks for "not available". Values of 9 bits have their lowest bit among the flags.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from ingest.decoders.record import DecodeError

COMPANY = 0x0499
_LIGHT = math.log(65536) / 254
"""Of format 6: the steps of its logarithmic scale."""
_PM_E1 = ("pm1_0", "pm2_5", "pm4_0", "pm10")


class Value(NamedTuple):
    """One value, None where the sensor has none."""

    metric: str
    value: float | None
    unit: str | None


class Broadcast(NamedTuple):
    """What a sensor said."""

    values: list[Value]
    mac: str | None
    """Its address, where the format has one."""


def broadcast(data: bytes) -> Broadcast:
    """Read what follows Ruuvi's company identifier.

    Raises:
        DecodeError: of another format, encrypted, or cut off.
    """
    known = _FORMATS.get(data[0]) if data else None
    if known is None:
        form = f"{data[0]:X}" if data else "(none)"
        if form == "8":
            raise DecodeError(
                "encrypted", "Ruuvi's data format 8 is encrypted; let the sensor send format 5."
            )
        raise DecodeError(
            "unknown_format", f"Ruuvi's data format {form} is not read; 3, 5, 6 and E1 are."
        )
    length, read = known
    if len(data) < length:
        raise DecodeError(
            "truncated",
            f"A broadcast of Ruuvi's data format {data[0]:X} has {length} bytes; this has "
            f"{len(data)}.",
        )
    return read(data)


def _unsigned(data: bytes, at: int, length: int = 2) -> int | None:
    raw = int.from_bytes(data[at : at + length])
    return None if raw == (1 << 8 * length) - 1 else raw


def _signed(data: bytes, at: int) -> int | None:
    raw = int.from_bytes(data[at : at + 2], signed=True)
    return None if raw == -0x8000 else raw


def _per(raw: int | None, steps: int, offset: float = 0.0) -> float | None:
    return None if raw is None else raw / steps + offset


def _format_3(data: bytes) -> Broadcast:
    degrees = (data[2] & 0x7F) + data[3] / 100
    values = [
        Value("room_temperature", -degrees if data[2] & 0x80 else degrees, "Cel"),
        Value("humidity", data[1] / 2, "%"),
        Value("air_pressure", (int.from_bytes(data[4:6]) + 50_000) / 100, "hPa"),
        *_acceleration(data, 6),
        Value("battery_voltage", float(int.from_bytes(data[12:14])), "mV"),
    ]
    return Broadcast(values, None)


def _format_5(data: bytes) -> Broadcast:
    power = int.from_bytes(data[13:15])
    volts, sent = power >> 5, power & 31
    values = [
        *_climate(data),
        *_acceleration(data, 7),
        Value("transmit_power", None if sent == 31 else sent * 2.0 - 40, "dB[mW]"),
        Value("battery_voltage", None if volts == 2047 else volts + 1600.0, "mV"),
        Value("movement_count", _per(_unsigned(data, 15, 1), 1), "1"),
        Value("measurement_count", _per(_unsigned(data, 16), 1), "1"),
    ]
    return Broadcast(values, _mac(data[18:24]))


def _format_6(data: bytes) -> Broadcast:
    flags, light = data[16], _unsigned(data, 13, 1)
    values = [
        *_climate(data),
        Value("pm2_5", _per(_unsigned(data, 7), 10), "ug/m3"),
        Value("carbon_dioxide", _per(_unsigned(data, 9), 1), "[ppm]"),
        *_indices(data, 11, flags),
        Value("illuminance", None if light is None else _lux(light), "lx"),
        Value("sound_level", _sound(data[14], flags >> 4), "dBA"),
        Value("measurement_count", float(data[15]), "1"),
        Value("button", float(flags >> 1 & 1), None),
    ]
    return Broadcast(values, None)  # only the half of its address


def _format_e1(data: bytes) -> Broadcast:
    flags = data[28]
    values = [
        *_climate(data),
        *(Value(pm, _per(_unsigned(data, 7 + 2 * at), 10), "ug/m3") for at, pm in
          enumerate(_PM_E1)),
        Value("carbon_dioxide", _per(_unsigned(data, 15), 1), "[ppm]"),
        *_indices(data, 17, flags),
        Value("illuminance", _per(_unsigned(data, 19, 3), 100), "lx"),
        Value("sound_level_instant", _sound(data[22], flags >> 3), "dBA"),
        Value("sound_level", _sound(data[23], flags >> 4), "dBA"),
        Value("sound_level_peak", _sound(data[24], flags >> 5), "dB"),
        Value("measurement_count", _per(_unsigned(data, 25, 3), 1), "1"),
        Value("button", float(flags >> 1 & 1), None),
    ]  # fmt: skip
    return Broadcast(values, _mac(data[34:40]))


def _climate(data: bytes) -> list[Value]:
    pressure = _unsigned(data, 5)
    return [
        Value("room_temperature", _per(_signed(data, 1), 200), "Cel"),
        Value("humidity", _per(_unsigned(data, 3), 400), "%"),
        Value("air_pressure", None if pressure is None else (pressure + 50_000) / 100, "hPa"),
    ]


def _acceleration(data: bytes, at: int) -> list[Value]:
    return [
        Value(f"acceleration_{axis}", _per(_signed(data, at + 2 * place), 1), "m[g]")
        for place, axis in enumerate("xyz")
    ]


def _indices(data: bytes, at: int, flags: int) -> list[Value]:
    """The indices of volatile compounds and nitrogen oxides."""
    found = []
    for place, metric in enumerate(("voc_index", "nox_index")):
        raw = data[at + place] << 1 | (flags >> (6 + place) & 1)
        found.append(Value(metric, None if raw == 511 else float(raw), "1"))
    return found


def _sound(high: int, low: int) -> float | None:
    raw = high << 1 | (low & 1)
    return None if raw == 511 else raw / 5 + 18


def _lux(code: int) -> float:
    return round(math.exp(code * _LIGHT) - 1, 2)


def _mac(raw: bytes) -> str | None:
    return None if raw == b"\xff" * 6 else raw.hex(":").upper()


_FORMATS: dict[int, tuple[int, Callable[[bytes], Broadcast]]] = {
    3: (14, _format_3), 5: (24, _format_5), 6: (20, _format_6), 0xE1: (40, _format_e1),
}  # fmt: skip
"""By number: the bytes it has, and how it is read."""
