"""What a client's twelve weeks say, in plain words; and their pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from markupsafe import Markup

from web.i18n import Texts, mark
from web.reports.decline import DAYS, LATELY, WEEKS, Measure, Weeks
from web.reports.plots import Column, columns
from web.reports.words import percent
from web.trends.comparing import summed

NAMES: dict[str, str] = {
    "activity": mark("Movement in the rooms a day"),
    "nights": mark("Movement a night (22–6)"),
    "bathroom_nights": mark("In the bathroom at night: movement a night"),
    "kitchen": mark("In the kitchen: movement a day"),
    "meals": mark("Hours of the day in which the fridge was opened"),
    "bathroom_days": mark("In the bathroom by day: movement a day"),
    "outside": mark("Outer door: openings a day"),
}
_ENOUGH = 2 * DAYS // 3
"""Fewer days heard than this are said first: the rest may mislead."""


def said(
    text: Texts, weeks: Weeks, vitals: Sequence[Mapping[str, Any]], alerts: Sequence[Any]
) -> list[str]:
    """The weeks in a few sentences: how much is known, what changed, what did not."""
    say = [
        text.gettext(
            "The home's sensors were heard on %(days)s of %(all)s days.",
            days=weeks.heard_days,
            all=DAYS,
        )
    ]
    if weeks.heard_days < _ENOUGH:
        say.append(text.gettext("That is little: do not conclude from what is missing."))
    for one in weeks.measures:
        if one.changed:
            words = (
                text.gettext("%(name)s: %(share)s more than in the weeks before.",
                             name=text.gettext(NAMES[one.name]), share=_share(text, one))
                if one.changed > 0
                else text.gettext("%(name)s: %(share)s less than in the weeks before.",
                                  name=text.gettext(NAMES[one.name]), share=_share(text, one))
            )  # fmt: skip
            say.append(words)
    compared = [one for one in weeks.measures if one.change is not None]
    if compared and not any(one.changed for one in compared):
        say.append(text.gettext("At home the last four weeks were as the weeks before."))
    if not vitals:
        say.append(text.gettext("No vital signs were measured."))
    if not alerts:
        say.append(text.gettext("There were no alerts."))
    return say


def _share(text: Texts, one: Measure) -> str:
    return percent(text, abs(one.change or 0.0))


def measure_rows(text: Texts, weeks: Weeks) -> list[dict[str, str]]:
    """A row for each measure: name, before, lately, change; – is not known."""
    return [
        {
            "name": text.gettext(NAMES[one.name]),
            "before": _number(text, one.before),
            "lately": _number(text, one.lately),
            "change": _signed(text, one.change),
        }
        for one in weeks.measures
    ]


def _number(text: Texts, value: float | None, decimals: int = 1) -> str:
    return "–" if value is None else text.number(value, decimals)


def _signed(text: Texts, change: float | None) -> str:
    if change is None:
        return "–"
    rounded = round(100 * change)
    sign = "+" if rounded > 0 else "−" if rounded < 0 else "±"
    return f"{sign}{percent(text, abs(rounded) / 100)}"


def measured_rows(
    text: Texts, metrics: Sequence[str], thirds: Sequence[Mapping[str, Mapping[str, Any]]]
) -> list[dict[str, Any]]:
    """A row for each vital sign: name and unit, mean of each four weeks, range and count of all."""
    rows = []
    for name in metrics:
        sums = [summed(third[name]) for third in thirds]
        known = [one for one in sums if one]
        if not known:
            continue
        about = thirds[0][name]
        decimals = int(about["decimals"])
        low, high = min(one["low"] for one in known), max(one["high"] for one in known)
        rows.append(
            {
                "name": f"{about['label']}, {about['unit']}" if about["unit"] else about["label"],
                "means": [_number(text, one["mean"] if one else None, decimals) for one in sums],
                "range": f"{_number(text, low, decimals)} … {_number(text, high, decimals)}",
                "count": text.number(sum(one["count"] for one in known)),
            }
        )
    return rows


def plotted(text: Texts, weeks: Weeks, first: date) -> list[tuple[str, Markup]]:
    """A picture for each measure, a column a week, the last four strong."""
    starts = [first + timedelta(weeks=week) for week in range(WEEKS)]
    marks = [f"{day.day}.{day.month}." if n % 3 == 0 else "" for n, day in enumerate(starts)]
    return [
        (
            title := text.gettext(NAMES[one.name]),
            columns(
                title,
                [
                    Column(label, value, strong=week >= WEEKS - LATELY)
                    for week, (label, value) in enumerate(zip(marks, one.weekly, strict=True))
                ],
                text.number,
            ),
        )
        for one in weeks.measures
    ]
