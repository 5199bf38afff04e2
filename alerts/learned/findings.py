"""What the models know, as findings: each a rule of rules.toml, with the numbers that say why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from alerts.finding import Finding, Reading, rfc3339
from alerts.rules.rule import Level
from alerts.rules.shipped import Rule
from alerts.subjects.subject import Context, Subject
from models.county import County
from models.deterioration import Reason, Scored
from models.evidence import SPANS
from models.following import Known
from models.rooms import BY_NIGHT, MEASURES
from models.signs import METRICS
from models.silence import BED, DOOR

Verdicts = list[tuple[int, Finding | datetime]]
SOON, LATER = timedelta(minutes=5), timedelta(minutes=30)
"""When to look again at a silent home: soon, where its silence is growing unusual."""
_UNUSUAL = 1e-2
_BEGAN = {BED: "bed", DOOR: "door"}
_TRENDED = ("pulse", "spo2", "respiratory_rate", "systolic", "diastolic", "temperature", "weight")
_PRESSURE, _TREATED = "systolic", "hypertension"
_DAY = SPANS.index("day")
_NIGHT_BATHROOM = ("bathroom_by_night", "rises")
_DAY_LESS = ("activity", "kitchen_visits", "meals", "bathroom_by_day")


def deterioration(
    subjects: Sequence[Subject], context: Context, known: Known, scored: Scored, county: County
) -> Verdicts:
    """A client is likely to be ill and getting worse."""
    rule, urgent = context.rules["deterioration"], context.rules["deterioration_urgent"]
    found: Verdicts = []
    limit = min(county.limit, county.urgent)
    for row in np.flatnonzero(scored.probability >= limit).tolist():
        subject = subjects[row]
        probability = float(scored.probability[row])
        which = urgent if urgent.on and probability >= county.urgent else rule
        if subject.client is None or not which.on:
            continue
        reasons = scored.reasons(row)
        seen = [subject.latest(reason.metric) for reason in reasons if reason.metric]
        readings = tuple(
            sorted({one for one in seen if one is not None}, key=lambda r: r.time, reverse=True)
        )
        # A look changes nothing by itself: what is told hangs on the newest thing measured.
        timely = not readings or context.timely(readings[0])
        params = {
            "probability": round(probability, 3),
            "reasons": [_reason(one, known, row) for one in reasons],
        }
        missing = tuple(m for n, m in enumerate(METRICS) if np.isnan(known.signs.level[row, 0, n]))
        found.append((row, _finding(which, "deterioration", params, readings, missing, timely)))
    return found


def _reason(reason: Reason, known: Known, row: int) -> dict[str, Any]:
    """One reason as the web says it: what, which way, the last value, and what is usual."""
    said: dict[str, Any] = {"key": reason.key, "weight": round(reason.weight, 2)}
    if reason.metric is not None:
        place = METRICS.index(reason.metric)
        value, usual = known.signs.value[row, place], known.signs.expected[row, place]
        said |= {"metric": reason.metric, "value": _number(value), "usual": _number(usual)}
    elif reason.measure is not None:
        count, usual, low, high = known.rooms.told[row, MEASURES.index(reason.measure)].tolist()
        said |= {"measure": reason.measure, "value": _number(count), "usual": _number(usual)}
        said |= {"low": _number(low), "high": _number(high)}
    elif reason.key == "silence":
        said |= {"hours": round(float(known.rooms.silent_s[row]) / 3600.0, 1)}
    return said


def trends(subjects: Sequence[Subject], context: Context, known: Known) -> Verdicts:
    """A sign has moved to another level within a fortnight: somebody should review it."""
    rule = context.rules["trend"]
    if not rule.on:
        return []
    found: Verdicts = []
    shift = np.abs(np.nan_to_num(known.signs.shift))
    columns = [METRICS.index(name) for name in _TRENDED]
    for row in np.flatnonzero((shift[:, columns] >= rule.limits["shift"]).any(axis=1)).tolist():
        for column in columns:
            if shift[row, column] < rule.limits["shift"] or subjects[row].client is None:
                continue
            memory = known.memory.signs[row]
            day = float(memory["since"][column])
            params = {
                "metric": METRICS[column],
                "before": _number(memory["before"][column]),
                "after": _number(memory["after"][column]),
                "since": None if np.isnan(day) else _date(day),
            }
            found.append((row, _finding(rule, "trend", params, origin=METRICS[column])))
    return found


def pressures(subjects: Sequence[Subject], context: Context, known: Known) -> Verdicts:
    """A treated blood pressure has been above the client's own usual for a day, and is now.

    Both are asked for: the newest value in mmHg, which says that it matters, and the last day's
    level in the client's own spreads, to which one value alone adds too little.
    """
    found: Verdicts = []
    column = METRICS.index(_PRESSURE)
    above = known.signs.value[:, column] - known.signs.expected[:, column]
    level = known.signs.level[:, _DAY, column]
    for row in np.flatnonzero((above > 0) & (level > 0)).tolist():
        subject = subjects[row]
        if subject.client is None or not subject.client.has(_TREATED):
            continue
        rule = context.rule(subject, "pressure_above_usual")
        hold = rule.holds(_above, float(above[row]), float(level[row])) if rule.speaks else None
        if hold is None:
            continue
        newest = subject.latest(_PRESSURE)
        params = {
            "metric": _PRESSURE,
            "value": _number(known.signs.value[row, column]),
            "usual": _number(known.signs.expected[row, column]),
        }
        readings = () if newest is None else (newest,)
        timely = newest is None or context.timely(newest)
        told = _finding(rule, "above_usual", params, readings, timely=timely, origin=_PRESSURE)
        found.append((row, replace(told, hold=hold)))
    return found


def _above(level: Level, mmhg: float, spreads: float) -> bool:
    return mmhg >= level["mmhg"] and spreads >= level["spreads"]


def inactivity(
    subjects: Sequence[Subject], context: Context, known: Known, listening: np.ndarray
) -> Verdicts:
    """Unusually long without any sign of life; and when to look again at who is silent."""
    rule = context.rules["inactivity"]
    found: Verdicts = []
    chance = known.rooms.silence
    limit = 1.0 / rule.limits["one_in"]
    for row in np.flatnonzero(known.has_rooms).tolist():
        wait = SOON if chance[row] < _UNUSUAL else LATER
        found.append((row, context.now + wait))
        if not rule.on or not chance[row] < limit or listening[row] <= 0:
            continue
        silent = timedelta(seconds=float(known.rooms.silent_s[row]))
        alone = subjects[row].kind != "home"
        params = {
            "hours": round(silent / timedelta(hours=1), 1),
            "since": rfc3339((context.now - silent).astimezone(UTC)),
            "one_in": float(f"{1.0 / max(float(chance[row]), 1e-9):.2g}"),
            "usual_signs": round(float(known.rooms.usual_signs[row])),
            "began": _BEGAN.get(int(known.rooms.began[row]), "room"),
            "alone": alone,
        }
        # Two people are seldom both helpless: the home is looked into, without the same hurry.
        severity = rule.severity if alone else max(rule.severity - 1, 1)
        found.append((row, _finding(rule, "inactivity", params, severity=severity)))
    return found


def routines(subjects: Sequence[Subject], context: Context, known: Known) -> Verdicts:
    """A night or a day that is not like this home's."""
    rule = context.rules["routine"]
    if not rule.on:
        return []
    found: Verdicts = []
    limit = 1.0 / rule.limits["one_in"]
    for key, names, chances in (
        ("night_bathroom", _NIGHT_BATHROOM, known.rooms.more),
        ("night_door", ("front_by_night",), known.rooms.more),
        ("less_by_day", _DAY_LESS, known.rooms.fewer),
    ):
        columns = [MEASURES.index(name) for name in names]
        chance = chances[:, columns]
        least = np.where(np.isnan(chance), 2.0, chance)
        many = (~np.isnan(chance)).sum(axis=1)
        for row in np.flatnonzero((many > 0) & (many * least.min(axis=1) < limit)).tolist():
            measure = names[int(np.argmin(least[row]))]
            count, _, low, high = known.rooms.told[row, MEASURES.index(measure)].tolist()
            params = {
                "what": key,
                "measure": measure,
                "night": measure in BY_NIGHT,
                "value": _number(count),
                "low": _number(low),
                "high": _number(high),
            }
            found.append((row, _finding(rule, "routine", params, origin=key)))
    return found


def _finding(
    rule: Rule,
    key: str,
    params: dict[str, Any],
    readings: tuple[Reading, ...] = (),
    missing: tuple[str, ...] = (),
    timely: bool = True,
    *,
    origin: str = "",
    severity: int | None = None,
) -> Finding:
    severity = rule.severity if severity is None else severity
    return Finding(
        kind=rule.kind,
        rule=rule.id,
        severity=severity,
        pages=severity if timely else 0,
        key=key,
        params=params,
        evidence=readings,
        missing=missing,
        origin=origin,
    )


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 1)


def _date(day: float) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).date().isoformat()
