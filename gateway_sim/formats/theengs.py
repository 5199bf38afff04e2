"""Theengs Gateway (gateway.theengs.io; decoder.theengs.io for each device's properties).

One topic a device, `home/TheengsGateway/BTtoMQTT/<address without colons>`; what its decoder made
of one broadcast, with names of properties and models as the decoder has them. No time, no receipts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec

from gateway_sim.formats.told import Format, Told
from gateway_sim.reading import Reading

_TOPIC = "home/TheengsGateway/BTtoMQTT"
_RSSI = -68
_encode = msgspec.json.Encoder().encode
_ABOUT: dict[str, dict[str, str]] = {
    "climate": {"name": "LYWSD03MMC", "brand": "Xiaomi", "model": "TH Sensor",
                "model_id": "LYWSD03MMC/MJWSD05MMC_PVVX_BTHOME", "type": "THB"},
    "scale": {"name": "MI SCALE2", "brand": "Xiaomi", "model": "Mi Smart Scale",
              "model_id": "XMTZC01HM/XMTZC04HM", "type": "SCALE"},
    "door": {"name": "SBDW-002C", "brand": "Shelly", "model": "ShellyBLU Door/Window",
             "model_id": "SBDW-002C", "type": "CTMO"},
    "motion": {"name": "SBMO-003Z", "brand": "Shelly", "model": "ShellyBLU Motion",
               "model_id": "SBMO-003Z", "type": "PIR"},
}  # fmt: skip
"""How the decoder introduces a device, by kind."""


class Theengs(Format):
    """A home's Theengs Gateway."""

    source: ClassVar[str] = "theengs"
    carries: ClassVar[frozenset[str]] = frozenset(_ABOUT)

    def name_of(self, device: str) -> str:
        return self._address(device)

    def _tell(self, device: str, readings: tuple[Reading, ...]) -> Iterator[Told]:
        model = self._models[device]
        address = self._address(device)
        said: dict[str, Any] = {**_ABOUT[model.kind], "id": address, "mac_type": 0, "rssi": _RSSI}
        values = {reading.metric: reading.value for reading in readings}
        for metric, value in values.items():
            match metric:
                case "room_temperature":
                    said |= {"tempc": value, "tempf": round(value * 1.8 + 32.0, 2)}
                case "humidity":
                    said["hum"] = value
                case "weight":
                    said |= {"weighing_mode": "person", "unit": "kg", "weight": value}
                case "door":
                    said["open"] = value >= 1.0
                case "motion":
                    said["motion"] = value >= 1.0
                case "battery":
                    said["batt"] = value
        heard = {**values, "signal_strength": float(_RSSI)}
        meant = tuple(Reading(readings[0].time, address, m, v) for m, v in heard.items())
        yield Told(f"{_TOPIC}/{address.replace(':', '')}", _encode(said), meant, qos=0)
