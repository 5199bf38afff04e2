"""One table of sources, each with its decoder.

A decoder is pure: `decode(rest, payload, arrival, definitions) -> Decoded`, or `DecodeError` and
nothing else. `rest` is what the source itself put on the topic; `arrival` is Unix seconds, from
which times are reckoned that the message does not give (`Record.dated`); `definitions` is what
earlier messages of the same gateway and source have told (a source that needs none ignores it).
"""

from __future__ import annotations

import re

from ingest.decoders import (
    fhir,
    gatt,
    homeassistant,
    ruuvi,
    senml,
    shelly,
    sparkplug,
    tasmota,
    theengs,
    zigbee2mqtt,
)
from ingest.decoders.record import Decoded, DecodeError
from ingest.decoders.source import Definitions, Source

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        senml.SOURCE,
        homeassistant.SOURCE,
        sparkplug.SOURCE,
        zigbee2mqtt.SOURCE,
        shelly.SOURCE,
        tasmota.SOURCE,
        fhir.SOURCE,
        gatt.SOURCE,
        ruuvi.SOURCE,
        theengs.SOURCE,
    )
}  # fmt: skip
FORMATS: dict[str, tuple[str, str]] = {
    name: (source.name, rest)
    for source in SOURCES.values()
    for name, rest in source.formats.items()
}
"""Names that data files give a format: the source that speaks it, and the rest of its topic."""
_TOPICS = [
    (re.compile(pattern), source.name) for source in SOURCES.values() for pattern in source.topics
]


def source_of(topic: str) -> tuple[str, str] | None:
    """The source whose program uses `topic` by itself, and the rest of the topic."""
    for pattern, name in _TOPICS:
        match = pattern.fullmatch(topic)
        if match is not None:
            return name, match["rest"]
    return None


def decode(
    source: str, rest: str, payload: bytes, arrival: float, definitions: Definitions
) -> Decoded:
    """Decode a message of any source.

    Raises:
        DecodeError: too long, of no known source, or not what its source says it is.
    """
    known = SOURCES.get(source)
    if known is None:
        raise DecodeError(
            "unknown_source",
            f"Nothing here understands the source {source[:64]!r}; understood are: "
            f"{', '.join(sorted(SOURCES))}.",
        )
    if len(payload) > known.longest:
        raise DecodeError(
            "too_large",
            f"The message is {len(payload):,} bytes long; more than {known.longest:,} is no "
            "reading of a home, so it was not read.",
        )
    return known.decode(rest, payload, arrival, definitions)
