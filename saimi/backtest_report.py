"""A backtest's report for people: Markdown, to be put beside the change that it speaks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from alerts.backtest.report import ChangeReport
from core.errors import UserError
from saimi.backtest_tihm import StreamReport
from saimi.backtesting import Caught, LabelledReport

FOOT = "Not a medical device. Not for clinical use."


def labelled(report: LabelledReport) -> str:
    """Ways of alerting on labelled homes, as columns."""
    ways = list(report.ways.values())
    lines = [
        "# Alerts on labelled homes",
        "",
        (
            f"Simulated homes, seeds "
            f"{', '.join(map(str, report.seeds))}: {report.clients:,} clients in "
            f"{report.homes:,} homes, {report.client_days:,.0f} client-days after "
            f"{report.warm_up_days:g} that only warm up; on {report.well_days:,.0f} of them "
            f"nothing is the matter. A duty member has {report.clients_per_member:,} clients at "
            "night."
        ),
        "",
        *_table(
            ["", *report.ways],
            [
                ["serious illnesses before crisis", *(_caught(way.serious) for way in ways)],
                [
                    "those that were measured before crisis",
                    *(_caught(way.serious_measured) for way in ways),
                ],
                ["alerts per 100 clients a day", *(f"{way.alerts_per_100:.2f}" for way in ways)],
                ["of these false", *(f"{way.false_alerts_per_100:.2f}" for way in ways)],
                ["reviews per 100 clients a day", *(f"{way.reviews_per_100:.2f}" for way in ways)],
                [
                    "false pages a night of a duty member",
                    *(f"{way.false_night_pages_per_member:.1f}" for way in ways),
                ],
                *(
                    [
                        name + (" (until recovery)" if name in report.without_crisis else ""),
                        *(_caught(way.illnesses[name]) for way in ways),
                    ]
                    for name in ways[0].illnesses
                ),
            ],
        ),
        "",
        *_outages(report),
        *(f"- `{name}`: {way.title}" for name, way in report.ways.items()),
        "",
        (
            "Caught of all cases, median hours of warning before the crisis. Measured: a sign that "
            "the illness moves was measured between onset and crisis, however little it had moved; "
            "no reading can show the others in time. What counts as a true alert: "
            "docs/decisions/0036."
        ),
    ]
    for name, way in report.ways.items():
        lines += ["", f"## Alerts by rule: {name}", ""]
        lines += _table(
            ["rule", "severity", "alerts", "false"],
            [[one.rule, one.severity, one.alerts, one.false] for one in way.by_rule],
        )
    return _whole(lines)


def _outages(report: LabelledReport) -> list[str]:
    """Areas that were out, where any was and devices were listened for."""
    ways = {name: way.outages for name, way in report.ways.items() if way.outages is not None}
    if not any(one.outages or one.false for one in ways.values()):
        return []
    rows: list[list[object]] = [
        [
            "outages of areas told before they were over",
            *(
                f"{one.told} of {one.outages}"
                + ("" if one.median_minutes is None else f", after {one.median_minutes:.0f} min")
                for one in ways.values()
            ),
        ],
        ["alerts of an outage where there was none", *(one.false for one in ways.values())],
        ["homes in these outages", *(one.homes for one in ways.values())],
        ["calls by their own silence meanwhile", *(one.calls for one in ways.values())],
        [
            "clients at risk in them who were named",
            *(f"{one.named} of {one.at_risk}" for one in ways.values()),
        ],
    ]
    return [*_table(["", *ways], rows), ""]


def change(report: ChangeReport) -> str:
    """What a change of rules would have made of recorded history."""
    before, after = report.before, report.after
    lines = [
        "# What the change would have done",
        "",
        (f"{report.start:%Y-%m-%d %H:%M} to {report.end:%Y-%m-%d %H:%M} UTC, {before.clients:,} "
        f"clients. Before: {report.rules_before}. After: {report.rules_after}. Of "
        f"{report.recorded:,} alerts recorded then the replay before the change opens "
        f"{report.reproduced:,} at the same minute."),
        "",
        *_table(
            ["", "before", "after"],
            [
                ["alerts", before.alerts, after.alerts],
                [
                    "alerts per 100 clients a day",
                    f"{before.alerts_per_100:.2f}", f"{after.alerts_per_100:.2f}",
                ],
                ["pages", before.pages, after.pages],
                [
                    "pages a night (22–07)",
                    f"{before.pages_a_night:.2f}", f"{after.pages_a_night:.2f}",
                ],
                ["reviews", before.reviews, after.reviews],
            ],
        ),
        "",
        (
            f"**False pages saved: {report.false_pages_saved}** (pages for what people closed "
            "as false or technical)."),
        "",
        "## What people found, and whether it would still be seen",
        "",
        *_table(
            ["outcome", "recorded", "kept", "lost", "gained", "neither", "median hours sooner"],
            [
                [
                    name, one.recorded, one.kept, one.lost, one.gained, one.neither,
                    _hours(one.median_earlier_h),
                ]
                for name, one in report.outcomes.items()
            ],
        ),
        "",
        "## By rule and severity",
        "",
        *_table(
            ["rule", "severity", "alerts before", "after", "pages before", "after"],
            [
                [
                    one.rule, one.severity, one.alerts_before, one.alerts_after,
                    one.pages_before, one.pages_after,
                ]
                for one in report.by_rule
            ],
        ),
    ]  # fmt: skip
    moved = [one for one in report.episodes if one.change in ("lost", "gained") or one.earlier_h]
    if moved:
        lines += ["", "## Alerts with an outcome that change", ""]
        lines += _table(
            ["alert", "client", "kind", "outcome", "opened", "change", "hours sooner"],
            [
                [
                    one.id, one.client, one.kind, one.outcome, f"{one.opened_at:%Y-%m-%d %H:%M}",
                    one.change, _hours(one.earlier_h),
                ]
                for one in moved
            ],
        )  # fmt: skip
    return _whole(lines)


def stream(report: StreamReport) -> str:
    """TIHM's labels as a stream."""
    lines = [
        "# TIHM as a stream",
        "",
        (
            f"{report.homes} homes, {report.home_weeks:.0f} home-weeks with measurements, "
            f"{report.start:%Y-%m-%d} to {report.end:%Y-%m-%d}. TIHM (Palermo, Barnaghi and "
            "others, Scientific Data 2023), CC BY 4.0."
        ),
        "",
        *_table(
            ["", *report.ways],
            [
                *(
                    [
                        f"{kind}: labels caught",
                        *(
                            f"{way.labels[kind].caught} of {way.labels[kind].labels}"
                            for way in report.ways.values()
                        ),
                    ]
                    for kind in next(iter(report.ways.values())).labels
                ),
                [
                    "alerts a home-week",
                    *(f"{way.alerts_per_home_week:.2f}" for way in report.ways.values()),
                ],
                [
                    "of these, near no label",
                    *(f"{way.unlabelled_per_home_week:.2f}" for way in report.ways.values()),
                ],
            ],
        ),
        "",
        *(f"- `{name}`: {way.title}" for name, way in report.ways.items()),
    ]
    return _whole(lines)


def write(path: Path, text: str) -> None:
    """Write a report.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from error


def _caught(one: Caught | None) -> str:
    if one is None:
        return "–"
    share = f"{one.caught} of {one.cases} ({one.share:.0%})"
    return share if one.median_warning_h is None else f"{share}, {one.median_warning_h:.0f} h"


def _hours(hours: float | None) -> str:
    return "–" if hours is None else f"{hours:+.1f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    return [
        "| " + " | ".join(head) + " |",
        "| --- |" + " --: |" * (len(head) - 1),
        *("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows),
    ]


def _whole(lines: Sequence[str]) -> str:
    return "\n".join([*lines, "", FOOT, ""])
