"""A change of rules or models on the history that the database holds."""

from __future__ import annotations

from datetime import datetime, timedelta

import asyncpg

from alerts.backtest.load import Stretch, load_stretch, require_readings
from alerts.backtest.report import ChangeReport
from core.errors import UserError
from saimi.backtest_change import Alerting, backtest_change
from saimi.connecting import with_connection
from saimi.console import progress
from saimi.times import parse_time


def backtest_database(
    since: str | None,
    to: str | None,
    before: Alerting,
    after: Alerting,
    *,
    warm_up_days: float,
    silence: bool,
) -> ChangeReport:
    """Replay it by both, with progress shown.

    Raises:
        UserError: the times make no stretch, or of that stretch there are no readings.
    """
    start, end = stretch_of(since, to)
    first = start - timedelta(days=warm_up_days)
    models = any(one.learned is not None for one in (before, after))
    with progress("Reading", unit="days") as bar:

        async def work(connection: asyncpg.Connection) -> Stretch:
            return await load_stretch(
                connection, first, end, silence=silence, models=models, progress=bar.reach
            )

        stretch = with_connection(work)
    require_readings(stretch, start)
    with progress("Replaying", unit="readings") as bar:
        return backtest_change(stretch, before, after, start=start, end=end, progress=bar.reach)


def stretch_of(since: str | None, to: str | None) -> tuple[datetime, datetime]:
    """First moment that counts, and that from which nothing does.

    Raises:
        UserError: one is missing or no time, or they make no stretch.
    """
    if since is None or to is None:
        raise UserError("--from and --to say which stretch of history: both are needed.")
    start, end = parse_time("--from", since), parse_time("--to", to)
    if start >= end:
        raise UserError(f"--from {since} has to be before --to {to}.")
    return start, end
