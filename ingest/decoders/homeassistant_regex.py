"""Regular expressions of value templates: only such as end soon, over short texts."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from ingest.decoders.record import DecodeError

_MAX_PATTERN = 100
_MAX_SUBJECT = {0: 1_024, 1: 256, 2: 64}
"""Characters, by the number of repeats: the tries grow with the next power of the length."""
_MAX_NEW = 64


@lru_cache(maxsize=512)
def _pattern(pattern: str, ignorecase: bool) -> tuple[re.Pattern[str], int]:
    """A pattern that cannot run away, and how long a text may be that it is tried on.

    No repeat within a repeat, at most two of them, and few options and alternatives: a try then
    costs at most the square of the text, and there are as many tries as characters.
    """
    bare = pattern[:_MAX_PATTERN]
    bare = re.sub(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", "x", bare)
    repeats = len(re.findall(r"[*+{]", bare))
    if (
        len(pattern) > _MAX_PATTERN
        or repeats > 2
        or bare.count("?") > 1
        or bare.count("|") > 2
        or "(?" in bare
        or re.search(r"\)[*+{?]", bare)
        or re.search(r"\\[1-9]", pattern)
    ):
        raise DecodeError(
            "template",
            "The template searches with a regular expression that might never end; use at most "
            "two repeats, none within another.",
        )
    return re.compile(pattern, re.IGNORECASE if ignorecase else 0), _MAX_SUBJECT[repeats]


def _searched(text: Any, pattern: str, ignorecase: bool) -> tuple[str, re.Pattern[str]]:
    subject = _text(text)
    try:
        compiled, longest = _pattern(pattern, ignorecase)
    except (re.error, OverflowError):
        raise ValueError from None
    if len(subject) > longest:
        raise DecodeError(
            "template",
            f"The template searches {len(subject):,} characters with a regular expression that is "
            f"tried on {longest} at most.",
        )
    return subject, compiled


def regex_match(text: Any, find: str = "", ignorecase: bool = False) -> bool:
    """Whether the start of a text matches."""
    subject, pattern = _searched(text, find, ignorecase)
    return pattern.match(subject) is not None


def regex_search(text: Any, find: str = "", ignorecase: bool = False) -> bool:
    """Whether a text matches anywhere."""
    subject, pattern = _searched(text, find, ignorecase)
    return pattern.search(subject) is not None


def regex_replace(text: Any, find: str = "", replace: str = "", ignorecase: bool = False) -> str:
    """A text with what matches replaced."""
    subject, pattern = _searched(text, find, ignorecase)
    if len(replace) > _MAX_NEW:
        raise ValueError
    return pattern.sub(replace, subject)


def regex_findall(text: Any, find: str = "", ignorecase: bool = False) -> list[Any]:
    """All that matches."""
    subject, pattern = _searched(text, find, ignorecase)
    return pattern.findall(subject)


def regex_findall_index(text: Any, find: str = "", index: int = 0, ignorecase: bool = False) -> Any:
    """One of all that matches, by its number."""
    return regex_findall(text, find, ignorecase)[index]


def _text(value: Any) -> str:
    if isinstance(value, (str, int, float)):
        return str(value)
    raise TypeError
