"""zigbee2mqtt (zigbee2mqtt.io, "MQTT topics and messages", "Exposes").

`bridge/state` and the retained list `bridge/devices` come first; each device has a topic of its
friendly name, on which its whole state goes out whenever a part of it changes: what is remembered
is said again. `last_seen` is switched on (ISO 8601). It publishes at QoS 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec

from gateway_sim.devices import Model
from gateway_sim.formats.told import Format, Told
from gateway_sim.reading import Reading

_BASE = "zigbee2mqtt"
_encode = msgspec.json.Encoder().encode


def _binary(name: str, on: bool = True) -> dict[str, Any]:
    return {"type": "binary", "name": name, "property": name, "access": 1,
            "value_on": on, "value_off": not on}  # fmt: skip


def _numeric(name: str, unit: str) -> dict[str, Any]:
    return {"type": "numeric", "name": name, "property": name, "access": 1, "unit": unit}


_BATTERY = _numeric("battery", "%")
_ACTION = {"type": "enum", "name": "action", "property": "action", "access": 1,
           "values": ["emergency"]}  # fmt: skip
_DEFINED: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "motion": ("Motion sensor", [_binary("occupancy"), _BATTERY]),
    "door": ("Door sensor", [_binary("contact", on=False), _BATTERY]),
    "bed": ("Bed occupancy pad", [_binary("occupancy")]),
    "leak": ("Water leak sensor", [_binary("water_leak")]),
    "smoke": ("Smoke alarm", [_binary("smoke"), _BATTERY]),
    "climate": ("Temperature and humidity sensor",
                [_numeric("temperature", "°C"), _numeric("humidity", "%")]),
    "plug": ("Smart plug", [_numeric("power", "W")]),
    "button": ("Emergency button", [_ACTION, _BATTERY]),
}  # fmt: skip
"""Description and exposes by kind of device."""
_KEYS = {
    "motion": "occupancy", "bed": "occupancy", "door": "contact", "water_leak": "water_leak",
    "smoke": "smoke", "room_temperature": "temperature", "humidity": "humidity", "power": "power",
    "battery": "battery",
}  # fmt: skip
"""Property by metric."""
_TRUTHS = {"motion": True, "bed": True, "water_leak": True, "smoke": True, "door": False}
"""What a metric of 1 is said as."""


class Zigbee2mqtt(Format):
    """A home's zigbee2mqtt."""

    source: ClassVar[str] = "zigbee2mqtt"
    carries: ClassVar[frozenset[str]] = frozenset(_DEFINED)

    def __init__(self, home: int, devices: Sequence[Model]) -> None:
        super().__init__(home, devices)
        self._states: dict[str, dict[str, float]] = {}
        """What is remembered, by device and metric."""

    def greeting(self) -> list[Told]:
        return [
            Told(f"{_BASE}/bridge/state", b'{"state":"online"}', retain=True, qos=0),
            Told(f"{_BASE}/bridge/devices", _encode(self._devices()), retain=True, qos=0),
            *(
                Told(f"{_BASE}/{name}/availability", b'{"state":"online"}', retain=True, qos=0)
                for name in self._models
            ),
        ]

    def _devices(self) -> list[dict[str, Any]]:
        coordinator = {"type": "Coordinator", "friendly_name": "Coordinator", "definition": None,
                       "ieee_address": "0x00124b0000000001", "supported": True}  # fmt: skip
        return [coordinator, *(self._device(model) for model in self._models.values())]

    def _device(self, model: Model) -> dict[str, Any]:
        description, exposes = _DEFINED[model.kind]
        mains = model.kind == "plug"
        return {
            "ieee_address": f"0x00158d{self._home & 0xFFFFFFFF:08x}{self._places[model.name]:02x}",
            "type": "Router" if mains else "EndDevice",
            "friendly_name": model.name,
            "supported": True,
            "interview_completed": True,
            "power_source": "Mains (single phase)" if mains else "Battery",
            "definition": {"model": f"SIM-{model.kind}", "vendor": "Simulated",
                           "description": description, "exposes": exposes},
        }  # fmt: skip

    def _tell(self, device: str, readings: tuple[Reading, ...]) -> Iterator[Told]:
        time = readings[0].time
        state = self._states.setdefault(device, {})
        state.update({r.metric: r.value for r in readings if r.metric in _KEYS})
        pressed = [r for r in readings if r.metric == "help" and r.value >= 1.0]
        if not pressed and not any(r.metric in _KEYS for r in readings):
            return
        seen = datetime.fromtimestamp(time, UTC)
        said: dict[str, Any] = {
            _KEYS[metric]: (value >= 1.0) is _TRUTHS[metric] if metric in _TRUTHS else value
            for metric, value in state.items()
        }
        said["last_seen"] = seen.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if pressed:
            said["action"] = "emergency"
        meant = [Reading(time, device, metric, value) for metric, value in state.items()]
        yield Told(f"{_BASE}/{device}", _encode(said), (*meant, *pressed), qos=0)
