"""A client's own limits: the prescribed SpO2 range, limits of any metric, and LO and HI."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from alerts.assess.news import oxygen
from alerts.finding import Finding, Reading
from alerts.rules.rule import Rule
from alerts.subjects.subject import Context, Limit, Subject, by_hand, is_above, is_below, shown
from core.reading import Qualifier

_KINDS = {
    "spo2": "spo2",
    "glucose": "glucose",
    "systolic": "blood_pressure",
    "diastolic": "blood_pressure",
}


def kind_of(metric: str) -> tuple[str, str]:
    """Kind and origin of the episode that findings about a metric belong to."""
    return (_KINDS[metric], "") if metric in _KINDS else ("limit", metric)


def assess(subjects: Sequence[Subject], context: Context) -> Iterator[tuple[int, Finding]]:
    """Newest readings outside the client's own limits."""
    for index, subject in enumerate(subjects):
        if subject.client is None:
            continue
        for metric, limit in subject.client.limits.items():
            reading = subject.latest(metric)
            if reading is not None:
                check = _spo2_range if metric == "spo2" else _own_limit
                finding = check(subject, reading, limit, context)
                if finding is not None:
                    yield index, finding


def assess_meters(subjects: Sequence[Subject], context: Context) -> Iterator[tuple[int, Finding]]:
    """Newest readings that are beyond what the meter can show."""
    rule = context.rules["beyond_meter"]
    if not rule.on:
        return
    for index, subject in enumerate(subjects):
        if subject.client is None:
            continue
        for metric, found in subject.newest.items():
            reading = found[0]
            if reading.qualifier:  # not Qualifier.EXACT
                side = "low" if reading.qualifier == Qualifier.BELOW else "high"
                params = {"metric": metric, "value": shown(reading)}
                yield index, _finding(rule, f"beyond_meter_{side}", reading, params, context)


def _own_limit(
    subject: Subject, reading: Reading, limit: Limit, context: Context
) -> Finding | None:
    rule = context.rule(subject, "client_limit")
    if not rule.speaks:
        return None
    for key, bound, outside in (
        ("below_limit", limit.low, is_below),
        ("above_limit", limit.high, is_above),
    ):
        if bound is not None and outside(reading, bound):
            params = {
                "metric": reading.metric,
                "value": shown(reading),
                "limit": bound,
                "qualifier": reading.qualifier,
                **by_hand(subject, reading),
            }
            return _finding(rule, key, reading, params, context)
    return None


def _spo2_range(
    subject: Subject, reading: Reading, limit: Limit, context: Context
) -> Finding | None:
    """Below the prescribed range always; above it only on oxygen.

    On air a high saturation is good news. Where nobody has said whether there is oxygen it may be
    too much of it: then somebody reviews, and nobody is called.
    """
    gas = oxygen(subject)
    below = context.rule(subject, "spo2_below_range")
    above = context.rule(subject, "spo2_above_range")
    params: dict[str, Any] = {
        "value": shown(reading),
        "low": limit.low,
        "high": limit.high,
        "qualifier": reading.qualifier,
        "oxygen": gas,
    }
    if below.speaks and limit.low is not None and is_below(reading, limit.low):
        return _finding(below, "spo2_below_range", reading, params, context)
    if not above.speaks or limit.high is None or not is_above(reading, limit.high):
        return None
    if gas in ("air", "air_by_plan"):
        return None
    severity = above.severity if gas == "oxygen" else 1
    missing = () if gas == "oxygen" else ("oxygen",)
    return _finding(above, "spo2_above_range", reading, params, context, severity, missing)


def _finding(
    rule: Rule,
    key: str,
    reading: Reading,
    params: dict[str, Any],
    context: Context,
    severity: int | None = None,
    missing: tuple[str, ...] = (),
) -> Finding:
    kind, origin = kind_of(reading.metric)
    severity = rule.severity if severity is None else severity
    return Finding(
        kind=kind,
        origin=origin,
        rule=rule.id,
        severity=severity,
        pages=severity if context.timely(reading) else 0,
        key=key,
        params=params,
        evidence=(reading,),
        missing=missing,
    )
