"""Life safety read without its template, where that cannot be run or fails.

A detector that says ON must be heard whatever its value template is. So the payload is looked at as
it is: as the announced text for on or off; in JSON under a key that names the event, else as a
value that names it, else as the announced text, if everything that is said in that way agrees.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ingest.decoders.life_safety import in_text, meant, words
from ingest.decoders.plain_values import alarm

_MOST = 1_000
"""Values of a payload that are looked at."""
_MAX_TEXT = 64


def plainly(entity: Mapping[str, Any], text: str, told: Any) -> float | None:
    """1 on, 0 over, None where the payload does not say.

    `entity` is a life-safety entity as it was learned, `text` the payload, `told` the same as JSON
    (None where it is none).
    """
    metric, on, off = entity["m"], entity.get("on"), entity.get("off")
    if not isinstance(told, (dict, list)):
        if text in (on, off):
            return float(text == on)
        return in_text(metric, text[:_MAX_TEXT])
    said = list(_values(told))
    by_key = [alarm(metric, value) for key, value in said if meant(words(key)) == metric]
    known = [one for one in by_key if one is not None]
    if known:
        return max(known)
    texts = [value for _, value in said if isinstance(value, str) and len(value) <= _MAX_TEXT]
    if any(meant(words(one)) == metric and in_text(metric, one) == 1.0 for one in texts):
        return 1.0
    spelled = {float(one == on) for one in texts if one in (on, off)}
    return spelled.pop() if len(spelled) == 1 else None


def _values(told: Any) -> Iterator[tuple[str, Any]]:
    """Plain values of a payload with the key that each stands under."""
    waiting: list[tuple[str, Any]] = [("", told)]
    for _ in range(_MOST):
        if not waiting:
            return
        key, value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend((str(own)[:_MAX_TEXT], one) for own, one in value.items())
        elif isinstance(value, list):
            waiting.extend((key, one) for one in value)
        else:
            yield key, value
