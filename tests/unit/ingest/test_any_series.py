"""No series of messages, to any decoder, raises anything but DecodeError or takes long."""

from __future__ import annotations

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.decoders import SOURCES
from tests.fuzz.series import cost, decode_series, packed, seeds, unpacked

LIMIT = 50.0
"""CPU milliseconds a kilobyte."""
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
SEEDS = seeds()


def test_a_series_is_packed_and_unpacked() -> None:
    messages = [("senml", "a/b", b"[1]"), ("fhir", "", b"\x00\xff")]
    assert list(unpacked(packed(messages))) == messages


def test_the_seeds_reach_every_source_with_text() -> None:
    assert {source for data in SEEDS for source, _, _ in unpacked(data)} >= SOURCES.keys()


def test_realistic_series_are_cheap() -> None:
    for data in SEEDS:
        assert cost(data).ms_per_kb < LIMIT


@unhurried
@given(st.sampled_from(SEEDS), st.randoms(use_true_random=False), st.integers(1, 12))
def test_damaged_series_are_refused_or_read(data: bytes, dice: random.Random, times: int) -> None:
    damaged = bytearray(data)
    for _ in range(times):
        at = dice.randrange(len(damaged) + 1)
        piece = dice.choice(SEEDS)
        start = dice.randrange(len(piece))
        match dice.randrange(4):
            case 0:
                del damaged[at : at + dice.randrange(1, 64)]
            case 1:
                damaged[at:at] = piece[start : start + dice.randrange(1, 64)]
            case 2:
                damaged[at : at + 1] = bytes([dice.randrange(256)])
            case _:
                damaged[at:at] = dice.choice(
                    (b"null", b"1e400", b'"', b"{", b"[" * 50, b"-1", b"\x00", b"NaN", b"true")
                )
    if decode_series(bytes(damaged)).ms_per_kb > LIMIT:
        assert cost(bytes(damaged), 5).ms_per_kb < LIMIT


@unhurried
@given(st.sampled_from(sorted(SOURCES)), st.text(max_size=40), st.binary(max_size=300))
def test_any_bytes_on_any_topic(source: str, rest: str, payload: bytes) -> None:
    decode_series(packed([(source, rest, payload)]))
