"""What a county's month says, in sentences; and its pictures."""

from __future__ import annotations

from datetime import datetime, timedelta

from babel.dates import format_date
from markupsafe import Markup

from web.i18n import Texts
from web.reports.county import CountyMonth
from web.reports.month import Month
from web.reports.plots import Column, columns

_LABEL_EVERY = 7


def month_name(text: Texts, month: Month) -> str:
    """lokakuu 2026, oktober 2026, October 2026."""
    return str(format_date(month.begins.date(), "LLLL y", locale=text.locale))


def percent(text: Texts, share: float | None) -> str:
    """A share: 93 %; – where there is none."""
    return "–" if share is None else f"{text.number(100 * share)}\N{NO-BREAK SPACE}%"


def waited(text: Texts, seconds: float | None) -> str:
    """How long: 4 min."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return text.gettext("under a minute")
    return text.duration(timedelta(seconds=seconds))


def summary(text: Texts, county: CountyMonth) -> list[str]:
    """The month in a few sentences, the most important first."""
    own, say = county.own, []
    say.append(
        text.ngettext(
            "%(n)s alert called somebody; there are %(clients)s clients.",
            "%(n)s alerts called somebody; there are %(clients)s clients.",
            county.alerts,
            clients=text.number(county.clients),
        )
    )
    if county.change is not None:
        share = percent(text, abs(county.change))
        say.append(
            text.gettext("That is %(share)s more a day than in the month before.", share=share)
            if county.change >= 0
            else text.gettext(
                "That is %(share)s fewer a day than in the month before.", share=share
            )
        )
    half = county.timed("acknowledge_s", "acknowledged")
    if half is not None:
        say.append(
            text.gettext(
                "Half of the alerts that were acknowledged had somebody within %(half)s, nine in "
                "ten within %(most)s.",
                half=waited(text, half),
                most=waited(text, county.timed("acknowledge_90_s", "acknowledged")),
            )
        )
    if own is not None and own["closed"]:
        say.append(
            text.gettext(
                "Of the alerts that are closed %(real)s were real and %(false)s false alarms.",
                real=percent(text, county.share("real")),
                false=percent(text, county.share("false")),
            )
        )
    if own is not None:
        say.append(
            text.ngettext(
                "False alarms and technical faults called somebody %(n)s time at night.",
                "False alarms and technical faults called somebody %(n)s times at night.",
                own["false_night_pages"],
            )
        )
    if county.covered is not None:
        say.append(
            text.gettext(
                "Somebody was on duty %(all)s of the time, and %(nights)s of the nights.",
                all=percent(text, county.covered),
                nights=percent(text, county.covered_nights),
            )
        )
    if county.arrived is not None:
        say.append(
            text.gettext(
                "%(share)s of the messages that gateways numbered have arrived.",
                share=percent(text, county.arrived),
            )
        )
    return say


def pictures(text: Texts, county: CountyMonth) -> list[tuple[str, Markup]]:
    """Title and picture, in the order of the report."""
    strong = county.month
    marks = [f"{day.day}." if day.day % _LABEL_EVERY == 1 else "" for day, _, _ in county.by_day]
    alerts = [Column(at, row[1]) for at, row in zip(marks, county.by_day, strict=True)]
    nights = [Column(at, row[2]) for at, row in zip(marks, county.by_day, strict=True)]
    months = [
        Column(
            str(month.number) if month.number % 2 == strong.number % 2 else "",
            None if row is None else row["alerts"],
            strong=month == strong,
        )
        for month, row in county.by_month
    ]
    waits = [
        Column(
            str(month.number) if month.number % 2 == strong.number % 2 else "",
            None if row is None or row["acknowledge_s"] is None else row["acknowledge_s"] / 60,
            None
            if row is None or row["acknowledge_90_s"] is None
            else row["acknowledge_90_s"] / 60,
            strong=month == strong,
        )
        for month, row in county.by_month
    ]

    def whole(value: float) -> str:
        return text.number(value)

    drawn = (
        (text.gettext("Alerts by day"), alerts),
        (text.gettext("Calls at night by day (22–6)"), nights),
        (text.gettext("Alerts by month"), months),
        (text.gettext("Minutes until acknowledged by month: half of them, line up to nine in ten"),
         waits),
    )  # fmt: skip
    return [(title, columns(title, given, whole)) for title, given in drawn]


def made_at(text: Texts, now: datetime) -> str:
    """When the report was made."""
    return text.gettext("Made %(at)s from what was known then.", at=text.day_and_time(now))
