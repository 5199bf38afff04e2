"""`saimi decode`: what a message says, without a broker or a database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.errors import UserError
from saimi.console import emit


def decode(
    file: Annotated[Path, typer.Argument(help="JSON lines: topic, payload, encoding.")],
) -> None:
    """Decode recorded messages: for every line its readings, or why it is rejected.

    {"topic", "payload", "encoding"?} -> {"readings": [{device, metric, value, unit, time}],
    "rejected": null or a reason}. Definitions in earlier lines apply to later ones.
    """
    from ingest.decode import DecodeState, decode_line

    state = DecodeState()
    try:
        with file.open("rb") as lines:
            for line in lines:
                if line.strip():
                    emit(decode_line(line, state))
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}.") from error
