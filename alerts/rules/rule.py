"""A rule as data: what it is about, its limits, and what it does to alerts.

A limit that a value crosses has up to three levels. Beyond `raises` for its duration the rule opens
an alert or raises it; back on the safe side of `lowers` for its duration the alert falls to what
milder rules say; back on the safe side of `clears` for its duration it clears. Between them an
alert stands as it is: a value that flaps round its limit is one alert.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Concatenate, Literal, ParamSpec

from alerts.finding import LIFE_SAFETY
from core.errors import UserError

Use = Literal["alert", "review", "trend"]
"""alert: calls somebody as its severity says; review: waits in the list, nobody is called; trend:
is shown with the readings and nothing more."""
ChangedBy = Literal["nobody", "clinician", "coordinator"]
"""nobody; a clinician, for one client (and the county's coordinator for all); the coordinator."""
Hold = Literal["raise", "lower", "clear"]
"""Where a value lies: beyond `raises`; on its safe side but not on that of `lowers`; on that of
both but not of `clears`."""

P = ParamSpec("P")


class RuleError(UserError):
    """A rule cannot be used; says which rule and key, and where."""


@dataclass(frozen=True, slots=True)
class Level:
    """Limits by name, in the unit of what they limit, and how long a value must be beyond them."""

    limits: Mapping[str, float] = field(default_factory=dict)
    lasting: timedelta = timedelta(0)

    def __getitem__(self, name: str) -> float:
        return self.limits[name]


@dataclass(frozen=True, slots=True)
class Rule:
    """One clinical or technical rule, complete: what a file leaves out is filled in."""

    id: str
    kind: str
    severity: int
    use: Use
    source: str
    hazard: str
    test: str
    changed_by: ChangedBy = "coordinator"
    raises: Level = Level()
    lowers: Level = Level()
    clears: Level = Level()
    limits: Mapping[str, float] = field(default_factory=dict)
    """Numbers that are not crossed: windows, counts, ages."""
    confirm_within: timedelta | None = None
    """A repeat reading is asked for first; without one the rule speaks after this time."""
    inhibits: frozenset[str] = frozenset()
    """Kinds of which findings no more severe open and raise nothing while this rule speaks."""
    unsourced: bool = False
    enabled: bool | None = None

    @property
    def never_filtered(self) -> bool:
        """Whether nothing may keep it from calling somebody."""
        return self.kind in LIFE_SAFETY or self.changed_by == "nobody"

    @property
    def on(self) -> bool:
        """Whether it is applied: an unsourced limit only when enabled, or never to be filtered."""
        if self.kind in LIFE_SAFETY:
            return True
        return not self.unsourced if self.enabled is None else self.enabled

    @property
    def speaks(self) -> bool:
        """Whether the engine has anything to do with it."""
        return self.on and self.use != "trend"

    def holds(
        self, beyond: Callable[Concatenate[Level, P], bool], *value: P.args, **more: P.kwargs
    ) -> Hold | None:
        """Where a value lies, by whether it is `beyond` a level; None: on the safe side of all.

        What is beyond a level is beyond every milder one (alerts.rules.checks), so most values need
        one comparison.
        """
        if not beyond(self.clears, *value, **more):
            return None
        if self.clears.limits == self.raises.limits or beyond(self.raises, *value, **more):
            return "raise"
        if self.lowers.limits != self.raises.limits and beyond(self.lowers, *value, **more):
            return "lower"
        return "clear"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the episodes of one kind behave over time."""

    lasting: bool
    lower_after: timedelta
    """What rules of this kind that do not say otherwise take for `lowers` and `clears`."""
    again_after: timedelta
    repeat_within: timedelta
    known_for: timedelta = timedelta(0)
    """How long what was closed as false, technical or known is not told again unless worse."""


@dataclass(frozen=True, slots=True)
class Rules:
    """A rule file that has passed every check."""

    rules: Mapping[str, Rule]
    behaviours: Mapping[str, Behaviour]
    late_after: timedelta

    def __getitem__(self, rule: str) -> Rule:
        return self.rules[rule]

    def adjusted(self, own: Mapping[str, Rule]) -> Rules:
        """The same with a client's own rules before those of the county."""
        if not own:
            return self
        return Rules(ChainMap(dict(own), dict(self.rules)), self.behaviours, self.late_after)

    def lowers_after(self, rule: str, kind: str) -> timedelta:
        """How long a milder state must last before what `rule` raised falls."""
        known = self.rules.get(rule)
        return known.lowers.lasting if known else self.behaviours[kind].lower_after

    def clears_after(self, rule: str, kind: str) -> timedelta:
        """How long nothing must be found before what `rule` raised clears."""
        known = self.rules.get(rule)
        return known.clears.lasting if known else self.behaviours[kind].lower_after
