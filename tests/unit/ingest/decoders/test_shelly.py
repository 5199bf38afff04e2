"""Shelly: components and events of the second generation, single values of the first."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.catalogue import catalogue
from ingest.decoders import source_of
from ingest.decoders.record import Decoded, DecodeError
from ingest.decoders.shelly import decode

ARRIVAL = 1_780_000_000.0
THEN = 1_779_999_990.5
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def hears(topic: str, payload: Any, definitions: dict[str, Any] | None = None) -> Decoded:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    known = {} if definitions is None else definitions
    decoded = decode(topic, raw, ARRIVAL, known)
    for key, value in decoded.learned.items():
        if value is None:
            known.pop(key, None)
        else:
            known[key] = value
    assert decoded.records or decoded.nothing
    for record in decoded.records:
        assert catalogue()[record.channel.metric].conversion(record.channel.unit) is not None
    return decoded


def reads(topic: str, payload: Any, definitions: dict[str, Any] | None = None) -> set[Any]:
    return {(*one.channel, one.value) for one in hears(topic, payload, definitions).records}


def notify(params: dict[str, Any], method: str = "NotifyStatus") -> dict[str, Any]:
    return {"src": "shelly-x", "dst": "x/events", "method": method, "params": {"ts": THEN} | params}


def test_a_thermometer_wakes_and_tells_everything() -> None:
    power = {"battery": {"V": 5.3, "percent": 73}, "external": {"present": False}}
    told = {"temperature:0": {"id": 0, "tC": 21.3, "tF": 70.3}, "humidity:0": {"rh": 40.5},
            "wifi": {"rssi": -61}, "devicepower:0": power}  # fmt: skip
    said = notify(told, "NotifyFullStatus")
    topic = "shellyplusht-aa/events/rpc"
    assert source_of(topic) == ("shelly", topic)
    assert reads(topic, said) == {
        ("shellyplusht-aa", "room_temperature", "Cel", 21.3),
        ("shellyplusht-aa", "humidity", "%", 40.5),
        ("shellyplusht-aa", "signal_strength", "dB[mW]", -61.0),
        ("shellyplusht-aa", "battery", "%", 73.0),
        ("shellyplusht-aa", "battery_voltage", "V", 5.3),
    }
    assert {(one.time, one.dated) for one in hears(topic, said).records} == {(THEN, True)}
    said["params"]["devicepower:0"]["external"]["present"] = True
    assert not any(metric == "battery" for _, metric, *_ in reads(topic, said))
    for unset in (None, 12.5, "x", 1e300):
        said["params"]["ts"] = unset
        assert {(one.time, one.dated) for one in hears(topic, said).records} == {(ARRIVAL, False)}


@pytest.mark.parametrize("value", [True, "true", 1, "alarm"])
@pytest.mark.parametrize(
    ("component", "metric"),
    [("smoke:0", "smoke"), ("co:0", "carbon_monoxide"), ("flood:0", "water_leak"),
     ("fall:0", "fall"), ("sos:0", "help")],
)  # fmt: skip
def test_alarms(component: str, metric: str, value: Any) -> None:
    alarmed = {component: {"id": 0, "alarm": value, "mute": False}}
    assert reads("olo/huone/events/rpc", notify(alarmed)) == {("olo/huone", metric, None, 1.0)}
    assert reads(f"shelly-1/status/{component}", alarmed[component]) == {
        ("shelly-1", metric, None, 1.0)
    }
    assert reads("shelly-1/events/rpc", notify({component: {"alarm": None}})) == set()
    assert reads("shelly-1/events/rpc", notify({component: {"alarm": False}})) == {
        ("shelly-1", metric, None, 0.0)
    }


@pytest.mark.parametrize(
    ("component", "event", "expected"),
    [
        ("smoke:0", "alarm", {("smoke", 1.0)}), ("smoke:0", "alarm_off", {("smoke", 0.0)}),
        ("smoke:0", "alarm_test", {("self_test", 1.0)}),
        ("input:0", "single_push", {("button", 1.0)}),
        ("input:0", "btn_up", {("button", 0.0)}), ("input:0", "emergency", {("help", 1.0)}),
        ("input:0", "sos", {("help", 1.0)}), ("flood:0", "alarm", {("water_leak", 1.0)}),
        ("sys", "sleep", set()), ("input:0", "config_changed", set()),
    ],
)  # fmt: skip
def test_events(component: str, event: str, expected: set[Any]) -> None:
    one = {"component": component, "id": 0, "event": event, "ts": THEN - 1}
    decoded = hears("shelly-1/events/rpc", notify({"events": [one]}, "NotifyEvent"))
    assert {(record.channel.metric, record.value) for record in decoded.records} == expected
    assert {record.time for record in decoded.records} <= {THEN - 1}


def test_switches_and_meters_are_devices_of_their_own_beyond_the_first() -> None:
    on = {"output": True, "apower": 8.9, "voltage": 237.5, "aenergy": {"total": 1500.0},
          "temperature": {"tC": 43.1}}  # fmt: skip
    said = {"switch:0": on, "switch:1": {"output": False}, "input:0": {"state": False}}
    expected = {
        ("s", "switch", None, 1.0), ("s", "power", "W", 8.9), ("s", "voltage", "V", 237.5),
        ("s", "energy", "Wh", 1500.0), ("s", "device_temperature", "Cel", 43.1),
        ("s/switch:1", "switch", None, 0.0), ("s/input:0", "switch", None, 0.0),
    }  # fmt: skip
    assert reads("s/events/rpc", notify(said)) == expected
    assert reads("s/status", said) == expected
    assert reads("asker/rpc", {"id": 1, "src": "s", "result": said}) == expected
    assert reads("s/rpc", {"id": 1, "src": "asker", "method": "Switch.Set", "params": on}) == set()
    em = {"a_act_power": 10.0, "a_voltage": 230.0, "total_act_power": 30.0}
    assert reads("s/status/em:0", em) == {
        ("s", "power", "W", 30.0), ("s/phase_a", "power", "W", 10.0),
        ("s/phase_a", "voltage", "V", 230.0),
    }  # fmt: skip


def test_a_blu_sensor_that_a_gateway_heard() -> None:
    data = {"address": "AA:BB", "battery": 99, "button": [0, 1], "motion": 1, "window": 0,
            "temperature": 21.5, "rssi": -70}  # fmt: skip
    one = {"component": "script:1", "event": "shelly-blu", "data": data, "ts": THEN}
    assert reads("gw/events/rpc", notify({"events": [one]}, "NotifyEvent")) == {
        ("aa:bb", "battery", "%", 99.0), ("aa:bb", "button", None, 1.0),
        ("aa:bb", "motion", None, 1.0), ("aa:bb", "door", None, 0.0),
        ("aa:bb", "room_temperature", "Cel", 21.5), ("aa:bb", "signal_strength", "dB[mW]", -70.0),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("below", "said", "expected"),
    [
        ("sensor/temperature", b"21.5", ("h", "room_temperature", "Cel", 21.5)),
        ("sensor/humidity", b"40", ("h", "humidity", "%", 40.0)),
        ("sensor/smoke", b"true", ("h", "smoke", None, 1.0)),
        ("sensor/smoke", b"false", ("h", "smoke", None, 0.0)),
        ("sensor/flood", b"true", ("h", "water_leak", None, 1.0)),
        ("sensor/state", b"open", ("h", "door", None, 1.0)),
        ("sensor/gas", b"heavy", ("h", "gas", None, 1.0)),
        ("sensor/gas", b"test", ("h", "self_test", None, 1.0)),
        ("sensor/lux", b"120", ("h", "illuminance", "lx", 120.0)),
        ("relay/0", b"on", ("h", "switch", None, 1.0)),
        ("relay/1", b"off", ("h/relay:1", "switch", None, 0.0)),
        ("relay/0/power", b"12.5", ("h", "power", "W", 12.5)),
        ("relay/0/energy", b"6000", ("h", "energy", "Wh", 100.0)),
        ("emeter/1/voltage", b"231", ("h/emeter:1", "voltage", "V", 231.0)),
        ("emeter/0/total", b"10", ("h", "energy", "Wh", 10.0)),
        ("temperature", b"50", ("h", "device_temperature", "Cel", 50.0)),
        ("input_event/0", b'{"event":"S","event_cnt":5}', ("h", "button", None, 1.0)),
        ("input_event/0", b'{"event":"sos","event_cnt":5}', ("h", "help", None, 1.0)),
        ("ext_temperature/0", b"20", ("h/ext_temperature:0", "room_temperature", "Cel", 20.0)),
    ],
)
def test_the_first_generation(below: str, said: bytes, expected: tuple[Any, ...]) -> None:
    assert reads(f"shellies/h/{below}", said) == {expected}
    assert {one.dated for one in hears(f"h/{below}", said).records} == {False}


def test_what_the_first_generation_must_be_read_with() -> None:
    known: dict[str, Any] = {}
    assert reads("shellies/h/info", {"tmp": {"value": 70.5, "units": "F"}}, known) == set()
    assert reads("shellies/h/sensor/temperature", b"70.5", known) == {
        ("h", "room_temperature", "[degF]", 70.5)
    }
    assert reads("shellies/h/sensor/ext_power", b"true", known) == set()
    assert reads("shellies/h/sensor/battery", b"0", known) == set()
    hears("shellies/h/sensor/ext_power", b"false", known)
    hears("shellies/h/info", {"tmp": {"units": "C"}}, known)
    assert known == {}
    said = {"motion": True, "vibration": False, "lux": 7, "bat": 90}
    assert reads("shellies/m/status", said) == {
        ("m", "motion", None, 1.0), ("m", "vibration", None, 0.0), ("m", "illuminance", "lx", 7.0),
        ("m", "battery", "%", 90.0),
    }  # fmt: skip


def test_what_is_no_reading() -> None:
    for topic, said in (("shellies/announce", b'{"id":"x"}'), ("shellies/h/online", b"true"),
                        ("shelly-1/online", b"false"), ("shellies/h/relay/0/command", b"on"),
                        ("shelly-1/debug/log", b"smoke"), ("shellies/h/sensor/battery", b""),
                        ("shellies/h/sensor/motion", b"unknown"), ("shelly-1/rpc", b'{"id":1}'),
                        ("shellies/h/input_event/0", b'{"event":"","event_cnt":0}')):  # fmt: skip
        assert hears(topic, said).records == []
    with pytest.raises(DecodeError, match=r"\.$"):
        decode("a/b", b"1", ARRIVAL, {})


@pytest.mark.parametrize(
    "payload", [b'{"a":' * 99_999, b'{"a":1e999}', b'{"a":1,"a":2}', b'{"\xff']
)
@pytest.mark.parametrize("topic", ["s/events/rpc", "s/status/smoke:0", "shellies/s/info"])
def test_broken_json_is_refused_in_one_sentence(topic: str, payload: bytes) -> None:
    with pytest.raises(DecodeError, match=r"\.$"):
        decode(topic, payload, ARRIVAL, {})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5)
    | st.dictionaries(
        st.sampled_from(["params", "result", "ts", "events", "event", "component", "data", "src",
                         "method", "smoke:0", "em:0", "switch:1", "alarm", "aenergy", "battery",
                         "devicepower:0", "tmp", "units", "motion", "sos"])
        | st.text(max_size=8), inner, max_size=6),
    max_leaves=30,
)  # fmt: skip
TOPICS = st.sampled_from(
    ["s/events/rpc", "s/rpc", "s/status/em:0", "s/status", "shellies/s/status", "shellies/s/info",
     "shellies/s/input_event/0", "shellies/s/sensor/smoke", "shellies/s/relay/0/power", "", "/"]
)  # fmt: skip


@unhurried
@given(TOPICS, JSON)
def test_any_json_is_decoded_or_refused(topic: str, said: Any) -> None:
    try:
        decoded = decode(topic, json.dumps(said).encode(), ARRIVAL, {})
    except DecodeError:
        return
    for record in decoded.records:
        assert isinstance(record.value, float)
        assert math.isfinite(record.value)
        assert math.isfinite(record.time)
