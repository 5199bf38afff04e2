"""Sparkplug B 3.0: edge nodes and their devices.

    spBv1.0/<group>/{NBIRTH,NDATA,NDEATH,NCMD}/<edge node>
    spBv1.0/<group>/{DBIRTH,DDATA,DDEATH,DCMD}/<edge node>/<device>
    spBv1.0/STATE/<host>

A birth names each metric, its data type, its unit (property `engUnit`) and the number (alias) that
data then call it by; that is learned, per node or device. A node's birth begins a session in which
numbers may mean something else, so it ends what its devices' births told before (5.10). Data with
an alias that no birth told cannot be read: the node must be told to send its birth again (Rebirth).

The metrics within a template's instance are read as `<instance>/<metric>`; its definition is none.
Times are milliseconds of the metric, else of the payload; a metric without a value, or that is
null, is no reading; one whose property `Quality` is not good is suspect. The message's own `seq`
counts to 255 and begins again, so it does not prove completeness as Saimi's.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from itertools import islice
from typing import Any

from core.catalogue import catalogue
from ingest.decoders.homeassistant_meaning import ASSUMED, UNITS
from ingest.decoders.life_safety import in_text
from ingest.decoders.plain_values import measured
from ingest.decoders.record import MAX_RECORDS, Channel, Decoded, DecodeError, Record
from ingest.decoders.source import Definitions, Source
from ingest.decoders.sparkplug_names import metric_of
from ingest.decoders.sparkplug_payload import VALUE_FIELDS, Metric, read_payload, text_of

_NO_READING = {
    "NCMD": "a command", "DCMD": "a command", "NDEATH": "a node is gone",
    "DDEATH": "a device is gone", "STATE": "a host's state",
}  # fmt: skip
_SIGNED = {1: 8, 2: 16, 3: 32, 4: 64}
"""Bits of the signed data types Int8 to Int64 (6.4.16); sent as two's complement."""
_NO_NUMBERS = frozenset((13, 15, *range(16, 19), *range(20, 35)))
"""Data types that measure nothing: a date, an identifier, data sets, bytes, files, arrays."""
_GOOD = 192
_MAX_DEPTH = 8
_MAX_ORIGINAL = 1_024
_EVENTS = frozenset(metric.name for metric in catalogue() if metric.never_filtered)
_MAX_MILLISECONDS = 253_402_300_800_000
"""The end of the year 9999."""
_MAX_NAME = 128


def decode(rest: str, payload: bytes, arrival: float, definitions: Definitions) -> Decoded:
    """Decode a birth or data by the births before it; `rest` as above, with or without `spBv1.0/`.

    Raises:
        DecodeError: another topic or payload, or an alias that no birth told.
    """
    levels = rest.removeprefix("spBv1.0/").split("/")
    if levels[0] == "STATE":
        return Decoded(nothing=_NO_READING["STATE"])
    if len(levels) not in (3, 4) or (len(levels) == 4) != levels[1].startswith("D"):
        raise DecodeError(
            "bad_topic",
            "The topic is not one of Sparkplug B (spBv1.0/<group>/<message>/<node>/<device>).",
        )
    group, message, *thing = levels
    if message in _NO_READING:
        return Decoded(nothing=_NO_READING[message])
    if message not in ("NBIRTH", "DBIRTH", "NDATA", "DDATA"):
        raise DecodeError("bad_topic", f"Sparkplug B has no message {message[:32]!r}.")
    told = read_payload(payload)
    key = "/".join((group, *thing))
    born = message.endswith("BIRTH")
    known = {} if born else definitions.get(key, {})
    metrics = list(islice(_flat(told.metrics, known), MAX_RECORDS + 1))
    if len(metrics) > MAX_RECORDS:
        raise DecodeError("too_large", f"The payload has over {MAX_RECORDS:,} metrics.")
    if born:
        known = _birth(metrics, told)
    records: list[Record] = []
    unknown: list[Record] = []
    for name, metric in metrics:
        entry = _entry(name, metric, known)
        if entry is None:
            unknown.append(_unnamed(thing[-1], key, metric, told.timestamp, arrival))
            continue
        record = _record(thing[-1], metric, entry, told.timestamp, arrival)
        if record is not None:
            records.append(record)
    if unknown and not records:
        raise DecodeError(
            "unknown_definition",
            f"The message has {len(unknown)} metrics by alias only, and no birth that names "
            "them was seen: send the node a Rebirth command, then try again.",
        )
    records += unknown
    ended = {one: None for one in definitions if message == "NBIRTH" and one.startswith(key + "/")}
    return Decoded(
        records,
        nothing="" if records else "no metric that is a reading",
        learned={**ended, key: known} if born else {},
    )


def again(record: Record, definitions: Definitions) -> Record:
    """Read a metric that nobody could name again; the record itself where nobody can still."""
    key, _, packed = (record.original or "").rpartition(" ")
    if not key:
        return record
    metric = Metric.FromString(base64.b64decode(packed))
    entry = _entry("", metric, definitions.get(key, {}))
    stamp = round(record.time * 1000) if record.dated else 0
    read = None
    if entry is not None:
        read = _record(record.channel.device, metric, entry, stamp, record.time)
    return record if read is None else read


def _flat(metrics: Any, known: Any, within: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Each metric with its whole name (empty where it has only an alias), those of the instances of
    templates instead of these."""
    for metric in metrics:
        name = _name(metric)
        if not metric.HasField("template_value"):
            yield f"{within}{name}" if name else "", metric
        elif not metric.template_value.is_definition and depth < _MAX_DEPTH:
            name = name or str(known.get(f"t:{metric.alias}", metric.alias))
            inner = metric.template_value.metrics
            yield from _flat(inner, known, f"{within}{name}/", depth + 1)


def _birth(metrics: list[tuple[str, Any]], told: Any) -> dict[str, Any]:
    """What is kept of a birth: by alias (and by name, where it has a unit) name, type and unit."""
    kept: dict[str, Any] = {}
    for name, metric in metrics:
        if not name:
            continue
        unit = _unit(metric)
        named = metric_of(name, unit)
        entry = [named, metric.datatype, unit]
        if metric.HasField("alias"):
            kept[str(metric.alias)] = entry if named else None
        if named is not None:
            kept["n:" + name] = entry
    for metric in told.metrics:
        if metric.HasField("template_value") and metric.HasField("alias") and _name(metric):
            kept[f"t:{metric.alias}"] = _name(metric)
    return kept


def _entry(name: str, metric: Any, known: Any) -> list[Any] | None:
    """Metric (None if it is none of ours), data type and unit; None where the alias is unknown."""
    if name:
        born = known.get("n:" + name)
        if born is not None:
            return list(born)
        unit = _unit(metric)
        return [metric_of(name, unit), metric.datatype, unit]
    alias = str(metric.alias)
    if not metric.HasField("alias") or alias not in known:
        return None
    return [None, 0, None] if known[alias] is None else list(known[alias])


def _name(metric: Any) -> str:
    return text_of(metric.name)[:_MAX_NAME]


def _unnamed(device: str, key: str, metric: Any, stamp: int, arrival: float) -> Record:
    """A metric that nobody can name, for the rejected: what is beside it in the message is used."""
    value = _value(metric, metric.datatype)
    value = value[:200] if isinstance(value, str) else value
    channel = Channel(device[:_MAX_NAME], f"alias {metric.alias}", None)
    at = _seconds(metric, stamp)
    packed = base64.b64encode(metric.SerializeToString()).decode()
    return Record(
        channel,
        value,
        arrival if at is None else at,
        dated=at is not None,
        original=f"{key} {packed}" if len(packed) + len(key) < _MAX_ORIGINAL else "",
    )


def _seconds(metric: Any, stamp: int) -> float | None:
    """When a metric was measured, in Unix seconds; `stamp` is its payload's, in milliseconds."""
    own = metric.timestamp or stamp
    return own / 1000 if 0 < own < _MAX_MILLISECONDS else None


def _unit(metric: Any) -> str | None:
    for name, value in _properties(metric):
        if name in ("engunit", "engunits", "unit") and value.HasField("string_value"):
            return text_of(value.string_value)[:32] or None
    return None


def _doubtful(metric: Any) -> bool:
    """Whether a metric says of itself that it is bad or stale (6.4.16, `Quality`)."""
    return any(
        name == "quality" and value.HasField("int_value") and value.int_value != _GOOD
        for name, value in _properties(metric)
    )


def _properties(metric: Any) -> Iterator[tuple[str, Any]]:
    told = metric.properties
    for key, value in zip(told.keys, told.values, strict=False):
        yield text_of(key)[:_MAX_NAME].lower(), value


def _record(
    device: str, metric: Any, entry: list[Any], stamp: int, arrival: float
) -> Record | None:
    name, datatype, unit = entry
    if name is None or metric.is_null:
        return None
    value = _value(metric, metric.datatype or datatype)
    if isinstance(value, str):
        text = in_text(name, value) if name in _EVENTS else _number(value)
        value = value[:200] if text is None else text
    if value is None:
        return None
    factor = 1.0
    if unit in UNITS:
        unit, factor = UNITS[unit]
    elif unit is None and (name != "spo2" or not _is_share(value)):
        unit = ASSUMED.get(name)
    if isinstance(value, float):
        value *= factor
        if unit is not None and not measured(name, value):
            return None
    at = _seconds(metric, stamp)
    return Record(
        Channel(device[:_MAX_NAME], name, unit),
        value,
        arrival if at is None else at,
        dated=at is not None,
        suspect=_doubtful(metric),
    )


def _is_share(value: float | str) -> bool:
    """Whether a saturation may be a share of one instead of a percentage."""
    return isinstance(value, float) and 0 < value <= 1


def _value(metric: Any, datatype: int) -> float | str | None:
    field = next((one for one in VALUE_FIELDS if metric.HasField(one)), None)
    if field is None or datatype in _NO_NUMBERS:
        return None
    value = getattr(metric, field)
    if field == "string_value":
        return text_of(value)
    if field in ("int_value", "long_value") and datatype in _SIGNED:
        bits = _SIGNED[datatype]
        value &= (1 << bits) - 1
        if value >> (bits - 1):
            value -= 1 << bits
    number = float(value)
    return number if math.isfinite(number) else None


def _number(text: str) -> float | None:
    try:
        value = float(text.replace("_", "?"))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


SOURCE = Source(
    "sparkplug",
    decode,
    formats={"sparkplug-b-protobuf": "group/DBIRTH/node/device"},
    topics=(r"spBv1\.0/(?P<rest>.*)",),
    again=again,
)
