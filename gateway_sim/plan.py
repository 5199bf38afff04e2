"""A scenario laid on a county and a start: who falls ill when, who calls when.

The plan's start is kept in the simulator's directory, so that a simulator that was killed goes on
with the same story instead of beginning it again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import sqrt
from pathlib import Path
from typing import NamedTuple

import msgspec

from core.errors import UserError
from gateway_sim.county import County, Resident, SimulatedHome
from gateway_sim.day import Reading
from gateway_sim.illness import Illness, Illnesses, kinds
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
        hours = kinds()[wanted.kind].hours_until(wanted.severity)
        onset = zero + 60.0 * wanted.at_minutes - 3600.0 * hours
        illnesses.append(Illness(wanted.kind, resident.person, onset))
        at = start + timedelta(minutes=wanted.at_minutes)
        highlights.append(Highlight(at, wanted.kind, resident.reference, home.gateway))
    for number, wave in enumerate(scenario.wave):
        illnesses += _met(county, wave, number, zero)
    for event in scenario.event:
        home, resident = _client(county, event.client)
        number = home.residents.index(resident)
        device = next(
            model.name
            for model in home.devices
            if model.kind == EVENT_DEVICES[event.metric] and model.resident in (number, None)
        )
        at = start + timedelta(minutes=event.at_minutes)
        reading = Reading(round(at.timestamp(), 3), device, event.metric, 1.0)
        events.append(TimedEvent(home.number, reading))
        highlights.append(Highlight(at, event.metric, resident.reference, home.gateway))
    return Plan(start, Illnesses(illnesses), tuple(events), tuple(sorted(highlights)))


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
    areas, conditions = set(wave.areas), set(wave.conditions)
    for home in county.homes:
        if areas and home.area not in areas:
            continue
        for resident in home.residents:
            if conditions and not conditions & set(resident.conditions):
                continue
            if county.people.chance(resident.person, 50, number) >= wave.share:
                continue
            drawn = county.people.chance(resident.person, 51, number)
            hours = _triangle(drawn, wave.from_hours, wave.peak_hours, wave.until_hours)
            met.append(Illness(wave.kind, resident.person, zero + 3600.0 * hours))
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
