"""Ruuvi: broadcasts, what the gateway makes of them, and BTHome that it forwards."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalogue import catalogue
from ingest.decoders import bthome
from ingest.decoders.advertisement import advertised
from ingest.decoders.record import Decoded, DecodeError
from ingest.decoders.ruuvi import decode

ARRIVAL = 1_790_000_000.0
THEN = 1_772_344_800
GOOD = "0201061BFF99040512FC5394C37C0004FFFC040CAC364200CDCBB8334C884F"
ENCRYPTED = "0201061BFF990408" + "00" * 23
TOPIC = "ruuvi/C8:25:2D:8E:9C:2C/F4:1F:0C:28:CB:D6"


def hears(told: Any, topic: str = TOPIC) -> Decoded:
    return decode(topic, json.dumps(told).encode(), ARRIVAL, {})


def batch(**data: str) -> dict[str, Any]:
    tags = {name: {"rssi": -60, "timestamp": THEN, "data": one} for name, one in data.items()}
    return {"data": {"coordinates": "", "timestamp": THEN, "gw_mac": "x", "tags": tags}}


def test_it_counts_when_the_gateway_heard_it() -> None:
    said = {"gw_mac": "x", "rssi": -60, "gwts": THEN + 9, "ts": THEN, "data": GOOD}
    assert {(one.time, one.dated) for one in hears(said).records} == {(THEN, True)}


@pytest.mark.parametrize("when", [{}, {"ts": 0}, {"ts": 12}, {"ts": None}, {"ts": 1e300}])
def test_a_gateway_without_a_clock_is_heard_at_the_arrival(when: dict[str, Any]) -> None:
    said = {"gw_mac": "x", "rssi": -60, "cnt": 5, "data": GOOD} | when
    assert {(one.time, one.dated) for one in hears(said).records} == {(ARRIVAL, False)}


def test_one_sensor_that_cannot_be_read_does_not_spoil_the_others() -> None:
    records = hears(batch(a=GOOD, b=ENCRYPTED, c="AA")).records
    kept = {(one.channel.device, one.channel.metric) for one in records if one.value is None}
    assert kept == {("b", "encrypted"), ("c", "not_advertisement")}
    assert {one.channel.device for one in records if one.value is not None} == {"a"}


def test_sensors_of_which_none_can_be_read_are_refused() -> None:
    with pytest.raises(DecodeError) as caught:
        hears(batch(b=ENCRYPTED))
    assert caught.value.reason == "encrypted"
    assert "8" in str(caught.value)


@pytest.mark.parametrize("name", ["", "x" * 257, "\x00"])
def test_a_sensor_has_a_name(name: str) -> None:
    with pytest.raises(DecodeError):
        hears(batch(**{name: GOOD}))


def test_null_of_the_gateway_is_unknown_although_the_broadcast_is_there() -> None:
    said = {"gw_mac": "x", "ts": THEN, "data": GOOD, "dataFormat": 5, "temperature": None}
    assert hears(said | {"rssi": -1}).records == []


def test_a_broadcast_alone_has_its_own_address() -> None:
    records = decode("advertisement", bytes.fromhex(GOOD), ARRIVAL, {}).records
    assert {one.channel.device for one in records} == {"CB:B8:33:4C:88:4F"}
    named = decode("hall/payload", bytes.fromhex(GOOD)[7:], ARRIVAL, {}).records
    assert {one.channel.device for one in named} == {"hall"}


def values(data: str) -> dict[str, float | None]:
    return {one.metric: one.value for one in bthome.values_of(bytes.fromhex(data))}


@pytest.mark.parametrize(
    ("data", "metric", "value"),
    [
        ("40 02ca09", "room_temperature", 25.06), ("40 45 1101", "room_temperature", 27.3),
        ("40 57 ea", "room_temperature", -22), ("40 58 ea", "room_temperature", -7.7),
        ("40 03bf13", "humidity", 50.55), ("40 2e23", "humidity", 35),
        ("40 04138a01", "air_pressure", 1008.83), ("40 05138a14", "illuminance", 13460.67),
        ("40 065e1f", "weight", 80.3), ("40 073e1d", "weight", 74.86),
        ("40 0a138a14", "energy", 1346.067), ("40 0b021b00", "power", 69.14),
        ("40 0c020c", "voltage", 3.074), ("40 4a020c", "voltage", 307.4),
        ("40 0d120c", "pm2_5", 3090), ("40 0e021c", "pm10", 7170),
        ("40 12e204", "carbon_dioxide", 1250), ("40 434e34", "current", 13.39),
        ("40 5c02fbffff", "power", -12.78), ("40 5d02ea", "current", -5.63),
        ("40 4d12138a14", "energy", 344593.17), ("40 1701", "carbon_monoxide", 1),
        ("44 3a03", "button", 1), ("40 53 03616263 0161", "battery", 97),
    ],
)  # fmt: skip
def test_the_examples_of_bthome(data: str, metric: str, value: float) -> None:
    assert values(data)[metric] == pytest.approx(value)


def test_bthome_ends_at_a_kind_that_is_not_known() -> None:
    assert values("40 0161 ee 0203") == {"battery": 97}


def test_every_kind_of_bthome_is_a_metric() -> None:
    assert not bthome._READ.keys() & bthome._PASSED.keys()
    for kind in bthome._READ.values():
        assert catalogue()[kind.metric].conversion(kind.unit) is not None


@pytest.mark.parametrize("data", ["", "41 0161", "20 0161", "40 01", "40 53", "40 5309"])
def test_what_bthome_cannot_say_is_refused_or_nothing(data: str) -> None:
    try:
        assert values(data) == {}
    except DecodeError as error:
        assert str(error).endswith(".")  # noqa: PT017 # either is right, depending on the bytes


def test_fields_of_an_advertisement() -> None:
    fields = advertised(bytes.fromhex("020106 0416d2fc40 05ff99040512 00 99"))
    assert [(one.service, one.code, one.data.hex()) for one in fields] == [
        (True, 0xFCD2, "40"),
        (False, 0x0499, "0512"),
    ]


@given(st.sampled_from(["advertisement", "payload", "hci", "history", TOPIC]),
       st.binary(max_size=80), st.sampled_from([b"", b"\x03", b"\x05", b"\x06", b"\xe1",
                                               bytes.fromhex("0201061BFF990405"),
                                               bytes.fromhex("2016D2FC40")]))  # fmt: skip
def test_any_bytes_are_read_or_refused(rest: str, payload: bytes, head: bytes) -> None:
    try:
        decoded = decode(rest, head + payload, ARRIVAL, {})
    except DecodeError:
        return
    for record in decoded.records:
        assert catalogue()[record.channel.metric].conversion(record.channel.unit) is not None
