"""`saimi cohort`: what is usual in this county, from its own readings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from saimi.console import Json, emit, progress, say

if TYPE_CHECKING:
    import asyncpg

    from models.county import County


def cohort(
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to save the model: a folder.")],
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What saimi train wrote: its model of deterioration goes into the new one.",
        ),
    ] = None,
    days: Annotated[int, typer.Option(min=28, max=366, help="How far back to learn from.")] = 56,
    clients: Annotated[
        int,
        typer.Option(min=40, max=5000, help="How many to learn from, homes for two too."),
    ] = 500,
    json: Json = False,
) -> None:
    """Learn what is usual from the county's own readings (SAIMI_DATABASE_URL).

    Learns baselines, trends, silence and routines. Illness cannot be learned from readings without
    labels: a model of deterioration comes from --model, or there is none.
    """
    import msgspec

    from core.database import read_clock
    from models.county import load, save
    from saimi.cohort import learn_cohort
    from saimi.connecting import with_connection

    illness = None if model is None else load(model)
    with progress("Learning", unit="days") as bar:

        async def work(connection: asyncpg.Connection) -> County:
            clock = await read_clock(connection)
            return await learn_cohort(
                connection, now=clock.now(), days=days, most=clients, illness=illness,
                reached=bar.reach,
            )  # fmt: skip

        county = with_connection(work)
    save(out, county)
    say(f"{out} written, with its card in {out / 'card.md'}. SAIMI_MODEL_DIR tells `saimi alerts`.")
    if json:
        emit({**msgspec.to_builtins(county.record), "model": str(out)})
