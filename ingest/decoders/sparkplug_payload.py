"""The Protocol Buffers messages of Sparkplug B 3.0 (section 6.4.1, `sparkplug_b.proto`).

The message class is made from a descriptor written here instead of generated code: the parts that
a reading needs, with the field numbers and types of org.eclipse.tahu.protobuf. Fields that are not
named here (data sets, bytes, metadata, parameters of templates) are skipped by the parser as
unknown. A payload whose body is another one, compressed, as Eclipse Tahu makes it, is unpacked.
"""

from __future__ import annotations

import zlib
from typing import Any

from google.protobuf import (  # type: ignore[import-untyped]
    descriptor_pb2,
    descriptor_pool,
    message_factory,
)
from google.protobuf.message import (  # type: ignore[import-untyped]
    DecodeError as ProtobufError,
)

from ingest.decoders.record import MAX_PAYLOAD, DecodeError

_TYPES = {
    "uint64": 4, "uint32": 13, "bool": 8, "string": 9, "bytes": 12, "double": 1, "float": 2,
}  # fmt: skip
_MESSAGE, _OPTIONAL, _REPEATED = 11, 1, 3
_COMPRESSED = "SPBV1.0_COMPRESSED"
_PACKAGE = "org.eclipse.tahu.protobuf"
_VALUES = {
    "int_value": "uint32", "long_value": "uint64", "float_value": "float",
    "double_value": "double", "boolean_value": "bool", "string_value": "string",
}  # fmt: skip


_MESSAGES: dict[str, list[tuple[int, str, str, int]]] = {
    "PropertyValue": [
        (1, "type", "uint32", _OPTIONAL),
        (2, "is_null", "bool", _OPTIONAL),
        *(
            (number, name, kind, _OPTIONAL)
            for number, (name, kind) in enumerate(_VALUES.items(), 3)
        ),
    ],
    "PropertySet": [
        (1, "keys", "string", _REPEATED),
        (2, "values", "PropertyValue", _REPEATED),
    ],
    "Metric": [
        (1, "name", "string", _OPTIONAL),
        (2, "alias", "uint64", _OPTIONAL),
        (3, "timestamp", "uint64", _OPTIONAL),
        (4, "datatype", "uint32", _OPTIONAL),
        (5, "is_historical", "bool", _OPTIONAL),
        (6, "is_transient", "bool", _OPTIONAL),
        (7, "is_null", "bool", _OPTIONAL),
        (9, "properties", "PropertySet", _OPTIONAL),
        *(
            (number, name, kind, _OPTIONAL)
            for number, (name, kind) in enumerate(_VALUES.items(), 10)
        ),
        (18, "template_value", "Template", _OPTIONAL),
    ],
    "Template": [
        (2, "metrics", "Metric", _REPEATED),
        (5, "is_definition", "bool", _OPTIONAL),
    ],
    "Payload": [
        (1, "timestamp", "uint64", _OPTIONAL),
        (2, "metrics", "Metric", _REPEATED),
        (3, "seq", "uint64", _OPTIONAL),
        (4, "uuid", "string", _OPTIONAL),
        (5, "body", "bytes", _OPTIONAL),
    ],
}
VALUE_FIELDS = tuple(_VALUES)


def _payload_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="saimi/sparkplug_b.proto", package=_PACKAGE, syntax="proto2"
    )
    for message_name, fields in _MESSAGES.items():
        message = file.message_type.add(name=message_name)
        for number, name, kind, label in fields:
            field = message.field.add(name=name, number=number, label=label)
            if kind in _TYPES:
                field.type = _TYPES[kind]
            else:
                field.type, field.type_name = _MESSAGE, f".{_PACKAGE}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Payload"))


Payload = _payload_class()
"""The class of `Payload`; also made by it are those of its parts."""
Metric = message_factory.GetMessageClass(Payload.DESCRIPTOR.fields_by_name["metrics"].message_type)
"""The class of one of its metrics."""


def read_payload(payload: bytes) -> Any:
    """Parse a payload.

    Raises:
        DecodeError: not a Sparkplug B payload, or cut off.
    """
    told = _parsed(payload)
    if text_of(told.uuid) == _COMPRESSED:
        told = _parsed(_unpacked(told.body))
    return told


def _parsed(payload: bytes) -> Any:
    try:
        return Payload.FromString(payload)
    except (ProtobufError, RecursionError, ValueError):
        raise DecodeError(
            "unreadable", "This is not a Sparkplug B payload, or it was cut off."
        ) from None


def _unpacked(body: bytes) -> bytes:
    """The payload within a body, deflated or zipped (zlib tells which)."""
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        inner = unpacking.decompress(body, MAX_PAYLOAD)
    except zlib.error:
        raise DecodeError("unreadable", "This compressed payload cannot be unpacked.") from None
    if not unpacking.eof:
        raise DecodeError(
            "unreadable", "This compressed payload is cut off, or is too large to be a reading's."
        )
    return inner


def text_of(field: str | bytes) -> str:
    """A string field; the parser leaves one that is not UTF-8 as bytes."""
    return field if isinstance(field, str) else field.decode("utf-8", "replace")
