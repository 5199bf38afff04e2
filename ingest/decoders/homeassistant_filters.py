"""The filters, tests, functions and methods that a value template may use: Jinja's and Home
Assistant's usual ones, each over plain data and of a cost in proportion to its arguments."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from ingest.decoders.homeassistant_lists import (
    UNDEFINED,
    Undefined,
    entries_of,
    extreme,
    in_order,
    numbers_from,
    once,
    pairs,
    total,
    truth,
)
from ingest.decoders.homeassistant_regex import (
    regex_findall,
    regex_findall_index,
    regex_match,
    regex_replace,
    regex_search,
)
from ingest.decoders.strict_json import read_json


class NotTold(Exception):  # noqa: N818 - it is no error: the message is about something else
    """`is_defined` found nothing: Home Assistant then leaves the state as it was."""


_RAISE = object()
_PLACE = re.compile(r"%[-+ 0]?[0-9]{0,2}(?:\.[0-9]{1,2})?[dfgis]|%%")
_MAX_TEXT = 2 * 1024 * 1024


def _plain(text: Any) -> str:
    if isinstance(text, str):
        return text
    return "" if isinstance(text, Undefined) else str(text)


def _float(value: Any, default: Any = _RAISE) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return _or(default)


def _int(value: Any, default: Any = _RAISE, base: int = 10) -> Any:
    try:
        if isinstance(value, str):
            if base != 10 and len(value) < 32:
                return int(value, base)
            value = float(value)
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return _or(default)


def _or(default: Any) -> Any:
    if default is _RAISE:
        raise ValueError
    return default


def _round(value: Any, precision: int = 0, method: str = "common", default: Any = _RAISE) -> Any:
    number = _float(value, default)
    if not isinstance(number, float) or not -30 < precision < 30:
        return number
    if method in ("floor", "ceil"):
        scale = 10.0**precision
        number = (math.floor if method == "floor" else math.ceil)(number * scale) / scale
    elif method == "half":
        number = round(number * 2) / 2
    else:
        number = round(number, precision)
    return int(number) if precision == 0 and method != "half" else number


def _default(value: Any, other: Any = "", boolean: bool = False) -> Any:
    missing = isinstance(value, Undefined) or (boolean and not truth(value))
    return other if missing else value


def _is_defined(value: Any) -> Any:
    if isinstance(value, Undefined):
        raise NotTold
    return value


def _bool(value: Any, default: Any = _RAISE) -> Any:
    if isinstance(value, (bool, int, float)):
        return bool(value)
    text = _plain(value).strip().lower()
    if text in ("1", "true", "yes", "on", "enable"):
        return True
    if text in ("0", "false", "no", "off", "disable"):
        return False
    return _or(default)


def _iif(value: Any, yes: Any = True, no: Any = False, none: Any = _RAISE) -> Any:
    if value is None and none is not _RAISE:
        return none
    return yes if truth(value) else no


def _replace(text: Any, old: str, new: str, count: int = -1) -> str:
    whole = _plain(text)
    if not old or len(whole) + whole.count(old) * len(new) > _MAX_TEXT:
        raise ValueError
    return whole.replace(old, new, count)


def _split(text: str, separator: str | None = None, most: int = -1) -> list[str]:
    return text.split(separator, most)


def _join(values: Any, separator: str = "") -> str:
    if not isinstance(values, (list, tuple)) or len(separator) > 64:
        raise TypeError
    return separator.join(_plain(one) for one in values)


def formatted(pattern: Any, *values: Any) -> str:
    """`"%.1f" % value`: numbers and texts, with no more than 99 places."""
    if not isinstance(pattern, str) or "%" in _PLACE.sub("", pattern):
        raise ValueError
    return str(pattern % tuple(values))


def _to_json(value: Any) -> str:
    return json.dumps(value, allow_nan=False, default=_plain)


def _as_timestamp(value: Any, default: Any = _RAISE) -> Any:
    if isinstance(value, (int, float)):
        return float(value)
    try:
        at = datetime.fromisoformat(_plain(value))
        return at.timestamp() if at.tzinfo is not None else _or(default)
    except (ValueError, OverflowError):
        return _or(default)


def _first(values: Any) -> Any:
    return values[0] if values else UNDEFINED


def _last(values: Any) -> Any:
    return values[-1] if values else UNDEFINED


def _of_arguments(chosen: Callable[[Any], Any]) -> Callable[..., Any]:
    """The functions `max` and `min`: of their arguments, or of the list that is the only one."""

    def pick(*values: Any) -> Any:
        return extreme(chosen)(values[0] if len(values) == 1 else values)

    return pick


def _length(value: Any) -> int:
    return 0 if isinstance(value, Undefined) else len(value)


def _is_number(value: Any) -> bool:
    number = _float(value, None)
    return number is not None and math.isfinite(number)


def _multiply(value: Any, by: float, default: Any = _RAISE) -> Any:
    number = _float(value, default)
    return number * by if isinstance(number, float) else number


def _add(value: Any, more: float, default: Any = _RAISE) -> Any:
    number = _float(value, default)
    return number + more if isinstance(number, float) else number


def _contains(values: Any, one: Any) -> bool:
    return one in values


FILTERS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "add": _add,
    "as_timestamp": _as_timestamp,
    "bitwise_and": lambda a, b: int(a) & int(b),
    "bitwise_or": lambda a, b: int(a) | int(b),
    "bool": _bool,
    "capitalize": lambda text: _plain(text).capitalize(),
    "contains": _contains,
    "count": _length,
    "d": _default,
    "default": _default,
    "first": _first,
    "float": _float,
    "format": formatted,
    "from_json": lambda text: read_json(_plain(text)),
    "iif": _iif,
    "int": _int,
    "is_defined": _is_defined,
    "is_number": _is_number,
    "join": _join,
    "last": _last,
    "length": _length,
    "dictsort": lambda held: sorted(pairs(held), key=lambda one: _plain(one[0]).lower()),
    "items": pairs,
    "list": entries_of,
    "lower": lambda text: _plain(text).lower(),
    "max": extreme(max),
    "min": extreme(min),
    "multiply": _multiply,
    "regex_findall": regex_findall,
    "regex_findall_index": regex_findall_index,
    "regex_match": regex_match,
    "regex_replace": regex_replace,
    "regex_search": regex_search,
    "replace": _replace,
    "reverse": lambda values: entries_of(values)[::-1],
    "round": _round,
    "sort": in_order,
    "split": lambda text, *more: _split(_plain(text), *more),
    "sqrt": lambda value: math.sqrt(_float(value)),
    "string": _plain,
    "sum": total,
    "title": lambda text: _plain(text).title(),
    "to_json": _to_json,
    "tojson": _to_json,
    "unique": once,
    "trim": lambda text: _plain(text).strip(),
    "upper": lambda text: _plain(text).upper(),
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "as_timestamp": _as_timestamp,
    "bool": _bool,
    "float": _float,
    "iif": _iif,
    "int": _int,
    "is_number": _is_number,
    "max": _of_arguments(max),
    "min": _of_arguments(min),
    "range": numbers_from,
    "sqrt": lambda value: math.sqrt(_float(value)),
}
SEARCHES = frozenset((regex_findall, regex_findall_index, regex_match, regex_replace, regex_search))
"""What costs much more than its arguments are long."""
METHODS: dict[str, Callable[..., Any]] = {
    "endswith": lambda text, end: text.endswith(end),
    "find": lambda text, part: text.find(part),
    "items": pairs,
    "get": lambda held, key, other=None: held.get(key, other),
    "keys": list,
    "lower": lambda text: text.lower(),
    "lstrip": lambda text, *more: text.lstrip(*more),
    "replace": _replace,
    "rstrip": lambda text, *more: text.rstrip(*more),
    "split": _split,
    "startswith": lambda text, start: text.startswith(start),
    "strip": lambda text, *more: text.strip(*more),
    "title": lambda text: text.title(),
    "upper": lambda text: text.upper(),
    "values": lambda held: list(held.values()),
}
TESTS: dict[str, Callable[..., Any]] = {
    "boolean": lambda value: isinstance(value, bool),
    "contains": _contains,
    "defined": lambda value: not isinstance(value, Undefined),
    "eq": lambda a, b: a == b,
    "equalto": lambda a, b: a == b,
    "false": lambda value: value is False,
    "float": lambda value: isinstance(value, float),
    "ge": lambda a, b: a >= b,
    "gt": lambda a, b: a > b,
    "greaterthan": lambda a, b: a > b,
    "in": lambda value, values: value in values,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "is_number": _is_number,
    "iterable": lambda value: isinstance(value, (str, list, tuple, dict)),
    "le": lambda a, b: a <= b,
    "lessthan": lambda a, b: a < b,
    "lt": lambda a, b: a < b,
    "mapping": lambda value: isinstance(value, dict),
    "match": regex_match,
    "ne": lambda a, b: a != b,
    "none": lambda value: value is None,
    "number": lambda value: isinstance(value, (int, float)),
    "search": regex_search,
    "sequence": lambda value: isinstance(value, (str, list, tuple)),
    "string": lambda value: isinstance(value, str),
    "true": lambda value: value is True,
    "undefined": lambda value: isinstance(value, Undefined),
}
