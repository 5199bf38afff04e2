"""What value templates do with each entry of a list: loops, and the filters that take a filter, a
test or an attribute by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ingest.decoders.homeassistant_filters import FILTERS, TESTS
from ingest.decoders.homeassistant_lists import (
    UNDEFINED,
    Undefined,
    attribute_of,
    entries_of,
    truth,
)
from ingest.decoders.record import DecodeError

Call = Callable[[Callable[..., Any], list[Any]], Any]
"""Calls a filter or test with arguments, at the cost that these have."""


class Namespace:
    """What a template remembers beyond a loop. It is no value: it is in no list and no text."""

    def __init__(self, held: dict[str, Any]) -> None:
        self.held = held


def of_loop(number: int, size: int) -> dict[str, Any]:
    """The variable `loop` in its turn, from 0."""
    return {
        "index": number + 1, "index0": number, "first": number == 0, "last": number == size - 1,
        "length": size, "revindex": size - number, "revindex0": size - number - 1,
    }  # fmt: skip


def each(name: str, call: Call, values: Any, *given: Any, **named: Any) -> list[Any]:
    """The filters `map`, `select`, `reject`, `selectattr` and `rejectattr`."""
    entries = entries_of(values)
    if name == "map":
        if "attribute" in named:
            other = named.get("default", UNDEFINED)
            found = [attribute_of(one, named["attribute"]) for one in entries]
            return [other if isinstance(one, Undefined) else one for one in found]
        apply = _named(FILTERS, given, "filter")
        return [call(apply, [one, *given[1:]]) for one in entries]
    looked_at = entries
    if name.endswith("attr"):
        looked_at = [attribute_of(one, given[0]) for one in entries]
        given = given[1:]
    test = _named(TESTS, given, "test") if given else truth
    wanted = name.startswith("select")
    return [
        one
        for one, seen in zip(entries, looked_at, strict=True)
        if truth(call(test, [seen, *given[1:]])) == wanted
    ]


EACH = frozenset(("map", "select", "reject", "selectattr", "rejectattr"))


def _named(
    table: dict[str, Callable[..., Any]], given: tuple[Any, ...], kind: str
) -> Callable[..., Any]:
    name = given[0] if given else ""
    if not isinstance(name, str) or name not in table:
        raise DecodeError(
            "template", f"The template uses the {kind} {str(name)[:40]!r}, which is not run here."
        )
    return table[name]
