"""What is to happen in a simulation, as data: scenario files (TOML).

name = "demo"
description = "…"
hours = 12                 # how long the plan holds when the simulation is started again

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

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from core.errors import UserError
from gateway_sim.county import area_codes, known_conditions
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
    for key, problem in _problems(scenario):
        raise UserError(_sentence(path, text, key, problem))


def _problems(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """What no type can hold: the key, and what is the matter with its value."""
    for n, illness in enumerate(scenario.illness):
        yield from _unknown(f"illness[{n}].kind", [illness.kind], kinds())
        height = illness.worst * max(s for _, s in kinds()[illness.kind].course)
        if illness.severity > height:
            yield (
                f"illness[{n}].severity",
                f"{illness.kind} never reaches {illness.severity:g}, only {height:g}",
            )
    for n, wave in enumerate(scenario.wave):
        yield from _unknown(f"wave[{n}].kind", [wave.kind], kinds())
        yield from _unknown(f"wave[{n}].areas", wave.areas, area_codes())
        yield from _unknown(f"wave[{n}].conditions", wave.conditions, known_conditions())
        yield from _unknown(f"wave[{n}].medication", wave.medication, traits().medication)
        if wave.worst[0] > wave.worst[1]:
            yield f"wave[{n}].worst", "the mildest comes before the worst"
        if not wave.from_hours <= wave.peak_hours <= wave.until_hours:
            yield f"wave[{n}].peak_hours", "it must lie between from_hours and until_hours"
    for n, event in enumerate(scenario.event):
        yield from _unknown(f"event[{n}].metric", [event.metric], EVENT_DEVICES)


def _unknown(key: str, given: Iterable[str], known: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in sorted(set(given) - set(known)):
        yield key, f"there is no {name!r} here, only {', '.join(sorted(known))}"


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
