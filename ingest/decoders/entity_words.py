"""The words by which devices name what they measure (`entity_words.toml`), and names as words."""

from __future__ import annotations

import re
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

_TABLES: dict[str, Any] = tomllib.loads(
    Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
)
_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-zäöå0-9])(?=[A-ZÄÖÅ])")
_MAX_NAME = 256


def words(*names: object) -> frozenset[str]:
    """The words of names, in small letters: split at blanks, signs and capitals within.

    Neighbours are also joined, so that "heart rate" is found as "heartrate" too.
    """
    found: set[str] = set()
    for name in names:
        if name:
            parts = _WORD.findall(_CAMEL.sub(" ", str(name)[:_MAX_NAME]).lower())
            found.update(parts)
            found.update(first + second for first, second in pairwise(parts))
    return frozenset(found)


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


LIFE_SAFETY: dict[str, frozenset[str]] = {
    metric: _set(text) for metric, text in _TABLES["life_safety"].items()
}
BESIDE_THE_EVENT = _set(_TABLES["beside_the_event"]["words"])
ORDINARY = _set(_TABLES["ordinary"]["words"])
ON_TEXTS = _set(_TABLES["texts"]["on"])
OFF_TEXTS = _set(_TABLES["texts"]["off"])
TEMPERATURES: dict[str, frozenset[str]] = {
    metric: _set(text) for metric, text in _TABLES["temperature"].items()
}
NUMBERS: list[tuple[str, frozenset[str], str]] = [
    (one["unit"], _set(one["words"]), one["metric"]) for one in _TABLES["number"]
]
"""Kind of unit, words, metric; the first that fits is meant."""
BINARIES: list[tuple[frozenset[str], str]] = [
    (_set(one["words"]), one["metric"]) for one in _TABLES["binary"]
]
