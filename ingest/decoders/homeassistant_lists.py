"""Lists in value templates, and what is worth nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ingest.decoders.record import DecodeError

MAX_RANGE = 1_000
"""Most numbers that `range` makes."""


class Undefined:
    """What a name or a key is worth that is not there: empty, and false."""


UNDEFINED = Undefined()


def truth(value: Any) -> bool:
    """Whether Jinja takes a value for true."""
    return not isinstance(value, Undefined) and bool(value)


def entries_of(value: Any) -> list[Any]:
    """What a loop goes through: entries, keys or characters; nothing where nothing is there."""
    if isinstance(value, Undefined):
        return []
    if not isinstance(value, (list, tuple, dict, str)):
        raise TypeError
    return list(value)


def attribute_of(value: Any, name: Any) -> Any:
    """An attribute as `map` and `selectattr` name it: a key, a place, or several with dots."""
    for part in name.split(".") if isinstance(name, str) else [name]:
        if isinstance(value, dict):
            value = value.get(part, UNDEFINED)
        elif isinstance(value, (list, tuple)) and str(part).isdecimal() and len(str(part)) < 8:
            place = int(part)
            value = value[place] if place < len(value) else UNDEFINED
        else:
            return UNDEFINED
    return value


def in_order(values: Any, reverse: bool = False, *_: Any, attribute: Any = None) -> list[Any]:
    """The filter `sort`, of numbers and texts, or of what has such an attribute."""
    return sorted(
        entries_of(values), key=lambda one: _comparable(one, attribute), reverse=bool(reverse)
    )


def extreme(chosen: Callable[..., Any]) -> Callable[..., Any]:
    """The filters `max` and `min`."""

    def pick(values: Any, *_: Any, attribute: Any = None) -> Any:
        entries = entries_of(values)
        if not entries:
            return UNDEFINED
        return chosen(entries, key=lambda one: _comparable(one, attribute))

    return pick


def once(values: Any, *_: Any, attribute: Any = None) -> list[Any]:
    """The filter `unique`: the first of each, texts in any case."""
    found: dict[Any, Any] = {}
    for one in entries_of(values):
        key = _comparable(one, attribute)
        found.setdefault(key.lower() if isinstance(key, str) else key, one)
    return list(found.values())


def total(values: Any, attribute: Any = None, start: Any = 0) -> Any:
    """The filter `sum`."""
    summed = start
    for one in entries_of(values):
        number = one if attribute is None else attribute_of(one, attribute)
        if not isinstance(number, (int, float)) or not isinstance(summed, (int, float)):
            raise TypeError
        summed += number
    return summed


def numbers_from(*ends: Any) -> list[int]:
    """The function `range`."""
    if not all(isinstance(one, int) for one in ends):
        raise TypeError
    counted = range(*ends)
    if len(counted) > MAX_RANGE:
        raise DecodeError(
            "template_limit", f"The template counts beyond {MAX_RANGE:,}, so it was stopped."
        )
    return list(counted)


def pairs(value: Any) -> list[list[Any]]:
    """`items`: keys with their values."""
    if isinstance(value, Undefined):
        return []
    return [[key, one] for key, one in value.items()]


def _comparable(value: Any, attribute: Any) -> Any:
    seen = value if attribute is None else attribute_of(value, attribute)
    if not isinstance(seen, (int, float, str)):
        raise TypeError
    return seen
