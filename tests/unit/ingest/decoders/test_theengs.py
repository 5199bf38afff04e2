"""Theengs Gateway and OpenMQTTGateway: whose it is, when it was, and what is passed on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.catalogue import catalogue
from ingest.decoders import rtl_433, source_of, theengs
from ingest.decoders.record import Decoded, DecodeError
from ingest.decoders.theengs import decode

ARRIVAL = 1_790_000_000.0
TOPIC = "TheengsGateway/BTtoMQTT/A4C138D5A6A2"
RADIO = "OpenMQTTGateway/RTL_433toMQTT"
LORA = "OpenMQTTGateway/LORAtoMQTT"
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def hears(told: Any, rest: str = TOPIC) -> Decoded:
    return decode(rest, json.dumps(told).encode(), ARRIVAL, {})


@pytest.mark.parametrize("rest", [TOPIC, f"home/{TOPIC}", "x/BTtoMQTT/a4c138d5a6a2"])
@pytest.mark.parametrize("id_", [{}, {"id": "a4:c1:38:d5:a6:a2"}, {"id": "hall"}, {"id": 5}])
def test_a_sensor_has_one_name_however_it_is_spelled(rest: str, id_: dict[str, Any]) -> None:
    records = hears({"tempc": 20.5, "rssi": -60} | id_, rest).records
    assert {one.channel.device for one in records} == {"A4:C1:38:D5:A6:A2"}


@pytest.mark.parametrize("told", [{"unixtime": 1772344800}, {"UTCtime": "2026-03-01T06:00:00Z"}])
def test_a_time_that_the_gateway_was_built_to_say_counts(told: dict[str, Any]) -> None:
    (record,) = hears({"tempc": 20.5} | told).records
    assert (record.time, record.dated) == (1772344800.0, True)


@pytest.mark.parametrize("told", [{}, {"unixtime": 12}, {"UTCtime": "x"}, {"time": 77777777}])
def test_without_a_time_it_counts_at_the_arrival(told: dict[str, Any]) -> None:
    (record,) = hears({"tempc": 20.5} | told).records
    assert (record.time, record.dated) == (ARRIVAL, False)


@pytest.mark.parametrize("unit", [None, "oz", "stone?"])
def test_a_weight_in_no_known_unit_is_kept_and_not_guessed(unit: str | None) -> None:
    (record,) = hears({"weight": 70.0} | ({"unit": unit} if unit else {})).records
    assert catalogue()["weight"].conversion(record.channel.unit) is None


def test_every_property_is_a_metric() -> None:
    for metric, unit in (
        *theengs._NUMBERS.values(),
        *theengs._OF_PEOPLE.values(),
        *rtl_433._NUMBERS.values(),
    ):
        assert catalogue()[metric].conversion(unit) is not None
    for metric in (*theengs._STATES.values(), *rtl_433._STATES.values()):
        assert catalogue().get(metric) is not None


@pytest.mark.parametrize(
    "topic",
    ["home/TheengsGateway/BTtoMQTT/A4C138D5A6A2", "home/OMG_ESP32_BLE/BTtoMQTT/A4C138D5A6A2",
     "koti/yläkerta/BTtoMQTT/A4C138D5A6A2", "home/OpenMQTTGateway/LWT",
     "home/OpenMQTTGateway/433toMQTT", "home/OpenMQTTGateway/commands/MQTTtoSYS/config"],
)  # fmt: skip
def test_topics_of_the_gateways_are_known(topic: str) -> None:
    assert source_of(topic) == ("theengs", topic)


@pytest.mark.parametrize(
    "told",
    [
        {"model": "Visonic-Powercode", "id": "0a1", "alarm": 1, "tamper": 0, "battery_ok": 1},
        {"model": "Chuango-Security", "id": 4, "cmd_id": 10, "cmd": "24H Zone"},
    ],
)
def test_an_alarm_of_nobody_knows_what_is_kept_and_not_guessed(told: dict[str, Any]) -> None:
    (kept,) = (one for one in hears(told, RADIO).records if one.original is not None)
    assert catalogue().get(kept.channel.metric) is None
    assert kept.value == 1.0


keys = st.sampled_from(
    [*theengs._NUMBERS, *theengs._OF_PEOPLE, *theengs._STATES, "weight", "unit", "open", "contact",
     "action", "button", "tempc", "tempf3", "smoke", "co", "id", "type", "model_id", "rssi",
     "unixtime", "UTCtime", "stable", *rtl_433._NUMBERS, *rtl_433._STATES, *rtl_433._TOLD,
     *rtl_433._KIND, *rtl_433._TRIAL, "switch1", "battery_ok", "channel", "message", "protocol"]
)  # fmt: skip
things = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
anything = st.recursive(things, lambda inner: st.lists(inner) | st.dictionaries(keys, inner))


@unhurried
@given(st.dictionaries(keys | st.text(), anything), st.sampled_from([TOPIC, RADIO, LORA, "", "/"]))
def test_any_properties_are_read_or_refused(told: dict[str, Any], rest: str) -> None:
    try:
        decoded = hears(told, rest)
    except DecodeError:
        return
    assert decoded.records or decoded.nothing
    for record in decoded.records:
        known = catalogue().get(record.channel.metric) is not None
        assert known == (record.original is None)
