"""A backtest's report as the desk reads it: before, after, and by how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alerts.backtest.report import ChangeReport, EpisodeChange
from web.i18n import Texts, mark
from web.steward.wording import RULES, named
from web.words import KINDS, OUTCOMES

_EPISODES = 100
"""Alerts that would change, shown; the newest first."""
CHANGES: dict[str, str] = {
    "kept": mark("as before"),
    "lost": mark("no longer seen"),
    "gained": mark("seen now"),
    "neither": mark("seen by neither"),
}


@dataclass(frozen=True)
class Figure:
    """One line of before and after."""

    label: str
    before: str
    after: str
    change: str
    """With its sign; '' where nothing changes."""
    severity: int | None = None


@dataclass(frozen=True)
class Judgement:
    """The report in words and numbers."""

    report: ChangeReport
    figures: Sequence[Figure]
    by_rule: Sequence[tuple[Figure, Figure]]
    """Alerts and pages of the rules for which they change."""
    outcomes: Sequence[tuple[str, Sequence[str]]]
    """What people found: recorded, as before, no longer seen, seen now, hours sooner."""
    episodes: Sequence[EpisodeChange]
    """Alerts with an outcome that change, the newest first."""
    more: int
    """Of those, how many are not shown."""
    kinds: dict[int, str]
    """What each is about, and what was found, by its number."""


def judgement(text: Texts, report: ChangeReport) -> Judgement:
    """As the page shows it."""
    before, after = report.before, report.after
    figures = [
        _figure(text, text.gettext("Alerts"), before.alerts, after.alerts),
        _figure(
            text, text.gettext("Alerts per 100 clients a day"),
            before.alerts_per_100, after.alerts_per_100, 2,
        ),
        _figure(text, text.gettext("Calls"), before.pages, after.pages),
        _figure(
            text, text.gettext("Calls a night (22–07)"),
            before.pages_a_night, after.pages_a_night, 2,
        ),
        _figure(text, text.gettext("Reviews"), before.reviews, after.reviews),
    ]  # fmt: skip
    moved = [
        one
        for one in sorted(report.episodes, key=lambda one: one.opened_at, reverse=True)
        if one.change in ("lost", "gained") or one.earlier_h
    ]
    return Judgement(
        report=report,
        figures=figures,
        by_rule=[
            (
                _figure(text, named(text, RULES, one.rule), one.alerts_before, one.alerts_after,
                        severity=one.severity),
                _figure(text, text.gettext("Calls"), one.pages_before, one.pages_after),
            )
            for one in report.by_rule
            if (one.alerts_before, one.pages_before) != (one.alerts_after, one.pages_after)
        ],
        outcomes=[
            (
                named(text, OUTCOMES, name),
                [*map(str, (one.recorded, one.kept, one.lost, one.gained)),
                 _hours(text, one.median_earlier_h)],
            )
            for name, one in report.outcomes.items()
        ],
        episodes=moved[:_EPISODES],
        more=max(0, len(moved) - _EPISODES),
        kinds={
            one.id: " · ".join(
                (named(text, KINDS, one.kind), named(text, OUTCOMES, one.outcome),
                 _change(text, one))
            )
            for one in moved
        },
    )  # fmt: skip


def _figure(
    text: Texts,
    label: str,
    before: float,
    after: float,
    decimals: int = 0,
    *,
    severity: int | None = None,
) -> Figure:
    by = after - before
    sign = "+" if by > 0 else "\N{MINUS SIGN}"
    return Figure(
        label,
        text.number(before, decimals),
        text.number(after, decimals),
        f"{sign}{text.number(abs(by), decimals)}" if by else "",
        severity,
    )


def _change(text: Texts, one: EpisodeChange) -> str:
    if one.change == "kept" and one.earlier_h:
        hours = text.number(abs(one.earlier_h), 1)
        if one.earlier_h > 0:
            return text.gettext("%(hours)s h sooner", hours=hours)
        return text.gettext("%(hours)s h later", hours=hours)
    return named(text, CHANGES, one.change)


def _hours(text: Texts, hours: float | None) -> str:
    if hours is None:
        return "–"
    sign = "\N{MINUS SIGN}" if hours < 0 else ""
    return f"{sign}{text.number(abs(hours), 1)}"
