"""`saimi simulate`: homes that are made up, publishing like real ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from saimi.commands.services import WatchStdin
from saimi.console import DATA_DIR_HELP, Json, emit, progress, show_values

if TYPE_CHECKING:
    from datetime import datetime

    from core.clock import Clock
    from core.registry import Document
    from core.settings import Settings
    from gateway_sim.files_format import Manifest
    from saimi.simulating import FilesReport, PublishReport, Span

MOST_HOMES = 1_000_000
MOST_LIVE = 5_000
"""Homes whose gateways each keep an outbox and a window of their own."""


def simulate(
    homes: Annotated[int, typer.Option(min=1, max=MOST_HOMES, help="How many.")] = 12,
    days: Annotated[
        float | None,
        typer.Option(min=0.0001, max=36_525, help="End after so many simulated days."),
    ] = None,
    hours: Annotated[
        float | None,
        typer.Option(min=0.001, max=876_600, help="End after so many simulated hours."),
    ] = None,
    speed: Annotated[
        str | None,
        typer.Option(metavar="X|max", help="How many times as fast as real time."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write files into this new or empty directory instead.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="T", help="First time, as 2026-01-05[T12:00]; with --out or max."
        ),
    ] = None,
    vitals_every: Annotated[
        str | None,
        typer.Option(
            metavar="SECONDS|never",
            help="How often worn monitors report; never: people measure by hand; with --out or max "
            "(default: 60 with --hours, never with --days).",
        ),
    ] = None,
    scenario: Annotated[
        str, typer.Option(help="demo, quiet, influenza, heat, harmless, mixed, or a TOML file.")
    ] = "demo",
    faults: Annotated[
        str | None,
        typer.Option(help="What goes wrong with devices: calm, storm, maker, or a TOML file."),
    ] = None,
    history: Annotated[
        float, typer.Option(min=0, max=24 * 366, help="Hours before the start to send as well.")
    ] = 0.0,
    ledger: Annotated[
        Path | None, typer.Option(help="Write down everything that is sent in this file.")
    ] = None,
    connections: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=100_000,
            help="Gateways with a connection of their own (default: 500; none with --speed max).",
        ),
    ] = None,
    credentials: Annotated[
        Path | None,
        typer.Option(help="Folder or file with what `saimi gateway enrol` gave each gateway."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Which made-up county.")] = 7,
    data_dir: Annotated[Path | None, typer.Option(help=DATA_DIR_HELP)] = None,
    json: Json = False,
    watch_stdin: WatchStdin = False,
) -> None:
    """Play homes that publish to SAIMI_MQTT_URL, until stopped or their time is over.

    With SAIMI_DATABASE_URL the homes are registered first and live by the shared clock, which
    --speed sets; without it they live in real time and have to be registered otherwise.

    With --out nothing is published: everything goes to files as fast as one core makes it
    (docs/simulator-files.md). The same command writes the same bytes.

    With --speed max the past is published as fast as it is taken, with nothing kept on disk: with
    SAIMI_DATABASE_URL until ingest's receipts are in, else until the broker has it all.

    Both look back from the end of their time: faults are there in what devices said, and what a
    gateway without network had stored has come.
    """
    from datetime import timedelta

    from core.errors import UserError
    from saimi.simulating import Span
    from saimi.times import parse_time

    if days is not None and hours is not None:
        raise UserError("Give --days or --hours, not both.")
    length = days * 24 if days is not None else hours
    pace = _speed(speed)
    span = Span(
        length=None if length is None else timedelta(hours=length),
        start=None if start is None else parse_time("--from", start),
        vitals_every_s=_vitals_every(vitals_every, history=days is not None),
    )
    if history and (out is not None or speed == "max"):
        raise UserError(
            "--out and --speed max make nothing but the past: leave --history out, and say with "
            "--from where it begins."
        )
    if out is not None:
        if pace is not None:
            raise UserError("--out writes as fast as it can: leave --speed X out.")
        if ledger is not None:
            raise UserError("--out writes the truth beside the readings: leave --ledger out.")
        if connections is not None or credentials is not None:
            raise UserError("--out sends nothing: leave --connections and --credentials out.")
        _to_files(out, span, homes, seed, scenario, faults, json=json)
        return
    if speed == "max":
        _at_once(
            span, homes, seed, scenario, faults, ledger, connections or 0, credentials, json=json
        )
        return
    if start is not None or vitals_every is not None:
        raise UserError(
            "--from and --vitals-every go with --out or --speed max; what is live begins now."
        )
    if homes > MOST_LIVE:
        raise UserError(f"More than {MOST_LIVE:,} homes go with --out or --speed max.")
    _live(
        homes=homes, seed=seed, pace=pace, scenario=scenario, faults=faults, history=history,
        length=length, ledger=ledger, connections=connections, credentials=credentials,
        data_dir=data_dir, json=json, watch_stdin=watch_stdin,
    )  # fmt: skip


def _to_files(
    out: Path,
    span: Span,
    homes: int,
    seed: int,
    scenario: str,
    faults: str | None,
    *,
    json: bool,
) -> None:
    from saimi.running import run
    from saimi.simulating import FILES_BEGIN, simulate_to_files

    manifest = _planned(span.bounds(FILES_BEGIN), span, homes, seed, scenario, faults)
    _show(run(lambda stop: simulate_to_files(out, manifest, stop)), json=json)


def _at_once(
    span: Span,
    homes: int,
    seed: int,
    scenario: str,
    faults: str | None,
    ledger: Path | None,
    connections: int,
    credentials: Path | None,
    *,
    json: bool,
) -> None:
    from core.clock import wall_time
    from core.errors import SaimiError
    from core.log import configure_logging
    from core.settings import load_settings
    from saimi.running import run
    from saimi.simulating import simulate_through_broker

    settings = load_settings()
    configure_logging(settings.log_level, json=settings.log_json, service="simulate")
    settings.require_mqtt_url()
    manifest = _planned(span.bounds_until(wall_time()), span, homes, seed, scenario, faults)
    report = run(
        lambda stop: simulate_through_broker(
            manifest,
            settings,
            stop,
            ledger=ledger,
            connections=connections,
            credentials=credentials,
        )
    )
    _show(report, json=json)
    if report.unanswered:
        raise SaimiError(
            f"{report.unanswered:,} messages have no answer: the {report.answered_by} was away or "
            "too slow; the same command sends everything again."
        )


def _planned(
    bounds: tuple[datetime, datetime],
    span: Span,
    homes: int,
    seed: int,
    scenario: str,
    faults: str | None,
) -> Manifest:
    from gateway_sim.faults import NO_FAULTS, load_faults
    from gateway_sim.files_write import planned
    from gateway_sim.scenario import load_scenario

    hours = (bounds[1] - bounds[0]).total_seconds() / 3600
    return planned(
        seed=seed,
        homes=homes,
        scenario=load_scenario(scenario),
        faults=NO_FAULTS if faults is None else load_faults(faults, hours),
        start=bounds[0],
        end=bounds[1],
        vitals_every_s=span.vitals_every_s,
    )


def _show(report: FilesReport | PublishReport, *, json: bool) -> None:
    if json:
        emit(report)
    else:
        show_values({name: getattr(report, name) for name in report.__struct_fields__})


def _live(
    *,
    homes: int,
    seed: int,
    pace: float | None,
    scenario: str,
    faults: str | None,
    history: float,
    length: float | None,
    ledger: Path | None,
    connections: int | None,
    credentials: Path | None,
    data_dir: Path | None,
    json: bool,
    watch_stdin: bool,
) -> None:
    import asyncio
    from dataclasses import asdict
    from datetime import timedelta

    from core.broker import BrokerAddress
    from core.log import configure_logging
    from core.settings import load_settings
    from gateway_sim.county import County
    from gateway_sim.credentials import load_credentials
    from gateway_sim.faults import NO_FAULTS, load_faults
    from gateway_sim.fleet import OWN_CONNECTIONS
    from gateway_sim.formats import as_told, formats_of
    from gateway_sim.ledger import Ledger
    from gateway_sim.scenario import load_scenario
    from gateway_sim.simulation import SimulationProgress, SimulationReport
    from gateway_sim.simulation import simulate as play
    from saimi.running import notify_ready, run

    settings = load_settings()
    configure_logging(settings.log_level, json=settings.log_json, service="simulate")
    story = load_scenario(scenario)
    wrong = NO_FAULTS if faults is None else load_faults(faults, length)
    directory = (settings.data_dir if data_dir is None else data_dir) / "gateways"
    mqtt_url = settings.require_mqtt_url()

    async def work(stop: asyncio.Event) -> SimulationReport:
        county = await asyncio.to_thread(County, seed, homes)
        known = None
        if credentials is not None:
            address = BrokerAddress.parse(mqtt_url)
            known = load_credentials(credentials, (h.gateway for h in county.homes), address)
        formats = formats_of(county, story.gateways.formats)
        clock = await _clock(settings, as_told(county.document(), formats), pace)
        book = None if ledger is None else Ledger(ledger)
        whole = None if length is None else timedelta(hours=length)
        begun = clock.now()
        try:
            with progress("Simulating", length, "h") as bar:

                def show(where: SimulationProgress) -> None:
                    bar.reach((where.now - begun).total_seconds() / 3600)
                    bar.describe(f"{where.readings:,} readings, {where.waiting:,} messages waiting")

                return await play(
                    county=county,
                    clock=clock,
                    mqtt_url=mqtt_url,
                    directory=directory,
                    ledger=book,
                    history=timedelta(hours=history),
                    scenario=story,
                    faults=wrong,
                    duration=whole,
                    stop=stop,
                    progress=show,
                    on_ready=notify_ready,
                    connections=OWN_CONNECTIONS if connections is None else connections,
                    credentials=known,
                )
        finally:
            if book is not None:
                book.close()

    report = run(work, watch_stdin=watch_stdin)
    if json:
        emit(report)
    else:
        show_values(asdict(report))


def _speed(text: str | None) -> float | None:
    """How many times as fast as real time; None: not said, or `max`."""
    from core.errors import UserError

    if text is None or text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.01 <= speed <= 3600:
        raise UserError(f"--speed {text} is no speed: give a number from 0.01 to 3600, or max.")
    return speed


def _vitals_every(text: str | None, *, history: bool) -> float | None:
    """Seconds between the packs of worn monitors; None: there are none."""
    from core.errors import UserError
    from gateway_sim.production import MONITOR_EVERY

    if text is None:
        return None if history else MONITOR_EVERY
    try:
        return None if text == "never" else float(text)
    except ValueError:
        raise UserError(
            f"--vitals-every {text} is no time: give a number of seconds, or never."
        ) from None


async def _clock(settings: Settings, document: Document, speed: float | None) -> Clock:
    """The shared clock, once the homes are registered; without a database real time."""
    from datetime import timedelta

    from core.clock import REAL_CLOCK
    from core.database import connect, read_clock, set_clock, wait_for_database
    from core.errors import UserError
    from core.registry_import import import_document
    from core.schema import require_current

    if settings.database_url is None:
        if speed is not None and speed != 1:
            raise UserError(
                "--speed needs SAIMI_DATABASE_URL: the clock that all services share is kept there."
            )
        return REAL_CLOCK
    url = settings.database_url.get_secret_value()
    await wait_for_database(url, patience=timedelta(seconds=10))
    await require_current(url)
    connection = await connect(url)
    try:
        shared = await read_clock(connection)
        clock = shared if speed is None else await set_clock(connection, factor=speed)
        await import_document(connection, document, now=clock.now())
    finally:
        await connection.close()
    return clock
