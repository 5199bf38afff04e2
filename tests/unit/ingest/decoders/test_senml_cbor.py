"""SenML in CBOR: the same pack as in JSON, and hostile bytes."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from decimal import Decimal
from typing import Any

import cbor2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.decode import DecodeState, decode_line
from ingest.decoders.record import MAX_RECORDS, Decoded, DecodeError
from ingest.decoders.senml import decode
from ingest.decoders.senml_cbor import LABELS
from ingest.rescue import find_calls
from tests.support.recordings import cases

ARRIVAL = 1_780_000_000.0
BY_NAME = {name: label for label, name in LABELS.items()}
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def told(payload: bytes) -> Decoded:
    return decode("", payload, ARRIVAL, {})


def packed(*records: dict[str, Any]) -> bytes:
    """A pack in CBOR, from the names that JSON has for its fields."""
    return cbor2.dumps([{BY_NAME.get(key, key): one[key] for key in one} for one in records])


def refused(payload: bytes) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        told(payload)
    assert str(caught.value).endswith(".")
    return caught.value


def test_the_examples_of_the_rfc_say_what_they_say_in_json() -> None:
    compared = 0
    for case in cases("senml"):
        if case["format"] == "senml+cbor":
            records = told(base64.b64decode(case["payload"])).records
            meant = case["expected"]["resolved"]
            assert [(one.channel.unit, one.value) for one in records] == [
                (one.get("u"), one["v"]) for one in meant
            ]
            assert [one.time for one in records] == pytest.approx([one["t"] for one in meant])
            compared += len(records)
    assert compared > 15


PACKS: list[tuple[dict[str, Any], ...]] = [
    ({"n": "oximeter/spo2", "u": "%", "v": 96},),
    ({"n": "oximeter/spo2", "u": "%", "v": 96.5, "t": 1780000000},),
    ({"bn": "cuff/", "bt": 1780000000.25, "bu": "mm[Hg]", "n": "systolic", "v": 128},
     {"n": "diastolic", "v": 79}, {"n": "pulse", "u": "/min", "v": 66}),
    ({"bn": "a/", "bv": 20, "n": "b", "v": -1.5}, {"n": "c", "v": 0}),
    ({"bn": "a/", "n": "b", "vb": True}, {"n": "c", "vb": False}, {"n": "d", "vs": "avoinna"}),
    ({"n": "a/b", "v": 1, "t": -10}, {"n": "a/c", "v": 1, "t": 0}),
    ({"n": "a/b", "v": 1, "boot": "b7", "seq": 12, "made": 1780000000.5},),
    ({"n": "a/b", "v": 33.3, "qualifier": 1},),
    ({"n": "a/b", "v": None}, {"n": "a/c", "v": 2}),
    ({"n": "a/b", "s": 12.5}, {"bs": 3, "n": "a/c", "v": 2}),
    ({"n": "a/b", "v": 1, "ut": 30, "colour": "red"},),
    ({"bver": 10, "n": "a/b", "v": 1},),
    ({"bver": 5, "n": "a/b", "v": 1},),
    ({"n": "urn:dev:ow:10e2073a01080063:voltage", "u": "V", "v": 120.1},),
    ({"n": "Keittiö/room_temperature", "u": "Cel", "v": 21.5},),
    ({"n": "a/b", "v": -(2**63)}, {"n": "a/c", "v": 2**63}, {"n": "a/d", "v": 5e-324}),
    ({"n": "a/b", "vd": "aGkgCg"},),
    ({"bn": "button/", "n": "help", "vb": True},),
    (),
]  # fmt: skip


@pytest.mark.parametrize("pack", PACKS, ids=str)
def test_a_pack_means_what_it_means_in_json(pack: tuple[dict[str, Any], ...]) -> None:
    data = [{**one, "vd": b"hi \n"} if "vd" in one else one for one in pack]
    plain = told(json.dumps(pack).encode())
    for payload in (
        packed(*data),
        b"\xd9\xd9\xf7" + packed(*data),  # which says of itself that it is CBOR
        b"\x9f" + packed(*data)[1:] + b"\xff",  # as a stream (SensML)
        b"\x9a" + len(data).to_bytes(4, "big") + packed(*data)[1:],
    ):
        assert told(payload) == plain


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (Decimal("36.6"), 36.6), (Decimal("-0.5"), -0.5), (cbor2.CBORTag(4, [1, 3]), 30.0),
        (1.5, 1.5), (2**40, 2.0**40),
    ],
)  # fmt: skip
def test_ways_to_write_a_number(value: Any, meant: float) -> None:
    (record,) = told(packed({"n": "a/b", "v": value})).records
    assert record.value == meant


@pytest.mark.parametrize("half", ["f93e00", "fa3fc00000", "fb3ff8000000000000"])
def test_a_number_of_any_width(half: str) -> None:
    (record,) = told(bytes.fromhex("81a200632f2f6202") + bytes.fromhex(half)).records
    assert record.value == 1.5


HOSTILE = [
    ("80" * 2, "unreadable"),  # something behind the pack
    ("81", "unreadable"), ("9f", "unreadable"), ("9f80ff", "not_senml"), ("8101", "not_senml"),
    ("a1006161", "not_senml"), ("a0", "not_senml"), ("d9d9f7", "not_senml"), ("98", "not_senml"),
    ("9b1000000000000000", "unreadable"), ("9bffffffffffffffffa0", "unreadable"),
    ("81bb0fffffffffffffff", "unreadable"), ("81a1007b0000010000000000", "unreadable"),
    ("81a1085b7fffffffffffffff", "unreadable"), ("81a1007fffff", "unreadable"),
    ("81a200632f2f6202f97e00", "not_senml"),  # NaN
    ("81a200632f2f6202f97c00", "not_senml"),  # infinity
    ("81a200632f2f6202c25820" + "ff" * 32, "unreadable"),  # a number of 256 bits
    ("81a200632f2f6202c4821b000000e8d4a5100001", "not_senml"),  # 10 to the 10^12
    ("81a200632f2f6202c5821b000000e8d4a5100001", "unreadable"),  # 2 to the same
    ("81a200632f2f6202d82361 2a".replace(" ", ""), "unreadable"),  # a regular expression
    ("81d81ca1d81d0000", "unreadable"),  # an object that holds itself
    ("81a200632f2f620200" + "0201", "unreadable"),  # something behind it
    ("81a300632f2f6202000201", "unreadable"),  # one label twice
    ("81a300632f2f6202006161 01".replace(" ", ""), None),  # an unknown name is left out
    ("81a300632f2f620200656d75737401"[:-2] + "01", "unreadable"),  # a text that is too short
    ("81a200632f2fff0200", "unreadable"),  # no UTF-8
    ("81a200632f2f620261" + "37", "not_senml"),  # a text instead of a number
    ("81a200632f2f6202f5", "not_senml"),  # yes instead of a number
    ("81a200632f2f620401", "not_senml"),  # 1 instead of yes
    ("81a200632f2f620280", "not_senml"), ("81a200632f2f6202a0", "not_senml"),
    ("81a1820102632f2f62", None),
    ("81" * 5_000, None), ("81a1" * 5_000, None), ("c0" * 5_000, None), ("9f" * 5_000, None),
]  # fmt: skip


@pytest.mark.parametrize(("code", "reason"), HOSTILE, ids=lambda one: str(one)[:40])
def test_what_is_no_pack_is_refused(code: str, reason: str | None) -> None:
    payload = bytes.fromhex(code)
    before = time.process_time()
    if reason is not None:
        assert refused(payload).reason == reason
    else:
        with contextlib.suppress(DecodeError):
            told(payload)
    assert time.process_time() - before < 0.05 * max(1.0, len(payload) / 1024)


def test_fields_that_must_be_understood() -> None:
    assert refused(packed({"n": "a/b", "v": 1, "must_": 1})).reason == "unknown_field"
    assert told(packed({"n": "a/b", "v": 1, "must": 1})).records


def test_a_field_by_its_label_and_its_name() -> None:
    assert refused(cbor2.dumps([{0: "a/b", 2: 1, "v": 2}])).reason == "not_senml"
    (record,) = told(cbor2.dumps([{"n": "a/b", "v": 2}])).records
    assert record.value == 2


def test_bounds() -> None:
    assert refused(packed(*[{"n": "a/b", "v": 1}] * (MAX_RECORDS + 1))).reason == "too_large"
    assert len(told(packed(*[{"n": "a/b", "v": 1}] * MAX_RECORDS)).records) == MAX_RECORDS


def test_a_broken_pack_still_says_which_message_it_is() -> None:
    whole = packed({"bn": "a/", "boot": "b7", "seq": 42, "n": "x", "v": 1}, {"n": "y", "v": 2})
    text = packed({"boot": "b7", "seq": 42, "n": "a", "v": "1"})
    for broken in (whole[:-2], whole + b"\x00", text):
        error = refused(broken)
        assert (error.boot, error.seq) == ("b7", 42)
    assert refused(whole[:5]).seq is None


CALL = {"bn": "button-1/", "n": "help", "vb": True}


@pytest.mark.parametrize(
    ("payload", "calls"),
    [
        (packed(CALL, {"n": "x", "v": 1})[:-1], [("button-1", "help")]),
        (packed(CALL, {"must_": 1}), [("button-1", "help")]),
        (packed(CALL)[:-1], [("button-1", "help")]),
        (packed({"n": "hall/smoke", "v": 1})[:-2], [("hall", "smoke")]),
        (packed({"bn": "urn:dev:ow:10e2073a01080063:", "n": "fall", "v": 1})[:-1],
         [("urn:dev:ow:10e2073a01080063", "fall")]),
        (packed({"n": "a-rather-long-name-of-a-device/smoke", "v": 1})[:-1],
         [("a-rather-long-name-of-a-device", "smoke")]),
        (packed({**CALL, "vb": False})[:-1] + b"\xf4\x00", []),
        (packed({**CALL, "vb": False}) + b"\x00", []),
        (packed({**CALL, "vb": False}, {"n": "x", "v": 1})[:-1], []),
        (b"\x81\xa4\x21\x69button-1/\x00\x64help\x04\xf4", []),  # cut off behind "no"
        (b"\x81\xa4\x21\x69button-1/\x00\x64help\x02\x00", []),
        (b"\x81\xa4\x21\x69button-1/\x00\x64help\x02\x01", [("button-1", "help")]),
        (packed({"n": "x/pulse", "v": 1, "note": "help"})[:-1], []),
        (packed({"n": "gauge/rainfall", "v": 1})[:-1], []),
        (b"\x9f" + packed(*[CALL] * 20)[1:], [("button-1", "help")]),
    ],
)  # fmt: skip
def test_a_call_is_found_in_what_cannot_be_read(
    payload: bytes, calls: list[tuple[str, str]]
) -> None:
    refused(payload)
    assert find_calls("senml", payload) == calls


@pytest.mark.parametrize("piece", [b"\x81\xa2\x00\x64help", b"\x00\x64help", b"help", b"\x9f\xa0"])
def test_the_search_is_bounded(piece: bytes) -> None:
    payload = b"\x9f" + piece * (1_000_000 // len(piece))
    before = time.process_time()
    assert len(find_calls("", payload)) <= 16
    assert time.process_time() - before < 2.0


def test_decode_shows_it() -> None:
    body = base64.b64encode(packed({"n": "oximeter/spo2", "u": "%", "v": 96})).decode()
    for named in ({"topic": "saimi/v1/gw/senml"}, {"topic": None, "format": "senml+cbor"}):
        line = json.dumps({**named, "payload": body, "encoding": "base64"}).encode()
        shown = decode_line(line, DecodeState(ARRIVAL))
        assert shown["rejected"] is None
        assert shown["readings"][0]["value"] == 96


@unhurried
@given(st.binary(max_size=200).map(lambda some: b"\x9f" + some) | st.binary(max_size=200))
def test_no_bytes_break_it(payload: bytes) -> None:
    with contextlib.suppress(DecodeError):
        told(payload)
    find_calls("senml", payload)


labels = st.sampled_from([*LABELS, "boot", "seq", "x_", "y", 23, -9, 2.5])
things = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()


@unhurried
@given(st.lists(st.dictionaries(labels, things | st.decimals())))
def test_no_pack_breaks_it(pack: Any) -> None:
    payload = cbor2.dumps(pack)
    with contextlib.suppress(DecodeError):
        told(payload)
    find_calls("senml", payload)
