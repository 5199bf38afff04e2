"""Bluetooth health characteristics as they come out of devices: `<device>/<uuid>`.

Layouts are those of Bluetooth's GATT Specification Supplement; numbers are IEEE 11073-20601's
SFLOAT and FLOAT. Devices have clocks without a zone, which show Finnish time in whole seconds.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from core.clock import LOCAL
from gateway_sim.devices import Model
from gateway_sim.formats.told import Format, Told
from gateway_sim.reading import Reading

_NAN, _ABOVE, _BELOW = 0x07FF, 0x07FE, 0x0802
"""Special values of an SFLOAT: no number, beyond the range above and below."""
_KG_STEPS = 200


class Gatt(Format):
    """A gateway that passes on what Bluetooth health devices say."""

    source: ClassVar[str] = "gatt"
    carries: ClassVar[frozenset[str]] = frozenset(
        ("cuff", "oximeter", "thermometer", "scale", "glucometer", "wearable")
    )

    def __init__(self, home: int, devices: Sequence[Model]) -> None:
        super().__init__(home, devices)
        self._sequence: dict[str, int] = {}
        """Numbers of glucose measurements, by device."""

    def _tell(self, device: str, readings: tuple[Reading, ...]) -> Iterator[Told]:
        said = {reading.metric: reading for reading in readings}
        time = float(int(readings[0].time))
        stamp = _stamp(time)
        pulse = said.get("pulse")
        if "systolic" in said and "diastolic" in said:
            with_pulse = pulse is not None and "spo2" not in said
            payload = bytes([2 | 4 * with_pulse])
            payload += _sfloat(said["systolic"]) + _sfloat(said["diastolic"])
            payload += struct.pack("<H", _NAN) + stamp
            told = ["systolic", "diastolic"]
            if with_pulse and pulse is not None:
                payload += _sfloat(pulse)
                told.append("pulse")
            yield _told(device, "2A35", payload, time, told, said)
        if "spo2" in said:
            payload = b"\x01" + _sfloat(said["spo2"])
            payload += _sfloat(pulse) if pulse is not None else struct.pack("<H", _NAN)
            told = ["spo2", "pulse"] if pulse is not None else ["spo2"]
            yield _told(device, "2A5E", payload + stamp, time, told, said)
        if "temperature" in said:
            raw = round(said["temperature"].value * 10.0)
            payload = b"\x02" + struct.pack("<I", (raw & 0xFFFFFF) | 0xFF << 24) + stamp
            yield _told(device, "2A1C", payload, time, ["temperature"], said, raw / 10.0)
        if "weight" in said:
            raw = min(max(round(said["weight"].value * _KG_STEPS), 0), 0xFFFE)
            payload = b"\x02" + struct.pack("<H", raw) + stamp
            yield _told(device, "2A9D", payload, time, ["weight"], said, raw / _KG_STEPS)
        if "glucose" in said:
            yield self._glucose(device, said["glucose"], time, stamp)

    def _glucose(self, device: str, reading: Reading, time: float, stamp: bytes) -> Told:
        """In mol/L; the sample is capillary whole blood of a finger."""
        number = self._sequence[device] = (self._sequence.get(device, 0) + 1) & 0xFFFF
        flags, sample = 0b0000_0110, 0x11
        status = b""
        if reading.qualifier:  # it says itself that the result is too high or too low
            flags |= 0b1000
            status = struct.pack("<H", 1 << 5 if reading.qualifier > 0 else 1 << 6)
        raw = round(reading.value * 10.0)
        concentration = struct.pack("<H", (raw & 0x0FFF) | 0xC000)  # tenths of 10⁻³
        if reading.qualifier:
            concentration = _sfloat(reading)
        payload = struct.pack("<BH", flags, number) + stamp + concentration
        payload += bytes([sample]) + status
        return _told(device, "2A18", payload, time, ["glucose"], {"glucose": reading}, raw / 10.0)


def _told(
    device: str,
    uuid: str,
    payload: bytes,
    time: float,
    metrics: list[str],
    said: Mapping[str, Reading],
    value: float | None = None,
) -> Told:
    """A message; `value`: what the only metric became by the format's steps."""
    meant = []
    for metric in metrics:
        reading = said[metric]
        shown = _shown(reading.value) if value is None else value
        if reading.qualifier:
            shown = float("nan")
        meant.append(Reading(time, device, metric, shown, reading.qualifier))
    return Told(f"{device}/{uuid}", payload, tuple(meant))


def _sfloat(reading: Reading) -> bytes:
    """Tenths where twelve bits hold them, else whole numbers."""
    if reading.qualifier:
        return struct.pack("<H", _ABOVE if reading.qualifier > 0 else _BELOW)
    tenths = round(reading.value * 10.0)
    if abs(tenths) <= 2000:
        return struct.pack("<H", (tenths & 0x0FFF) | 0xF000)
    return struct.pack("<H", min(max(round(reading.value), -2000), 2000) & 0x0FFF)


def _shown(value: float) -> float:
    """What `_sfloat` makes of a value."""
    tenths = round(value * 10.0)
    return tenths / 10.0 if abs(tenths) <= 2000 else float(min(max(round(value), -2000), 2000))


def _stamp(time: float) -> bytes:
    """A local date and time, 7 bytes."""
    local = datetime.fromtimestamp(time, UTC).astimezone(LOCAL)
    return struct.pack(
        "<HBBBBB", local.year, local.month, local.day, local.hour, local.minute, local.second
    )
