"""`saimi backtest`: history through changed rules, before anybody is called by them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import UserError
from saimi.console import Json, emit, progress, say

if TYPE_CHECKING:
    from alerts.rules.in_force import Decided
    from saimi.backtest_change import Alerting
    from saimi.backtesting import Way

_Reach = Callable[[float, float], None]


def backtest(
    recordings: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[DIR]...",
            help="Recordings to replay instead of the database: what saimi simulate --out wrote.",
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="T", help="First moment that counts.")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="T", help="Moment from which on nothing counts.")
    ] = None,
    rules: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The changed rules (default: as in force).")
    ] = None,
    models: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The changed models, as saimi train wrote them."),
    ] = None,
    form: Annotated[
        str, typer.Option("--format", help="Of the recordings: saimi, or tihm.")
    ] = "saimi",
    limits: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Plain thresholds to set beside, as saimi/limits/*."),
    ] = None,
    warm_up_days: Annotated[
        float, typer.Option(min=0.0, max=365.0, help="Days before what counts, replayed as well.")
    ] = 14.0,
    clients_per_member: Annotated[
        int, typer.Option(min=1, help="Clients of one duty member at night (recordings).")
    ] = 1000,
    in_force_models: Annotated[
        bool,
        typer.Option(
            "--models-in-force/--no-models-in-force",
            help="With the models of SAIMI_MODEL_DIR, or by rules alone before the change.",
        ),
    ] = True,
    silence: Annotated[
        bool, typer.Option(help="Also listen for devices that fall silent; takes longer.")
    ] = True,
    outcomes: Annotated[
        bool,
        typer.Option(
            help="Whoever closes an alert records whether it was true by the labels (recordings), "
            "and that is remembered; else nothing is."
        ),
    ] = True,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report here, as Markdown.")
    ] = None,
    cases: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Each illness and false alert, one JSON a line."),
    ] = None,
    json: Json = False,
) -> None:
    """Replay history through rules in memory: what would have been seen, how soon, how often.

    On the database: the rules in force beside those of --rules, and what people found of each
    alert. On recordings: beside plain thresholds, against what was truly the matter. Nobody is
    paged, nothing is written but the report.
    """
    from saimi.backtest_change import alerting_in_force

    decided = None if recordings or form != "saimi" else _decided(since, to)
    in_force = alerting_in_force(decided=decided, with_models=in_force_models)
    changed = in_force.changed(rules, models) if rules or models else None
    warm_up = warm_up_days
    if form == "tihm":
        text = _tihm(recordings, since, to, in_force, changed, limits or [], json=json)
    elif form != "saimi":
        raise UserError(f"--format {form} is not known: it is saimi, or tihm.")
    elif recordings:
        text = _recordings(
            recordings, since, to, in_force, changed, limits or [], warm_up, clients_per_member,
            cases, silence=silence, outcomes=outcomes, json=json,
        )  # fmt: skip
    else:
        from saimi.backtest_database import backtest_database
        from saimi.backtest_report import change

        report = backtest_database(
            since, to, in_force, changed or in_force, warm_up_days=warm_up, silence=silence
        )
        if json:
            emit(report)
        text = change(report)
    if out is not None:
        from saimi.backtest_report import write

        write(out, text)
        say(f"{out} written.")
    if not json:
        print(text)


def _decided(since: str | None, to: str | None) -> Decided | None:
    from alerts.rules.in_force import read_decided
    from saimi.backtest_database import stretch_of
    from saimi.connecting import with_connection

    stretch_of(since, to)  # Whoever forgot one should not hear of the database first.
    return with_connection(read_decided)


def _ways(in_force: Alerting, changed: Alerting | None, limits: list[Path]) -> list[Way]:
    from saimi.backtesting import by_limits, by_rules
    from saimi.plain_limits import read_limits

    ways = [by_rules("in_force", in_force.name, in_force.rules, in_force.learned)]
    if changed is not None:
        ways.append(by_rules("changed", changed.name, changed.rules, changed.learned))
    return ways + [by_limits(path.stem, read_limits(path), in_force.rules) for path in limits]


def _recordings(
    directories: list[Path],
    since: str | None,
    to: str | None,
    in_force: Alerting,
    changed: Alerting | None,
    limits: list[Path],
    warm_up_days: float,
    clients_per_member: int,
    cases: Path | None,
    *,
    silence: bool,
    outcomes: bool,
    json: bool,
) -> str:
    from datetime import timedelta

    import msgspec

    from saimi.backtest_report import labelled as rendered
    from saimi.backtesting import backtest_recordings, by_limits, cases_of
    from saimi.plain_limits import shipped_limits
    from saimi.times import parse_time

    ways = _ways(in_force, changed, limits)
    if not limits:
        ways += [by_limits(n, shipped_limits(n), in_force.rules) for n in ("published", "tight")]
    with progress("Replaying", unit="readings") as bar:

        def named(text: str) -> _Reach:
            bar.describe(text)
            return bar.reach

        found = backtest_recordings(
            directories,
            ways,
            start=None if since is None else parse_time("--from", since),
            end=None if to is None else parse_time("--to", to),
            warm_up=timedelta(days=warm_up_days),
            clients_per_member=clients_per_member,
            silence=silence,
            outcomes=outcomes,
            progress=named,
        )
    if cases is not None:
        try:
            with cases.open("wb") as file:
                file.writelines(msgspec.json.encode(line) + b"\n" for line in cases_of(found))
        except OSError as error:
            raise UserError(f"{cases} cannot be written: {error.strerror}.") from error
    if json:
        emit(found.report)
    return rendered(found.report)


def _tihm(
    directories: list[Path] | None,
    since: str | None,
    to: str | None,
    in_force: Alerting,
    changed: Alerting | None,
    limits: list[Path],
    *,
    json: bool,
) -> str:
    from gateway_sim.tihm import LONDON
    from saimi.backtest_report import stream
    from saimi.backtest_tihm import backtest_tihm
    from saimi.backtesting import by_limits
    from saimi.plain_limits import shipped_limits
    from saimi.recorded_history import tihm_history
    from saimi.times import parse_time

    if directories is None or len(directories) != 1:
        raise UserError("--format tihm needs one folder laid out like TIHM.")
    ways = _ways(in_force, changed, limits)
    if not limits:
        ways += [by_limits(n, shipped_limits(n), in_force.rules) for n in ("tihm", "tihm_seen")]
    history = tihm_history(
        directories[0],
        start=None if since is None else parse_time("--from", since, LONDON),
        end=None if to is None else parse_time("--to", to, LONDON),
    )
    with progress("Replaying", unit="readings") as bar:

        def named(text: str) -> _Reach:
            bar.describe(text)
            return bar.reach

        report = backtest_tihm(directories[0], history, ways, progress=named)
    if json:
        emit(report)
    return stream(report)
