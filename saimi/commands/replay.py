"""`saimi replay`: recorded data through MQTT, like any other gateway's."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import SaimiError, UserError
from saimi.console import Json, emit, show_values

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, tzinfo

    from gateway_sim.recording import Recorded


class Format(StrEnum):
    """Formats of recorded data."""

    TIHM = "tihm"
    SAIMI = "saimi"
    """What `saimi simulate --out` writes."""


def replay(
    directory: Annotated[Path, typer.Argument(help="Folder with the recorded data.")],
    format_: Annotated[Format, typer.Option("--format", help="What the folder holds.")],
    start: Annotated[
        str | None, typer.Option("--from", metavar="T", help="First time, as 2019-04-01[T12:00].")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="T", help="Time after the last.")
    ] = None,
    as_live: Annotated[
        bool,
        typer.Option(
            "--as-live", help="Shift times to now; otherwise it is history, pages nobody."
        ),
    ] = False,
    speed: Annotated[
        str, typer.Option(metavar="X|max", help="How many times as fast as recorded.")
    ] = "max",
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Keep the embedded parts' data here (default: remove them at the end)."),
    ] = None,
    json: Json = False,
) -> None:
    """Send recorded data through the broker and account for every row.

    Without SAIMI_DATABASE_URL and SAIMI_MQTT_URL the embedded parts and an ingest are started for
    it; or it goes to the `saimi up` that is running on --data-dir.
    """
    import asyncio
    from functools import partial

    from core.settings import load_settings
    from saimi.replaying import Options, Report, run_replay
    from saimi.running import run

    settings = load_settings()
    recording, zone = _known(format_)
    begin, until = _time("--from", start, zone), _time("--to", end, zone)
    options = Options(
        opened=partial(recording, directory, begin, until),
        speed=_speed(speed),
        as_live=as_live,
        data_dir=data_dir,
    )

    async def work(stop: asyncio.Event) -> Report:
        return await run_replay(options, settings, stop)

    report = run(work)
    if json:
        emit(report)
    else:
        show_values({name: getattr(report, name) for name in report.__struct_fields__})
    if not report.adds_up:
        raise SaimiError(
            f"Not every row is accounted for ({report.unreceipted} messages without a receipt): "
            "see the counts, and the log of ingest."
        )


def _known(format_: Format) -> tuple[Callable[..., Recorded], tzinfo]:
    """What opens a folder of this format, and the zone of times that are given without one."""
    if format_ is Format.TIHM:
        from gateway_sim import tihm

        return tihm.Recording, tihm.LONDON
    from core.clock import LOCAL
    from gateway_sim.files_replay import FilesRecording  # pyarrow alone takes 30 MB

    return FilesRecording, LOCAL


def _time(option: str, text: str | None, zone: tzinfo) -> datetime | None:
    from saimi.times import parse_time

    return None if text is None else parse_time(option, text, zone)


def _speed(text: str) -> float | None:
    try:
        speed = None if text == "max" else float(text)
    except ValueError:
        speed = 0.0
    if speed is not None and not 0 < speed <= 1e6:
        raise UserError(f"--speed {text} is no speed: give a number above 0, or max.")
    return speed
