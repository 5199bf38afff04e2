"""A last look for a call for help in a message that cannot be read.

A pack may be cut off, far too long, or of a source that nobody knows, and still plainly say that
somebody called for help. The search is by text, takes time in proportion to the message, and finds
a life-safety metric only where it is named as such: as a SenML name (`"n":"button-1/help"`), as a
JSON key (`"smoke":true`), or as the last level of the topic. Of a pack in CBOR the records that can
be read are, and what is left is searched for such names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.catalogue import catalogue
from ingest.decoders.record import DecodeError
from ingest.decoders.senml import split_name
from ingest.decoders.senml_cbor import LABELS, entries, is_cbor
from ingest.judgement import is_call

_METRICS = tuple(metric.name for metric in catalogue() if metric.never_filtered)
_NEAR = 512
"""Bytes on either side of a name that are looked at."""
_MOST_PLACES = 1_000
_MOST_CALLS = 16

_BASE = re.compile(rb'"bn"\s*:\s*"([^"\\]{1,200})"')
_VALUE = re.compile(rb'"(?:v|vb|vs)"\s*:\s*("[^"]{0,64}"|[^\s",}\]]{1,32})')
_NEXT = re.compile(rb"\}\s*(?:,\s*\{|\]\s*$)")
"""Where a record ends."""
_LONGEST_NAME = 224
_CBOR_OVER = re.compile(rb"\x04\xf4|\x02(?:\x00|\xf9\x00\x00|\xfa\x00{4}|\xfb\x00{8})")
"""A value of false or 0 right behind a name."""
_CBOR_BASE = re.compile(rb"\x21([\x61-\x77]|\x78.)", re.DOTALL)
_AFTER_KEY = re.compile(rb'"\s*:\s*("[^"]{0,64}"|[^\s",}\]]{1,32})')


def find_calls(rest: str, payload: bytes) -> list[tuple[str, str]]:
    """Device (empty where it is not said) and metric of each call for help in a message.

    `rest` is the topic behind the gateway's name.
    """
    found = dict.fromkeys(_in_cbor(payload) if is_cbor(payload) else _in_payload(payload))
    found.update(dict.fromkeys(_in_topic(rest, payload)))
    named = {metric for device, metric in found if device}
    calls = [one for one in found if one[0] or one[1] not in named]
    return calls[:_MOST_CALLS]


def _in_topic(rest: str, payload: bytes) -> Iterator[tuple[str, str]]:
    levels = rest.split("/")
    if levels[-1] in _METRICS and len(payload) <= _NEAR:
        text = payload.decode("utf-8", "replace").strip().strip('"')
        if text[:1] not in ("[", "{") and _is_on(text.encode()):
            yield (levels[-2] if len(levels) > 2 else "", levels[-1])


def _in_cbor(payload: bytes) -> Iterator[tuple[str, str]]:
    base, end, calls = "", 0, 0
    try:
        for entry, end in entries(payload):  # noqa: B007 - what is behind the last one is searched
            fields = {LABELS.get(key) if type(key) is int else key: entry[key] for key in entry}
            base = fields["bn"] if isinstance(fields.get("bn"), str) else base
            name = fields.get("n", "")
            value = next((fields[key] for key in ("v", "vb", "vs") if key in fields), 0)
            device, metric = split_name(base + (name if isinstance(name, str) else ""))
            if metric in _METRICS and is_call(value if isinstance(value, str) else bool(value)):
                calls += 1
                yield device, metric
            if calls == _MOST_CALLS:
                return
    except DecodeError:
        yield from _in_broken_cbor(payload, end, base)


def _in_broken_cbor(payload: bytes, start: int, base: str) -> Iterator[tuple[str, str]]:
    """Names of life-safety events in what cannot be read, but where a value says it is over."""
    for metric in _METRICS:
        word = metric.encode()
        at, places = payload.find(word, start), 0
        while at >= 0 and places < _MOST_PLACES:
            places += 1
            end = at + len(word)
            name = _cbor_name(payload[max(0, at - _LONGEST_NAME) : end])
            if name is not None and not _CBOR_OVER.match(payload, end):
                own = _cbor_base(payload[max(start, at - _NEAR) : at]) or base
                for full in (name, own + name):
                    device, last = split_name(full)
                    if last == metric and (device or full != name or not own):
                        yield device, metric
                        break
            at = payload.find(word, end)


def _cbor_name(before: bytes) -> str | None:
    """The text string of a label `n` or `bn` at the end of some bytes; None where there is none."""
    for size in range(1, len(before)):
        text = before[len(before) - size :]
        head = bytes([0x60 + size]) if size < 24 else bytes([0x78, size])
        if before.endswith((b"\x00" + head + text, b"\x21" + head + text)):
            return text.decode("utf-8", "replace")
    return None


def _cbor_base(before: bytes) -> str:
    """The base name of a record that begins before a name, as far as it can be seen."""
    for found in reversed(list(_CBOR_BASE.finditer(before))):
        size = found[1][0] - 0x60 if len(found[1]) == 1 else found[1][1]
        text = before[found.end() : found.end() + size]
        if len(text) == size:
            return text.decode("utf-8", "replace")
    return ""


def _in_payload(payload: bytes) -> Iterator[tuple[str, str]]:
    for metric in _METRICS:
        name = metric.encode() + b'"'
        at, places, calls = payload.find(name), 0, 0
        while at >= 0 and places < _MOST_PLACES and calls < _MOST_CALLS:
            places += 1
            call = _call_at(payload, at, metric)
            if call is not None:
                calls += 1
                yield call, metric
            at = payload.find(name, at + len(name))


def _call_at(payload: bytes, at: int, metric: str) -> str | None:
    """The device that calls at this place of the payload; None if it is no call."""
    before = payload[max(0, at - _NEAR) : at]
    end = at + len(metric)
    after = payload[end : end + _NEAR]
    as_key = _AFTER_KEY.match(after)
    if as_key is not None and before.endswith(b'"') and not before.endswith(b'\\"'):
        return "" if _is_on(as_key[1]) else None  # {"help": true}
    prefix = _prefix(before)
    if prefix is None:
        return None
    inside = before[before.rfind(b"{") + 1 :]
    next_record = _NEXT.search(after)
    own = after if next_record is None else after[: next_record.start()]
    value = _VALUE.search(inside) or _VALUE.search(own)
    if value is not None:
        on = _is_on(value[1])
    else:  # cut off before its value: somebody may have called
        whole = next_record is not None or after.rstrip().endswith((b"}", b"]"))
        on = not whole and end + _NEAR >= len(payload)
    return _device(payload, at, prefix) if on else None


def _prefix(before: bytes) -> bytes | None:
    """What stands in the SenML name before the metric; None if this is no SenML name."""
    quote = before.rfind(b'"')
    prefix = before[quote + 1 :]
    if quote < 0 or (prefix and prefix[-1:] not in b"/:_"):
        return None
    key = before[:quote].rstrip()
    if not key.endswith(b":") or not key[:-1].rstrip().endswith((b'"n"', b'"bn"')):
        return None
    return prefix


def _device(payload: bytes, at: int, prefix: bytes) -> str:
    if not prefix:
        bases = _BASE.findall(payload[max(0, at - 64 * _NEAR) : at])
        prefix = bases[-1] if bases else b""
    return split_name(prefix.decode("utf-8", "replace") + "x")[0] if prefix else ""


def _is_on(token: bytes) -> bool:
    return is_call(token.strip(b'"').decode("utf-8", "replace"))
