"""What a zigbee2mqtt device's definition means, kept to what later messages need.

The result is plain data, small enough to keep for every device:

    {"ieee": "0x…", "mains": true,
     "properties": {"contact": [{"metric": "door", "on": false, "off": true}],
                    "voltage": [{"metric": "battery_voltage", "unit": "mV"}],
                    "status": [{"metric": "fall", "words": {"falling": 1.0, "sitting": 0.0}}],
                    "state_l2": [{"metric": "switch", "on": "ON", "off": "OFF", "part": "l2"}],
                    "quick_sos_enabled": []}}

A property with an empty list is known to be none of ours although its name sounds like an alarm's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ingest.decoders.life_safety import meant, words
from ingest.decoders.plain_values import alarm, number
from ingest.decoders.zigbee2mqtt_meaning import (
    ACTIONS,
    BINARY,
    ENUMS,
    NUMERIC,
    UNITS,
    life_safety,
)

MAX_PROPERTIES = 256
"""Most properties of a device that are looked at."""
_MAX_DEPTH = 8
_BED = re.compile(r"\bbed\b|mattress|sleep\w*[ -](?:pad|monitor|sensor)|pressure[ -]pad", re.I)
_RADAR = re.compile(r"presence|radar|mm ?wave|millimet", re.I)
_SMOKE = re.compile(r"smoke|fire", re.I)
_MONOXIDE = re.compile(r"(?i:carbon monoxide)|\bCO\b")
_HELP = re.compile(r"\bSOS\b|\b(?:panic|emergency|help) button", re.I)
_PART = re.compile(
    r"(?P<base>.+?)_(?P<part>l?\d{1,2}|left|right|center|top|bottom|phase_[abc]|[abc]|"
    r"(?:zone|wire)_\d)"
)
_PLACED = frozenset(
    ("switch", "power", "energy", "voltage", "current", "motion", "presence", "door",
     "room_temperature", "humidity", "battery_low", "water_leak")
)  # fmt: skip
"""Metrics that a device may measure in several places, each a device of its own for Saimi."""
_SETTABLE = 2
"""The bit of `access` that says a property can be set: then it is a setting, not a sensor's."""


def compact(entry: Mapping[str, Any], definition: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a device; `entry` is the device's in `bridge/devices`, or empty."""
    source = str(entry.get("power_source") or "")[:64].lower()
    mains = source.startswith(("mains", "dc", "emergency mains"))
    exposes = list(_flat(definition.get("exposes"), "", 0))[:MAX_PROPERTIES]
    names = {str(one["property"]) for one, _ in exposes}
    about = " ".join(str(definition.get(key) or "")[:256] for key in ("model", "description"))
    device = _Device(about, names, mains)
    properties: dict[str, list[dict[str, Any]]] = {}
    for expose, within in exposes:
        name = str(expose["property"])[:128]
        found = device.meaning(name, expose, within)
        if found:
            properties.setdefault(name, []).extend(found)
        elif meant(words(name)) is not None or life_safety(name) is not None:
            properties.setdefault(name, [])
    _drop_single_parts(properties)
    kept: dict[str, Any] = {"properties": properties}
    if mains:
        kept["mains"] = True
    address = entry.get("ieee_address")
    if isinstance(address, str) and len(address) <= 32 and address.isprintable():
        kept["ieee"] = address
    return kept


def _flat(exposes: Any, within: str, depth: int) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Every property with the type of what it is a feature of (lock, light, …)."""
    if not isinstance(exposes, list) or depth > _MAX_DEPTH:
        return
    for one in exposes:
        if not isinstance(one, dict):
            continue
        kind = str(one.get("type") or "")[:32]
        if isinstance(one.get("features"), list) and kind != "composite":
            yield from _flat(one["features"], kind, depth + 1)
        elif isinstance(one.get("property"), str) and one["property"].isprintable():
            yield one, within


class _Device:
    """What of a device as a whole decides the meaning of its properties."""

    def __init__(self, about: str, names: set[str], mains: bool) -> None:
        self.bed = _BED.search(about) is not None
        self.radar = _RADAR.search(about) is not None and "presence" not in names
        self.cube = "cube" in about.lower()
        self.alarm = (
            "smoke"
            if _SMOKE.search(about)
            else "carbon_monoxide"
            if _MONOXIDE.search(about)
            else "help"
            if _HELP.search(about)
            else None
        )
        self.mains = mains or (
            not names & {"battery", "battery_low", "battery_state"}
            and bool(names & {"power", "current", "energy", "ac_frequency"})
        )
        self.lock = bool(names & {"lock_state"})

    def meaning(self, name: str, expose: Mapping[str, Any], within: str) -> list[dict[str, Any]]:
        """The metrics of one property, in the form that is kept."""
        base, part = _base(name, expose)
        kind = expose.get("type")
        access = expose.get("access")
        setting = isinstance(access, int) and bool(access & _SETTABLE)
        if base in ACTIONS:
            return [] if self.lock else [{"action": "cube" if self.cube else "any"}]
        if kind == "numeric":
            return self._numeric(base, part, expose)
        if kind == "binary":
            metric = self._binary(base, within, setting)
            if metric is None:
                return []
            on, off = expose.get("value_on"), expose.get("value_off")
            if metric == "lock":  # the lock's state is said as locked; the metric is unlocked
                on, off = off, on
            return [_placed({"metric": metric, "on": _plain(on), "off": _plain(off)}, part)]
        if kind == "enum" and (not setting or base == "alarm"):
            return _enum(base, expose.get("values"))
        return []

    def _numeric(self, base: str, part: str, expose: Mapping[str, Any]) -> list[dict[str, Any]]:
        metric = NUMERIC.get(base)
        if metric is None or (metric == "battery" and self.mains):
            return []
        unit = UNITS.get(str(expose.get("unit") or ""))
        if metric == "voltage" and (unit == "mV" or not self.mains):
            metric = "battery_voltage"
        if unit is None or (metric, unit) not in _FITTING:
            return []
        return [_placed({"metric": metric, "unit": unit}, part)]

    def _binary(self, base: str, within: str, setting: bool) -> str | None:
        if base == "state":
            return (
                "lock" if within == "lock" else "switch" if within in ("switch", "light") else None
            )
        if setting:
            return None
        if base == "alarm":
            return self.alarm
        metric = life_safety(base) or BINARY.get(base)
        if metric == "battery_low" and self.mains:
            return None
        if self.bed and metric in ("door", "motion", "presence"):
            return "bed"
        return "presence" if metric == "motion" and base == "occupancy" and self.radar else metric


def _base(name: str, expose: Mapping[str, Any]) -> tuple[str, str]:
    """A property's name without its endpoint, and the endpoint."""
    endpoint = expose.get("endpoint")
    if (
        isinstance(endpoint, str)
        and endpoint.isprintable()
        and endpoint
        and name.endswith("_" + endpoint)
    ):
        return name[: -len(endpoint) - 1], endpoint[:32]
    match = _PART.fullmatch(name)
    known = NUMERIC.keys() | BINARY.keys() | {"state", "alarm"}
    if (
        name not in known
        and match is not None
        and (match["base"] in known or life_safety(match["base"]) is not None)
    ):
        return match["base"], match["part"]
    return name, ""


def _placed(meaning: dict[str, Any], part: str) -> dict[str, Any]:
    if part and meaning["metric"] in _PLACED:
        meaning["part"] = part
    return meaning


def _drop_single_parts(properties: Mapping[str, list[dict[str, Any]]]) -> None:
    """A metric that a device has once is the device's own, whatever its endpoint is called."""
    counts: dict[str, int] = {}
    for found in properties.values():
        for one in found:
            if "metric" in one:
                counts[one["metric"]] = counts.get(one["metric"], 0) + 1
    for found in properties.values():
        for one in found:
            if "part" in one and counts[one["metric"]] == 1:
                del one["part"]


def _plain(value: Any) -> Any:
    """A value as it may be kept: what a database cannot hold (a NUL, half a character) is none."""
    if isinstance(value, str):
        return value[:64] if value.isprintable() else None
    return value if isinstance(value, bool) or number(value) is not None else None


def _enum(base: str, values: Any) -> list[dict[str, Any]]:
    if not isinstance(values, list):
        return []
    said = [word[:64] for word in values[:64] if isinstance(word, str) and word.isprintable()]
    metric = life_safety(base)
    if metric is not None:
        return [{"metric": metric, "words": {word: alarm(metric, word) for word in said}}]
    found: list[dict[str, Any]] = []
    for of, meanings in ENUMS.get(base, ()):
        known = {word: meanings[word] for word in said if word in meanings}
        if known:
            found.append({"metric": of, "words": known})
    if base.endswith(("state", "status")):
        named = {word: meant(words(word)) for word in said}
        known_events = {one["metric"] for one in found}
        for event in sorted({one for one in named.values() if one is not None} - known_events):
            # "presence_state: fall": the word alone tells, whatever else the property says
            said_by = {word: alarm(event, word) for word, one in named.items() if one == event}
            if 1.0 in said_by.values():
                found.append({"metric": event, "words": said_by})
    return found


_FITTING = frozenset(
    (metric, unit)
    for metrics, units in (
        ("room_temperature device_temperature", "Cel [degF]"),
        ("humidity battery", "%"),
        ("illuminance", "lx"),
        ("carbon_dioxide carbon_monoxide_concentration", "[ppm]"),
        ("air_pressure", "hPa kPa Pa"),
        ("power", "W kW"), ("energy", "kWh Wh"), ("voltage battery_voltage", "V mV"),
        ("current", "A mA"), ("pm1_0 pm2_5 pm4_0 pm10", "ug/m3 mg/m3"), ("voc", "[ppb] [ppm]"),
        ("soil_moisture", "%"), ("formaldehyde", "mg/m3 ug/m3"),
        ("voc_index link_quality", "1"), ("sound_level", "dB"),
        ("respiratory_rate pulse", "/min"),
    )
    for metric in metrics.split()
    for unit in units.split()
)  # fmt: skip
"""A property whose unit is another measures something else under the same name (gas in m³)."""
