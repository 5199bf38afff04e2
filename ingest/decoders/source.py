"""What a file of `decoders` says of its source, so that the table can be made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ingest.decoders.record import MAX_PAYLOAD, Decoded, Record

Definitions = Mapping[str, Any]
"""What earlier messages of one gateway and source have told (`Decoded.learned`), by key."""
Decoder = Callable[[str, bytes, float, Definitions], Decoded]


class Source(NamedTuple):
    """A program or format that messages come from."""

    name: str
    """As on the topic: `saimi/v1/<gateway>/<name>/<rest>`."""
    decode: Decoder
    """`decode(rest, payload, arrival, definitions)`; raises DecodeError and nothing else."""
    formats: Mapping[str, str] = {}
    """Names that data files give its formats, each with the `rest` that stands for it."""
    topics: tuple[str, ...] = ()
    """Regular expressions of the topics that the program itself uses by default, matched from the
    start to the end; what the group `rest` matches is the rest."""
    longest: int = MAX_PAYLOAD
    """Bytes that a message may have."""
    learns: bool = True
    """Whether it ever tells how to read later messages (`Decoded.learned`)."""
    again: Callable[[Record, Definitions], Record] | None = None
    """Reads a record with an `original` again, after a fix or with what was learned since; the
    record itself where it is still no reading. Never raises."""
