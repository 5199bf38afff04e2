"""Ruuvi Gateway over MQTT (docs.ruuvi.com, "Gateway data formats" and "Data format 5 (RAWv2)").

`ruuvi/<gateway>/<sensor>`, both as addresses; JSON with the broadcast as it was heard, in
hexadecimal, and when, in whole seconds. Sensors here broadcast format 5 with temperature and
humidity; what it marks as not available are pressure, acceleration, battery and counters.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import ClassVar

import msgspec

from gateway_sim.formats.told import Format, Told
from gateway_sim.reading import Reading

_RSSI = -61
_TEMPERATURE_STEP, _HUMIDITY_STEP = 200, 400
"""Steps to a degree and to a per cent."""
_FLAGS, _MAKERS = bytes.fromhex("020106"), bytes.fromhex("1BFF9904")
"""Advertising data: flags; then length, kind and Ruuvi's company identifier, 0x0499."""
_ABSENT = 0xFFFF, -0x8000, -0x8000, -0x8000, 0xFFFF, 0xFF, 0xFFFF
_encode = msgspec.json.Encoder().encode


class RuuviGateway(Format):
    """A home's Ruuvi Gateway."""

    source: ClassVar[str] = "ruuvi"
    carries: ClassVar[frozenset[str]] = frozenset(("climate",))

    def name_of(self, device: str) -> str:
        return self._address(device)

    def _tell(self, device: str, readings: tuple[Reading, ...]) -> Iterator[Told]:
        address, own = self._address(device), self._address("")
        values = {reading.metric: reading.value for reading in readings}
        degrees, percent = values.get("room_temperature"), values.get("humidity")
        raw = -0x8000 if degrees is None else round(degrees * _TEMPERATURE_STEP)
        moist = 0xFFFF if percent is None else round(percent * _HUMIDITY_STEP)
        if not (-0x8000 <= raw < 0x8000 and 0 <= moist <= 0xFFFF):
            return  # no sensor can show that
        data = _FLAGS + _MAKERS + struct.pack(">BhHHhhhHBH", 5, raw, moist, *_ABSENT)
        data += bytes.fromhex(address.replace(":", ""))
        at = float(int(readings[0].time))
        said = {"gw_mac": own, "rssi": _RSSI, "aoa": [], "gwts": int(at), "ts": int(at),
                "data": data.hex().upper(), "coords": ""}  # fmt: skip
        meant = [("signal_strength", float(_RSSI))]
        if degrees is not None:
            meant.append(("room_temperature", raw / _TEMPERATURE_STEP))
        if percent is not None:
            meant.append(("humidity", moist / _HUMIDITY_STEP))
        heard = tuple(Reading(at, address, metric, value) for metric, value in meant)
        yield Told(f"ruuvi/{own}/{address}", _encode(said), heard)
