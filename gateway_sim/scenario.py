"""What is to happen in a simulation, as data: scenario files (TOML).

name = "demo"
description = "…"
hours = 12                 # how long the plan holds when the simulation is started again

[gateways]
formats = { zigbee2mqtt = 0.2 }    # what they speak, as shares of homes; absent: county.toml's

[[illness]]
kind = "infection"         # a table of illness.toml
client = 2                 # n-th client of the first team, starting over where there are fewer
severity = 0.38            # reaches this severity …
at_minutes = 11.5          # … this long after the start (negative: before)
worst = 1.0                # gets so severe, as a share of its course (absent: 1)
pace = 1.0                 # lasts so long, as a share of its course (absent: 1)

[[wave]]
kind = "influenza"         # a table of illness.toml, of many clients:
share = 0.05               # so many of those whom it may meet
from_hours = 0             # onsets lie between these hours after the start (negative: before),
peak_hours = 72            # most of them about this one
until_hours = 240
areas = ["imatra"]         # only there; absent: everywhere
conditions = ["COPD"]      # only clients with one of these; absent: everybody
medication = ["insulin"]   # only clients who take one of these; absent: everybody
worst = [0.4, 1.0]         # gets so severe, from the mildest to the worst; absent: 1

[[event]]
metric = "help"            # an event of the catalogue, from the client's own or the home's device
client = 4
at_minutes = 20
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway_sim.county import area_codes, format_shares, known_conditions
from gateway_sim.data_file import DataFile, Problems, names_in, unknown
from gateway_sim.formats import KNOWN, share_problem
from gateway_sim.illness import kinds
from gateway_sim.traits import traits

_SHIPPED = Path(__file__).with_name("scenarios")
EVENT_DEVICES = {"help": "button", "fall": "button", "call_request": "button", "smoke": "smoke"}
"""Which kind of device tells of an event."""

_Minutes = Annotated[float, Meta(ge=-100_000, le=10_000_000)]
_Hours = Annotated[float, Meta(ge=-20_000, le=200_000)]
_Count = Annotated[int, Meta(ge=1)]
_Share = Annotated[float, Meta(gt=0, le=1)]


class IllnessPlan(msgspec.Struct, forbid_unknown_fields=True):
    """One illness of one client."""

    kind: str
    client: _Count
    severity: _Share
    at_minutes: _Minutes
    worst: _Share = 1.0
    pace: Annotated[float, Meta(gt=0.01, le=100)] = 1.0


class WavePlan(msgspec.Struct, forbid_unknown_fields=True):
    """One illness of many clients; onsets are spread as a triangle."""

    kind: str
    share: _Share
    from_hours: _Hours
    until_hours: _Hours
    peak_hours: _Hours
    areas: list[str] = []
    conditions: list[str] = []
    medication: list[str] = []
    worst: tuple[_Share, _Share] = (1.0, 1.0)


class EventPlan(msgspec.Struct, forbid_unknown_fields=True):
    """One event of one client."""

    metric: str
    client: _Count
    at_minutes: _Minutes


class GatewayPlan(msgspec.Struct, forbid_unknown_fields=True):
    """What gateways are like."""

    formats: dict[str, float] = msgspec.field(default_factory=format_shares)


class Scenario(msgspec.Struct, forbid_unknown_fields=True):
    """A whole scenario."""

    name: str
    description: str
    hours: Annotated[float, Meta(gt=0)]
    gateways: GatewayPlan = msgspec.field(default_factory=GatewayPlan)
    illness: list[IllnessPlan] = []
    wave: list[WavePlan] = []
    event: list[EventPlan] = []


def shipped_scenarios() -> list[str]:
    """Names of the scenarios that come with Saimi."""
    return names_in(_SHIPPED)


def load_scenario(name_or_path: str | Path) -> Scenario:
    """Read a scenario: one that ships, by name, or a file.

    Raises:
        UserError: there is no such scenario, or the file is wrong; names file, line and key.
    """
    return DataFile(name_or_path, "scenario", _SHIPPED).convert(Scenario, _problems)


def _problems(scenario: Scenario) -> Problems:
    """What no type can hold: the key, and what is the matter with its value."""
    whole = f"the run ends after {scenario.hours:g} hours"
    yield from unknown("gateways.formats", scenario.gateways.formats, KNOWN)
    wrong = share_problem(scenario.gateways.formats)
    if wrong is not None:
        yield "gateways.formats", wrong
    for n, illness in enumerate(scenario.illness):
        yield from unknown(f"illness[{n}].kind", [illness.kind], kinds())
        height = illness.worst * max(s for _, s in kinds()[illness.kind].course)
        if illness.severity > height:
            yield (
                f"illness[{n}].severity",
                f"{illness.kind} never reaches {illness.severity:g}, only {height:g}",
            )
        if illness.at_minutes > scenario.hours * 60:
            yield f"illness[{n}].at_minutes", whole
    for n, wave in enumerate(scenario.wave):
        yield from unknown(f"wave[{n}].kind", [wave.kind], kinds())
        yield from unknown(f"wave[{n}].areas", wave.areas, area_codes())
        yield from unknown(f"wave[{n}].conditions", wave.conditions, known_conditions())
        yield from unknown(f"wave[{n}].medication", wave.medication, traits().medication)
        if wave.worst[0] > wave.worst[1]:
            yield f"wave[{n}].worst", "the mildest comes before the worst"
        if not wave.from_hours <= wave.peak_hours <= wave.until_hours:
            yield f"wave[{n}].peak_hours", "it must lie between from_hours and until_hours"
        if wave.until_hours > scenario.hours:
            yield f"wave[{n}].until_hours", whole
    for n, event in enumerate(scenario.event):
        yield from unknown(f"event[{n}].metric", [event.metric], EVENT_DEVICES)
        if not 0 <= event.at_minutes <= scenario.hours * 60:
            yield f"event[{n}].at_minutes", f"the run begins at 0, and {whole[8:]}"
