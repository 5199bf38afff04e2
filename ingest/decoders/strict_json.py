"""JSON as gateways send it, read so that nothing in it is lost or made up."""

from __future__ import annotations

import json
import math
from typing import Any

from ingest.decoders.record import DecodeError


def read_json(payload: bytes | str) -> Any:
    """Read one JSON text of RFC 8259, UTF-8.

    Raises:
        DecodeError: no JSON; nested too deeply; a number that no computer holds, NaN or Infinity;
            or an object with one key twice, of which nobody can tell which is meant.
    """
    try:
        text = payload if isinstance(payload, str) else payload.decode("utf-8-sig")
        return _read(text)
    except RecursionError:
        raise DecodeError("unreadable", "This JSON is nested too deeply to be a message.") from None
    except UnicodeDecodeError:
        raise DecodeError("unreadable", "This is not JSON: it is not even UTF-8 text.") from None
    except ValueError as error:
        at = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise DecodeError("unreadable", f"This is not JSON that can be used{at}.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise DecodeError(
                    "unreadable",
                    f"An object has the key {name[:64]!r} twice; nobody can tell which is meant.",
                )
            seen.add(name)
    return fields


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text[:20])
    return value


def _constant(text: str) -> float:
    raise ValueError(text)


_read = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_number, parse_constant=_constant
).decode
