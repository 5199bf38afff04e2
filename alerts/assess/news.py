"""NEWS2 of everybody in a batch at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from alerts.finding import Finding, Severity
from alerts.rules.rule import Hold, Level, Rule, Rules
from alerts.subjects.subject import BY_HAND, Client, Context, Subject
from core.clock import LOCAL
from core.reading import Qualifier
from models.news2 import PARAMETERS, News2, Score, at, news2

ADULT = 16
"""NEWS2 is not for children under 16, nor in pregnancy (clinical reference, [unsourced]): for them
only their own limits are watched."""
METRICS = tuple("oxygen_flow" if name == "oxygen" else name for name in PARAMETERS)
"""The metric behind each parameter."""


def assess(subjects: Sequence[Subject], context: Context) -> Iterator[tuple[int, Finding]]:
    """One finding for each subject whose score asks for somebody."""
    today = context.now.astimezone(LOCAL).date()
    scored = [
        (index, subject, subject.client)
        for index, subject in enumerate(subjects)
        if subject.client is not None
        and not subject.newest.keys().isdisjoint(METRICS)
        and subject.client.age(today) >= ADULT
        and "pregnancy" not in subject.client.conditions
    ]
    if not scored:
        return
    rows = [_row(subject, client, None, doubted(subject, client)) for _, subject, client in scored]
    scales = [client.spo2_scale for _, _, client in scored]
    scores = _score(rows, scales)
    rules = context.rules
    total = min(rules[name].clears["total"] for name in ("news2_medium", "news2_high"))
    called = np.flatnonzero(
        (scores.low >= total)
        | (scores.points_low.max(axis=0) >= rules["news2_single_three"].clears["points"])
        | scores.spo2_range
    )
    yield from _by_hand(
        [
            (index, subject, client, at(scores, place))
            for place, (index, subject, client) in enumerate(scored)
            if client.by_hand and doubted(subject, client)
        ],
        context,
    )
    if not len(called):
        return
    # What late measurements add to a score is shown but pages nobody: score again without them.
    timely = _score(
        [
            _row(subject, client, context, doubted(subject, client))
            for _, subject, client in (scored[place] for place in called)
        ],
        [scales[place] for place in called],
    )
    for nth, place in enumerate(called):
        index, subject, client = scored[place]
        score, paging = at(scores, int(place)), at(timely, nth)
        severity, rule = severity_of(score, rules)
        if severity:
            pages = min(severity, severity_of(paging, rules)[0])
            yield index, _finding(subject, client, score, severity, pages, rule)
        for held, hold in _held(score, rules):
            one = _finding(subject, client, score, held.severity, 0, held.id)
            yield index, dataclasses.replace(one, hold=hold)


def doubted(subject: Subject, client: Client) -> tuple[str, ...]:
    """Metrics whose newest value a device measured, and cannot measure reliably in this client."""
    if not client.by_hand:
        return ()
    return tuple(
        metric
        for metric in METRICS
        if metric in BY_HAND and (one := subject.latest(metric)) and not one.by_hand
    )


def _by_hand(
    doubtful: Sequence[tuple[int, Subject, Client, Score]], context: Context
) -> Iterator[tuple[int, Finding]]:
    """What scores would be if the devices were right: they wait for a count by hand.

    Nothing waits where that is an emergency.

    Args:
        doubtful: with the score of what is sure.
    """
    rules = context.rules
    by_hand = rules["count_by_hand"]
    if not doubtful or not by_hand.speaks:
        return
    scales = [client.spo2_scale for _, _, client, _ in doubtful]
    if_right, timely = (
        _score([_row(subject, client, only) for _, subject, client, _ in doubtful], scales)
        for only in (None, context)
    )
    for nth, (index, subject, client, sure) in enumerate(doubtful):
        right = at(if_right, nth)
        severity, rule = severity_of(right, rules)
        if severity <= severity_of(sure, rules)[0]:
            continue
        pages = min(severity, severity_of(at(timely, nth), rules)[0])
        waits = severity < Severity.EMERGENCY
        one = _finding(subject, client, right, severity, pages, by_hand.id if waits else rule)
        yield index, one


def severity_of(score: Score, rules: Rules) -> tuple[int, str]:
    """The severity of a score and the rule that gives it; 0 where it asks for nobody."""
    for rule, limit, value in _values(score, rules):
        if value >= rule.raises[limit]:
            return rule.severity, rule.id
    return 0, ""


def _held(score: Score, rules: Rules) -> Iterator[tuple[Rule, Hold]]:
    """Rules that would not raise this score, but keep what they raised."""
    for rule, limit, value in _values(score, rules):
        hold = rule.holds(_reached, limit, value)
        if hold is not None and hold != "raise":
            yield rule, hold


def _reached(level: Level, limit: str, value: int) -> bool:
    return value >= level[limit]


def _values(score: Score, rules: Rules) -> Iterator[tuple[Rule, str, int]]:
    """The rules from the most severe, each with what it goes by.

    Totals and single points are those that are certain; only the review of oxygen goes by what is
    possible.
    """
    single = max((low for low, _ in score.points.values()), default=0)
    possible = score.points["spo2"][1] if score.spo2_range else 0
    for name, limit, value in (
        ("news2_high", "total", score.low),
        ("news2_medium", "total", score.low),
        ("news2_single_three", "points", single),
        ("news2_oxygen_unknown", "points", possible),
    ):
        if rules[name].speaks:
            yield rules[name], limit, value


def _row(
    subject: Subject, client: Client, only_timely: Context | None, without: tuple[str, ...] = ()
) -> list[float]:
    values = []
    for metric in METRICS:
        found = None if metric in without else subject.newest.get(metric)
        if found and not found[0].qualifier and only_timely is None:
            values.append(found[0].value)
        elif not found or (only_timely is not None and not only_timely.timely(found[0])):
            # The plan says that there is no oxygen in this home: that is air, not unknown.
            by_plan = metric == "oxygen_flow" and not found and client.oxygen_prescribed is False
            values.append(0.0 if by_plan else np.nan)
        elif found[0].qualifier == Qualifier.EXACT:
            values.append(found[0].value)
        else:
            # LO and HI: beyond what the meter can show, so in the outermost band.
            values.append(np.inf * found[0].qualifier)
    return values


def _score(rows: list[list[float]], scales: list[int]) -> News2:
    table = np.array(rows, dtype=np.float64).T
    return news2(**dict(zip(PARAMETERS, table, strict=True)), scale=scales)


def _finding(
    subject: Subject, client: Client, score: Score, severity: int, pages: int, rule: str
) -> Finding:
    points = {
        metric: list(score.points[name])
        for name, metric in zip(PARAMETERS, METRICS, strict=True)
        if name in score.points
    }
    evidence = [found[0] for metric in METRICS if (found := subject.newest.get(metric))]
    # Of readings made at the same time, the ones that made the score come first.
    evidence.sort(key=lambda reading: points.get(reading.metric, [0])[0], reverse=True)
    evidence.sort(key=lambda reading: reading.time, reverse=True)
    params: dict[str, Any] = {
        "low": score.low,
        "high": score.high,
        "band": score.risk.name.lower(),
        "points": {name: list(pair) for name, pair in score.points.items()},
        "missing": list(score.missing),
        "scale": client.spo2_scale,
        "oxygen": oxygen(subject),
        "range": score.spo2_range,
    }
    if by_hand := doubted(subject, client):
        params["by_hand"] = list(by_hand)
    return Finding(
        kind="news2",
        rule=rule,
        severity=severity,
        pages=pages,
        key="news2",
        params=params,
        evidence=tuple(evidence),
        missing=score.missing,
        points=points,
    )


def oxygen(subject: Subject) -> str:
    """air, oxygen, air_by_plan or unknown, by what was entered last and the care plan."""
    entered = subject.latest("oxygen_flow")
    if entered is not None:
        return "oxygen" if entered.value > 0 else "air"
    if subject.client is not None and subject.client.oxygen_prescribed is False:
        return "air_by_plan"
    return "unknown"
