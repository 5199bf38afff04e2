"""A scenario laid on a county and a start: who falls ill when, who calls when.

The plan's start is kept in the simulator's directory, so that a simulator that was killed goes on
with the same story instead of beginning it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import sqrt
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from core.errors import UserError
from gateway_sim.county import County, Resident, SimulatedHome
from gateway_sim.illness import Illness, Illnesses, kinds
from gateway_sim.reading import Reading
from gateway_sim.scenario import EVENT_DEVICES, Scenario, WavePlan

_FILE = "plan.json"


class Highlight(NamedTuple):
    """Something worth watching for."""

    at: datetime
    what: str
    """Name of the illness, or metric of the event."""
    client: str
    """Reference in the registry document."""
    gateway: str


class TimedEvent(NamedTuple):
    """An event that a device is going to tell."""

    home: int
    reading: Reading


class _Kept(msgspec.Struct):
    seed: int
    homes: int
    scenario: str
    start: datetime


@dataclass(frozen=True)
class Plan:
    """What happens, in absolute time."""

    start: datetime
    illnesses: Illnesses = field(default_factory=Illnesses)
    events: tuple[TimedEvent, ...] = ()
    highlights: tuple[Highlight, ...] = field(default=())


def make_plan(county: County, scenario: Scenario, start: datetime) -> Plan:
    """Lay `scenario` on `county`, its minutes counting from `start`."""
    illnesses, events, highlights = [], [], []
    zero = start.timestamp()
    for wanted in scenario.illness:
        home, resident = _client(county, wanted.client)
        course = Illness(wanted.kind, resident.person, 0.0, wanted.worst, wanted.pace)
        onset = zero + 60.0 * wanted.at_minutes - course.reaches(wanted.severity)
        illnesses.append(replace(course, onset=onset))
        at = start + timedelta(minutes=wanted.at_minutes)
        highlights.append(Highlight(at, wanted.kind, resident.reference, home.gateway))
    for number, wave in enumerate(scenario.wave):
        illnesses += _met(county, wave, number, zero)
    for event in scenario.event:
        home, resident = _client(county, event.client)
        at = start + timedelta(minutes=event.at_minutes)
        events.append(_told(home, resident, event.metric, at.timestamp()))
        highlights.append(Highlight(at, event.metric, resident.reference, home.gateway))
    events += _noticed(county, illnesses)
    return Plan(start, Illnesses(illnesses), tuple(events), tuple(sorted(highlights)))


def _told(home: SimulatedHome, resident: Resident, metric: str, time: float) -> TimedEvent:
    """An event at Unix seconds, from the resident's own device or the home's."""
    number = home.residents.index(resident)
    device = next(
        model.name
        for model in home.devices
        if model.kind == EVENT_DEVICES[metric] and model.resident in (number, None)
    )
    return TimedEvent(home.number, Reading(round(time, 3), device, metric, 1.0))


def _noticed(county: County, illnesses: Iterable[Illness]) -> Iterator[TimedEvent]:
    """What devices tell by themselves soon after an onset: falls, if they notice them."""
    for one in illnesses:
        told = kinds()[one.kind].event
        moment = int(one.onset)
        if told is None or county.people.chance(one.person, 52, moment) >= told.share:
            continue
        after = 5.0 + 15.0 * county.people.chance(one.person, 53, moment)
        resident = county.residents[one.person]
        yield _told(county.home_of[one.person], resident, told.metric, one.onset + after)


def keep_plan(county: County, scenario: Scenario, directory: Path, now: datetime) -> Plan:
    """The plan a simulator in `directory` follows: the one kept there, or a new one from `now`.

    Raises:
        UserError: the directory cannot be written to.
    """
    path = directory / _FILE
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
    except (OSError, msgspec.MsgspecError):
        kept = None  # none yet, or half written by a kill: begin anew
    same = (
        kept is not None
        and (kept.seed, kept.scenario) == (county.seed, scenario.name)
        and kept.homes == len(county.homes)
        and kept.start <= now < kept.start + timedelta(hours=scenario.hours)
    )
    if kept is not None and same:
        return make_plan(county, scenario, kept.start.astimezone(UTC))
    fresh = _Kept(county.seed, len(county.homes), scenario.name, now)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".new")
        half.write_bytes(msgspec.json.encode(fresh))
        half.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from error
    return make_plan(county, scenario, now)


def _met(county: County, wave: WavePlan, number: int, zero: float) -> list[Illness]:
    """Whom a wave meets, and when; the same for the same county and start."""
    met = []
    people = county.people
    areas, conditions = set(wave.areas), set(wave.conditions)
    takers = np.any([people.takes(m) for m in wave.medication], axis=0) if wave.medication else None
    for home in county.homes:
        if areas and home.area not in areas:
            continue
        for resident in home.residents:
            if conditions and not conditions & set(resident.conditions):
                continue
            person = resident.person
            if takers is not None and not takers[person]:
                continue
            if people.chance(person, 50, number) >= wave.share:
                continue
            drawn = people.chance(person, 51, number)
            hours = _triangle(drawn, wave.from_hours, wave.peak_hours, wave.until_hours)
            mildest, worst = wave.worst
            severe = mildest + (worst - mildest) * people.chance(person, 54, number)
            met.append(Illness(wave.kind, person, zero + 3600.0 * hours, severe))
    return met


def _triangle(drawn: float, low: float, peak: float, high: float) -> float:
    """The inverse of the triangular distribution's cumulative function at `drawn` (0 … 1)."""
    if low == high:
        return low
    turn = (peak - low) / (high - low)
    if drawn < turn:
        return low + sqrt(drawn * (high - low) * (peak - low))
    return high - sqrt((1.0 - drawn) * (high - low) * (high - peak))


def _client(county: County, number: int) -> tuple[SimulatedHome, Resident]:
    clients = county.clients_of_first_team() or county.residents
    resident = clients[(number - 1) % len(clients)]
    return county.home_of[resident.person], resident
