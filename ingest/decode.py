"""Decoding without a broker or a database: what `saimi decode` shows of recorded messages."""

from __future__ import annotations

import base64
import binascii
import math
from typing import Any

import msgspec

from core.wire import parse_topic
from ingest.decoders import FORMATS, SOURCES, decode, homeassistant, source_of
from ingest.decoders.record import Decoded, DecodeError, Record

MAX_LINE = 16 * 1024 * 1024
"""Bytes of a line; a message itself may have less (`ingest.decoders.record.MAX_PAYLOAD`)."""
_ANNOUNCED = homeassistant.SOURCE.name
"""The source whose topics are its devices' own, known from what was announced."""
_REFUSED = {
    "senml+xml": "SenML in XML is not taken; let the gateway send JSON or CBOR.",
    "sensml+xml": "SenML in XML is not taken; let the gateway send JSON or CBOR.",
    "senml-exi": "SenML in EXI is not taken; let the gateway send JSON or CBOR.",
    "openmhealth-json": "Open mHealth is not taken; let the sender use FHIR R4 or SenML.",
    "fhir-r4-xml": "FHIR in XML is not taken; let the sender use JSON.",
    "fhir+xml": "FHIR in XML is not taken; let the sender use JSON.",
    "senml+exi": "SenML in EXI is not taken; let the gateway send JSON or CBOR.",
    "sensml+exi": "SenML in EXI is not taken; let the gateway send JSON or CBOR.",
    "sensml-exi": "SenML in EXI is not taken; let the gateway send JSON or CBOR.",
}


class _Line(msgspec.Struct):
    payload: Any
    topic: str | None = None
    format: str | None = None
    encoding: str | None = None
    uuid: str | None = None


_read = msgspec.json.Decoder(_Line).decode


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
    """Decode one line of JSON: `{"topic", "payload", "encoding"?, "format"?, "uuid"?}`; never
    raises.

    The topic is Saimi's, the source's own, or what a data file calls the format (which may be in
    `format` instead). `encoding` is `base64` where the payload is binary; a payload that is no
    string is written as JSON. `uuid` names a Bluetooth characteristic where the topic does not.

    Returns `{"readings": [{device, metric, value, unit, time}], "rejected": null | reason}`, times
    in Unix seconds, with `qualifier`, `user` and `suspect` where they say something; admission,
    which needs the registry, is not asked.
    """
    try:
        decoded = _decode(line, state)
    except DecodeError as error:
        return {"readings": [], "rejected": f"{error.reason}: {error}"}
    readings = [_shown(record) for record in decoded.records if _read_now(record)]
    return {"readings": readings, "rejected": None}


def _read_now(record: Record) -> bool:
    """Whether a record is a reading, not something that is kept to be read later."""
    return record.value is not None and record.original is None


def _shown(record: Record) -> dict[str, Any]:
    entry = record.shown()
    entry.pop("dated", None)
    if not math.isfinite(record.time):
        entry["time"] = None
    return entry


def _decode(line: bytes, state: DecodeState) -> Decoded:
    if len(line) > MAX_LINE:
        raise DecodeError(
            "bad_line", f"The line has more than {MAX_LINE:,} bytes, so it was not read."
        )
    try:
        given = _read(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(
            "bad_line", f'The line is not {{"topic": …, "payload": …}}: {error}.'
        ) from None
    gateway, source, rest = _source(given, state)
    payload = _payload(given)
    definitions = state.definitions(gateway, source)
    decoded = decode(source, rest, payload, state.arrival, definitions)
    for key, learned in decoded.learned.items():
        if learned is None:
            definitions.pop(key, None)
        else:
            definitions[key] = learned
    return decoded


def _source(given: _Line, state: DecodeState) -> tuple[str, str, str]:
    """Gateway, source and rest of the topic."""
    topic, uuid = given.topic or "", given.uuid or ""
    form = (given.format or "").removeprefix("application/")  # as a media type
    for name in (form, topic.removeprefix("application/")):
        if name in _REFUSED:
            raise DecodeError("unknown_source", f"{name!r} is refused: {_REFUSED[name]}")
    own = parse_topic(topic)
    if own is not None:
        gateway, source, rest = own
        return gateway, source, _with_uuid(rest, uuid)
    used = source_of(topic)
    named = FORMATS.get(form)
    if named is not None:
        source, rest = named
        if used is not None and used[0] == source:
            rest = used[1]
        elif topic not in ("", form) and uuid == "":
            rest = topic
        return "", source, _with_uuid(rest, uuid)
    head, slash, behind = topic.partition("/")
    if head in FORMATS:
        source, rest = FORMATS[head]
        rest = f"{rest}/{behind}" if slash and rest else behind or rest
        return "", source, _with_uuid(rest, uuid)
    announced = state.definitions("", _ANNOUNCED)
    undefined = used is None or not state.definitions("", used[0])
    if undefined and any(homeassistant.names(known, topic) for known in announced.values()):
        return "", _ANNOUNCED, topic  # a device that announced this very topic says what it means
    if used is not None:
        return "", used[0], _with_uuid(used[1], uuid)
    for name in (form, head):
        if name in SOURCES:
            return "", name, _with_uuid(topic if name == form else behind, uuid)
    if announced and "/" in topic and not form:
        return "", _ANNOUNCED, topic
    return "", form or topic, topic


def _with_uuid(rest: str, uuid: str) -> str:
    """`rest` with the characteristic as its last level, if it is not there yet."""
    if not uuid or rest.rpartition("/")[2].lower() == uuid.lower():
        return rest
    return f"{rest}/{uuid}" if rest else uuid


def _payload(given: _Line) -> bytes:
    if given.encoding == "base64" and isinstance(given.payload, str):
        try:
            return base64.b64decode(given.payload, validate=True)
        except (binascii.Error, ValueError):
            raise DecodeError("bad_line", "The payload is not base64.") from None
    if given.encoding is not None:
        raise DecodeError(
            "bad_line", f"The encoding {given.encoding[:32]!r} is not known; base64 is."
        )
    if isinstance(given.payload, str):
        return given.payload.encode("utf-8", "surrogatepass")
    try:
        return msgspec.json.encode(given.payload)
    except RecursionError:
        raise DecodeError("bad_line", "The payload is nested too deeply.") from None
