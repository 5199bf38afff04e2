"""Whom to call about an episode, in which order: facts in, steps out. Pure.

1. `own`: of the client's own teams (with a care relationship, and serving the area), the member on
   duty who is free, reachable and nearest;
2. `team`: the others of these teams who are on duty;
3. `neighbour`: members on duty of other teams: those that serve the area first (a night team), then
   the nearest;
4. `desk`: the county's desk, which is always there.

It fails open: where anything is amiss (home or area not known, no team, nobody of it on duty; or
the member to be called first is occupied, unreachable or far away, and so are all others of the
team) the desk is called at once, together with the first step, and is told why. How long each who
is called needs to get there is told with the call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from alerts.routing.travel import Place, minutes
from alerts.routing.values import Values

StepName = Literal["own", "team", "neighbour", "desk"]
Reason = Literal[
    "unknown_home",
    "no_area",
    "no_team",
    "nobody_on_duty",
    "occupied",
    "unreachable",
    "far_away",
    "routing_failed",
]
"""Why the desk is called at once."""


@dataclass(frozen=True, slots=True)
class Team:
    """A team as registered."""

    id: int
    service: str = "home_care"
    areas: frozenset[int] = frozenset()
    base: Place | None = None


@dataclass(frozen=True, slots=True)
class Duty:
    """A member who is on duty now."""

    member: int
    teams: frozenset[int]
    """For which they are on duty."""
    reachable: bool = True
    """A page of theirs is open, or a channel of theirs took the last message."""
    emergencies: frozenset[int] = frozenset()
    """Open episodes of the highest severity that they have acknowledged."""
    place: Place | None = None
    """The home of the visit they are on; None: they start from the base of one of the teams they
    serve now, and the one that is furthest away is reckoned with."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of an episode's client when somebody is to be called."""

    episode: int
    severity: int
    home: bool = True
    """Whether it is known whose home it is."""
    area: int | None = None
    place: Place | None = None
    teams: frozenset[int] = frozenset()
    """With a care relationship."""


@dataclass(frozen=True, slots=True)
class Step:
    """Who is called together."""

    name: StepName
    members: tuple[int, ...] = ()
    desk: bool = False
    reasons: tuple[Reason, ...] = ()
    """Why the desk is called at once."""
    travel: Mapping[int, int | None] | None = None
    """Minutes by car to the home, by member; None: not known."""

    @property
    def recipients(self) -> tuple[int | None, ...]:
        """Members, and None for the desk."""
        return (*self.members, None) if self.desk else self.members


def route(
    case: Case, teams: Mapping[int, Team], duties: Iterable[Duty], values: Values
) -> tuple[Step, ...]:
    """The steps for an episode as things stand; the last one has the desk, and so may the first."""
    own_teams = {
        team
        for team in case.teams & teams.keys()
        if case.area is None or case.area in teams[team].areas
    }
    far = values.of(case.severity).far_min
    known = [_Candidate.of(duty, case, teams, own_teams, values, far) for duty in duties]
    own = sorted((one for one in known if one.own), key=lambda one: one.order)
    others = sorted(
        (one for one in known if not one.own and (one.serves_area or one.within)),
        key=lambda one: (not one.serves_area, *one.order),
    )[: values.neighbours.most]
    steps = [
        _step("own", own[:1]),
        _step("team", own[1:]),
        _step("neighbour", others),
    ]
    steps = [step for step in steps if step.members]
    reasons = _reasons(case, own_teams, own)
    if reasons and steps:
        steps[0] = replace(steps[0], desk=True, reasons=reasons)
    else:
        steps.append(Step("desk", desk=True, reasons=reasons))
    return tuple(steps)


def desk_alone(reason: Reason) -> tuple[Step, ...]:
    """The steps where nothing else can be told."""
    return (Step("desk", desk=True, reasons=(reason,)),)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A member on duty, seen from one episode."""

    member: int
    own: bool
    serves_area: bool
    service: bool
    """Is of the service that is called first."""
    obstacle: Reason | None
    minutes: int | None
    within: bool
    """Near enough to be called as a neighbour."""

    @classmethod
    def of(
        cls,
        duty: Duty,
        case: Case,
        teams: Mapping[int, Team],
        own_teams: set[int],
        values: Values,
        far: float,
    ) -> _Candidate:
        mine = [teams[team] for team in sorted(duty.teams & teams.keys())]
        starts = [duty.place] if duty.place else [team.base for team in mine]
        ways = [minutes(start, case.place, values.travel) for start in starts]
        way = max((one for one in ways if one is not None), default=None)
        obstacle: Reason | None = None
        if duty.emergencies - {case.episode}:
            obstacle = "occupied"
        elif not duty.reachable:
            obstacle = "unreachable"
        elif way is not None and way > far:
            obstacle = "far_away"
        own = bool(duty.teams & own_teams)
        wanted = [team for team in mine if team.id in own_teams] if own else mine
        service = any(team.service == values.service for team in wanted)
        return cls(
            member=duty.member,
            own=own,
            serves_area=service and any(case.area in team.areas for team in mine),
            service=service,
            obstacle=obstacle,
            minutes=way,
            within=service and way is not None and way <= values.neighbours.within_min,
        )

    @property
    def order(self) -> tuple[object, ...]:
        way = float("inf") if self.minutes is None else float(self.minutes)
        return (not self.service, self.obstacle is not None, way, self.member)


def _step(name: StepName, candidates: Sequence[_Candidate]) -> Step:
    return Step(
        name,
        tuple(one.member for one in candidates),
        travel={one.member: one.minutes for one in candidates},
    )


def _reasons(case: Case, own_teams: set[int], own: Sequence[_Candidate]) -> tuple[Reason, ...]:
    reasons: list[Reason] = []
    if not case.home:
        reasons.append("unknown_home")
    elif case.area is None:
        reasons.append("no_area")
    if case.home and not own_teams:
        reasons.append("no_team")
    elif case.home and not own:
        reasons.append("nobody_on_duty")
    if own and own[0].obstacle is not None:  # Whoever has none comes before.
        reasons += sorted({one.obstacle for one in own if one.obstacle is not None})
    return tuple(reasons)
