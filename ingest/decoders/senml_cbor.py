"""SenML in CBOR (RFC 8428, section 6), rewritten as the same pack in JSON.

Both say the same with the same fields; only their labels are integers here, and the octets of a
data value are bytes. So what holds of a pack is decided in one place (`senml.py`). Of CBOR's tags a
decimal fraction is a number; every other is refused, for what it stands for (sets, shared
references, regular expressions) no pack has.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO
from typing import Any, NoReturn

import msgspec
from cbor2 import CBORDecodeError, CBORDecoder

from ingest.decoders.record import MAX_RECORDS, DecodeError

LABELS = {
    -1: "bver", -2: "bn", -3: "bt", -4: "bu", -5: "bv", -6: "bs", 0: "n", 1: "u", 2: "v",
    3: "vs", 4: "vb", 5: "s", 6: "t", 7: "ut", 8: "vd",
}  # fmt: skip
"""Table 4 of the RFC."""
_SELF_DESCRIBED = b"\xd9\xd9\xf7"
_ARRAY, _ENDLESS, _BREAK = 0x80, 0x9F, b"\xff"
_BYTES_OF_LENGTH = {0x98: 1, 0x99: 2, 0x9A: 4, 0x9B: 8}
_DECIMAL_FRACTION = 4
_LAST_TAG = 300
"""The decoder gives a meaning of its own to tags up to this, and to dates of 1004 besides."""
_MAX_DEPTH = 8
_encode = msgspec.json.Encoder().encode


class _Stream(BytesIO):
    """Read without looking ahead, so that its place is known between two records."""

    def seekable(self) -> bool:
        return False


def _no_tag(*_: Any) -> NoReturn:
    raise ValueError


_TAGS = dict.fromkeys({*range(_LAST_TAG), 1004} - {_DECIMAL_FRACTION}, _no_tag)


def is_cbor(payload: bytes) -> bool:
    """Whether a payload starts as an array, a map or a tag of CBOR does; no JSON starts so."""
    return b"\x80" <= payload[:1] <= b"\xdb"


def as_json(payload: bytes) -> bytes:
    """A pack in CBOR as the same pack in JSON.

    Raises:
        DecodeError: no pack in CBOR, cut off, or with a number that is none.
    """
    return _encode([_named(one, number) for number, (one, _) in enumerate(entries(payload), 1)])


def first_as_json(payload: bytes) -> bytes:
    """The first record of what may be a broken pack, as JSON; empty where it cannot be read."""
    try:
        return _encode(_named(next(entries(payload))[0], 1))
    except (DecodeError, StopIteration):
        return b""


def entries(payload: bytes) -> Iterator[tuple[dict[Any, Any], int]]:
    """The records of a pack, one by one, as they can be read; and where each ends.

    Raises:
        DecodeError: what follows cannot be read.
    """
    count, start = _head(payload)
    stream = _Stream(payload)
    stream.seek(start)
    decoder = CBORDecoder(
        stream,
        tag_hook=_no_tag,
        semantic_decoders=_TAGS,
        max_depth=_MAX_DEPTH,
        allow_duplicate_keys=False,
    )
    read = 0
    while count is None or read < count:
        if count is None and payload[stream.tell() : stream.tell() + 1] == _BREAK:
            stream.seek(1, 1)
            break
        read += 1
        if read > MAX_RECORDS:
            raise DecodeError("too_large", f"The pack has more than {MAX_RECORDS:,} records.")
        try:
            entry = decoder.decode()
        except (CBORDecodeError, ValueError, RecursionError, OverflowError, MemoryError):
            raise DecodeError(
                "unreadable", f"This is not CBOR that can be used, from record {read} on."
            ) from None
        if not isinstance(entry, dict):
            raise DecodeError("not_senml", f"Record {read} of this SenML pack is no map.")
        yield entry, stream.tell()
    if stream.tell() != len(payload):
        raise DecodeError("unreadable", "Something follows the pack; this is not one of CBOR.")


def _head(payload: bytes) -> tuple[int | None, int]:
    """How many records there are said to be (None: until a mark), and where the first begins."""
    at = len(_SELF_DESCRIBED) if payload.startswith(_SELF_DESCRIBED) else 0
    first = payload[at] if at < len(payload) else 0
    if first == _ENDLESS:
        return None, at + 1
    if _ARRAY <= first < _ARRAY + 24:
        return first - _ARRAY, at + 1
    length = _BYTES_OF_LENGTH.get(first)
    if length is None or len(payload) <= at + length:
        raise DecodeError("not_senml", "This is no SenML pack: in CBOR that is an array of maps.")
    return int.from_bytes(payload[at + 1 : at + 1 + length], "big"), at + 1 + length


def _named(entry: dict[Any, Any], number: int) -> dict[str, Any]:
    """A record with the names that JSON has for its labels; of what is unknown only the name."""
    fields: dict[str, Any] = {}
    for label, value in entry.items():
        name = LABELS.get(label) if type(label) is int else label
        if name is None:
            continue  # the table of labels is conclusive, so nobody can mean anything by another
        if not isinstance(name, str):
            raise DecodeError("not_senml", f"Record {number} has a label that is no label.")
        if name in fields:
            raise DecodeError(
                "not_senml",
                f"Record {number} has {name[:64]!r} twice; nobody can tell which is meant.",
            )
        fields[name] = _plain(name, value, number)
    return fields


def _plain(name: str, value: Any, number: int) -> Any:
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise DecodeError("not_senml", f"Record {number} has a {name[:64]!r} that is no number.")
    if isinstance(value, bytes) and name == "vd":
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
    if isinstance(value, int) and not -(2**64) <= value < 2**64:
        raise DecodeError("not_senml", f"Record {number} has a {name[:64]!r} beyond all numbers.")
    if name not in _KNOWN or value is None:
        return None
    if isinstance(value, (bool, int, float, str)):
        return value
    raise DecodeError(
        "not_senml", f"Record {number} has a {name[:64]!r} that is neither a number nor a text."
    )


_KNOWN = frozenset(LABELS.values()) | {"boot", "seq", "made", "qualifier"}
