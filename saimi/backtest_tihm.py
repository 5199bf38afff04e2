"""TIHM as a stream: its labels of blood pressure and pulse against the alerts of a replay.

Labels are read as UTC, readings as London's summer time; then a label comes a quarter of an hour,
an hour at most, after the reading that caused it (an inference; gateway_sim/tihm.py). A label is
caught where an alert of that kind and home opens, rises or returns within `BEFORE` of it, or stands
then because an earlier reading raised it and the readings since have not been back in order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from alerts.backtest.backtest import Handling, Progress
from alerts.backtest.history import History, moment
from alerts.backtest.memory import Replayed
from alerts.backtest.truth import ALERT, CALLS
from core.catalogue import catalogue
from core.errors import UserError
from gateway_sim.tihm_files import open_table
from saimi.backtesting import Way

BEFORE = timedelta(minutes=65)
AFTER = timedelta(minutes=5)
KINDS: Mapping[str, Callable[[str, str], bool]] = {
    "Blood pressure": lambda kind, _: kind == "blood_pressure",
    "Pulse": lambda kind, origin: kind == "limit" and origin == "pulse",
}
"""Labels that are asked for, and which alerts are theirs."""
_WEEK = timedelta(days=7)


class LabelsCaught(msgspec.Struct, frozen=True):
    """Labels of one kind."""

    labels: int
    caught: int
    called: int
    """Of those caught, with a call of their own within the hour."""
    without_reading: int
    """No reading of that home and kind within the hour: nothing to catch it by."""


class StreamWay(msgspec.Struct, frozen=True):
    """One way of alerting on the stream."""

    title: str
    labels: dict[str, LabelsCaught]
    alerts: int
    alerts_per_home_week: float
    unlabelled_per_home_week: float
    """Alerts with no label of their home within a day."""


class StreamReport(msgspec.Struct, frozen=True):
    """`saimi backtest DIR --format tihm`."""

    start: datetime
    end: datetime
    homes: int
    home_weeks: float
    """Weeks of homes between their first and last measurement."""
    readings: int
    ways: dict[str, StreamWay]


Label = tuple[str, datetime]
"""Kind and time."""


def read_labels(directory: Path) -> dict[str, list[Label]]:
    """Labels by patient.

    Raises:
        UserError: the folder has no such file, or a row cannot be read.
    """
    found: dict[str, list[Label]] = {}
    with open_table(directory, "Labels", ("patient_id", "date", "type")) as rows:
        for patient, at, kind in rows:
            label = (kind, datetime.fromisoformat(at).replace(tzinfo=UTC))
            found.setdefault(patient, []).append(label)
    return found


def backtest_tihm(
    directory: Path,
    history: History,
    ways: Sequence[Way],
    *,
    progress: Callable[[str], Progress | None],
) -> StreamReport:
    """Replay TIHM in every way, and count the labels caught.

    Raises:
        UserError: as `read_labels`, or no label falls into that time.
    """
    labels = {
        patient: [one for one in some if history.start <= one[1] < history.end]
        for patient, some in read_labels(directory).items()
    }
    if not any(kind in KINDS for some in labels.values() for kind, _ in some):
        raise UserError(f"{directory} has no label of blood pressure or pulse in that time.")
    patients = {
        number: person.name.removeprefix("tihm-") for number, person in history.people.items()
    }
    weeks = _home_weeks(history)
    found = {}
    for way in ways:
        episodes = way.run(history, Handling(), progress(way.name))
        found[way.name] = _way(way.title, episodes, labels, patients, history, weeks)
    measured = {int(number) for number in set(history.readings.subject.tolist())}
    return StreamReport(
        history.start, history.end, len(measured), weeks, len(history.readings), found
    )


def _way(
    title: str,
    episodes: Sequence[Replayed],
    labels: Mapping[str, Sequence[Label]],
    patients: Mapping[int, str],
    history: History,
    weeks: float,
) -> StreamWay:
    loud = [one for one in episodes if one.highest >= ALERT]
    of: dict[str, list[Replayed]] = {}
    for one in loud:
        of.setdefault(patients[one.subject], []).append(one)
    measured = _measured(history, patients)
    caught = {}
    for kind, belongs in KINDS.items():
        asked = [(patient, at) for patient, some in labels.items() for k, at in some if k == kind]
        hits = calls = without = 0
        for patient, at in asked:
            theirs = [one for one in of.get(patient, ()) if belongs(one.kind, one.origin)]
            called = any(
                event.what in CALLS and at - BEFORE <= event.at < at + AFTER
                for one in theirs
                for event in one.events
            )
            calls += called
            hits += called or any(_stands(one, at) for one in theirs)
            without += not any(
                at - BEFORE <= when < at + AFTER for when in measured.get((patient, kind), ())
            )
        caught[kind] = LabelsCaught(len(asked), hits, calls, without)
    unlabelled = sum(
        not any(
            abs(at - one.opened_at) < timedelta(days=1)
            for _, at in labels.get(patients[one.subject], ())
        )
        for one in loud
    )
    return StreamWay(title, caught, len(loud), len(loud) / weeks, unlabelled / weeks)


def _stands(episode: Replayed, at: datetime) -> bool:
    """Whether it was open and not cleared at a moment."""
    ends = [one for one in (episode.cleared_at, episode.closed_at) if one is not None]
    return episode.opened_at <= at < min(ends, default=datetime.max.replace(tzinfo=UTC))


_METRICS = {"Blood pressure": ("systolic", "diastolic"), "Pulse": ("pulse",)}


def _measured(
    history: History, patients: Mapping[int, str]
) -> dict[tuple[str, str], list[datetime]]:
    kind = {catalogue()[m].id: name for name, metrics in _METRICS.items() for m in metrics}
    found: dict[tuple[str, str], list[datetime]] = {}
    readings = history.readings
    for subject, metric, at in zip(
        readings.subject.tolist(), readings.metric.tolist(), readings.time.tolist(), strict=True
    ):
        if metric in kind:
            found.setdefault((patients[subject], kind[metric]), []).append(moment(at))
    return found


def _home_weeks(history: History) -> float:
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    readings = history.readings
    for subject, at in zip(readings.subject.tolist(), readings.time.tolist(), strict=True):
        first[subject] = min(at, first.get(subject, at))
        last[subject] = max(at, last.get(subject, at))
    length = sum((moment(last[one]) - moment(first[one]) for one in first), timedelta(0))
    return max(length / _WEEK, 1 / 7)
