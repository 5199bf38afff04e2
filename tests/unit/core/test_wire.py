"""What gateways and ingest say to each other."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from core.wire import (
    Receipt,
    Topic,
    decode_receipt,
    encode,
    merge_ranges,
    parse_topic,
    readings_topic,
    status_topic,
)


def test_a_topic_is_taken_apart_as_it_was_built() -> None:
    assert parse_topic(readings_topic("g-1")) == Topic("g-1", "senml", "")
    assert parse_topic(readings_topic("g-1", "zigbee2mqtt", "Keittiön ovi/set")) == Topic(
        "g-1", "zigbee2mqtt", "Keittiön ovi/set"
    )
    assert parse_topic(status_topic("g-1")) == Topic("g-1", "status", "")


def test_other_peoples_topics_are_not_ours() -> None:
    for topic in ("", "saimi", "saimi/v1", "saimi/v1/g", "saimi/v2/g/senml", "saimi/v1//senml"):
        assert parse_topic(topic) is None


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 8)), max_size=30))
def test_merged_ranges_hold_the_same_numbers_and_do_not_touch(
    spans: list[tuple[int, int]],
) -> None:
    ranges = [(first, first + length) for first, length in spans]
    merged = merge_ranges(ranges)
    numbers = {n for first, last in ranges for n in range(first, last + 1)}
    assert {n for first, last in merged for n in range(first, last + 1)} == numbers
    assert all(b[0] > a[1] + 1 for a, b in pairwise(merged))


def test_a_receipt_survives_the_wire() -> None:
    receipt = decode_receipt(encode(Receipt("boot", [(1, 3), (7, 7)])))
    assert [seq for seq in range(10) if receipt.covers(seq)] == [1, 2, 3, 7]
