"""Shelly of both generations: which message it is, and what a device of the second says.

Second generation: `<id>/events/rpc` (what changed, and events), `<id>/status/<component>`,
`<id>/rpc` (answers). First: `shellies/<id>/…`, one value a topic (`shelly_first`). The device is
`<id>`, which may be any prefix that its owner chose; a component with a number other than 0 is
`<id>/<component>:<number>` (an input always is, beside what it switches), a sensor of the BLU
series its Bluetooth address.

A button is a button: the device cannot say what its owner wants it to mean, the registry can.
Only an event that is itself named as a call (`emergency`, `sos`) is one.

`ts` is the device's own time. A status topic has none, and is retained by some set-ups: what the
broker repeats then counts at its arrival.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ingest.decoders import shelly_first
from ingest.decoders.life_safety import meant, words
from ingest.decoders.plain_values import Readings, alarm, number, set_clock, truth
from ingest.decoders.record import Decoded, DecodeError
from ingest.decoders.source import Definitions, Source
from ingest.decoders.strict_json import read_json

_SECOND = ("events", "status", "rpc", "debug", "command")
_MAX_COMPONENTS = 512
_MAX_EVENTS = 512
_NUMBERS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "temperature": (("tC", "room_temperature", "Cel"),),
    "humidity": (("rh", "humidity", "%"),),
    "illuminance": (("lux", "illuminance", "lx"),),
    "wifi": (("rssi", "signal_strength", "dB[mW]"),),
    "co2": (("ppm", "carbon_dioxide", "[ppm]"),),
    "em": (("total_act_power", "power", "W"), ("total_current", "current", "A")),
    "em1": (("act_power", "power", "W"), ("voltage", "voltage", "V"), ("current", "current", "A")),
    "emdata": (("total_act", "energy", "Wh"),),
    "em1data": (("total_act_energy", "energy", "Wh"),),
    "blutrv": (("current_C", "room_temperature", "Cel"), ("battery", "battery", "%"),
               ("rssi", "signal_strength", "dB[mW]")),
    "bthomedevice": (("battery", "battery", "%"), ("rssi", "signal_strength", "dB[mW]")),
}  # fmt: skip
"""By component: the field, its metric and unit."""
_METER = (("apower", "power", "W"), ("voltage", "voltage", "V"), ("current", "current", "A"))
_METERS = frozenset(("switch", "pm1", "cover", "light", "rgb", "rgbw", "cct"))
_ALARMS = {"smoke": "smoke", "flood": "water_leak", "co": "carbon_monoxide",
           "carbonmonoxide": "carbon_monoxide", "carbon_monoxide": "carbon_monoxide",
           "gas": "gas", "fall": "fall"}  # fmt: skip
"""Components that say `alarm`."""
_PRESENT = frozenset(("presence", "presencezone", "occupancy"))
_MOTION = frozenset(("motion",))
_BLU = {"battery": ("battery", "%"), "temperature": ("room_temperature", "Cel"),
        "humidity": ("humidity", "%"), "illuminance": ("illuminance", "lx"),
        "rssi": ("signal_strength", "dB[mW]"), "pressure": ("air_pressure", "hPa"),
        "co2": ("carbon_dioxide", "[ppm]")}  # fmt: skip
_BLU_STATES = {"motion": "motion", "window": "door", "door": "door", "opening": "door",
               "vibration": "vibration", "smoke": "smoke", "carbon_monoxide": "carbon_monoxide",
               "moisture": "water_leak", "presence": "presence", "occupancy": "presence",
               "gas": "gas", "tamper": "tamper", "battery_low": "battery_low"}  # fmt: skip
_PRESSES = ("push", "press", "click", "btn")


def decode(rest: str, payload: bytes, arrival: float, definitions: Definitions) -> Decoded:
    """Decode a message; `rest` is the topic, with or without `shellies/` in front.

    Raises:
        DecodeError: no JSON where it must be, or no topic of a Shelly's.
    """
    if not payload.strip():
        return Decoded(nothing="an empty message, which deletes a retained one")
    first = rest.startswith("shellies/")
    rest = rest.removeprefix("shellies/")
    levels = rest.split("/")
    if not first:
        for at in range(len(levels) - 1, 0, -1):
            if levels[at - 1 : at + 1] == ["events", "rpc"]:
                continue
            if levels[at] in _SECOND and not _of_first(levels[at:], payload):
                return _second(
                    "/".join(levels[:at]), levels[at], levels[at + 1 :], payload, arrival
                )
    return shelly_first.decode(levels, payload, arrival, definitions)


def _of_first(levels: list[str], payload: bytes) -> bool:
    """Whether a status is the first generation's: all of one device, not sorted by component."""
    return levels == ["status"] and b':0"' not in payload


def _second(device: str, what: str, below: list[str], payload: bytes, arrival: float) -> Decoded:
    if what in ("debug", "command"):
        return Decoded(nothing="a command or a log")
    told = read_json(payload)
    if not isinstance(told, dict):
        raise DecodeError("not_shelly", "A Shelly sends an object there; this is something else.")
    if what == "status":
        readings = Readings(arrival, dated=False)
        if below and below[0]:
            _component(readings, device, below[0], told)
        else:
            _status(readings, device, told)
        return readings.said("a status without a reading")
    result = told.get("params") if what == "events" or "method" in told else told.get("result")
    if not isinstance(result, dict):
        return Decoded(nothing="a call or an answer without a status")
    if what == "rpc" and not str(told.get("method") or "Notify").startswith("Notify"):
        return Decoded(nothing="a call to a device")
    said_by = told.get("src")
    if what == "rpc" and isinstance(said_by, str) and said_by:
        device = said_by  # the answer is on the topic of whoever asked
    seconds = number(result.get("ts"))
    dated = set_clock(seconds)
    readings = Readings(seconds if dated and seconds is not None else arrival, dated=dated)
    _status(readings, device, result)
    events = result.get("events")
    if isinstance(events, list):
        if len(events) > _MAX_EVENTS:
            raise DecodeError("too_large", f"The message has over {_MAX_EVENTS} events.")
        for event in events:
            if isinstance(event, dict):
                _event(readings, device, event)
    return readings.said("a message without a reading")


def _status(readings: Readings, device: str, said: Mapping[str, Any]) -> None:
    if len(said) > _MAX_COMPONENTS:
        raise DecodeError(
            "too_large",
            f"No Shelly has over {_MAX_COMPONENTS} components; this message names more.",
        )
    for name, one in said.items():
        if isinstance(one, dict):
            _component(readings, device, name, one)


def _component(readings: Readings, device: str, name: str, said: Any) -> None:
    """Read one component; a component that reports errors has no value, and says null."""
    if not isinstance(said, dict):
        return
    kind = name.partition(":")[0].lower()
    own = _own(device, name)
    for field, metric, unit in _NUMBERS.get(kind, ()):
        readings.add(own, metric, number(said.get(field)), unit)
    if kind in _METERS:
        _meter(readings, own, said)
    if kind == "em":
        for phase in "abc":
            for field, metric, unit in (("act_power", "power", "W"), ("voltage", "voltage", "V"),
                                        ("current", "current", "A")):  # fmt: skip
                value = number(said.get(f"{phase}_{field}"))
                readings.add(f"{own}/phase_{phase}", metric, value, unit)
    metric_of = _ALARMS.get(kind) or meant(words(kind))
    if metric_of is not None and said.get("alarm") is not None:
        readings.add(own, metric_of, alarm(metric_of, said["alarm"]))
    if kind == "devicepower":
        _power(readings, own, said)
    elif kind in _PRESENT or kind in _MOTION:
        fields = ("state", "presence", "value", "motion")
        value = next((said[field] for field in fields if field in said), None)
        count = number(said.get("num_objects"))
        if value is None and count is not None:
            value = count > 0
        readings.add(own, "motion" if kind in _MOTION else "presence", truth(value))
    elif kind == "input" and isinstance(said.get("state"), bool):
        readings.add(f"{device}/{name[:64]}", "switch", truth(said["state"]))
    elif kind == "window" or kind == "door":
        readings.add(own, "door", truth(said.get("open", said.get("state"))))


def _own(device: str, component: str) -> str:
    """The device of a component: the first of its kind is the device itself."""
    _, colon, which = component.partition(":")
    return device if not colon or which == "0" else f"{device}/{component[:64]}"


def _meter(readings: Readings, device: str, said: Mapping[str, Any]) -> None:
    if isinstance(said.get("output"), bool):
        readings.add(device, "switch", truth(said["output"]))
    for field, metric, unit in _METER:
        readings.add(device, metric, number(said.get(field)), unit)
    energy, inside = said.get("aenergy"), said.get("temperature")
    if isinstance(energy, dict):
        readings.add(device, "energy", number(energy.get("total")), "Wh")
    if isinstance(inside, dict):
        readings.add(device, "device_temperature", number(inside.get("tC")), "Cel")


def _power(readings: Readings, device: str, said: Mapping[str, Any]) -> None:
    """The battery; none is read while the device has power from outside."""
    battery, outside = said.get("battery"), said.get("external")
    if isinstance(outside, dict) and outside.get("present") is True:
        return
    if isinstance(battery, dict):
        readings.add(device, "battery", number(battery.get("percent")), "%")
        readings.add(device, "battery_voltage", number(battery.get("V")), "V")


def _event(readings: Readings, device: str, event: Mapping[str, Any]) -> None:
    """Something that happened: a press, an alarm and its end, a BLU sensor's broadcast."""
    name, component = event.get("event"), str(event.get("component") or "")
    if not isinstance(name, str):
        return
    seconds = number(event.get("ts"))
    at = seconds if set_clock(seconds) else None
    data = event.get("data")
    if isinstance(data, dict) and name.startswith("shelly-blu"):
        _broadcast(readings, device, data, at)
        return
    own = _own(device, component)
    kind = component.partition(":")[0].lower()
    metric = _ALARMS.get(kind) or meant(words(kind))
    said = words(name)
    if metric is not None and "alarm" in said:
        if "test" in said:
            readings.add(own, "self_test", 1.0, at=at)
        else:
            over = said & {"off", "end", "cleared", "clear", "stop"}
            readings.add(own, metric, 0.0 if over else 1.0, at=at)
        return
    called = meant(said)
    if called is not None:
        readings.add(own, called, 1.0, at=at)
    elif kind in ("input", "bthomedevice", "bthomesensor", "button"):
        if name.endswith("_up") or "release" in said:
            readings.add(own, "button", 0.0, at=at)
        elif name.endswith("_down") or any(press in name for press in _PRESSES):
            readings.add(own, "button", 1.0, at=at)
    elif kind in ("presence", "presencezone") and said & {"detected", "entered", "enter"}:
        readings.add(own, "presence", 1.0, at=at)


def _broadcast(readings: Readings, device: str, data: Mapping[str, Any], at: float | None) -> None:
    """What a script or gateway decoded of a BLU sensor's BTHome broadcast."""
    address = data.get("address")
    own = address.lower() if isinstance(address, str) and address else f"{device}/blu"
    for key, value in list(data.items())[:_MAX_COMPONENTS]:
        one = value[0] if isinstance(value, list) and value else value
        if key in _BLU:
            readings.add(own, _BLU[key][0], number(one), _BLU[key][1], at=at)
        elif key == "button":
            pressed = any(number(each) for each in (value if isinstance(value, list) else [value]))
            readings.add(own, "button", 1.0 if pressed else None, at=at)
        elif key in _BLU_STATES:
            metric = _BLU_STATES[key]
            said = alarm(metric, one) if metric in ("smoke", "carbon_monoxide") else truth(one)
            readings.add(own, metric, said, at=at)


SOURCE = Source(
    "shelly",
    decode,
    topics=(
        r"(?P<rest>shellies/.+)",
        r"(?P<rest>[sS]helly[^/]*/(?:events|status|online|rpc|debug|command|announce|info)(?:/.*)?)",
        r"(?P<rest>.+/events/rpc)",
        r"(?P<rest>[^/]+/rpc)",
    ),
)
