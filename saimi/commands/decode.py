"""`saimi decode`: what a message says, without a broker or a database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from core.errors import UserError


def decode(
    file: Annotated[Path, typer.Argument(help="JSON lines: topic, payload, encoding.")],
) -> None:
    """Decode recorded messages: for every line its readings, or why it is rejected.

    {"topic", "payload", "encoding"?} -> {"readings": [{device, metric, value, unit, time}],
    "rejected": null or a reason}. Definitions in earlier lines apply to later ones.
    """
    import msgspec

    from core.clock import wall_time
    from ingest.decode import MAX_LINE, DecodeState, decode_line

    state = DecodeState(wall_time().timestamp())
    for line in _lines(file, MAX_LINE):
        if line.strip():
            print(msgspec.json.encode(decode_line(line, state)).decode())


def _lines(file: Path, most: int) -> Iterator[bytes]:
    """The lines of a file; of one longer than `most` bytes only so much that it is seen to be."""
    try:
        with file.open("rb") as lines:
            while line := lines.readline(most + 2):
                rest = line
                while not rest.endswith(b"\n") and (rest := lines.readline(most)):
                    pass  # the end of a line that is far too long is not kept
                yield line.rstrip(b"\r\n")
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}.") from error
