"""What sources have told: within bounds, in order, and true to what others have learned."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ingest import definitions as module
from ingest.decoders.record import DecodeError
from ingest.definitions import Definitions, Learned, definition_columns


class Stored:
    """A database of definitions; `while_reading` is done between the question and the answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows: dict[tuple[str, str, str], Any] = {}
        self.asked: list[list[str]] = []
        self.while_reading: list[Any] = []
        monkeypatch.setattr(module, "_read", self._read)

    def commit(self, *learned: Learned) -> None:
        for one in learned:
            for key, text in one.entries.items():
                self.rows.pop((one.gateway, one.source, key), None)
                if text is not None:
                    self.rows[one.gateway, one.source, key] = json.loads(text)

    async def _read(self, _connection: object, gateways: list[str]) -> dict[str, module._Known]:
        self.asked.append(sorted(gateways))
        found = {name: module._Known() for name in gateways}
        for (gateway, source, key), definition in self.rows.items():
            if gateway in found:
                found[gateway].put(source, key, json.dumps(definition))
        while self.while_reading:
            self.while_reading.pop()()
        return found


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> Stored:
    return Stored(monkeypatch)


async def load(to: Definitions, *gateways: str) -> None:
    await to.load(None, gateways)  # type: ignore[arg-type]  # the database is a table of the test


def told(to: Definitions, **entries: Any) -> Learned:
    learned = to.learn("gw", "zigbee2mqtt", entries, 1)
    assert learned is not None
    return learned


async def test_what_is_told_holds_for_the_next_message_and_is_forgotten_when_told_so(
    stored: Stored,
) -> None:
    some = Definitions()
    await load(some, "gw")
    assert told(some, a={"x": 1}, b=[2]).entries == {"a": '{"x":1}', "b": "[2]"}
    assert some.known("gw", "zigbee2mqtt") == {"a": {"x": 1}, "b": [2]}
    assert some.known("gw", "homeassistant") == {}
    assert some.learn("gw", "zigbee2mqtt", {"a": {"x": 1}, "c": None}, 2) is None  # nothing new
    assert told(some, a=None).entries == {"a": None}
    assert some.known("gw", "zigbee2mqtt") == {"b": [2]}


async def test_a_gateway_that_was_not_loaded_teaches_nothing() -> None:
    some = Definitions()
    assert some.learn("nobody", "zigbee2mqtt", {"a": 1}, 1) is None
    assert some.known("nobody", "zigbee2mqtt") == {}


async def test_what_is_in_flight_outlives_reading_anew(stored: Stored) -> None:
    some = Definitions()
    await load(some, "gw")
    first = told(some, a=1, b=1)
    second = told(some, a=2, b=None)
    some.forget("gw")
    await load(some, "gw")
    assert some.known("gw", "zigbee2mqtt") == {"a": 2}
    stored.commit(first)
    some.settle([first])
    some.forget()
    await load(some, "gw")
    assert some.known("gw", "zigbee2mqtt") == {"a": 2}
    stored.commit(second)
    some.settle([second])
    stored.rows["gw", "zigbee2mqtt", "a"] = 3  # another worker's word
    await load(some, "gw")
    assert some.known("gw", "zigbee2mqtt") == {"a": 2}  # not heard of yet
    some.forget("gw")
    await load(some, "gw")
    assert some.known("gw", "zigbee2mqtt") == {"a": 3}


async def test_a_commit_or_a_word_while_reading_is_not_lost(stored: Stored) -> None:
    some = Definitions()
    await load(some, "gw")
    learned = told(some, a=1)
    some.forget("gw")
    # The answer is of before the commit, and another worker speaks before it is here.
    stored.while_reading = [lambda: some.settle([learned]), lambda: some.forget("gw")]
    await load(some, "gw")
    assert some.known("gw", "zigbee2mqtt") == {"a": 1}
    await load(some, "gw")
    assert stored.asked == [["gw"]] * 3


async def test_beyond_its_bound_a_gateway_is_refused_and_nothing_grows(stored: Stored) -> None:
    some = Definitions(most_keys=3, most_bytes=100)
    await load(some, "gw", "other")
    told(some, a=1, b=1, c=1)
    with pytest.raises(DecodeError, match="no more than 3") as refused:
        told(some, d=1)
    assert refused.value.reason == "too_many_definitions"
    with pytest.raises(DecodeError):
        told(some, a="x" * 100)
    assert some.known("gw", "zigbee2mqtt") == {"a": 1, "b": 1, "c": 1}
    told(some, a=None, d=2)  # one goes, one comes
    told(some, b=None)  # less is always possible
    assert some.learn("other", "zigbee2mqtt", {"a": 1}, 1) is not None


async def test_a_bound_made_smaller_still_lets_definitions_go(stored: Stored) -> None:
    stored.rows = {("gw", "zigbee2mqtt", key): 1 for key in "abcdef"}
    some = Definitions(most_keys=2)
    await load(some, "gw")
    assert told(some, a=None).entries == {"a": None}


@pytest.mark.parametrize("bad", [{"k" * 2_000: 1}, {"a\0": 1}, {"a": "x\0"}, {"a": {1j: 2}}])
async def test_what_no_database_can_hold_is_refused(stored: Stored, bad: dict[str, Any]) -> None:
    some = Definitions()
    await load(some, "gw")
    with pytest.raises(DecodeError) as refused:
        some.learn("gw", "zigbee2mqtt", bad, 1)
    assert refused.value.reason == "bad_definition"
    assert some.known("gw", "zigbee2mqtt") == {}


async def test_memory_is_bounded_by_what_was_used_last(stored: Stored) -> None:
    for name in ("a", "b", "c"):
        stored.rows[name, "zigbee2mqtt", "key"] = "x" * 1_000
    some = Definitions(max_kept_bytes=2_500)
    await load(some, "a")
    await load(some, "b")
    await load(some, "a")
    await load(some, "c")
    assert some.known("b", "zigbee2mqtt") == {}
    assert set(some.known("a", "zigbee2mqtt")) == set(some.known("c", "zigbee2mqtt")) == {"key"}
    await load(some, "a", "b", "c")  # all needed at once
    assert some.known("b", "zigbee2mqtt") != {}


def test_of_one_key_the_last_word_of_a_batch_is_written() -> None:
    columns = definition_columns(
        [
            Learned("gw", "s", 1, {"b": "1", "a": "1"}, 1),
            Learned("gw", "s", 2, {"a": None}, 2),
            Learned("aa", "s", 3, {"z": "3"}, 3),
        ]
    )
    assert list(zip(columns["gateways"], columns["keys"], columns["definitions"], strict=True)) == [
        ("aa", "z", "3"), ("gw", "a", None), ("gw", "b", "1"),
    ]  # fmt: skip
