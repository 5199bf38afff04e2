"""`saimi evaluate`: a saved model on homes, also ones that it never saw."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import UserError
from saimi.console import Json, between, emit, fraction, progress, say, show_table, show_values

if TYPE_CHECKING:
    from models.evaluating import Evaluated, Report
    from models.training import Trained
    from saimi.home_days import Labelled


def evaluate(
    directories: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR...",
            help="Recordings of `saimi simulate --out`; or one folder laid out like TIHM: Activity "
            "and Labels, plain or gzip. As the model was trained on.",
        ),
    ],
    model: Annotated[Path, typer.Option(metavar="FILE", help="What saimi train wrote.")],
    since: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="T", help="First date that counts; days before it are history only."
        ),
    ] = None,
    days: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write each home-day's score and reasons here, one JSON a line."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Judge a saved model, with what was known at the time.

    Agitation: every home-day is scored at its end. Deterioration: every client, hour by hour,
    beside plain thresholds (NEWS2 of 5, or 3 in one sign).
    """
    from models.county import KIND
    from models.store import name_of
    from saimi.times import parse_time

    begin = None if since is None else parse_time("--from", since)
    if name_of(model) == KIND.name:
        if days is not None:
            raise UserError("--days is of home-days: a model of deterioration has none.")
        _evaluate_county(directories, model, begin, json)
        return
    if len(directories) > 1:
        raise UserError("Of folders laid out like TIHM one can be judged at a time.")
    _evaluate_agitation(directories[0], model, begin, days, json)


def _evaluate_county(
    directories: list[Path], model: Path, begin: datetime | None, json: bool
) -> None:
    import msgspec

    from models.county import load
    from models.illness_judging import judge
    from models.illness_training import Table
    from saimi.county_training import followed
    from saimi.simulated_homes import read

    county = load(model)
    if county.deterioration is None:
        raise UserError(f"{model} has no model of deterioration: it was trained without labels.")
    tables = []
    with progress("Following", unit="recordings") as bar:
        for number, directory in enumerate(directories, 1):
            tables.append(followed(read(directory), county.following))
            bar.reach(number, len(directories))
    table = Table.joined(tables)
    if begin is not None:
        table = table.since(begin.timestamp())
    report = judge(county, table)
    if json:
        emit(msgspec.to_builtins(report))
        return
    ways = {"model": report.model, "urgent": report.urgent, "NEWS2 >= 5 or 3 in one": report.plain}
    show_table(
        ("caught before crisis, median hours", *ways),
        [
            (
                kind,
                *(
                    f"{way.told[kind].caught} of {way.told[kind].cases}, "
                    f"{fraction(way.told[kind].median_hours)}"
                    for way in ways.values()
                ),
            )
            for kind in report.model.told
        ]
        + [
            ("all", *(f"{way.caught} of {report.illnesses}" for way in ways.values())),
            (
                "false on 100 client-days",
                *(fraction(way.false_per_100_client_days) for way in ways.values()),
            ),
        ],
    )
    show_values({"clients": report.clients, "client-days, nothing the matter": report.client_days})


def _evaluate_agitation(
    directory: Path, model: Path, begin: datetime | None, days: Path | None, json: bool
) -> None:
    import msgspec

    from models.evaluating import evaluate as judge
    from models.store import load
    from saimi.home_days import read_home_days

    trained = load(model)
    first = None if begin is None else begin.date().toordinal()
    found = read_home_days(directory)
    if first is not None and not (found.days.day >= first).any():
        raise UserError(
            f"{directory} has no home-day from {begin:%Y-%m-%d} on, so nothing can be judged."
        )
    judged = judge(trained, found.days, found.positive, first)
    if days is not None:
        _write(days, trained, found, judged)
    if json:
        report = msgspec.to_builtins(judged.report)
        emit({**report, "labels_without_home_day": found.without_home_day})
        return
    _show(judged.report)


def _show(report: Report) -> None:
    from models.card import TITLES

    show_table(
        ("", "value", "95 %, by homes"),
        [
            (title, fraction(getattr(report, name)), between(report.intervals[name]))
            for name, title in TITLES.items()
        ],
    )
    show_values(
        {
            "homes": report.homes,
            "home-days": report.home_days,
            "with the label": report.positive,
            "alerts a home-week": fraction(report.alerts_per_home_week),
            "alert limit": fraction(report.limit),
            "sensitivity there": fraction(report.sensitivity_at_limit),
            "specificity there": fraction(report.specificity_at_limit),
        }
    )
    if report.note is not None:
        say(report.note)


def _write(path: Path, trained: Trained, found: Labelled, judged: Evaluated) -> None:
    from dataclasses import asdict

    import msgspec

    from models.home_days import text_of
    from models.reasons import reasons
    from web.i18n import LANGUAGES, texts
    from web.reasons import reason_text

    words = [texts(language) for language in LANGUAGES]

    try:
        with path.open("wb") as file:
            for row in judged.rows.nonzero()[0].tolist():
                probability = float(judged.probability[row])
                line = {
                    "home": found.days.names[int(found.days.home[row])],
                    "date": text_of(int(found.days.day[row])),
                    "probability": round(probability, 6),
                    "alert": probability >= trained.limit,
                    "label": bool(found.positive[row]),
                    "unknown_windows": [
                        trained.model.windows[run]
                        for run in (judged.scored.by_run[row] == 0).nonzero()[0].tolist()
                    ],
                    "reasons": [
                        {**asdict(one), "text": {w.language: reason_text(one, w) for w in words}}
                        for one in reasons(judged.scored, trained.model.windows, row)
                    ],
                }
                file.write(msgspec.json.encode(line) + b"\n")
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from error
