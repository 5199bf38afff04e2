"""What some 4,500 models of zigbee2mqtt expose, by how many have it, and what is made of it.

Each property is measured, or known to be no reading (a setting, a light's, a timer, …), or unknown:
no pattern here explains it. A definition is made of each, as zigbee2mqtt publishes it, and a state.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest

from core.catalogue import catalogue
from ingest.decoders.life_safety import meant, words
from ingest.decoders.zigbee2mqtt import decode
from tests.support.recordings import payloads_folder

ARRIVAL = 1_790_000_000.0
NO_READING = re.compile(
    r"""(?x)
    # light and colour
    brightness|color|^[xyrgb]$|hue|saturation|effect|gradient|backlight|led|lightness|screen|
    indicat|display|level|blink|strobe|fading|flash|flip|smiley|dimming|pwm|night_on|night_off|
    # what a thermostat, fan or cover is told, and where it stands
    setpoint|setback|calibrat|_set$|^set_|limit|offset|deadband|deadzone|eco_|comfort|holiday|away|
    target|heating_demand|fan|vane|tilt|position|valve|ballast|boost|preheat|frost|heat_protect|
    scale_protection|turbo|quiet|sleep|self_clean|ionization|gentle|mold|open_window|window_open|
    window_detection|enabling_|compensation|motor|reverse|moving|running|irrigation|
    # times, delays, counts
    countdown|duration|timeout|time$|timer|interval|delay|_count|count_|uptime|lifetime|frequency|
    days?$|hour|minute|pause|iterations|hold|monday|sunday|saturday|friday|loop_type|reported_|
    # how sensitive it is, between what limits it speaks, what it is called, who may use it
    sensitiv|threshold|^min_|^max_|_min$|_max$|minimum|maximum|^high_|^low_|range|warning|lower|
    upper|distance|altitude|width|height|depth|pin_code|user|lock|action_|scene|group|index|mode|
    enable|detach|inching|inver|interconnect|silence|mute|network|dhcp|disturb|memory|if_off|
    radar_switch|alarm_switch|buzzer|beeper|volume|child|auto|recalibration|factory|comparison|
    consumer|schedule|reports|supervision|maintenance|learn|locating|control|protection|breaker|
    protect$|switches|clicks|resets|rpm|plan|lux_factor|color|level|input|update|restore|code|
    # mains besides what is measured
    power_factor|apparent|reactive|produced|outage|energy_(?:today|yesterday|month)|over_|under_|
    # outdoors, in machines and pipes, or of another room
    outdoor|exchanger|external|floor_|bar$|psi$|
    # lights' relays beside the first, and other machines
    relay|charging|calibrated|transition|error|step|last_|do_not|prev_state|thermostat|
    transaction|heartbeat|axis|clean|heating_|long_press|short_press|double_press|manual
    """
)
UNKNOWN = frozenset(("alarm", "alarm_1", "alarm_2"))
"""These are what their device is, and this one is nothing known."""


def stats(kind: str) -> list[list[Any]]:
    told = json.loads((payloads_folder() / "z2m_property_stats.json").read_text("utf-8"))
    rows: list[list[Any]] = told[kind]
    return rows


def read(expose: dict[str, Any], value: Any) -> dict[str, float]:
    """Metrics, in the catalogue's units, of a state of a device that exposes this property.

    The device is a battery's: what it says of its voltage is its battery's.
    """
    battery = {"type": "numeric", "name": "battery", "property": "battery", "unit": "%"}
    definition = {"model": "X", "description": "A thing", "exposes": [battery, expose]}
    entry = {"friendly_name": "thing", "ieee_address": "0x1", "definition": definition}
    learned = decode("bridge/devices", json.dumps([entry]).encode(), ARRIVAL, {}).learned
    state = json.dumps({expose["property"]: value}).encode()
    found = {}
    for record in decode("thing", state, ARRIVAL, learned).records:
        conversion = catalogue()[record.channel.metric].conversion(record.channel.unit)
        assert conversion is not None
        assert isinstance(record.value, float)
        found[record.channel.metric] = record.value * conversion.factor + conversion.offset
    return found


def numeric(name: str, unit: str | None) -> dict[str, Any]:
    said = {"type": "numeric", "name": name, "property": name, "access": 1}
    return said | ({"unit": unit} if unit else {})


def binary(name: str, on: Any, off: Any) -> dict[str, Any]:
    said = {"type": "binary", "name": name, "property": name, "access": 1}
    said |= {"value_on": on, "value_off": off}
    if name.startswith("state"):
        kind = "lock" if on == "LOCK" else "switch"
        said |= {"endpoint": name.partition("_")[2]} if "_" in name else {}
        return {"type": kind, "features": [said], "property": name}
    return said


def test_every_property_is_measured_or_known_to_be_no_reading() -> None:
    models: Counter[str] = Counter()
    unknown = set()
    for kind in ("numeric_property_unit", "binary_property_on_off"):
        for name, *how, count in stats(kind):
            if kind.startswith("numeric"):
                measured = read(numeric(name, how[0]), 7)
            else:
                on, off = map(json.loads, how)
                measured = read(binary(name, on, off), on)
            if measured:
                models["measured"] += count
            elif NO_READING.search(name):
                models["no reading"] += count
            else:
                models["unknown"] += count
                unknown.add(name)
    assert unknown == UNKNOWN
    assert models["measured"] >= 8_000
    assert models["unknown"] <= 0.01 * models.total()


@pytest.mark.parametrize(
    ("name", "unit", "metric", "seven"),
    [
        ("battery", "%", "battery", 7.0),
        ("temperature", "°C", "room_temperature", 7.0),
        ("local_temperature", "°C", "room_temperature", 7.0),
        ("humidity", "%", "humidity", 7.0),
        ("illuminance", "lx", "illuminance", 7.0),
        ("co2", "ppm", "carbon_dioxide", 7.0),
        ("co", "ppm", "carbon_monoxide_concentration", 7.0),
        ("voltage", "V", "battery_voltage", 7.0),
        ("voltage", "mV", "battery_voltage", 0.007),
        ("pressure", "kPa", "air_pressure", 70.0),
        ("pressure", "hPa", "air_pressure", 7.0),
        ("power", "W", "power", 7.0),
        ("total_power", "W", "power", 7.0),
        ("soil_moisture", "%", "soil_moisture", 7.0),
        ("hcho", "mg/m³", "formaldehyde", 7_000.0),
    ],
)
def test_the_same_key_in_each_of_its_units(name: str, unit: str, metric: str, seven: float) -> None:
    assert read(numeric(name, unit), 7) == {metric: pytest.approx(seven)}


def test_units_that_models_differ_in_are_all_read() -> None:
    """`voltage` is V on 304 models and mV on 297; no unit of a measured key is left out."""
    units: dict[str, dict[str, int]] = {}
    for name, unit, count in stats("numeric_property_unit"):
        units.setdefault(name, {})[str(unit)] = count
    assert (units["voltage"]["V"], units["voltage"]["mV"]) == (304, 297)
    for name, known in units.items():
        told = [bool(read(numeric(name, unit), 7)) for unit in known]
        assert all(told) or not any(told), (name, known)


def test_no_alarm_of_any_model_is_left_out() -> None:
    heard = 0
    for name, *how, count in stats("binary_property_on_off"):
        on, off = map(json.loads, how)
        metric = meant(words(name))
        if metric is None:
            continue
        if read(binary(name, on, off), on) == {metric: 1.0}:
            assert read(binary(name, on, off), off) == {metric: 0.0}
            heard += count
        else:
            assert NO_READING.search(name), name
    assert heard >= 60


@pytest.mark.parametrize("name", ["alarm", "alarm_1"])
@pytest.mark.parametrize(
    ("about", "metric"),
    [("Smoke detector", "smoke"), ("Fire alarm", "smoke"), ("Carbon monoxide alarm",
     "carbon_monoxide"), ("SOS button", "help"), ("Panic button", "help"), ("Siren", None)],
)  # fmt: skip
def test_a_bare_alarm_is_what_its_device_is(name: str, about: str, metric: str | None) -> None:
    definition = {"model": "X", "description": about, "exposes": [binary(name, True, False)]}
    learned = decode("bridge/devices", json.dumps(definition).encode(), ARRIVAL, {}).learned
    records = decode("thing", json.dumps({name: True}).encode(), ARRIVAL, learned).records
    assert [one.channel.metric for one in records] == ([metric] if metric else [])
