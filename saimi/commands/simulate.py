"""`saimi simulate`: homes that are made up, publishing like real ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from saimi.commands.services import WatchStdin
from saimi.console import DATA_DIR_HELP, Json, emit, progress, show_values

if TYPE_CHECKING:
    import asyncio

    from core.clock import Clock
    from core.settings import Settings
    from gateway_sim.county import County


def simulate(
    homes: Annotated[int, typer.Option(min=1, max=5000, help="How many.")] = 12,
    days: Annotated[
        float | None, typer.Option(min=0.0001, help="End after so many simulated days.")
    ] = None,
    hours: Annotated[
        float | None, typer.Option(min=0.001, help="End after so many simulated hours.")
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(min=0.01, max=3600, help="How many times as fast as real time."),
    ] = None,
    scenario: Annotated[
        str, typer.Option(help="demo, quiet, influenza, heat, or a TOML file.")
    ] = "demo",
    history: Annotated[
        float, typer.Option(min=0, max=24 * 366, help="Hours before the start to send as well.")
    ] = 0.0,
    ledger: Annotated[
        Path | None, typer.Option(help="Write down everything that is sent in this file.")
    ] = None,
    connections: Annotated[
        int,
        typer.Option(min=1, max=100_000, help="Gateways with a connection of their own."),
    ] = 500,
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
    """
    import asyncio
    from datetime import timedelta

    from core.broker import BrokerAddress
    from core.errors import UserError
    from core.log import configure_logging
    from core.settings import load_settings
    from gateway_sim.county import County
    from gateway_sim.credentials import load_credentials
    from gateway_sim.ledger import Ledger
    from gateway_sim.scenario import load_scenario
    from gateway_sim.simulation import SimulationProgress, SimulationReport
    from gateway_sim.simulation import simulate as play
    from saimi.running import notify_ready, run

    if days is not None and hours is not None:
        raise UserError("Give --days or --hours, not both.")
    settings = load_settings()
    configure_logging(settings.log_level, json=settings.log_json, service="simulate")
    story = load_scenario(scenario)
    directory = (settings.data_dir if data_dir is None else data_dir) / "gateways"
    mqtt_url = settings.require_mqtt_url()
    length = days * 24 if days is not None else hours

    async def work(stop: asyncio.Event) -> SimulationReport:
        county = await asyncio.to_thread(County, seed, homes)
        known = None
        if credentials is not None:
            address = BrokerAddress.parse(mqtt_url)
            known = load_credentials(credentials, (h.gateway for h in county.homes), address)
        clock = await _clock(settings, county, speed)
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
                    duration=whole,
                    stop=stop,
                    progress=show,
                    on_ready=notify_ready,
                    connections=connections,
                    credentials=known,
                )
        finally:
            if book is not None:
                book.close()

    report = run(work, watch_stdin=watch_stdin)
    if json:
        emit(report)
    else:
        from dataclasses import asdict

        show_values(asdict(report))


async def _clock(settings: Settings, county: County, speed: float | None) -> Clock:
    """The shared clock, once the homes are registered; without a database real time."""
    from datetime import timedelta

    from core.clock import REAL_CLOCK
    from core.database import connect, read_clock, set_clock, wait_for_database
    from core.errors import UserError
    from core.migrate import require_current
    from core.registry_import import import_document

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
        await import_document(connection, county.document(), now=clock.now())
    finally:
        await connection.close()
    return clock
