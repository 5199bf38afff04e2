"""SenML, RFC 8428, with Saimi's extension fields `boot`, `seq`, `made`, `qualifier`.

In JSON; a pack in CBOR is rewritten as one (`senml_cbor.py`).

Base fields hold from their record on (section 4.1); a time below 2**28 is relative to the arrival
(4.5.3); names are base name and name joined (4.5.1). A field whose name ends in "_" must be
understood, so a pack with one is refused; any other unknown field is ignored (4.4).
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, Literal

import msgspec

from core.catalogue import catalogue
from core.wire import MAX_NAME, SENML
from ingest.decoders.record import MAX_RECORDS, Channel, Decoded, DecodeError, Record
from ingest.decoders.senml_cbor import as_json, first_as_json, is_cbor
from ingest.decoders.source import Definitions, Source

VERSION = 10
RELATIVE_BELOW = 2.0**28
"""Seconds; a time below is relative to now (section 4.5.3)."""
AHEAD = 300.0
"""Seconds; a relative time further ahead is no measurement: it is a clock that was never set."""
_MAX_NAME = 256
_LIFE_SAFETY = frozenset(metric.name for metric in catalogue() if metric.never_filtered)


class _Entry(msgspec.Struct, gc=False, omit_defaults=True):
    bn: str | None = None
    bt: float | None = None
    bu: str | None = None
    bv: float | None = None
    bs: float | None = None
    bver: float | None = None
    n: str | None = None
    u: str | None = None
    v: float | None = None
    vs: str | None = None
    vb: bool | None = None
    vd: str | None = None
    s: float | None = None
    t: float | None = None
    ut: float | None = None
    boot: str | None = None
    seq: int | None = None
    made: float | None = None
    qualifier: Literal[-1, 0, 1] | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[_Entry]).decode


def decode(rest: str, payload: bytes, arrival: float, definitions: Definitions) -> Decoded:
    """Decode a pack; `rest` and `definitions` are not used.

    Raises:
        DecodeError: not a pack of RFC 8428; says what is wrong, and where.
    """
    try:
        if not payload.startswith(b"["):  # nearly every pack does
            payload = _in_json(payload)
        return _resolve(_read(payload), arrival)
    except DecodeError as error:
        error.boot, error.seq = salvage_position(payload)
        raise


def _in_json(payload: bytes) -> bytes:
    """A pack in another form as JSON; refused by name are XML and EXI (RFC 8428, 7 and 8)."""
    if payload.startswith((b"<", b"\xef\xbb\xbf<", b"\xa0", b"$EXI")):
        form = "XML" if b"<" in payload[:4] else "EXI"
        raise DecodeError(
            "not_senml", f"SenML in {form} is not taken; let the gateway send JSON or CBOR."
        )
    return as_json(payload) if is_cbor(payload) else payload


def _read(payload: bytes) -> list[_Entry]:
    try:
        entries = _decode(payload)
    except msgspec.ValidationError as error:
        raise DecodeError("not_senml", f"This is no SenML pack: {_plain(error)}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DecodeError("unreadable", f"This is not JSON: {_plain(error)}.") from None
    except RecursionError:
        raise DecodeError("unreadable", "This JSON is nested too deeply to be SenML.") from None
    if len(entries) > MAX_RECORDS:
        raise DecodeError(
            "too_large", f"The pack has {len(entries):,} records; {MAX_RECORDS:,} are the most."
        )
    if not _nothing_hidden(payload, entries):
        _search_fields(payload)
    return entries


def _nothing_hidden(payload: bytes, entries: list[_Entry]) -> bool:
    """Whether every field in the text was decoded: none twice, none unknown.

    Each field has one colon outside strings. Written again, the same fields and strings have as
    many colons; a field that is hidden makes them fewer (escapes in strings could make up for it,
    so those are left to the slower look). It costs a twentieth of asking a slower parser.
    """
    return b"\\" not in payload and _encode(entries).count(b":") == payload.count(b":")


def _search_fields(payload: bytes) -> None:
    """Look at every field by its name, as msgspec does not tell of unknown or repeated ones."""

    def check(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        fields = dict(pairs)
        if len(fields) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise DecodeError(
                "not_senml",
                f"A record has the field {twice[:64]!r} twice; nobody can tell which is meant.",
            )
        for name in fields:
            if name.endswith("_"):
                raise DecodeError(
                    "unknown_field",
                    f"The field {name[:64]!r} must be understood (its name ends in '_'), and is "
                    "not; so nothing in this pack may be used.",
                )
        return fields

    try:
        json.loads(payload, object_pairs_hook=check)
    except (ValueError, RecursionError):
        raise DecodeError("unreadable", "This JSON is nested too deeply, or is broken.") from None


def _resolve(entries: list[_Entry], arrival: float) -> Decoded:
    name, unit, time, value = "", None, 0.0, 0.0
    records: list[Record] = []
    for entry in entries:
        if entry.bn is not None:
            name = entry.bn
        if entry.bu is not None:
            unit = entry.bu
        if entry.bt is not None:
            time = entry.bt
        if entry.bv is not None:
            value = entry.bv
        if entry.bver is not None and not 1 <= entry.bver <= VERSION:
            raise DecodeError(
                "not_senml", f"This is SenML version {entry.bver:g}; {VERSION} is understood."
            )
        own: float | str | None
        if entry.v is not None:
            if entry.vs is not None or entry.vb is not None or entry.vd is not None:
                raise _several_values(len(records))
            own = entry.v + value
        elif entry.vb is not None:
            if entry.vs is not None or entry.vd is not None:
                raise _several_values(len(records))
            own = 1.0 if entry.vb else 0.0
        elif entry.vs is not None:
            if entry.vd is not None:
                raise _several_values(len(records))
            own = entry.vs
        elif entry.vd is not None or entry.s is not None:
            own = None
        else:
            continue  # base fields only, or a value that the device does not know (null)
        full = name if entry.n is None else name + entry.n
        if not 0 < len(full) <= _MAX_NAME:
            raise DecodeError(
                "not_senml",
                f"Record {len(records) + 1} has "
                + (f"a name of {len(full):,} characters." if full else "no name."),
            )
        at = time if entry.t is None else time + entry.t
        dated = at >= RELATIVE_BELOW or at > AHEAD
        if not dated:
            at += arrival
        records.append(
            Record(
                _channel(full, unit if entry.u is None else entry.u),
                own,
                at,
                entry.qualifier or 0,
                dated,
            )
        )
    boot, seq = _position(entries)
    made = entries[0].made if entries else None
    return Decoded(records, boot, seq, made, "" if records else "an empty pack")


def _several_values(before: int) -> DecodeError:
    return DecodeError(
        "not_senml", f"Record {before + 1} has several values; a record has one (RFC 8428, 4.2)."
    )


def _position(entries: list[_Entry]) -> tuple[str | None, int | None]:
    if not entries:
        return None, None
    boot, seq = entries[0].boot, entries[0].seq
    if boot is None or seq is None:
        return None, None
    if not 0 < len(boot) <= MAX_NAME or not boot.isprintable() or not 0 < seq < 2**62:
        raise DecodeError(
            "not_senml",
            f"boot must have 1 to {MAX_NAME} printable characters, and seq count from 1; seq is "
            f"{seq}.",
        )
    return boot, seq


@lru_cache(maxsize=65_536)
def _channel(name: str, unit: str | None) -> Channel:
    device, metric = split_name(name)
    return Channel(device, metric, unit)


def split_name(name: str) -> tuple[str, str]:
    """A name's device and metric; the metric is empty where the name is only a device's.

    At the last "/" where there is one. In URNs as RFC 8428 and RFC 9039 use them, at the last ":"
    or "_" behind the device's own identifier (`urn:dev:ow:10e2073a01080063:voltage`). A name
    that is nothing but a life-safety event's is one, of a device that is not said.
    """
    device, slash, metric = name.rpartition("/")
    if slash:
        return device, metric
    if name.startswith("urn:"):
        own = 4 if name.startswith("urn:dev:") else 3  # parts that are the device's identifier
        parts = name.split(":")
        if len(parts) > own:
            return ":".join(parts[:-1]), parts[-1]
        device, underscore, metric = name.rpartition("_")
        if underscore and ":" not in metric:
            return device, metric
    return ("", name) if name in _LIFE_SAFETY else (name, "")


def _plain(error: Exception) -> str:
    """A library's message as part of a sentence; it never quotes the payload."""
    text = str(error).rstrip(".")[:200]
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


_BOOT = re.compile(rb'"boot"\s*:\s*"([!#-\[\]-~]{1,64})"')
_SEQ = re.compile(rb'"seq"\s*:\s*([1-9][0-9]{0,17})\s*[,}]')


def salvage_position(payload: bytes) -> tuple[str | None, int | None]:
    """`boot` and `seq` of a pack that cannot be read otherwise, so that its gateway is told that it
    arrived and does not send it for ever."""
    if is_cbor(payload):
        payload = first_as_json(payload)
    start = payload[:4096].partition(b"}")[0] + b"}"
    boot, seq = _BOOT.search(start), _SEQ.search(start)
    if boot is None or seq is None:
        return None, None
    return boot[1].decode("ascii"), int(seq[1])


_FORMATS = ("senml+json", "senml+cbor", "sensml+json", "sensml+cbor")
SOURCE = Source(SENML, decode, formats=dict.fromkeys(_FORMATS, ""), learns=False)
