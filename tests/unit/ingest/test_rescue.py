"""A call for help is found in what cannot be read, and nothing else is taken for one."""

from __future__ import annotations

import time

import pytest

from core.catalogue import catalogue
from ingest.rescue import find_calls

LIFE_SAFETY = [metric.name for metric in catalogue() if metric.never_filtered]


def test_the_four_events_are_searched_for() -> None:
    assert sorted(LIFE_SAFETY) == ["carbon_monoxide", "fall", "help", "smoke"]


@pytest.mark.parametrize("metric", LIFE_SAFETY)
@pytest.mark.parametrize(
    ("payload", "device"),
    [
        ('[{"bn":"button-1/","bt":1,"n":"%s","vb":true', "button-1"),
        ('[{"bn":"button-1/","n":"%s","v":1,"u":"1"}', "button-1"),
        ('[{"bn":"button-1/","n":"pulse","v":70},{"n":"%s","v":1}', "button-1"),
        ('[{"n":"button-1/%s" , "v" : 7 }', "button-1"),
        ('[{"vs":"emergency","n":"button-1/%s"}', "button-1"),
        ('[{"n":"urn:dev:ow:1:%s","v":"1"}]', "urn:dev:ow:1"),
        ('[{"bn":"button-1/%s","v":tru', "button-1"),
        ('[{"bn":"button-1/","n":"%s"', "button-1"),
        ('{"%s":true,"battery":90}', ""),
        ('{"battery":90,"%s": 1', ""),
        ('[{"bn":"button-1/","n":"%s","v":true,"must_":1}]', "button-1"),
        ("x" * 3_000_000 + '[{"bn":"button-1/","n":"%s","v":1}]', "button-1"),
    ],
)
def test_a_call_is_found(metric: str, payload: str, device: str) -> None:
    assert find_calls("senml", (payload % metric).encode()) == [(device, metric)]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"hello, can you help me",
        b'[{"bn":"button-1/","n":"help","v":0}',
        b'[{"bn":"button-1/","n":"help","vb":false,"n2',
        b'[{"bn":"button-1/","n":"help","v":null}',
        b'[{"bn":"button-1/","n":"help","vs":"over"}',
        b'[{"bn":"button-1/","n":"help"},{"n":"pulse","v":70',
        b'[{"bn":"button-1/","n":"help","v":0},{"n":"pulse","v":70',
        b'[{"n":"gauge/rainfall","v":1',
        b'[{"n":"gauge/no-help","v":1',
        b'{"smoke":false,"test":true}',
        b'{"smoke":null}',
        b'{"action":"\\"help\\":1"}',
        b'{"label":"help","v":1}',
    ],
)
def test_no_call_is_made_up(payload: bytes) -> None:
    assert find_calls("senml", payload) == []


@pytest.mark.parametrize(
    ("rest", "payload", "calls"),
    [
        ("senml/button-1/help", b"ON", [("button-1", "help")]),
        ("senml/help", b"true", [("", "help")]),
        ("unheard-of/hall/smoke", b'"1"', [("hall", "smoke")]),
        ("senml/button-1/help", b"0", []),
        ("senml/button-1/help", b"", []),
        ("senml/button-1/helpful", b"1", []),
        ("senml/button-1/help", b'{"battery":3}', []),
    ],
)
def test_the_topic_may_say_it(rest: str, payload: bytes, calls: list[tuple[str, str]]) -> None:
    assert find_calls(rest, payload) == calls


@pytest.mark.parametrize(
    "piece",
    [b'"help"', b'{"n":"help"', b'"n":"help",', b'{"bn":"a/","n":"help","v":0},', b"help"],
)
def test_the_search_is_bounded(piece: bytes) -> None:
    payload = piece * (5_000_000 // len(piece))
    before = time.thread_time()
    assert len(find_calls("", payload)) <= 16
    assert time.thread_time() - before < 1.0
