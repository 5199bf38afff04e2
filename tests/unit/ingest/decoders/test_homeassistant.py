"""Home Assistant's discovery: what is announced, and what states then mean."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.decoders.homeassistant import decode
from ingest.decoders.record import Decoded, DecodeError

ARRIVAL = 1_790_000_000.0
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Home:
    """A gateway's messages, one after another."""

    def __init__(self) -> None:
        self.definitions: dict[str, Any] = {}

    def send(self, topic: str, payload: Any) -> Decoded:
        text = payload if isinstance(payload, str) else json.dumps(payload)
        decoded = decode(topic, text.encode(), ARRIVAL, self.definitions)
        for key, learned in decoded.learned.items():
            json.dumps(learned)  # plain data
            self.definitions[key] = learned
            if learned is None:
                del self.definitions[key]
        return decoded

    def read(self, topic: str, payload: Any) -> list[tuple[str, str, Any, str | None]]:
        return [
            (record.channel.device, record.channel.metric, record.value, record.channel.unit)
            for record in self.send(topic, payload).records
        ]

    def announce(self, component: str, name: str = "one", /, **config: Any) -> None:
        config.setdefault("stat_t", "t")
        config.setdefault("dev", {"ids": ["d"]})
        assert self.send(f"homeassistant/{component}/d/{name}/config", config).records == []


def one(component: str, state: Any, name: str = "one", /, **config: Any) -> tuple[str, Any, Any]:
    """Metric, value and unit that a single entity's state is read as."""
    home = Home()
    home.announce(component, name, **config)
    ((_, metric, value, unit),) = home.read("t", state)
    return metric, value, unit


def test_an_esphome_node_with_base_topic_availability_and_logs() -> None:
    home = Home()
    home.announce(
        "sensor", "temperature", **{"~": "bed"}, stat_t="~/sensor/temperature/state",
        avty_t="bed/status", dev_cla="temperature", unit_of_meas="°C", stat_cla="measurement",
        dev={"ids": "a4cf12", "name": "bed", "mf": "espressif"},
    )  # fmt: skip
    state = home.send("bed/sensor/temperature/state", "21.5")
    (record,) = state.records
    assert record.channel == ("a4cf12", "room_temperature", "Cel")
    assert (record.value, record.time, record.dated) == (21.5, ARRIVAL, False)
    assert home.send("bed/status", "online").nothing
    assert home.send("bed/debug", "[I][wifi] connected").nothing == "a log"
    assert home.send("bed/sensor/temperature/state", "nan").records == []


def test_the_base_topic_may_also_end_a_topic_and_stand_in_lists() -> None:
    home = Home()
    home.announce("sensor", **{"~": "base"}, stat_t="x/~", dev_cla="humidity",
                  avty=[{"t": "~/up", "val_tpl": "{{ value }}"}])  # fmt: skip
    assert home.read("x/base", "40") == [("d", "humidity", 40.0, "%")]
    assert home.send("base/up", "1").nothing


def test_a_device_with_components() -> None:
    home = Home()
    config = {
        "dev": {"ids": "radar", "name": "Fall radar"}, "o": {"name": "maker"}, "stat_t": "r/state",
        "cmps": {
            "fall": {"p": "binary_sensor", "name": "Fall detected",
                     "val_tpl": "{{ value_json.fall }}", "pl_on": True, "pl_off": False},
            "motion": {"p": "binary_sensor", "dev_cla": "motion",
                       "val_tpl": "{{ 'ON' if value_json.moves else 'OFF' }}"},
            "scale": {"p": "sensor", "dev_cla": "weight", "unit_of_meas": "kg", "stat_t": "r/kg"},
            "gone": {"p": "sensor"},
        },
    }  # fmt: skip
    home.send("homeassistant/device/radar/config", config)
    assert home.read("r/state", {"fall": True, "moves": False}) == [
        ("radar", "fall", 1.0, None),
        ("radar", "motion", 0.0, None),
    ]
    assert home.read("r/kg", "80.2") == [("radar", "weight", 80.2, "kg")]
    home.send("homeassistant/device/radar/config", "")
    with pytest.raises(DecodeError, match="announcement"):
        home.send("r/kg", "80.2")


def test_a_customised_prefix_and_one_that_the_bridge_took_off() -> None:
    for topic in ("our/own/sensor/x/config", "sensor/n/x/config"):
        home = Home()
        home.send(topic, {"state_topic": "t", "device_class": "battery"})
        ((_, metric, value, unit),) = home.read("t", "80")
        assert (metric, value, unit) == ("battery", 80.0, "%")


def test_an_oximeter_is_told_by_unit_and_words() -> None:
    home = Home()
    for name, words, unit in (("a", "Syke", "bpm"), ("b", "Happisaturaatio", "%")):
        home.announce("sensor", name, name=words, unit_of_meas=unit,
                      val_tpl="{{ value_json." + name + " }}")  # fmt: skip
    assert home.read("t", {"a": 61, "b": 97}) == [
        ("d", "pulse", 61.0, "/min"),
        ("d", "spo2", 97.0, "%"),
    ]
    assert home.read("t", {"a": None, "b": "97"}) == [("d", "spo2", 97.0, "%")]


@pytest.mark.parametrize(
    ("config", "metric"),
    [
        ({"name": "Temperature"}, "room_temperature"),
        ({"name": "Body temperature"}, "temperature"),
        ({"name": "Kuume"}, "temperature"),
        ({"name": "Internal temperature", "ent_cat": "diagnostic"}, "device_temperature"),
        ({"name": "Skin temperature"}, "skin_temperature"),
        ({"name": "Temperature", "dev": {"ids": "x", "name": "Fever patch"}}, "temperature"),
    ],
)
def test_whose_temperature_it_is(config: dict[str, Any], metric: str) -> None:
    config = {"dev_cla": "temperature", "unit_of_meas": "°F", **config}
    assert one("sensor", "98.6", **config) == (metric, 98.6, "[degF]")


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"dev_cla": "carbon_monoxide", "unit_of_meas": "ppm"},
         ("carbon_monoxide_concentration", 5.0, "[ppm]")),
        ({"dev_cla": "blood_glucose_concentration", "unit_of_meas": "mg/dL"},
         ("glucose", 5.0, "mg/dL")),
        ({"dev_cla": "atmospheric_pressure", "unit_of_meas": "hPa"}, ("air_pressure", 5.0, "hPa")),
        ({"dev_cla": "weight", "unit_of_meas": "lb", "name": "Muscle mass"},
         ("muscle_mass", 5.0, "[lb_av]")),
        ({"dev_cla": "pm25", "unit_of_meas": "µg/m³"}, ("pm2_5", 5.0, "ug/m3")),
        ({"dev_cla": "energy", "unit_of_meas": "MWh"}, ("energy", 5000.0, "kWh")),
        ({"dev_cla": "signal_strength", "unit_of_meas": "dBm"}, ("signal_strength", 5.0, "dB[mW]")),
        ({"name": "Systolic", "unit_of_meas": "mmHg"}, ("systolic", 5.0, "mm[Hg]")),
        ({"dev_cla": "illuminance", "unit_of_meas": "lx"}, ("illuminance", 5.0, "lx")),
    ],
)  # fmt: skip
def test_classes_and_units(config: dict[str, Any], expected: tuple[str, float, str]) -> None:
    assert one("sensor", "5", **config) == expected


@pytest.mark.parametrize(
    ("device_class", "metric"),
    [("smoke", "smoke"), ("carbon_monoxide", "carbon_monoxide"), ("gas", "gas"), ("lock", "lock"),
     ("moisture", "water_leak"), ("motion", "motion"), ("occupancy", "presence"),
     ("door", "door"), ("window", "door"), ("opening", "door"), ("vibration", "vibration"),
     ("tamper", "tamper"), ("problem", "fault"), ("battery", "battery_low")],
)  # fmt: skip
def test_binary_classes(device_class: str, metric: str) -> None:
    assert one("binary_sensor", "ON", dev_cla=device_class) == (metric, 1.0, None)
    config = {"dev_cla": device_class, "pl_on": "yes", "pl_off": "no way"}
    assert one("binary_sensor", "no way", **config) == (metric, 0.0, None)


@pytest.mark.parametrize(
    ("component", "name", "state", "config", "metric"),
    [
        ("event", "action", {"event_type": "press"}, {"dev": {"name": "Hätäpainike"}}, "help"),
        ("event", "action", {"event_type": "emergency"}, {}, "help"),
        ("binary_sensor", "sos", "ON", {}, "help"),
        ("binary_sensor", "sos", "true", {"dev_cla": "safety"}, "help"),
        ("binary_sensor", "x", "ON", {"name": "Kaatuminen", "dev_cla": "problem"}, "fall"),
        ("binary_sensor", "fall_detected", "alarm", {"dev_cla": "motion"}, "fall"),
        ("sensor", "fall_status", "fall_alarm", {}, "fall"),
        ("sensor", "action", "emergency", {}, "help"),
        ("sensor", "action", "single", {"dev": {"name": "SOS"}}, "help"),
        ("binary_sensor", "smoke", "1", {"dev_cla": "smoke"}, "smoke"),
        ("device_automation", "b", "panic", {"t": "t", "pl": "panic", "type": "panic"}, "help"),
    ],
)
def test_life_safety_is_never_missed(
    component: str, name: str, state: Any, config: dict[str, Any], metric: str
) -> None:
    assert one(component, state, name, **config)[:2] == (metric, 1.0)


def test_what_is_beside_the_event_is_not_the_event() -> None:
    home = Home()
    home.announce("binary_sensor", "motion", name="Fall radar motion", dev_cla="motion",
                  dev={"ids": "d", "name": "Fall radar"})  # fmt: skip
    assert home.read("t", "ON") == [("d", "motion", 1.0, None)]
    assert one("sensor", "3", "fall_count", unit_of_meas="x", dev_cla="battery")[0] == "battery"


def test_a_smoke_alarm_that_is_tested_has_seen_no_smoke() -> None:
    home = Home()
    home.announce("binary_sensor", "smoke_alarm_test")
    assert home.send("t", "ON").records == []


def test_a_button_a_release_and_nothing() -> None:
    home = Home()
    home.announce("sensor", "action", val_tpl="{{ value_json.action }}")
    assert home.read("t", {"action": "single"}) == [("d", "button", 1.0, None)]
    for nothing in ("", None, "release"):
        assert home.read("t", {"action": nothing}) == []


def test_several_entities_of_one_metric_are_told_apart_in_any_order() -> None:
    names = ("temperature", "probe_1", "probe_2")
    for order in (names, names[::-1]):
        home = Home()
        for name in order:
            home.announce("sensor", name, dev_cla="temperature", unit_of_meas="°C", stat_t=name)
        devices = [home.read(name, "20")[0][0] for name in names]
        assert devices == ["d", "d/probe_1", "d/probe_2"]


def test_what_is_no_reading_is_understood() -> None:
    home = Home()
    for component in ("light", "climate", "button"):
        home.announce(component, cmd_t="t/set", stat_t="t")
    home.announce("sensor", "ip", name="IP address", stat_t="t/ip")
    assert home.send("t/ip", "10.0.0.1").nothing
    assert home.send("t/set", "ON").nothing
    assert home.send("homeassistant/status", "online").nothing


def test_a_text_where_a_number_belongs_is_kept() -> None:
    home = Home()
    home.announce("sensor", "a", dev_cla="humidity", val_tpl="{{ value_json.a }}")
    home.announce("sensor", "b", dev_cla="battery", val_tpl="{{ value_json.b }}")
    with pytest.raises(DecodeError) as refusal:  # the whole message is kept
        home.send("t", {"a": "moist", "b": "1e400"})
    assert refusal.value.reason == "no_value"
    assert home.read("t", {"a": "moist", "b": "50"}) == [  # what is wrong is kept, the rest used
        ("d", "humidity", "moist", "%"),
        ("d", "battery", 50.0, "%"),
    ]


def test_a_state_topic_may_have_wildcards() -> None:
    home = Home()
    home.announce("sensor", "a", dev_cla="humidity", stat_t="+/+/BTtoMQTT/A4C138")
    home.announce("sensor", "b", dev_cla="battery", stat_t="deep/#")
    assert home.read("home/hub/BTtoMQTT/A4C138", "40") == [("d", "humidity", 40.0, "%")]
    assert home.read("deep/er/est", "50") == [("d", "battery", 50.0, "%")]
    for other in ("home/BTtoMQTT/A4C138", "home/hub/BTtoMQTT/B", "deeper"):
        with pytest.raises(DecodeError):
            home.send(other, "40")


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        ("x/y", "1", "unknown_definition"),
        ("homeassistant/sensor/x/config", "{", "unreadable"),
        ("homeassistant/sensor/x/config", "[" * 100_000, "unreadable"),
        ("homeassistant/sensor/x/config", '{"a":1,"a":2}', "unreadable"),
        ("homeassistant/sensor/x/config", '{"a":1e999}', "unreadable"),
        ("homeassistant/sensor/x/config", "[]", "bad_definition"),
    ],
)
def test_what_is_refused(topic: str, payload: str, reason: str) -> None:
    with pytest.raises(DecodeError) as refusal:
        Home().send(topic, payload)
    assert refusal.value.reason == reason


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
_KEYS = st.sampled_from(
    ["dev", "device", "~", "stat_t", "avty", "cmps", "dev_cla", "unit_of_meas", "val_tpl", "name",
     "p", "pl_on", "t", "ids", "cns", "availability_topic", "unique_id", "type"]
)  # fmt: skip


@given(st.dictionaries(_KEYS, _JSON | st.dictionaries(_KEYS, _JSON)),
       st.sampled_from(["sensor", "device", "event", "binary_sensor", "device_automation"]),
       st.text())  # fmt: skip
@unhurried
def test_no_configuration_breaks_it(config: dict[str, Any], component: str, state: str) -> None:
    config.setdefault("stat_t", "t")
    home = Home()
    with suppress(DecodeError):
        home.send(f"homeassistant/{component}/x/config", config)
        home.send("t", state)


def test_many_entities_of_one_topic_take_bounded_work() -> None:
    home = Home()
    parts = {
        f"e{number}": {"p": "sensor", "dev_cla": "humidity",
                       "val_tpl": "{{ value|upper|lower|replace('a','bbbbbb')|upper|length }}"}
        for number in range(256)
    }  # fmt: skip
    home.send("homeassistant/device/d/config", {"stat_t": "t", "cmps": parts})
    home.send("t", "a")  # templates are parsed once
    start = time.thread_time()
    home.send("t", "a" * 1_000)
    assert time.thread_time() - start < 0.5


@pytest.mark.parametrize(
    ("name", "device_class", "metric"),
    [
        ("Detector", "safety", "help"),
        ("Zone 3", "safety", "help"),
        ("Smoke", "safety", "smoke"),
        ("Heat alarm", "safety", "smoke"),
        ("Heat detector", "heat", "smoke"),
        ("Overheating", "", "smoke"),
        ("Tamper", "safety", "tamper"),
        ("Front door", "safety", "door"),
    ],
)
def test_what_is_unsafe_calls_for_help(name: str, device_class: str, metric: str) -> None:
    config = {"name": name, "dev_cla": device_class} if device_class else {"name": name}
    assert one("binary_sensor", "ON", **config) == (metric, 1.0, None)
    assert one("binary_sensor", "OFF", **config) == (metric, 0.0, None)


@pytest.mark.parametrize("name", ["Alarm test", "Mute", "Heating", "Alarm volume"])
def test_what_is_beside_an_alarm_is_none(name: str) -> None:
    home = Home()
    home.announce("binary_sensor", name=name, dev_cla="safety")
    assert home.read("t", "ON") == []


HOSTILE = [
    "{{ states('binary_sensor.x') }}",
    "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{% for i in range(10**9) %}x{% endfor %}",
    "{% for i in range(999) %}{% for j in range(999) %}{% endfor %}{% endfor %}",
    "{{ 'x' * 10**9 }}",
    "{{ 1 / 0 }}",
    "{{ {{",
    "{{ value }}" + " " * 3_000,
    "{{ value_json.state }}",
]


@pytest.mark.parametrize("template", HOSTILE, ids=lambda one: one[:30])
@pytest.mark.parametrize("kind", ["smoke", "carbon_monoxide"])
def test_a_plain_on_is_heard_whatever_the_template_is(template: str, kind: str) -> None:
    home = Home()
    home.announce("binary_sensor", val_tpl=template, dev_cla=kind)
    assert [one[1:3] for one in home.read("t", "ON")] == [(kind, 1.0)]
    assert [one[1:3] for one in home.read("t", "OFF")] == [(kind, 0.0)]
    assert home.read("t", "unavailable" if "value_json" in template else "") == []


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        ({"smoke": True, "battery": 3}, 1.0),
        ({"smoke": False, "battery": 3}, 0.0),
        ({"smoke": "clear", "test": "ON"}, 0.0),
        ({"smoke_fault": True, "state": "OFF"}, 0.0),
        ({"sensors": [{"smoke_detected": 0}, {"smoke_detected": 1}]}, 1.0),
        ({"alarm": "smoke"}, 1.0),
        ({"state": "ON"}, 1.0),
        (["OFF"], 0.0),
    ],
)
def test_life_safety_in_json_without_its_template(payload: Any, value: float) -> None:
    home = Home()
    home.announce("binary_sensor", val_tpl="{{ states('x') }}", dev_cla="smoke")
    assert [one[1:3] for one in home.read("t", payload)] == [("smoke", value)]


@pytest.mark.parametrize(
    "payload", [{"a": "ON", "b": "OFF"}, {"battery": 3}, {"smoke": None}, {"smoke_fault": True}]
)
def test_what_says_nothing_of_it_is_refused_and_not_guessed(payload: Any) -> None:
    home = Home()
    home.announce("binary_sensor", val_tpl="{{ states('x') }}", dev_cla="smoke")
    with pytest.raises(DecodeError):
        home.read("t", payload)


def test_a_large_payload_without_its_template_takes_little_time() -> None:
    home = Home()
    home.announce("binary_sensor", val_tpl="{{ states('x') }}", dev_cla="smoke")
    before = time.process_time()
    with suppress(DecodeError):
        home.read("t", [["ON"] * 50, {"smoke": []}] * 2_000)
    assert time.process_time() - before < 1.0
