"""A series of messages as one byte string, which a fuzzer can change, and the seeds it starts from.

Messages are apart by a separator, and so are a message's source, rest of the topic and payload.
What an earlier message of the same source told holds for the later ones, as in ingest.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from ingest.decoders import FORMATS, SOURCES, decode, source_of
from ingest.decoders.record import DecodeError
from tests.unit.ingest.realistic import SERIES, Said

ARRIVAL = 1_790_000_000.0
NEXT, FIELD = b"\xfe\xff\xfe", b"\xfd\xff\xfd"
"""No UTF-8 text has these; a binary payload that has is only cut in two."""
MOST = 32
"""Messages of a series that are decoded."""


class Cost(NamedTuple):
    """The dearest message of a series."""

    ms_per_kb: float
    """CPU milliseconds a kilobyte; a message counts as one kilobyte at least."""
    source: str


def packed(messages: list[tuple[str, str, bytes]]) -> bytes:
    """Source, rest and payload of each message as one byte string."""
    return NEXT.join(
        FIELD.join((source.encode(), rest.encode("utf-8", "replace"), payload))
        for source, rest, payload in messages
    )


def unpacked(data: bytes) -> Iterator[tuple[str, str, bytes]]:
    """The messages of `packed`; of anything else, something."""
    names = sorted(SOURCES)
    for one in data.split(NEXT, MOST)[:MOST]:
        source, _, behind = one.partition(FIELD)
        rest, _, payload = behind.partition(FIELD)
        name = source.decode("utf-8", "replace")
        if name not in SOURCES:
            name = names[sum(source) % len(names)]
        yield name, rest.decode("utf-8", "replace")[:512], payload


def decode_series(data: bytes) -> Cost:
    """Decode a series with what it teaches; only DecodeError is caught."""
    learned: dict[str, dict[str, Any]] = {}
    worst = Cost(0.0, "")
    for source, rest, payload in unpacked(data):
        known = learned.setdefault(source, {})
        before = time.thread_time()
        try:
            told = decode(source, rest, payload, ARRIVAL, known).learned
        except DecodeError:
            told = {}
        took = (time.thread_time() - before) * 1000 / max(1.0, len(payload) / 1024)
        worst = max(worst, Cost(took, source))
        for key, one in told.items():
            if one is None:
                known.pop(key, None)
            else:
                known[key] = one
    return worst


def cost(data: bytes, repeats: int = 3) -> Cost:
    """The dearest message, at its cheapest of some repeats: what the machine does besides is left
    out."""
    return min(decode_series(data) for _ in range(repeats))


def _message(one: Said) -> tuple[str, str, bytes]:
    if one.topic in SOURCES:
        return one.topic, "", one.body()
    source, rest = source_of(one.topic) or FORMATS.get(one.topic, ("homeassistant", one.topic))
    return source, rest, one.body()


def seeds() -> list[bytes]:
    """Realistic series, and an observation and a bundle of FHIR."""
    fhir = (
        b'{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":'
        b'"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":'
        b'"85354-9"}]},"effectiveDateTime":"2026-03-01T08:00:00+02:00","device":{"reference":'
        b'"Device/1"},"component":[{"code":{"coding":[{"system":"http://loinc.org","code":'
        b'"8480-6"}]},"valueQuantity":{"value":128,"code":"mm[Hg]","comparator":">",'
        b'"system":"http://unitsofmeasure.org"}}]}}]}'
    )
    sparkplug = bytes.fromhex(
        "08c0c4e4a4ca3312180a055075c1b8736510011a04746573742003600165000080401800"
    )
    found = [packed([_message(one) for one in series]) for series in SERIES]
    found.append(packed([("fhir", "", fhir)]))
    found.append(packed([("sparkplug", "g/DBIRTH/n/d", sparkplug)]))
    return found
