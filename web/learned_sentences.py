"""What the models found, as sentences: alerts.learned.findings has the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from web.i18n import Texts, mark
from web.values import as_time, metric_name, value_text

Params = Mapping[str, Any]

MEASURES: dict[str, str] = {
    "activity": mark("movement in the rooms"),
    "kitchen_visits": mark("visits to the kitchen"),
    "meals": mark("meals"),
    "bathroom_by_day": mark("bathroom visits by day"),
    "bathroom_by_night": mark("bathroom visits at night"),
    "rises": mark("times out of bed at night"),
    "minutes_out_of_bed": mark("minutes out of bed at night"),
    "front_by_night": mark("front door at night"),
    "front_by_day": mark("front door by day"),
}
"""Of a home's day and night, by models.rooms.MEASURES."""


def deterioration(text: Texts, params: Params) -> str:
    """How likely, and why."""
    percent = text.number(100.0 * float(params["probability"]))
    reasons = [_reason(text, one) for one in params["reasons"]]
    if not reasons:
        return text.gettext("Probably ill and getting worse (%(percent)s %%).", percent=percent)
    return text.gettext(
        "Probably ill and getting worse (%(percent)s %%): %(reasons)s.",
        percent=percent,
        reasons="; ".join(reasons),
    )


def _reason(text: Texts, reason: Params) -> str:
    key = str(reason["key"])
    if key in ("above", "below"):
        metric = str(reason["metric"])
        name = metric_name(text, metric)
        value, usual = reason.get("value"), reason.get("usual")
        if value is not None and usual is not None:
            return text.gettext(
                "%(name)s %(value)s (usually %(usual)s)",
                name=name,
                value=value_text(text, metric, value),
                usual=value_text(text, metric, usual),
            )
        if key == "above":
            return text.gettext("%(name)s lately above the usual", name=name)
        return text.gettext("%(name)s lately below the usual", name=name)
    if key in ("more", "fewer"):
        return _measure(text, reason)
    if key == "silence":
        return text.gettext(
            "no sign of life for %(hours)s h", hours=text.number(float(reason["hours"]), 1)
        )
    if key == "news2":
        return text.gettext("NEWS2 is raised")
    return text.gettext("several signs off the usual at once")


def _measure(text: Texts, params: Params) -> str:
    name = text.gettext(MEASURES[str(params["measure"])])
    value, low, high = (params.get(key) for key in ("value", "low", "high"))
    if value is None or low is None or high is None:
        return name
    return text.gettext(
        "%(name)s %(value)s (usually %(low)s–%(high)s)",
        name=name,
        value=text.number(value),
        low=text.number(low),
        high=text.number(high),
    )


def trend(text: Texts, params: Params) -> str:
    """From what to what, since when."""
    metric = str(params["metric"])
    said = text.gettext(
        "%(metric)s has moved from %(before)s to %(after)s.",
        metric=metric_name(text, metric),
        before=value_text(text, metric, params["before"]),
        after=value_text(text, metric, params["after"]),
    )
    since = params.get("since")
    if since is None:
        return said
    day = date.fromisoformat(str(since))
    return said + text.gettext(" It began about %(date)s.", date=f"{day.day}.{day.month}.")


def above_usual(text: Texts, params: Params) -> str:
    """How far, and what to ask about."""
    metric = str(params["metric"])
    return text.gettext(
        "%(metric)s has been above what is usual here for a day: %(value)s, usually %(usual)s. "
        "Ask about the medicines.",
        metric=metric_name(text, metric),
        value=value_text(text, metric, params["value"]),
        usual=value_text(text, metric, params["usual"]),
    )


def inactivity(text: Texts, params: Params) -> str:
    """How long, how improbable, and what came last."""
    since = as_time(params.get("since"))
    said = text.gettext(
        "No sign of life for %(hours)s h, since %(time)s. Here so long a silence comes once in "
        "%(one_in)s.",
        hours=text.number(float(params["hours"]), 1),
        time="–" if not isinstance(since, datetime) else text.date_time(since),
        one_in=text.number(float(params["one_in"])),
    )
    began = params.get("began")
    if began == "door":
        said += text.gettext(" The front door came last: perhaps nobody is at home.")
    elif began == "bed":
        said += text.gettext(" Going to bed came last.")
    if not params.get("alone", True):
        said += text.gettext(" Two people live here.")
    return said


def routine(text: Texts, params: Params) -> str:
    """What is not like this home's nights or days."""
    if params.get("night"):
        return text.gettext("An unusual night: %(what)s.", what=_measure(text, params))
    return text.gettext("An unusual day: %(what)s.", what=_measure(text, params))
