"""Loads what is told from more than the newest values, and only of those of whom it is new.

A client's weights of a month, a home's temperatures, a dispenser's doses, outside doors, past
falls: one statement asks of a whole batch who has anything new among these, and the rest is read of
those alone. Of everybody else these kinds of findings were not looked for (Subject.unseen), so that
an open alert stands. What waits for a repeat, or for a window to end, is looked at again as well.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from alerts.assess.doses import METRIC as DOSE
from alerts.assess.surroundings import DOOR, OUTSIDE, ROOM
from alerts.assess.weight import METRIC as WEIGHT
from alerts.finding import Reading
from alerts.rules.rule import Rule, Rules
from alerts.subjects.subject import SLOW, Subject
from alerts.worker.state import State
from core.catalogue import catalogue
from core.database import Connection, load_queries

WINDOWS: Mapping[str, timedelta] = {
    WEIGHT: timedelta(days=31),
    ROOM: timedelta(hours=3),
    DOSE: timedelta(hours=24),
    DOOR: timedelta(hours=12),
}
"""How far back each metric is read."""
MOST = 300
"""Readings of one metric of one subject, the newest."""
ALONE = frozenset({WEIGHT})
"""Metrics of clients only."""
BACK = ("motion", "bed", "presence")
"""Metrics that tell of somebody inside."""
_queries = load_queries("alerts")
_AHEAD = timedelta(minutes=5)
Range = tuple[datetime, datetime]


async def load_slow(
    connection: Connection,
    ranges: Mapping[int, Range],
    subjects: Mapping[int, Subject],
    states: Mapping[int, State],
    *,
    anything_new: Collection[int],
    now: datetime,
    rules: Rules,
) -> None:
    """Add histories of what is new, or waited for, to the subjects that are present.

    Args:
        ranges: of those of whom one of these metrics may be new.
        anything_new: of whom any metric is: a watched door is looked at with every sign of life.
    """
    wanted: dict[str, set[int]] = {metric: set() for metric in WINDOWS}
    for ident in subjects:
        for metric in states[ident].awaited:
            wanted.get(metric, set()).add(ident)
    asked = {ident: ranges[ident] for ident in subjects if ident in ranges}
    if asked:
        names = catalogue().by_id
        rows = _queries.new_slow(
            connection,
            subjects=list(asked),
            since=[since for since, _ in asked.values()],
            until=[until for _, until in asked.values()],
            metrics=[catalogue()[name].id for name in WINDOWS if name != DOOR],
            earliest=min(since for since, _ in asked.values()),
        )
        async for row in rows:
            wanted[names[row["metric"]].name].add(row["subject"])
    wanted[DOOR] |= {
        ident for ident, one in subjects.items() if ident in anything_new and watches_door(one)
    }
    pairs = [
        (subjects[ident], metric)
        for metric, idents in wanted.items()
        for ident in sorted(idents)
        if metric != DOOR and (metric not in ALONE or subjects[ident].client is not None)
    ]
    await _load_history(connection, pairs, now)
    await _load_doors(connection, [subjects[ident] for ident in sorted(wanted[DOOR])], now)
    await _load_falls(connection, subjects, now, rules)


async def _load_history(
    connection: Connection, pairs: list[tuple[Subject, str]], now: datetime
) -> None:
    if not pairs:
        return
    by_id = {subject.id: subject for subject, _ in pairs}
    for subject, metric in pairs:
        looked(subject, metric)
    rows = _queries.history(
        connection,
        subjects=[subject.id for subject, _ in pairs],
        metrics=[catalogue()[metric].id for _, metric in pairs],
        after=[now - WINDOWS[metric] for _, metric in pairs],
        until=now + _AHEAD,
        most=MOST,
        earliest=now - max(WINDOWS[metric] for _, metric in pairs),
    )
    names = catalogue().by_id
    async for row in rows:
        values = dict(row)
        subject = by_id[values.pop("subject")]
        metric = names[values.pop("metric")].name
        subject.slow[metric].append(Reading(metric=metric, **values))


async def _load_doors(connection: Connection, watched: list[Subject], now: datetime) -> None:
    """Add the last outside door, and the last sign of somebody inside."""
    if not watched:
        return
    by_id = {subject.id: subject for subject in watched}
    for subject in watched:
        looked(subject, DOOR)
    rows = _queries.outside_doors(
        connection,
        subjects=list(by_id),
        door=catalogue()[DOOR].id,
        places=list(OUTSIDE),
        signs=[catalogue()[name].id for name in BACK],
        since=now - WINDOWS[DOOR],
        until=now + _AHEAD,
    )
    async for row in rows:
        values = dict(row)
        subject = by_id[values.pop("subject")]
        subject.back_at = values.pop("back_at")
        subject.slow[DOOR].append(Reading(metric=DOOR, **values))


async def _load_falls(
    connection: Connection, subjects: Mapping[int, Subject], now: datetime, rules: Rules
) -> None:
    """Add how many falls there were before, to those who have fallen just now."""
    fallen = [
        one.id
        for one in subjects.values()
        if one.client is not None and any(event.metric == "fall" for event in one.events)
    ]
    if not fallen:
        return
    for ident in fallen:
        subjects[ident].falls_before = 0
    rows = _queries.past_falls(
        connection,
        subjects=fallen,
        since=[now - falls_within(subjects[ident].rules, rules) for ident in fallen],
    )
    async for row in rows:
        subjects[row["subject"]].falls_before = row["falls"]


def falls_within(own: Mapping[str, Rule], rules: Rules) -> timedelta:
    """How far back falls are counted, by a client's own rules before the county's."""
    rule = own.get("repeated_falls") or rules["repeated_falls"]
    return timedelta(days=365 / 12 * rule.limits["months"])


def watches_door(subject: Subject) -> bool:
    """Whether a clinician asked for an outside door to be watched for it."""
    rule = subject.rules.get("outside_door")
    return rule is not None and rule.speaks


def looked(subject: Subject, metric: str) -> None:
    """Readings of a metric are looked at this time, whatever there are."""
    subject.slow[metric] = []
    subject.unseen -= {SLOW[metric]}
