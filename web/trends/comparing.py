"""Two periods beside one another: which the earlier one is, and what changed. Pure.

The earlier period is as long as the other and begins at the same hour of the county's day, so that
mornings are compared with mornings and, a year earlier, weekdays with weekdays.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from core.clock import LOCAL
from core.errors import UserError

CHOICES = ("before", "year")
"""The time just before, and a year earlier; else it is the date on which the earlier one begins."""
A_YEAR = timedelta(weeks=52)
_DAY = timedelta(days=1)
_HOUR_S = 3600.0


class NotEarlierError(UserError):
    """The period to compare with begins no earlier."""


def earlier(since: datetime, until: datetime, how: str) -> tuple[datetime, datetime]:
    """The period that `how` names: one of CHOICES, or an ISO date of the county.

    Raises:
        ValueError: it is none of these.
        NotEarlierError: that day does not lie before the period.
    """
    local = since.astimezone(LOCAL)
    if how == "before":
        day = local.date() - math.ceil((until - since) / _DAY) * _DAY
    elif how == "year":
        day = local.date() - A_YEAR
    else:
        day = date.fromisoformat(how)
        if not 1970 <= day.year <= 2200:
            raise ValueError(how)
        if day >= local.date():
            raise NotEarlierError("The period to compare with must begin on an earlier day.")
    wall = datetime.combine(day, local.time(), tzinfo=LOCAL)
    begins = wall.astimezone(since.tzinfo)
    return begins, begins + (until - since)


def summed(columns: Mapping[str, Sequence[float]]) -> dict[str, float] | None:
    """{"mean", "low", "high", "count"} of a chart's columns; None: nothing was measured.

    >>> summed({"mean": [70, 80], "count": [3, 1], "low": [68, 80], "high": [75, 80]})
    {'mean': 72.5, 'low': 68, 'high': 80, 'count': 4}
    """
    count = sum(columns["count"])
    if not count:
        return None
    total = math.fsum(m * n for m, n in zip(columns["mean"], columns["count"], strict=True))
    return {
        "mean": total / count,
        "low": min(columns["low"]),
        "high": max(columns["high"]),
        "count": count,
    }


def signs(
    now: Mapping[str, Mapping[str, Any]], then: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """What each measurement was in both periods; `change` is that of the means, where both are."""
    found = []
    for name, columns in now.items():
        mine, theirs = summed(columns), summed(then[name])
        if mine is None and theirs is None:
            continue
        found.append(
            {
                "metric": name,
                **{key: columns[key] for key in ("label", "unit", "decimals")},
                "now": mine,
                "earlier": theirs,
                "change": mine["mean"] - theirs["mean"] if mine and theirs else None,
            }
        )
    return found


def moved(found: Mapping[str, Any], until: datetime) -> dict[str, dict[str, float | None]]:
    """By place, how often a day (24 h) and a night (22–6) it was moved there, of what
    web.trends.activity gave; a night is None where the time holds none."""
    hours = list(_hours(found, until))
    length = sum(share for _, share in hours)
    at_night = [hour < 6 or hour >= 22 for hour, _ in hours]
    dark = sum(share for (_, share), night in zip(hours, at_night, strict=True) if night)
    rates: dict[str, dict[str, float | None]] = {}
    for place in found["places"]:
        counts = place["counts"]
        nightly = sum(count for count, night in zip(counts, at_night, strict=True) if night)
        rates[place["name"]] = {
            "a_day": 24.0 * sum(counts) / length if length else None,
            "a_night": 8.0 * nightly / dark if dark else None,
        }
    return rates


def _hours(found: Mapping[str, Any], until: datetime) -> Iterator[tuple[int, float]]:
    """Of each bin its hour in the county and how many hours of it the time holds."""
    if found["layout"] == "strip":
        length = timedelta(seconds=found["bin_s"])
        for n in range(found["bins"]):
            at = found["start"] + n * length
            yield at.astimezone(LOCAL).hour, min(length, until - at).total_seconds() / _HOUR_S
        return
    first = datetime.combine(date.fromisoformat(found["first"]), datetime.min.time())
    end = until.astimezone(LOCAL).replace(tzinfo=None)
    for n in range(24 * found["days"]):
        left = (end - first - n * timedelta(hours=1)).total_seconds() / _HOUR_S
        yield n % 24, min(1.0, max(0.0, left))


def places(
    now: Mapping[str, dict[str, float | None]], then: Mapping[str, dict[str, float | None]]
) -> list[dict[str, Any]]:
    """Movement by place in both periods. None: nothing came from there, which may also mean that
    no sensor was there."""
    names = sorted({*now, *then})
    return [{"name": name, "now": now.get(name), "earlier": then.get(name)} for name in names]
