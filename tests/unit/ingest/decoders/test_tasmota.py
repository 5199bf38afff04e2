"""Tasmota: sensors, meters and switches, local time, and what must be understood of anything."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.catalogue import catalogue
from ingest.decoders import source_of
from ingest.decoders.record import Decoded, DecodeError
from ingest.decoders.tasmota import decode

ARRIVAL = 1_780_000_000.0
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def hears(topic: str, payload: Any, definitions: dict[str, Any] | None = None) -> Decoded:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    known = {} if definitions is None else definitions
    decoded = decode(topic, raw, ARRIVAL, known)
    known.update(decoded.learned)
    assert decoded.records or decoded.nothing
    for record in decoded.records:
        assert catalogue()[record.channel.metric].conversion(record.channel.unit) is not None
    return decoded


def reads(topic: str, payload: Any, definitions: dict[str, Any] | None = None) -> set[Any]:
    return {(*one.channel, one.value) for one in hears(topic, payload, definitions).records}


@pytest.mark.parametrize("topic", ["tele/sänky/SENSOR", "sänky/tele/SENSOR"])
def test_a_board_with_one_sensor(topic: str) -> None:
    said = {
        "Time": "2026-05-28T23:26:30",
        "BME280": {"Temperature": 21.4, "Humidity": 40.1, "DewPoint": 7, "Pressure": 750.0},
        "PressureUnit": "mmHg",
        "TempUnit": "C",
    }
    assert source_of(topic) == ("tasmota", topic)
    assert reads(topic, said) == {
        ("sänky", "room_temperature", "Cel", 21.4),
        ("sänky", "humidity", "%", 40.1),
        ("sänky", "air_pressure", "mm[Hg]", 750.0),
    }
    assert {(one.time, one.dated) for one in hears(topic, said).records} == {(1779999990.0, True)}
    assert ("sänky", "room_temperature", "[degF]", 70.5) in reads(
        topic, {"DS18B20": {"Id": "0", "Temperature": 70.5}, "TempUnit": "F"}
    )


def test_sensors_of_one_kind_keep_their_own_names() -> None:
    known: dict[str, Any] = {}
    two = {"SCD30": {"CarbonDioxide": 800, "Temperature": 21}, "AM2301": {"Temperature": 20}}
    assert reads("tele/a/SENSOR", two, known) == {
        ("a/SCD30", "carbon_dioxide", "[ppm]", 800.0),
        ("a/SCD30", "room_temperature", "Cel", 21.0),
        ("a/AM2301", "room_temperature", "Cel", 20.0),
    }
    assert reads("tele/a/SENSOR", {"AM2301": {"Temperature": 20}}, known) == {
        ("a/AM2301", "room_temperature", "Cel", 20.0)
    }
    assert reads("tele/b/SENSOR", {"AM2301": {"Temperature": None, "Humidity": "x"}}) == set()


def test_a_meter_and_a_plug() -> None:
    meter = {"ENERGY": {"TotalStartTime": "x", "Total": 3.185, "Power": [12, 3.5], "Voltage": 230}}
    assert reads("tele/p/SENSOR", meter) == {
        ("p", "energy", "kWh", 3.185), ("p", "voltage", "V", 230.0),
        ("p/1", "power", "W", 12.0), ("p/2", "power", "W", 3.5),
    }  # fmt: skip
    state = {"Time": "2026-05-28T23:26:30", "POWER1": "ON", "POWER2": "OFF",
             "Wifi": {"RSSI": 60, "Signal": -70}}  # fmt: skip
    expected = {("p", "switch", None, 1.0), ("p/POWER2", "switch", None, 0.0)}
    assert reads("tele/p/STATE", state) == expected | {("p", "signal_strength", "dB[mW]", -70.0)}
    assert reads("stat/p/POWER", b"ON") == {("p", "switch", None, 1.0)}


def test_scales_and_other_sensors_heard_over_bluetooth() -> None:
    said = {"MISCALE-aabbcc": {"mac": "x", "Weight": 71.2, "weight_unit": "kg", "Impedance": 500},
            "MJ_HT_V1-0a0b0c": {"Temperature": 21, "Battery": 127, "RSSI": -60}}  # fmt: skip
    assert reads("tele/gw/SENSOR", said) == {
        ("gw/MISCALE-aabbcc", "weight", "kg", 71.2),
        ("gw/MISCALE-aabbcc", "impedance", "Ohm", 500.0),
        ("gw/MJ_HT_V1-0a0b0c", "room_temperature", "Cel", 21.0),
        ("gw/MJ_HT_V1-0a0b0c", "signal_strength", "dB[mW]", -60.0),
    }


def test_buttons_switches_and_alarms() -> None:
    pressed = {"Button1": {"Action": "SINGLE"}, "Switch1": {"Action": "ON"}}
    assert reads("stat/n/RESULT", pressed) == {
        ("n", "button", None, 1.0), ("n/Switch1", "switch", None, 1.0)
    }  # fmt: skip
    bridged = {"ZbReceived": {"0x1F": {"Device": "0x1F", "Name": "Savu", "Fire": 1, "Water": 0}}}
    assert reads("tele/zb/SENSOR", bridged) == {
        ("zb/Savu", "smoke", None, 1.0), ("zb/Savu", "water_leak", None, 0.0)
    }  # fmt: skip
    for said, metric in (({"Smoke": "ON"}, "smoke"), ({"CO": 1}, "carbon_monoxide"),
                         ({"X": {"SOS": True}}, "help"), ({"X": {"FallDetected": "1"}}, "fall"),
                         ({"Button1": {"Action": "SOS"}}, "help")):  # fmt: skip
        assert reads("tele/n/SENSOR", said) == {("n", metric, None, 1.0)}
    assert reads("tele/n/SENSOR", {"MQ2": {"Smoke": 35}}) == set()
    assert reads("tele/n/SENSOR", {"MQ": {"CO": 35}}) == {
        ("n", "carbon_monoxide_concentration", "[ppm]", 35.0)
    }


@pytest.mark.parametrize(
    ("said", "minutes"),
    [
        ("2026-10-25T03:30:00", 1), ("2026-10-25T03:30:00", 61),
        ("2026-10-25T03:30:00+02:00", 61), ("2026-10-25T00:30:00Z", 1),
    ],
)  # fmt: skip
def test_the_hour_that_autumn_repeats_is_the_one_near_the_arrival(said: str, minutes: int) -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC).timestamp()
    arrival = first + minutes * 60
    payload = json.dumps({"Time": said, "A": {"Temperature": 1}}).encode()
    [record] = decode("tele/a/SENSOR", payload, arrival, {}).records
    assert record.time == arrival - 60


@pytest.mark.parametrize("said", ["1970-01-01T00:00:09", None, "now", 12, "0001-01-01T00:00:00"])
def test_a_clock_that_was_never_set_is_not_asked(said: Any) -> None:
    [record] = hears("tele/a/SENSOR", {"Time": said, "A": {"Temperature": 1}}).records
    assert (record.time, record.dated) == (ARRIVAL, False)


def test_what_is_no_reading() -> None:
    for topic, said in (("tele/a/LWT", b"Online"), ("cmnd/a/POWER", b"ON"), ("stat/a/X", b""),
                        ("tele/a/INFO1", b'{"Info1":{"Module":"x"}}'),
                        ("tasmota/discovery/AABB/config", b'{"t":"a"}'),
                        ("stat/a/STATUS", b'{"Status":{"Power":"1"}}')):  # fmt: skip
        assert hears(topic, said).records == []
    status = {"StatusSNS": {"Time": "x", "AM2301": {"Humidity": 40}}}
    assert reads("stat/a/STATUS8", status) == {("a", "humidity", "%", 40.0)}


@pytest.mark.parametrize(
    "payload", [b'{"a":' * 99_999, b'{"a":1e999}', b'{"a":1,"a":2}', b'{"\xff']
)
def test_broken_json_is_refused_in_one_sentence(payload: bytes) -> None:
    with pytest.raises(DecodeError, match=r"\.$"):
        decode("tele/a/SENSOR", payload, ARRIVAL, {})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5)
    | st.dictionaries(
        st.sampled_from(["Time", "ENERGY", "Power", "Temperature", "ZbReceived", "Wifi", "SOS",
                         "Button1", "Action", "Weight", "TempUnit", "StatusSNS", "POWER"])
        | st.text(max_size=8), inner, max_size=6),
    max_leaves=30,
)  # fmt: skip


@unhurried
@given(st.sampled_from(["tele/a/SENSOR", "stat/a/RESULT", "stat/a/STATUS8", "a/tele/X", ""]), JSON)
def test_any_json_is_decoded_or_refused(topic: str, said: Any) -> None:
    try:
        decoded = decode(topic, json.dumps(said).encode(), ARRIVAL, {})
    except DecodeError:
        return
    for record in decoded.records:
        assert isinstance(record.value, float)
        assert math.isfinite(record.value)
        assert math.isfinite(record.time)
