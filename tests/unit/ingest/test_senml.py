"""SenML: RFC 8428's own examples, resolution against a plain reading of the RFC, bad input."""

from __future__ import annotations

import contextlib
import json
import math
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.decoders import decode as decode_any
from ingest.decoders.record import Decoded, DecodeError
from ingest.decoders.senml import decode, split_name
from tests.support.recordings import cases

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""The machine may be busy with other things."""
ARRIVAL = 1_780_000_000.0


def senml(*records: Any) -> bytes:
    return json.dumps(records).encode()


def told(payload: bytes) -> Decoded:
    return decode("", payload, ARRIVAL, {})


def flat(payload: bytes) -> list[tuple[Any, ...]]:
    return [(*one.channel, one.value, one.time) for one in told(payload).records]


def refused(payload: bytes) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        told(payload)
    assert str(caught.value).endswith(".")
    return caught.value


def test_the_examples_of_the_rfc_resolve_as_it_says() -> None:
    checked = 0
    for case in cases("senml"):
        if case["format"] != "senml+json" or case["expected"] is None:
            continue
        records = told(case["payload"].encode()).records
        expected = case["expected"]["resolved"]
        for got, meant in zip(
            [one for one in records if one.value is not None], expected, strict=True
        ):
            device, metric, unit = got.channel
            assert device
            assert meant["n"].startswith(device)
            assert meant["n"].removeprefix(device).lstrip(":/") == metric
            assert unit == meant.get("u")
            assert got.value == meant.get("v", meant.get("vs", meant.get("vb")))
            if got.time != ARRIVAL:  # the examples without a time were resolved at another moment
                assert got.time == pytest.approx(meant["t"], abs=1e-6)
            checked += 1
    assert checked > 40


def test_a_pack_as_saimis_gateways_send_it() -> None:
    decoded = told(
        b'[{"bn":"oximeter-1/","bt":1763778000.25,"boot":"5f1c0a","seq":17,"n":"spo2","u":"%",'
        b'"v":96},{"n":"pulse","u":"/min","v":72,"qualifier":1},'
        b'{"bn":"motion-kitchen/","n":"motion","vb":true,"t":-12.5}]'
    )
    assert (decoded.boot, decoded.seq) == ("5f1c0a", 17)
    assert [(*one.channel, one.value, one.time, one.qualifier) for one in decoded.records] == [
        ("oximeter-1", "spo2", "%", 96.0, 1763778000.25, 0),
        ("oximeter-1", "pulse", "/min", 72.0, 1763778000.25, 1),
        ("motion-kitchen", "motion", None, 1.0, 1763777987.75, 0),
    ]


@pytest.mark.parametrize(
    ("name", "device", "metric"),
    [
        ("oximeter-1/spo2", "oximeter-1", "spo2"),
        ("2001:db8::2/temperature", "2001:db8::2", "temperature"),
        ("a/b/c", "a/b", "c"),
        ("urn:dev:ow:10e2073a01080063", "urn:dev:ow:10e2073a01080063", ""),
        ("urn:dev:ow:10e2073a01080063:voltage", "urn:dev:ow:10e2073a01080063", "voltage"),
        ("urn:dev:mac:0024befffe804ff1_temp", "urn:dev:mac:0024befffe804ff1", "temp"),
        ("2001:db8::3", "2001:db8::3", ""),
        ("kitchen_sensor", "kitchen_sensor", ""),
    ],
)
def test_a_name_is_split_into_device_and_metric(name: str, device: str, metric: str) -> None:
    assert split_name(name) == (device, metric)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "unreadable"),
        (b"hello", "unreadable"),
        (b"\xff\xfe", "unreadable"),
        (b'[{"n":"\xff","v":1}]', "unreadable"),
        (b'[{"n":"a/b","v":NaN}]', "unreadable"),
        (b'[{"n":"a/b","v":Infinity}]', "unreadable"),
        (b'[{"n":"a/b","v":1', "unreadable"),
        (b'[{"n":"a/b","v":1,"x":' + b"[" * 90_000 + b"]" * 90_000 + b"}]", "unreadable"),
        (b'{"n":"a/b","v":1}', "not_senml"),
        (b"[" * 90_000, "not_senml"),
        (b'[{"n":"a/b","v":1e400}]', "not_senml"),
        (b'[{"n":"a/b","v":1' + b"0" * 400 + b"}]", "not_senml"),
        (b'[{"n":"a/b","v":"7"}]', "not_senml"),
        (b'[{"n":"a/b","v":1,"v":2}]', "not_senml"),
        (b'[{"n":"a\\u003ab","v":1,"v":2}]', "not_senml"),
        (b'[{"n":"a","n":"a/b","v":2}]', "not_senml"),
        (b'[{"n":"a/b","v":1,"vb":true}]', "not_senml"),
        (b'[{"v":1}]', "not_senml"),
        (b'[{"bver":11,"n":"a/b","v":1}]', "not_senml"),
        (b'[{"n":"a/b","v":1,"boot":"x","seq":0}]', "not_senml"),
        (b'[{"n":"a/b","v":1,"boot":"","seq":1}]', "not_senml"),
        (b'[{"n":"a/b","v":1,"must_":1}]', "unknown_field"),
        (b'[{"n":"a/b","v":1,"\\u006dust_":1}]', "unknown_field"),
    ],
)
def test_what_is_no_pack_is_refused_with_a_reason(payload: bytes, reason: str) -> None:
    assert refused(payload).reason == reason


def test_unknown_fields_and_values_nobody_knows_are_left_out() -> None:
    payload = senml(
        {"bn": "a/", "n": "b", "v": 1, "colour": {"x": [1, 2]}},
        {"n": "c", "v": None},
        {"n": "d"},
        {"n": "e", "vd": "aGkgCg"},
        {"n": "f", "s": 3},
    )
    assert [(one.channel.metric, one.value) for one in told(payload).records] == [
        ("b", 1.0),
        ("e", None),
        ("f", None),
    ]


def test_a_broken_pack_still_says_which_message_it_is() -> None:
    error = refused(b'[{"bn":"a/","boot":"b7","seq":42,"n":"x","v":"7"}]')
    assert (error.boot, error.seq) == ("b7", 42)
    error = refused(b'[{"bn":"a/","n":"x","v":1},{"boot":"b7","seq":42,"v":"7"}]')
    assert (error.boot, error.seq) == (None, None)


def test_a_clock_that_was_never_set_is_not_taken_for_a_time_in_the_future() -> None:
    assert [one.time for one in told(senml({"n": "a/b", "t": 12_345, "v": 1})).records] == [12_345]
    assert [one.time for one in told(senml({"n": "a/b", "t": 20, "v": 1})).records] == [
        ARRIVAL + 20
    ]


def test_bounds() -> None:
    with pytest.raises(DecodeError, match="5,000,") as caught:
        decode_any("senml", "", b"[" + b" " * 5_000_000, ARRIVAL, {})
    assert caught.value.reason == "too_large"
    assert refused(senml(*[{"n": "a/b", "v": 1}] * 10_001)).reason == "too_large"
    with pytest.raises(DecodeError, match="nobody-knows"):
        decode_any("nobody-knows", "", b"1", ARRIVAL, {})


# The RFC read plainly, to compare with.

names = st.text("abxyz019", min_size=1, max_size=6)
numbers = st.floats(-1e6, 1e6, allow_nan=False)
times = st.one_of(st.floats(-3600, 200), st.floats(3e8, 2e9))
records = st.fixed_dictionaries(
    {"n": names},
    optional={
        "bn": names.map(lambda name: f"{name}/"),
        "bt": times,
        "bu": st.sampled_from(["%", "Cel"]),
        "bv": numbers,
        "u": st.sampled_from(["/min", "V"]),
        "v": numbers,
        "vb": st.booleans(),
        "vs": st.text(max_size=5),
        "t": st.floats(-100, 90),
        "extra": st.integers(),
    },
)


def resolve(pack: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    base: dict[str, Any] = {"bn": "", "bt": 0.0, "bu": None, "bv": 0.0}
    resolved = []
    for record in pack:
        base |= {key: record[key] for key in base if key in record}
        if "v" in record:
            value = base["bv"] + record["v"]
        elif "vb" in record or "vs" in record:
            value = record.get("vb", record.get("vs"))
        else:
            continue
        time = base["bt"] + record.get("t", 0.0)
        time = time + ARRIVAL if time < 2**28 else time
        resolved.append((base["bn"] + record["n"], record.get("u", base["bu"]), value, time))
    return resolved


@unhurried
@given(st.lists(records, max_size=6))
def test_packs_resolve_as_the_rfc_says(pack: list[dict[str, Any]]) -> None:
    several = any(len({"v", "vb", "vs"} & record.keys()) > 1 for record in pack)
    if several:
        assert refused(senml(*pack)).reason == "not_senml"
        return
    got = [
        (
            f"{one.channel.device}/{one.channel.metric}".rstrip("/"),
            one.channel.unit,
            one.value,
            one.time,
        )
        for one in told(senml(*pack)).records
    ]
    assert got == resolve(pack)


@unhurried
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_nothing_but_a_decode_error_escapes(payload: bytes) -> None:
    with contextlib.suppress(DecodeError):
        told(payload)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["n", "bn", "v", "vb", "vs", "t", "bt", "u", "boot", "seq", "x_", "y"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@unhurried
@given(json_values)
def test_no_json_makes_it_fail_otherwise(value: Any) -> None:
    try:
        for one in told(json.dumps(value).encode()).records:
            assert not isinstance(one.value, float) or not math.isnan(one.value)
    except DecodeError:
        pass


@pytest.mark.parametrize(
    "payload",
    [b'[{"a":' * 150_000, b'[{"n":"' + b"\\u0041" * 150_000 + b'","v":1}]', b"{" * 1_000_000],
)
def test_a_long_bad_payload_takes_little_time(payload: bytes) -> None:
    before = time.thread_time()
    refused(payload)
    assert time.thread_time() - before < 0.05 * len(payload) / 1024
