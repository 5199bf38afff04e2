"""Gateways are taken in turn while more waits than is taken."""

from __future__ import annotations

from collections import Counter, deque

from hypothesis import given
from hypothesis import strategies as st

from ingest.fairness import take_in_turn
from ingest.message import Message


def message(gateway: str, number: int, size: int = 1) -> Message:
    return Message(f"saimi/v1/{gateway}/senml", b"x" * size, number)


def queue(*gateways: str) -> deque[Message]:
    return deque(message(gateway, number) for number, gateway in enumerate(gateways))


def counts(taken: list[Message]) -> Counter[str]:
    return Counter(one.topic.split("/")[2] for one in taken)


def test_a_flood_leaves_room_for_those_behind_it() -> None:
    waiting = queue(*["flood"] * 150, *["a"] * 3, "b", "c")
    assert counts(take_in_turn(waiting, 100, 10**9)) == {"flood": 95, "a": 3, "b": 1, "c": 1}
    assert counts(list(waiting)) == {"flood": 55}


def test_two_floods_share() -> None:
    waiting = queue(*["one"] * 100, *["two"] * 100, "a")
    assert counts(take_in_turn(waiting, 101, 10**9)) == {
        "one": 50, "two": 50, "a": 1,
    }  # fmt: skip


def test_what_fits_is_taken_as_it_is() -> None:
    waiting = queue("a", "a", "b")
    assert [one.arrival for one in take_in_turn(waiting, 3, 10**9)] == [0, 1, 2]
    assert not waiting


def test_bytes_are_bounded() -> None:
    waiting = deque(message("a", number, 1_000) for number in range(10))
    assert len(take_in_turn(waiting, 5, 2_500)) == 2


def test_a_flood_of_large_messages_leaves_room_too() -> None:
    flood = [message("flood", number, 1_000) for number in range(40)]
    waiting = deque([*flood, *(message(one, 99, 50) for one in "abc")])
    assert counts(take_in_turn(waiting, 100, 10_000)) == {"flood": 9, "a": 1, "b": 1, "c": 1}
    assert counts(list(waiting)) == {"flood": 31}


def test_where_only_one_of_the_bounds_is_reached_the_other_takes_nothing_away() -> None:
    waiting = queue(*["one"] * 90, *["two"] * 30)
    assert counts(take_in_turn(waiting, 100, 125)) == {"one": 70, "two": 30}
    waiting = deque(message("one", number, 100) for number in range(50))
    assert len(take_in_turn(waiting, 100, 4_000)) == 40


def test_what_is_far_behind_a_flood_is_seen() -> None:
    waiting = queue(*["flood"] * 10_000, "a", "b")
    assert counts(take_in_turn(waiting, 100, 10**9)) == {"flood": 98, "a": 1, "b": 1}


def test_messages_that_fit_no_share_are_taken_a_few_at_a_time() -> None:
    waiting = deque(message(one, number, 9_000) for number in range(4) for one in "abcde")
    waiting.append(message("f", 99, 50))
    assert counts(take_in_turn(waiting, 100, 10_000)) == {"a": 1, "b": 1, "f": 1}


@given(st.lists(st.sampled_from("abcde"), max_size=60), st.integers(1, 30), st.integers(1, 40))
def test_nothing_is_lost_and_no_gateway_overtakes_itself(
    gateways: list[str], most: int, most_bytes: int
) -> None:
    waiting = queue(*gateways)
    seen: list[Message] = []
    while waiting:
        taken = take_in_turn(waiting, most, most_bytes)
        assert 0 < len(taken) <= most
        arrivals = [one.arrival for one in taken]
        assert arrivals == sorted(arrivals)
        seen += taken
    assert sorted(one.arrival for one in seen) == list(range(len(gateways)))
    for gateway in set(gateways):
        own = [one.arrival for one in seen if one.topic.split("/")[2] == gateway]
        assert own == sorted(own)
