"""Decoding without a broker or a database: what `saimi decode` shows of recorded messages."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from core.wire import parse_topic
from ingest.decoders import FORMATS, SOURCES, decode, source_of
from ingest.decoders.record import Decoded, DecodeError


class _Line(msgspec.Struct):
    payload: Any
    topic: str | None = None
    format: str | None = None
    encoding: str | None = None


class DecodeState:
    """What earlier lines have told, by gateway and source; and the arrival of all lines."""

    def __init__(self, arrival: float) -> None:
        self.arrival = arrival
        """Unix seconds, for times that a message gives relative to its arrival."""
        self._definitions: dict[tuple[str, str], dict[str, Any]] = {}

    def definitions(self, gateway: str, source: str) -> dict[str, Any]:
        """What is known of a gateway's source; to be added to."""
        return self._definitions.setdefault((gateway, source), {})


def decode_line(line: bytes, state: DecodeState) -> dict[str, Any]:
    """Decode one line of JSON: `{"topic", "payload", "encoding"?}`.

    The topic is Saimi's, the source's own, or what a data file calls the format (which may be in a
    field `format` instead). `encoding` is `base64` where the payload is binary.

    Returns `{"readings": [{device, metric, value, unit, time}], "rejected": null | reason}`, times
    in Unix seconds; admission, which needs the registry, is not asked.
    """
    try:
        decoded = _decode(line, state)
    except DecodeError as error:
        return {"readings": [], "rejected": f"{error.reason}: {error}"}
    readings = [
        {
            "device": record.channel.device,
            "metric": record.channel.metric,
            "value": record.value,
            "unit": record.channel.unit,
            "time": record.time,
            **({"qualifier": record.qualifier} if record.qualifier else {}),
        }
        for record in decoded.records
        if record.value is not None
    ]
    return {"readings": readings, "rejected": None}


def _decode(line: bytes, state: DecodeState) -> Decoded:
    try:
        given = msgspec.json.decode(line, type=_Line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(
            "bad_line", f'The line is not {{"topic": …, "payload": …}}: {error}.'
        ) from None
    gateway, source, rest = _source(given.topic or "", given.format or "")
    definitions = state.definitions(gateway, source)
    decoded = decode(source, rest, _payload(given), state.arrival, definitions)
    for key, learned in decoded.learned.items():
        if learned is None:
            definitions.pop(key, None)
        else:
            definitions[key] = learned
    return decoded


def _source(topic: str, form: str) -> tuple[str, str, str]:
    """Gateway, source and rest of the topic."""
    own = parse_topic(topic)
    if own is not None:
        return own
    named = FORMATS.get(form) or FORMATS.get(topic)
    if named is not None:
        source, rest = named
        used = source_of(topic)
        return "", source, used[1] if used is not None and used[0] == source else rest
    used = source_of(topic)
    if used is not None:
        return "", *used
    for name in (form, topic):
        if name in SOURCES:
            return "", name, topic if name == form else ""
    return "", form or topic, topic


def _payload(given: _Line) -> bytes:
    if given.encoding == "base64" and isinstance(given.payload, str):
        try:
            return base64.b64decode(given.payload, validate=True)
        except (binascii.Error, ValueError):
            raise DecodeError("bad_line", "The payload is not base64.") from None
    if given.encoding is not None:
        raise DecodeError("bad_line", f"The encoding {given.encoding!r} is not known; base64 is.")
    if isinstance(given.payload, str):
        return given.payload.encode("utf-8", "surrogatepass")
    return msgspec.json.encode(given.payload)
