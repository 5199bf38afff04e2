"""Proposed changes of rules, as `saimi rules propose` keeps them."""

from __future__ import annotations

from datetime import datetime, timedelta

import asyncpg
import msgspec

from alerts.backtest.proposals import propose
from alerts.backtest.report import (
    ChangeReport,
    EpisodeChange,
    LoadReport,
    OutcomeChange,
    RuleChange,
)
from alerts.rules.changes import changes
from alerts.rules.in_force import shipped_text
from alerts.rules.shipped import parse_rules

STRICTER = shipped_text().replace("raise = { points = 3 }", "raise = { points = 2 }", 1)
MILDER = shipped_text().replace("raise = { total = 5 }", "raise = { total = 6 }", 1)


def report(now: datetime, episode: int = 1, client: str = "?") -> ChangeReport:
    """What a backtest found, with one alert that would be lost."""
    day = timedelta(days=1)
    return ChangeReport(
        start=now - 28 * day, end=now, rules_before="the rules that ship",
        rules_after="the rules of county.toml", readings=123_456, recorded=40, reproduced=39,
        before=LoadReport(120, 52, 1.55, 9, 40, 0.82), after=LoadReport(120, 41, 1.22, 9, 31, 0.46),
        false_pages_saved=8,
        outcomes={
            "real": OutcomeChange(12, 11, 1, 0, 0, -0.5),
            "false": OutcomeChange(20, 12, 8, 0, 0, None),
        },
        by_rule=[RuleChange("news2_medium", 3, 30, 19, 24, 15), RuleChange("fall", 4, 3, 3, 3, 3)],
        episodes=[
            EpisodeChange(
                episode, client, "news2", "news2_medium", "real", now - day, now - day, None, None,
                "lost",
            )
        ],
    )  # fmt: skip


async def proposed(
    connection: asyncpg.Connection,
    rules: str,
    *,
    now: datetime,
    by: str = "chief",
    before: str | None = None,
    models: str | None = None,
    found: ChangeReport | None = None,
) -> int:
    """Keep a proposal; its number."""
    was = shipped_text() if before is None else before
    return await propose(
        connection, username=by, now=now, why="Liian monta kutsua öisin.", rules=rules,
        judged_against=was, models=models, changes=changes(parse_rules(rules), parse_rules(was)),
        report=msgspec.to_builtins(found or report(now)), markdown="",
    )  # fmt: skip


async def add_chief(connection: asyncpg.Connection) -> None:
    """A second coordinator."""
    await connection.execute(
        "INSERT INTO registry.member (username, display_name, role, language, password_hash)"
        " SELECT 'chief', 'Kaarina Koordinaattori', 'coordinator', 'en', password_hash"
        " FROM registry.member WHERE username = 'nurse'"
    )
