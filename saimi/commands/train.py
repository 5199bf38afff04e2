"""`saimi train`: a model of agitation by home-day, from labelled homes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from saimi.console import Json, between, emit, fraction, progress, say, show_table, show_values


def train(
    directory: Annotated[
        Path, typer.Argument(help="Folder laid out like TIHM: Activity and Labels, plain or gzip.")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to save the model: a folder.")],
    alerts: Annotated[
        float,
        typer.Option(
            "--alerts-per-home-week",
            min=0.01,
            max=7.0,
            help="How many alerts the limit may make on homes kept apart.",
        ),
    ] = 0.5,
    json: Json = False,
) -> None:
    """Train on labelled homes, judge by homes kept apart, save the model with its card."""
    import msgspec

    from models.card import TITLES
    from models.store import save
    from models.training import train as train_model
    from saimi.home_days import read_home_days

    found = read_home_days(directory)
    with progress("Training", unit="fits") as bar:
        trained = train_model(found.days, found.labels, alerts, bar.reach)
    save(out, trained)
    say(f"{out} written, with its card in {out / 'card.md'}.")
    record = trained.record
    if json:
        emit(
            {
                **msgspec.to_builtins(record),
                "limit": trained.limit,
                "labels_without_home_day": found.without_home_day,
                "model": str(out),
            }
        )
        return
    show_table(
        ("on homes kept apart", "mean", "95 %, by homes", f"over {record.repeats} deals"),
        [
            (
                title,
                fraction(record.figures[name]),
                between(record.intervals[name]),
                between(record.spread[name]),
            )
            for name, title in TITLES.items()
        ],
    )
    show_values(
        {
            "homes": record.homes,
            "home-days": record.home_days,
            "with the label": record.positive,
            "labels without a home-day": found.without_home_day,
            "alert limit": fraction(trained.limit),
            "alerts a home-week": fraction(record.at_limit.alerts_per_home_week),
            "sensitivity there": fraction(record.at_limit.sensitivity),
            "specificity there": fraction(record.at_limit.specificity),
        }
    )
