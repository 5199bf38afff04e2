"""`saimi rota`: who is on duty, and when nobody is."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from saimi.console import Json, emit, say, show_table, show_values

if TYPE_CHECKING:
    import asyncpg

    from alerts.routing.rota import Gap

app = typer.Typer(help="Who is on duty: shifts, swaps, gaps.", no_args_is_help=True)
_File = Annotated[Path, typer.Argument(help="A rota, .toml or .json.")]


@app.callback()
def group() -> None:
    """Who is on duty: shifts, swaps, gaps."""


@app.command("import")
def import_file(file: _File, json: Json = False) -> None:
    """Make the shifts of a rota those of its teams, in its days. May be run again."""
    from alerts.routing.rota import read_rota
    from alerts.routing.rota_import import RotaReport, import_rota
    from core.database import read_clock
    from saimi.connecting import with_connection

    rota = read_rota(file)

    async def work(connection: asyncpg.Connection) -> RotaReport:
        now = (await read_clock(connection)).now()
        return await import_rota(connection, rota, now=now)

    report = with_connection(work)
    _tell(report.gaps)
    if json:
        emit({**asdict(report), "gaps": [gap._asdict() for gap in report.gaps]})
        return
    show_values(
        {
            "shifts from now on": report.shifts,
            "new": report.added,
            "taken out": report.removed,
            "changes of the desk that stand": report.changes,
            "gaps": len(report.gaps),
        }
    )


@app.command()
def show(file: _File, json: Json = False) -> None:
    """What shifts a rota makes, and when nobody is on duty; needs no database.

    What lies before a team's first shift belongs to the rota before this one.
    """
    from alerts.routing.rota import gaps, read_rota, shifts

    rota = read_rota(file)
    made = shifts(rota)
    first = {team: min((s.start for s in made if s.team == team), default=rota.since)
             for team in rota.teams}  # fmt: skip
    uncovered = [gap for team in rota.teams for gap in gaps(made, [team], first[team], rota.until)]
    _tell(uncovered)
    if json:
        emit({"shifts": [s._asdict() for s in made], "gaps": [g._asdict() for g in uncovered]})
        return
    show_table(
        ("team", "member", "from", "until"),
        [(one.team, one.member, _local(one.start), _local(one.end)) for one in made],
    )


@app.command()
def duty(json: Json = False) -> None:
    """Who is on duty now."""
    from alerts.routing.rota_import import on_duty
    from core.database import read_clock
    from saimi.connecting import with_connection

    async def work(connection: asyncpg.Connection) -> list[dict[str, object]]:
        return await on_duty(connection, at=(await read_clock(connection)).now())

    found = with_connection(work)
    if json:
        emit({"on_duty": found})
        return
    show_table(
        ("team", "member", "name", "until"),
        [(r["team"], r["member"], r["display_name"], _local(r["end"])) for r in found],
    )


def _tell(gaps: list[Gap]) -> None:
    for gap in gaps:
        say(f"Nobody is on duty for {gap.team!r} from {_local(gap.start)} to {_local(gap.end)}.")


def _local(moment: object) -> str:
    from core.clock import LOCAL

    return f"{moment.astimezone(LOCAL):%a %Y-%m-%d %H:%M}" if isinstance(moment, datetime) else "-"
