"""Decoding recorded messages line by line."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest

from ingest.decode import DecodeState, decode_line
from tests.support.parts import missing
from tests.unit.ingest.test_senml import EXAMPLES

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


def test_every_recorded_senml_message_in_json_is_decoded() -> None:
    if not EXAMPLES.exists():
        missing("recorded payloads (put the folder shared/data beside the repository)")
    state = DecodeState(1_790_000_000.0)
    with gzip.open(EXAMPLES) as lines:
        for line in lines:
            case, result = json.loads(line), decode_line(line, state)
            if case["format"] != "senml+json":
                assert case["format"] in result["rejected"]
                continue
            assert result["rejected"] is None
            if case["expected"] is not None:
                meant = [(one.get("u"), one.get("v", one.get("vs", one.get("vb")))) for one in
                         case["expected"]["resolved"]]  # fmt: skip
                assert [(one["unit"], one["value"]) for one in result["readings"]] == meant
