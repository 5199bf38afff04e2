"""One table from source to decoder.

A decoder is pure: `decode(rest, payload, arrival, definitions) -> Decoded`, or `DecodeError` and
nothing else. `rest` is what the source itself put on the topic; `arrival` is Unix seconds, from
which times are reckoned that the message does not give (`Record.dated`); `definitions` is what
earlier messages of the same gateway and source have told (a source that needs none ignores it).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.wire import SENML
from ingest.decoders import senml
from ingest.decoders.record import MAX_PAYLOAD, Decoded, DecodeError

Definitions = dict[str, Any]
Decoder = Callable[[str, bytes, float, Definitions], Decoded]

DECODERS: dict[str, Decoder] = {
    SENML: senml.decode,
}
FORMATS: dict[str, str] = {
    "senml+json": SENML,
}
"""Names that data files give a format, and the source that speaks it."""


def decode(
    source: str, rest: str, payload: bytes, arrival: float, definitions: Definitions
) -> Decoded:
    """Decode a message of any source.

    Raises:
        DecodeError: too long, of no known source, or not what its source says it is.
    """
    decoder = DECODERS.get(source)
    if decoder is None:
        raise DecodeError(
            "unknown_source",
            f"Nothing here understands the source {source[:64]!r}; understood are: "
            f"{', '.join(sorted(DECODERS))}.",
        )
    if len(payload) > MAX_PAYLOAD:
        raise DecodeError(
            "too_large",
            f"The message is {len(payload):,} bytes long; more than {MAX_PAYLOAD:,} is no reading "
            "of a home, so it was not read.",
        )
    return decoder(rest, payload, arrival, definitions)
