"""What is to happen in a simulation, as data: scenario files (TOML).

name = "demo"
description = "…"
hours = 12                 # how long the plan holds when the simulation is started again

[[illness]]
kind = "infection"         # a table of illness.toml
client = 2                 # n-th client of the first team, starting over where there are fewer
severity = 0.38            # reaches this severity …
at_minutes = 11.5          # … this long after the start (negative: before)

[[wave]]
kind = "influenza"         # a table of illness.toml, of many clients:
share = 0.05               # so many of those whom it may meet
from_hours = 0             # onsets lie between these hours after the start (negative: before),
peak_hours = 72            # most of them about this one
until_hours = 240
areas = ["imatra"]         # only there; absent: everywhere
conditions = ["COPD"]      # only clients with one of these; absent: everybody

[[event]]
metric = "help"            # an event of the catalogue, from the client's own or the home's device
client = 4
at_minutes = 20
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from core.catalogue import catalogue
from core.errors import UserError
from gateway_sim.county import area_codes, known_conditions
from gateway_sim.illness import kinds

_SHIPPED = Path(__file__).with_name("scenarios")
EVENT_DEVICES = {"help": "button", "fall": "button", "call_request": "button", "smoke": "smoke"}
"""Which kind of device tells of an event."""

_Minutes = Annotated[float, Meta(ge=-100_000, le=10_000_000)]
_Hours = Annotated[float, Meta(ge=-20_000, le=200_000)]
_Count = Annotated[int, Meta(ge=1)]


class IllnessPlan(msgspec.Struct, forbid_unknown_fields=True):
    """One illness of one client."""

    kind: str
    client: _Count
    severity: Annotated[float, Meta(gt=0, le=1)]
    at_minutes: _Minutes


class WavePlan(msgspec.Struct, forbid_unknown_fields=True):
    """One illness of many clients; onsets are spread as a triangle."""

    kind: str
    share: Annotated[float, Meta(gt=0, le=1)]
    from_hours: _Hours
    until_hours: _Hours
    peak_hours: _Hours
    areas: list[str] = []
    conditions: list[str] = []


class EventPlan(msgspec.Struct, forbid_unknown_fields=True):
    """One event of one client."""

    metric: str
    client: _Count
    at_minutes: _Minutes


class Scenario(msgspec.Struct, forbid_unknown_fields=True):
    """A whole scenario."""

    name: str
    description: str
    hours: Annotated[float, Meta(gt=0)]
    illness: list[IllnessPlan] = []
    wave: list[WavePlan] = []
    event: list[EventPlan] = []


def shipped_scenarios() -> list[str]:
    """Names of the scenarios that come with Saimi."""
    return sorted(path.stem for path in _SHIPPED.glob("*.toml"))


def load_scenario(name_or_path: str | Path) -> Scenario:
    """Read a scenario: one that ships, by name, or a file.

    Raises:
        UserError: there is no such scenario, or the file is wrong; names file, line and key.
    """
    path = Path(name_or_path)
    if str(name_or_path) in shipped_scenarios():
        path = _SHIPPED / f"{name_or_path}.toml"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise UserError(
            f"There is no scenario {str(name_or_path)!r}: name one of "
            f"{', '.join(shipped_scenarios())}, or a readable TOML file."
        ) from None
    try:
        scenario = msgspec.convert(tomllib.loads(text), Scenario)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path} is not TOML: {error}.") from error
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        unknown = re.search(r"unknown field `(\w+)`", message)
        key = place.strip("`.") + (f".{unknown[1]}" if unknown else "")
        raise UserError(_sentence(path, text, key.strip("."), message)) from error
    _check(scenario, path, text)
    return scenario


def _check(scenario: Scenario, path: Path, text: str) -> None:
    named = [(f"illness[{n}]", one.kind) for n, one in enumerate(scenario.illness)]
    named += [(f"wave[{n}]", one.kind) for n, one in enumerate(scenario.wave)]
    for table, kind in named:
        if kind not in kinds():
            problem = f"there is no illness {kind!r}, only {', '.join(sorted(kinds()))}"
            raise UserError(_sentence(path, text, f"{table}.kind", problem))
    for n, wave in enumerate(scenario.wave):
        if not wave.from_hours <= wave.peak_hours <= wave.until_hours:
            problem = "it must lie between from_hours and until_hours"
            raise UserError(_sentence(path, text, f"wave[{n}].peak_hours", problem))
        for key, given, known in (
            ("areas", wave.areas, area_codes()),
            ("conditions", wave.conditions, known_conditions()),
        ):
            unknown = sorted(set(given) - known)
            if unknown:
                problem = f"there is no {unknown[0]!r}, only {', '.join(sorted(known))}"
                raise UserError(_sentence(path, text, f"wave[{n}].{key}", problem))
    for n, illness in enumerate(scenario.illness):
        if illness.severity > max(s for _, s in kinds()[illness.kind].course):
            problem = f"{illness.kind} never reaches severity {illness.severity:g}"
            raise UserError(_sentence(path, text, f"illness[{n}].severity", problem))
    for n, event in enumerate(scenario.event):
        if event.metric not in EVENT_DEVICES or catalogue().get(event.metric) is None:
            known = ", ".join(EVENT_DEVICES)
            problem = f"no device of a simulated home tells of {event.metric!r}, only of {known}"
            raise UserError(_sentence(path, text, f"event[{n}].metric", problem))


def _sentence(path: Path, text: str, key: str, problem: str) -> str:
    line = _line_of(text, key)
    where = f"{path}, line {line}" if line else f"{path}"
    return f"{where}: {key or 'the file'} cannot be used: {problem.rstrip('.')}."


def _line_of(text: str, key: str) -> int | None:
    """Where `illness[1].kind` or `hours` stands in a scenario file; None if it is not there."""
    match = re.fullmatch(r"(?:(\w+)\[(\d+)\]\.?)?(\w+)?", key)
    if match is None:
        return None
    table, position, name = match[1], int(match[2] or 0), match[3]
    current, seen, found = None, -1, None
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[\[\s*(\w+)\s*\]\]", line)
        if header:
            current = header[1]
            seen += current == table
            if current == table and seen == position:
                found = number
            continue
        here = current == table and (table is None or seen == position)
        if here and name and re.match(rf"\s*{name}\s*=", line):
            return number
    return found
