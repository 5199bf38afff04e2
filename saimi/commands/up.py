"""`saimi up`: everything on one machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import SaimiError
from saimi.console import DATA_DIR_HELP, Json, emit, say, show_values

if TYPE_CHECKING:
    import asyncio

    from saimi.trial import Report
    from saimi.up import Line


def up(
    homes: Annotated[
        int | None, typer.Option(min=1, max=5000, help="Homes to play (as last time; at first 12).")
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0.01, max=3600, help="How many times as fast as real time.")
    ] = 60.0,
    seconds: Annotated[
        float | None,
        typer.Option("--for", min=0.1, help="End by itself after so many seconds, with a report."),
    ] = None,
    json: Json = False,
    data_dir: Annotated[Path | None, typer.Option(help=DATA_DIR_HELP)] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Of the web (SAIMI_WEB_PORT, 8080); 0: a free one."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Which made-up county.")] = 7,
    scenario: Annotated[
        str, typer.Option(help="What happens there: demo, quiet, influenza, heat, or a TOML file.")
    ] = "demo",
) -> None:
    """Start everything on this machine: database, broker, services, and homes that are made up.

    Database and broker are embedded ones unless SAIMI_DATABASE_URL and SAIMI_MQTT_URL are set.
    Ctrl-C stops everything that was started; the data stay.
    """
    from core.settings import load_settings
    from saimi.running import run
    from saimi.trial import run_trial
    from saimi.up import Line, Options, Stopped

    settings = load_settings()
    options = Options(
        data_dir=settings.data_dir if data_dir is None else data_dir,
        homes=homes,
        speed=speed,
        port=settings.web_port if port is None else port,
        seed=seed,
        scenario=scenario,
    )

    async def work(stop: asyncio.Event) -> Report | None:
        line = Line(options, settings, stop)
        try:
            await line.start()
            try:
                _show(line)
                if seconds is not None:
                    return await run_trial(line, seconds, stop)
                await line.bring_homes_to_life()
                await stop.wait()
                say("Stopping.")
            finally:
                await line.stop()
        except Stopped:
            pass
        return None

    report = run(work)
    if report is None:
        return
    if json:
        emit(report)
    else:
        show_values({name: getattr(report, name) for name in report.__struct_fields__})
    require_sound(report)


def require_sound(report: Report) -> None:
    """A trial that shows a loss, or nothing at all, has not succeeded.

    Raises:
        SaimiError: readings are lost, or the homes sent none.
    """
    if report.lost:
        raise SaimiError(
            f"{report.lost} readings were sent and are neither stored nor among the rejected: look "
            "at the logs in the data directory, and do not use this installation."
        )
    if not report.messages:
        raise SaimiError(
            "The homes sent nothing, so this trial shows nothing: see simulate's log in the data "
            "directory, or let it run longer."
        )


def _show(line: Line) -> None:
    """Say where to look, who to log in as, and what is going to happen."""
    say(f"\nSaimi runs at  {line.web_url}   (Ctrl-C stops it)\n")
    width = max(len(login.username) for login in line.logins)
    for one in line.logins:
        say(f"  {one.username.ljust(width)}  {one.password}   {one.display_name}, {one.role}")
    factor = line.clock.factor
    if factor != 1:
        say(f"\nTime runs {factor:g} times as fast here: a minute takes {60 / factor:.3g} s.")
    now = line.clock.now()
    coming = [event for event in line.plan.highlights if event.at > now]
    if coming:
        say("What to watch for:")
    for event in coming:
        seconds = (event.at - now).total_seconds() / factor
        say(f"  in {_span(seconds)}  {_client(line, event.client)}: {_what(event.what)}")
    say("\nNot a medical device. Not for clinical use.")


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _client(line: Line, reference: str) -> str:
    for resident in line.county.residents:
        if resident.reference == reference:
            return f"{resident.given_name} {resident.family_name}"
    return reference


def _what(name: str) -> str:
    texts = {
        "infection": "an infection turns worse (NEWS2 5 and rising)",
        "help": "presses the help button",
        "fall": "falls",
        "smoke": "the smoke detector goes off",
        "call_request": "asks to be called",
    }
    return texts.get(name, name)
