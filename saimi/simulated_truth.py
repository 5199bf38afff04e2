"""What was truly the matter in simulated homes, and which alerts it explains (decision 36)."""

from __future__ import annotations

from collections.abc import Iterable, Set
from datetime import UTC, datetime, timedelta

import numpy as np

from alerts.backtest.history import Columns, micros
from alerts.backtest.matter import Explains, Matter
from alerts.finding import LIFE_SAFETY
from alerts.silence.county import SERVICE
from core.catalogue import catalogue
from gateway_sim.files_read import Recording
from gateway_sim.illness import HABITS, Kind, kinds
from gateway_sim.labelling import courses
from gateway_sim.ledger import TruthFault
from gateway_sim.traits import VITALS
from saimi.recorded_history import Homes
from saimi.simulated_outages import AreaOut, areas_out

_NEWS = frozenset({"respiratory_rate", "spo2", "systolic", "pulse", "temperature"})
SIGNS: dict[tuple[str, str], frozenset[str]] = {
    ("news2", ""): _NEWS,
    ("blood_pressure", ""): frozenset({"systolic", "diastolic"}),
    ("deterioration", ""): frozenset({*VITALS, "weight", "glucose", *HABITS}),
    ("inactivity", ""): frozenset({"movement", "bed", "chair"}),
    ("routine", "night_bathroom"): frozenset({"night", "bathroom"}),
    ("routine", "night_door"): frozenset({"door_night"}),
    ("routine", "less_by_day"): frozenset({"movement", "kitchen", "out", "bed"}),
}
"""Of alerts that are not named after a metric, by kind and origin: the signs they look at."""
_EVENT_MARGIN = timedelta(minutes=15)
"""An event's alert may come this long after it; a device may say it again."""


def matters(recording: Recording, homes: Homes, readings: Columns) -> list[Matter]:
    """Illnesses that are not harmless, events that devices told of, and faults of the equipment.

    Args:
        readings: everything that was received; tells which illnesses were measured in time.
    """
    labels = recording.labels()
    measured = Measurements(readings)
    found = [
        Matter(
            subjects=frozenset({homes.client[one.client], homes.home[one.gateway]}),
            name=one.kind,
            onset=_moment(one.onset),
            ends=_moment(one.recovered),
            crisis=None if one.crisis != one.crisis else _moment(one.crisis),
            explains=explained_by(signs_of(kinds()[one.kind])),
            measured=measured.between(
                homes.client[one.client],
                signs_of(kinds()[one.kind]),
                _moment(one.onset),
                _moment(one.recovered if one.crisis != one.crisis else one.crisis),
            ),
        )
        for one in courses(labels)
        if not kinds()[one.kind].harmless
    ]
    found.extend(
        Matter(
            subjects=frozenset({homes.client[label.client], homes.home[label.gateway]}),
            name=label.kind,
            onset=label.time - timedelta(seconds=1),
            ends=label.time + _EVENT_MARGIN,
            explains=_is(label.kind),
            illness=False,
        )
        for label in labels
        if label.what == "event"
    )
    found.extend(_faults(recording.faults(), homes))
    found.extend(
        Matter(
            subjects=frozenset({out.area, SERVICE}),
            name="outage",
            onset=out.start,
            ends=out.end,
            explains=lambda kind, _: kind == "outage",
            illness=False,
        )
        for out in outages_of(recording, homes)
    )
    return found


def outages_of(recording: Recording, homes: Homes) -> list[AreaOut]:
    """When areas were out of which devices are listened for."""
    listened = {one.gateway: homes.home[one.gateway] for one in homes.listened}
    return areas_out(recording.faults(), listened, homes.people)


class Measurements:
    """When each client's values were measured and had been received."""

    def __init__(self, readings: Columns) -> None:
        names = [one.name for one in catalogue() if one.name in {*VITALS, "weight", "glucose"}]
        self._id = {name: catalogue()[name].id for name in names}
        self._of = readings.take(np.isin(readings.metric, list(self._id.values())))

    def between(self, client: int, signs: Set[str], since: datetime, until: datetime) -> bool:
        """Whether one of these signs was measured after `since` and received before `until`."""
        of = self._of
        found = (of.subject == client) & (of.time > micros(since)) & (of.received < micros(until))
        wanted = [number for name, number in self._id.items() if name in signs]
        return bool((found & np.isin(of.metric, wanted)).any())


def signs_of(kind: Kind) -> frozenset[str]:
    """Vital signs and habits that an illness moves, and the event that a device may tell of it."""
    signs = {name for name in (*VITALS, "weight", "glucose", *HABITS) if getattr(kind, name)}
    return frozenset(signs | ({kind.event.metric} if kind.event else set()))


def explained_by(signs: frozenset[str]) -> Explains:
    """An alert is explained if what it looks at is among the signs."""

    def explains(kind: str, origin: str) -> bool:
        looked_at = SIGNS.get((kind, origin), frozenset({kind, origin}))
        return not signs.isdisjoint(looked_at)

    return explains


def _is(kind: str) -> Explains:
    return lambda alert, _: alert == kind and kind in {*LIFE_SAFETY, "call_request"}


def _faults(faults: Iterable[TruthFault], homes: Homes) -> Iterable[Matter]:
    """An alert of silence is true while the equipment is truly at fault, and a day after."""
    for fault in faults:
        if fault.gateway in homes.home:
            yield Matter(
                subjects=frozenset({homes.home[fault.gateway], *homes.living[fault.gateway]}),
                name=fault.kind,
                onset=_moment(fault.start),
                ends=_moment(fault.end) + timedelta(days=1),
                explains=lambda kind, _: kind == "silence",
                illness=False,
            )


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
