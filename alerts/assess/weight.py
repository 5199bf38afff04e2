"""Weight: gained within days in heart failure, lost within a month, and a weight nobody changes by.

A scale is shared, leaned on, and stepped on with a shopping bag. So:

  - A single weight that lies far from those on both sides of it, which agree with each other, is
    set aside.
  - A newest weight that lies further from the last ones than anybody changes within days is not
    reckoned with: its own rule asks for a repeat, and says so if nobody makes one. Once it is
    repeated it is this person's weight, and counts.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from alerts.finding import Finding, Reading
from alerts.rules.rule import Level, Rule
from alerts.subjects.subject import Context, Subject, shown

METRIC = "weight"
KIND = "weight"
_BEFORE = 5
"""Weights that the newest one is compared with."""
_CONDITION = "heart failure"


def assess(subjects: Sequence[Subject], context: Context) -> Iterator[tuple[int, Finding]]:
    """Findings of those of whom a weight is new."""
    for index, subject in enumerate(subjects):
        weights = subject.slow.get(METRIC)
        if subject.client is None or not weights:
            continue
        odd = _odd(weights, context.rule(subject, "weight_odd").raises)
        if odd is not None:
            rule = context.rule(subject, "weight_odd")
            if rule.speaks:
                yield index, _finding(rule, "weight_odd", weights, odd, context)
            continue
        for finding in (_gain(subject, weights, context), _loss(subject, weights, context)):
            if finding is not None:
                yield index, finding


def _gain(subject: Subject, weights: Sequence[Reading], context: Context) -> Finding | None:
    """Heart failure: the newest weight against the lowest of the days before."""
    rule = context.rule(subject, "weight_gain")
    if not rule.speaks or subject.client is None or not subject.client.has(_CONDITION):
        return None
    since = weights[0].time - timedelta(days=rule.limits["days"])
    before = [one for one in kept(weights, rule.limits["apart"])[1:] if one.time >= since]
    if not before:
        return None
    lowest = min(before, key=lambda one: one.value)
    return _held(rule, "weight_gain", weights, lowest, context, _gained)


def _loss(subject: Subject, weights: Sequence[Reading], context: Context) -> Finding | None:
    """The newest weight against the median of the first week of the window before it."""
    rule = context.rule(subject, "weight_loss")
    if not rule.speaks:
        return None
    newest = weights[0]
    since = newest.time - timedelta(days=rule.limits["days"])
    found = [one for one in kept(weights, rule.limits["apart"])[1:] if one.time >= since]
    early = [one for one in found if one.time < found[-1].time + timedelta(days=7)]
    if not early or newest.time - found[-1].time < timedelta(days=rule.limits["least_days"]):
        return None
    usual = statistics.median_low([one.value for one in early])
    reference = next(one for one in early if one.value == usual)
    return _held(rule, "weight_loss", weights, reference, context, _lost)


def kept(weights: Sequence[Reading], apart: float) -> list[Reading]:
    """Weights, newest first, without single ones more than `apart` kg from both that agree."""
    found = []
    for place, one in enumerate(weights):
        if 0 < place < len(weights) - 1:
            after, before = weights[place - 1].value, weights[place + 1].value
            off = min(abs(one.value - after), abs(one.value - before))
            if abs(after - before) <= apart < off:
                continue
        found.append(one)
    return found


def _odd(weights: Sequence[Reading], level: Level) -> Reading | None:
    """One of the weights before, where the newest is further from them than anybody changes by.

    None where the one before is like it: two in a row are this person's.
    """
    newest, *before = weights[: _BEFORE + 1]
    if not before:
        return None
    usual = statistics.median_low([one.value for one in before])
    limit = level["kg"]
    if abs(newest.value - usual) < limit or abs(newest.value - before[0].value) < limit / 2:
        return None
    return next(one for one in before if one.value == usual)


def _gained(level: Level, change: float, _percent: float) -> bool:
    return change > level["kg"]


def _lost(level: Level, _change: float, percent: float) -> bool:
    return -percent >= level["percent"]


def _held(
    rule: Rule,
    key: str,
    weights: Sequence[Reading],
    reference: Reading,
    context: Context,
    beyond: Any,
) -> Finding | None:
    change = round(shown(weights[0]) - shown(reference), 1)
    hold = rule.holds(beyond, change, 100.0 * change / reference.value)
    return None if hold is None else _finding(rule, key, weights, reference, context, hold)


def _finding(
    rule: Rule,
    key: str,
    weights: Sequence[Reading],
    reference: Reading,
    context: Context,
    hold: Any = "raise",
) -> Finding:
    newest = weights[0]
    return Finding(
        kind=KIND,
        rule=rule.id,
        severity=rule.severity,
        pages=rule.severity if context.timely(newest) else 0,
        key=key,
        params={
            "value": shown(newest),
            "before": shown(reference),
            "change": round(shown(newest) - shown(reference), 1),
            "days": max(1, round((newest.time - reference.time) / timedelta(days=1))),
        },
        evidence=(newest, reference),
        hold=hold,
    )
