"""Rules whose use is `trend`: shown with the readings, and nobody is called. Pure.

Their limits come from bands of continuous monitoring, or are met by means of many readings; an
alert on a single value of these is what drowns teams.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

from alerts.rules.rule import Rule, Rules

METRICS = ("glucose", "systolic", "diastolic")
"""What the rules look at."""


class Value(NamedTuple):
    """One reading, in the catalogue's unit."""

    time: datetime
    value: float


class Trend(NamedTuple):
    """What a rule says of the readings; `key` and `params` as of a finding."""

    key: str
    params: dict[str, Any]


def trends(
    values: Mapping[str, Sequence[Value]],
    rules: Rules,
    own: Mapping[str, Rule],
    *,
    now: datetime,
) -> list[Trend]:
    """What the rules for trends say of the last days.

    Args:
        values: by metric.
        own: the client's own rules, before those of `rules`.
    """
    found = [
        _high_glucose(values.get("glucose", ()), own.get("glucose_high") or rules["glucose_high"]),
        _blood_pressure(
            values, own.get("home_blood_pressure") or rules["home_blood_pressure"], now
        ),
    ]
    return [one for one in found if one is not None]


def _high_glucose(values: Sequence[Value], rule: Rule) -> Trend | None:
    high = [one for one in values if one.value > rule.raises["glucose"]]
    if not rule.on or not high:
        return None
    params = {"count": len(high), "of": len(values), "limit": rule.raises["glucose"]}
    return Trend("glucose_high", params)


def _blood_pressure(
    values: Mapping[str, Sequence[Value]], rule: Rule, now: datetime
) -> Trend | None:
    """The mean of the last days at or above either limit, of enough measurements."""
    if not rule.on:
        return None
    since = now - timedelta(days=rule.limits["days"])
    means = {}
    for metric in ("systolic", "diastolic"):
        found = [one.value for one in values.get(metric, ()) if one.time >= since]
        if len(found) < rule.limits["least"]:
            return None
        means[metric] = float(np.mean(found))
    if all(mean < rule.raises[metric] for metric, mean in means.items()):
        return None
    limits = {f"{metric}_limit": rule.raises[metric] for metric in means}
    return Trend("home_blood_pressure", {**means, **limits, "days": rule.limits["days"]})
