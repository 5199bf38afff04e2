"""`saimi train`: models from homes whose truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.errors import UserError
from saimi.console import Json, between, emit, fraction, progress, say, show_table, show_values


def train(
    directories: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR...",
            help="Recordings of `saimi simulate --out`; or one folder laid out like TIHM: Activity "
            "and Labels, plain or gzip.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to save the model: a folder.")],
    alerts: Annotated[
        float,
        typer.Option(
            "--alerts-per-home-week",
            min=0.01,
            max=7.0,
            help="TIHM: how many alerts the limit may make on homes kept apart.",
        ),
    ] = 0.5,
    false_alerts: Annotated[
        float,
        typer.Option(
            "--false-alerts",
            min=0.01,
            max=100.0,
            help="Recordings: how many alerts on 100 days of clients who are well may be false.",
        ),
    ] = 1.0,
    json: Json = False,
) -> None:
    """Train on labelled homes, judge by homes kept apart, save the model with its card.

    From recordings of the simulator: what is usual in the cohort, and the model of deterioration
    that the alert engine uses (SAIMI_MODEL_DIR). From a folder laid out like TIHM: agitation by
    home-day.
    """
    from saimi.simulated_homes import is_recording

    recordings = [directory for directory in directories if is_recording(directory)]
    if recordings:
        if len(recordings) < len(directories):
            other = next(one for one in directories if one not in recordings)
            raise UserError(f"{other} is no recording of the simulator, as the others are.")
        _train_county(recordings, out, false_alerts, json)
        return
    if len(directories) > 1:
        raise UserError("Of folders laid out like TIHM one can be trained on at a time.")
    _train_agitation(directories[0], out, alerts, json)


def _train_county(directories: list[Path], out: Path, false_alerts: float, json: bool) -> None:
    import msgspec

    from models.county import save
    from saimi.county_training import train_county

    with progress("Training", unit="steps") as bar:
        county = train_county(directories, false_alerts, bar.reach)
    save(out, county)
    say(f"{out} written, with its card in {out / 'card.md'}.")
    record = county.record
    if json:
        said = msgspec.to_builtins(record)
        emit({**said, "limit": county.limit, "urgent": county.urgent, "model": str(out)})
        return
    show_table(
        ("on homes kept apart", "caught before crisis", "median hours before"),
        [
            (kind, f"{one.caught} of {one.cases}", fraction(one.median_hours))
            for kind, one in record.told.items()
        ],
    )
    show_values(
        {
            "clients": record.clients,
            "homes": record.homes,
            "readings": record.readings,
            "alert limit": fraction(county.limit),
            "false alerts on 100 client-days": fraction(record.false_at_limit),
            "urgent limit": fraction(county.urgent),
            "false alerts there": fraction(record.false_at_urgent),
        }
    )


def _train_agitation(directory: Path, out: Path, alerts: float, json: bool) -> None:
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
