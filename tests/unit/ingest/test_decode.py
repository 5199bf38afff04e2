"""Decoding recorded messages line by line."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.decode import MAX_LINE, DecodeState, decode_line
from ingest.decoders import FORMATS, SOURCES
from ingest.decoders.record import Decoded
from ingest.decoders.source import Definitions, Source
from saimi.commands.decode import decode as command
from tests.support.recordings import cases

PACK = '[{"n":"oximeter/spo2","u":"%","v":96,"t":1780000000}]'
READING = {"device": "oximeter", "metric": "spo2", "value": 96.0, "unit": "%", "time": 1780000000.0}


def decoded(**line: Any) -> dict[str, Any]:
    return decode_line(json.dumps(line).encode(), DecodeState(1_790_000_000.0))


@pytest.mark.parametrize(
    "line",
    [
        {"topic": "saimi/v1/gw/senml", "payload": PACK},
        {"topic": "senml+json", "payload": PACK},
        {"topic": None, "format": "senml+json", "payload": PACK},
        {"topic": "senml", "payload": json.loads(PACK)},
        {
            "topic": "senml",
            "payload": base64.b64encode(PACK.encode()).decode(),
            "encoding": "base64",
        },
    ],
)
def test_a_line_is_decoded(line: dict[str, Any]) -> None:
    assert decoded(**line) == {"readings": [READING], "rejected": None}


def test_relative_times_are_reckoned_from_the_arrival() -> None:
    (reading,) = decoded(topic="senml", payload='[{"n":"a/pulse","v":1,"t":-10}]')["readings"]
    assert reading["time"] == 1_790_000_000.0 - 10


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"no json", "bad_line"),
        (b'{"topic":"senml"}', "bad_line"),
        (b'{"topic":"senml","payload":"!","encoding":"base64"}', "bad_line"),
        (b'{"topic":"senml","payload":"x","encoding":"rot13"}', "bad_line"),
        (b'{"topic":"senml","payload":"x"}', "unreadable"),
        (b'{"topic":null,"format":"senml+xml","payload":"<sensml/>"}', "unknown_source"),
        (b'{"payload":"x"}', "unknown_source"),
    ],
)
def test_what_is_rejected_and_why(line: bytes, reason: str) -> None:
    result = decode_line(line, DecodeState(0.0))
    assert result["readings"] == []
    assert result["rejected"].startswith(f"{reason}: ")


def test_a_format_outside_the_list_is_refused_by_name() -> None:
    assert "'senml+xml'" in decoded(topic=None, format="senml+xml", payload="<x/>")["rejected"]


@pytest.mark.parametrize("form", ["senml+xml", "senml-exi", "sensml+xml", "sensml+exi"])
def test_senml_in_other_clothes_is_told_what_to_send_instead(form: str) -> None:
    for line in (
        {"topic": None, "format": form},
        {"topic": form},
        {"format": f"application/{form}"},
    ):
        rejected = decoded(**line, payload="x")["rejected"]
        assert form in rejected
        assert "JSON or CBOR" in rejected


@pytest.mark.parametrize(
    ("payload", "named"),
    [
        (b'<sensml xmlns="urn:ietf:params:xml:ns:senml"><senml n="a/b" v="1"/></sensml>', "XML"),
        (b'\xef\xbb\xbf<?xml version="1.0"?><sensml/>', "XML"),
        (base64.b64decode("oABIgGwgAQYddXJuOmRldjpvdzoxMGUyMDczYTAxMDgwMDYz"), "EXI"),
        (b"$EXI\xa0\x00", "EXI"),
    ],
)
def test_senml_in_other_clothes_is_known_by_itself(payload: bytes, named: str) -> None:
    body = base64.b64encode(payload).decode()
    for line in ({"topic": "saimi/v1/gw/senml"}, {"topic": None, "format": "senml+json"}):
        result = decoded(**line, payload=body, encoding="base64")
        assert result["readings"] == []
        assert result["rejected"] == (
            f"not_senml: SenML in {named} is not taken; let the gateway send JSON or CBOR."
        )


def lines(*given: dict[str, Any]) -> list[dict[str, Any]]:
    state = DecodeState(1_790_000_000.0)
    return [decode_line(json.dumps(line).encode(), state) for line in given]


ANNOUNCED = {
    "state_topic": "zigbee2mqtt/Keittiö anturi",
    "device_class": "humidity",
    "value_template": "{{ value_json.humidity }}",
    "device": {"identifiers": ["hall"]},
}


@pytest.mark.parametrize("prefix", ["", "saimi/v1/gw/homeassistant/"])
def test_what_earlier_lines_announced_holds_for_later_ones(prefix: str) -> None:
    _, state = lines(
        {"topic": f"{prefix}homeassistant/sensor/x/config", "payload": ANNOUNCED},
        {"topic": f"{prefix}zigbee2mqtt/Keittiö anturi", "payload": '{"humidity":41.5}'},
    )
    (reading,) = state["readings"]
    assert reading["device"] == "hall"
    assert (reading["metric"], reading["value"], reading["unit"]) == ("humidity", 41.5, "%")


def test_a_topic_that_no_source_uses_is_asked_of_what_was_announced() -> None:
    announced = {**ANNOUNCED, "state_topic": "home/x", "availability_topic": "home/up"}
    config = {"topic": "homeassistant/sensor/x/config", "payload": announced}
    _, state, up, other = lines(
        config,
        {"topic": "home/x", "payload": {"humidity": 40}},
        {"topic": "home/up", "payload": "online"},
        {"topic": "home/other", "payload": "1"},
    )
    assert state["readings"][0]["value"] == 40
    assert up == {"readings": [], "rejected": None}
    assert other["rejected"].startswith("unknown_definition: ")


def test_definitions_hold_for_their_own_gateway_only() -> None:
    _, state = lines(
        {"topic": "saimi/v1/a/homeassistant/homeassistant/sensor/x/config", "payload": ANNOUNCED},
        {"topic": "saimi/v1/b/homeassistant/zigbee2mqtt/Keittiö anturi", "payload": "{}"},
    )
    assert state["rejected"].startswith("unknown_definition: ")


def test_a_qualifier_is_shown_where_there_is_one() -> None:
    pack = '[{"n":"a/glucose","u":"mmol/L","v":33.3,"t":1780000000,"qualifier":1}]'
    (reading,) = decoded(topic="senml", payload=pack)["readings"]
    assert reading["qualifier"] == 1


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        ({"topic": "raw/2A37"}, "device/2A37"),
        ({"topic": "raw", "uuid": "2A37"}, "device/2A37"),
        ({"topic": None, "format": "raw", "uuid": "2A37"}, "device/2A37"),
        ({"topic": "cuff/2a37", "format": "raw"}, "cuff/2a37"),
        ({"topic": "saimi/v1/gw/heard/cuff", "uuid": "2A37"}, "cuff/2A37"),
        ({"topic": "saimi/v1/gw/heard/cuff/2a37", "uuid": "2A37"}, "cuff/2a37"),
    ],
)
def test_a_characteristic_is_named_by_the_topic_or_beside_it(
    line: dict[str, Any], rest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []

    def listen(rest: str, payload: bytes, arrival: float, definitions: Definitions) -> Decoded:
        heard.append(rest)
        return Decoded()

    monkeypatch.setitem(SOURCES, "heard", Source("heard", listen))
    monkeypatch.setitem(FORMATS, "raw", ("heard", "device"))
    assert decoded(**line, payload="x")["rejected"] is None
    assert heard == [rest]


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000,
        b'{"topic":"senml","payload":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"topic":"senml","payload":"' + b"a" * (MAX_LINE + 1) + b'"}',
        b'{"topic":"senml","payload":"\\ud800"}',
        b'{"topic":"\xff","payload":"x"}',
        b"\xff\xfe",
        b"null",
        b'{"topic":"senml","payload":1e400}',
        b'{"topic":"homeassistant/sensor/x/config","payload":NaN}',
    ],
)
def test_no_line_breaks_it(line: bytes) -> None:
    result = decode_line(line, DecodeState(0.0))
    assert result["readings"] == []
    assert result["rejected"]


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
@settings(deadline=None)
def test_no_bytes_break_it(line: bytes) -> None:
    wrapped = json.dumps({"topic": line.decode("utf-8", "replace"), "payload": "1"}).encode()
    for one in (line, wrapped):
        assert set(decode_line(one, DecodeState(0.0))) == {"readings", "rejected"}


def test_a_line_that_is_far_too_long_is_one_rejected_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.decode.MAX_LINE", 1_000)
    good = json.dumps({"topic": "senml", "payload": PACK}).encode()
    file = tmp_path / "lines.jsonl"
    file.write_bytes(b"\n".join((good, b"a" * 10_000, b"", good)))
    command(file)
    first, long, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == last == {"readings": [READING], "rejected": None}
    assert long["rejected"].startswith("bad_line: The line has more than 1,000 bytes")


def test_every_recorded_senml_message_is_decoded_or_refused_by_name() -> None:
    state = DecodeState(1_790_000_000.0)
    for case in cases("senml"):
        result = decode_line(json.dumps(case).encode(), state)
        if case["format"] not in ("senml+json", "senml+cbor"):
            assert case["format"] in result["rejected"]
            continue
        assert result["rejected"] is None
        if case["expected"] is not None:
            meant = [(one.get("u"), one.get("v", one.get("vs", one.get("vb")))) for one in
                     case["expected"]["resolved"]]  # fmt: skip
            assert [(one["unit"], one["value"]) for one in result["readings"]] == meant
