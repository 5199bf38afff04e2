"""Fitting `day.toml` to recorded homes: a search that changes one number at a time.

Every number of the routine is made larger and smaller by a step; what brings simulated homes
nearer to the recorded ones (`comparing.score`) is kept; steps get smaller with each round. The
simulated homes are always those of one seed, so that a difference comes from the number that was
changed. How long a motion sensor is blind is not searched for: recorded homes show it. The result
is as good as this search gets, not the best there is.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from core.errors import UserError
from gateway_sim.comparing import Homes, compare, dead_time, score, simulated_homes, yardsticks
from gateway_sim.routine import Routine

Key = tuple[str, ...]
"""Where a number stands in a routine."""
_STEPS = (1.0, 0.4, 0.15)
_GOES_ON = 10
"""How often a number is moved on in one direction."""
_HOMES, _DAYS, _SEED = 60, 6, 20_190_401
_FIXED = (
    "dead_time_s", "meals_at", "trips", "trip_minutes", "weekend_wakes_h", "kettle", "stove",
)  # fmt: skip
"""What motion and door sensors say nothing of, or say themselves."""
_FIRST = {"stay_spread": 0, "room": 1}
_HOURS = ("mean",)
"""Hours of the day, which are shifted, not scaled."""
_BOUND = ("low", "high")
_LEAST = {"stay_minutes": 0.3, "fires_every_s": 5.0, "asleep_fires_every_s": 60.0}
_MOST = {
    "night_kitchen": 1.0, "night_rises": 12.0, "doorways": 25.0, "fridge_between": 8.0,
    "spread": 1.5, "stay_spread": 3.0,
}  # fmt: skip
"""Beyond these a routine would be no person's day, or not be simulated in time."""


class Step(NamedTuple):
    """How far a fit has come."""

    done: int
    of: int
    score: float
    plan: Routine
    """The best so far."""


def fit(
    start: Routine,
    recorded: Homes,
    *,
    keys: Sequence[Key] | None = None,
    steps: Sequence[float] = _STEPS,
    homes: int = _HOMES,
    days: int = _DAYS,
) -> Iterator[Step]:
    """Routines nearer and nearer to `recorded` homes than `start` is; after every number one.

    Args:
        keys: the numbers that may be changed; all that `numbers` gives if None.
        steps: one round each; by how much numbers are made larger and smaller.
        homes: to simulate, for `days`, at every try.

    Raises:
        UserError: `start` cannot be simulated.
    """
    best = msgspec.to_builtins(start)
    best["dead_time_s"] = dead_time(recorded)
    if keys is None:  # what decides the most first, so that hours do not stand in for rooms
        keys = sorted(numbers(best), key=lambda key: _FIRST.get(key[0], len(_FIRST)))
    yard = yardsticks(recorded)

    def distance(values: dict[str, Any]) -> float:
        plan = msgspec.convert(values, Routine)
        simulated = simulated_homes(plan, seed=_SEED, homes=homes, days=days)
        return score(compare(simulated, recorded, yard)) if len(simulated) else math.inf

    lowest = distance(best)
    if lowest == math.inf:
        raise UserError("The routine to start from cannot be simulated.")
    for turn, step in enumerate(steps):
        for place, key in enumerate(keys):
            for way in (step, -step):
                before = lowest
                for _ in range(_GOES_ON):
                    tried = changed(best, key, way)
                    found = distance(tried)
                    if found >= lowest:
                        break
                    best, lowest = tried, found
                if lowest < before:
                    break
            done = turn * len(keys) + place + 1
            yield Step(done, len(steps) * len(keys), lowest, msgspec.convert(best, Routine))


def write(plan: Routine, how: str) -> str:
    """A file like `day.toml`; `how` says in a comment where the numbers come from."""
    lines = [f"# {line}" for line in how.splitlines()] + [""]
    values = msgspec.to_builtins(plan)
    rooms = values.pop("room")
    lines += [f"{name} = {_toml(value)}" for name, value in values.items()]
    for room, value in rooms.items():
        lines += ["", f"[room.{room}]"]
        lines += [f"{name} = {_toml(one)}" for name, one in value.items()]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    return f"{value:.6g}" if "." in f"{value:.6g}" else f"{value:.6g}.0"


def numbers(values: dict[str, Any], *above: str) -> Iterator[Key]:
    """Where the numbers are that may be changed."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from numbers(value, *above, name)
        elif name not in _FIXED and name not in _BOUND:
            yield (*above, name)


def changed(values: dict[str, Any], key: Key, way: float) -> dict[str, Any]:
    """The same with one number larger (`way` above 0) or smaller."""
    changed = copy.deepcopy(values)
    inside = changed
    for name in key[:-1]:
        inside = inside[name]
    name = key[-1]
    if name in _HOURS:
        inside[name] = round(min(max(inside[name] + 2.0 * way, inside["low"]), inside["high"]), 2)
    else:
        value = max(inside[name], 0.1) * (1.0 + way if way > 0 else 1.0 / (1.0 - way))
        value = max(value, _LEAST.get(name, 0.0))
        value = min(value, _MOST.get(name, 1e6))
        inside[name] = float(f"{value:.3g}")
    return changed
