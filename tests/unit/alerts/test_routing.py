"""Whom to call, in which order; and the desk at once wherever anything is amiss."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerts.finding import Severity
from alerts.routing.routing import Case, Duty, Step, Team, desk_alone, route
from alerts.routing.travel import Place
from alerts.routing.values import shipped_values

LAPPEENRANTA, IMATRA = Place(61.0583, 28.1867), Place(61.1719, 28.7724)
PARIKKALA = Place(61.55, 29.5028)
WEST, EAST, NIGHT, PHYSIO = 1, 2, 3, 4
TEAMS = {
    WEST: Team(WEST, areas=frozenset({10}), base=LAPPEENRANTA),
    EAST: Team(EAST, areas=frozenset({20}), base=IMATRA),
    NIGHT: Team(NIGHT, areas=frozenset({10, 20}), base=IMATRA),
    PHYSIO: Team(PHYSIO, service="physiotherapy", areas=frozenset({10}), base=LAPPEENRANTA),
}
CASE = Case(episode=7, severity=4, area=10, place=LAPPEENRANTA, teams=frozenset({WEST}))
ANNA, BO, CIA = 101, 102, 103


def on(member: int, *teams: int, **more: object) -> Duty:
    return Duty(member, frozenset(teams), **more)  # type: ignore[arg-type]  # by name


def steps(case: Case, *duties: Duty) -> list[tuple[str, tuple[int | None, ...], tuple[str, ...]]]:
    found = route(case, TEAMS, duties, shipped_values())
    assert found[-1].desk or (found[0].desk and len(found) > 1)
    assert sum(step.desk for step in found) == 1, "the desk is there, and called once"
    called = [one for step in found for one in step.recipients]
    assert len(called) == len(set(called))
    return [(step.name, step.recipients, step.reasons) for step in found]


def test_own_team_first_then_its_others_then_neighbours_then_the_desk() -> None:
    assert steps(CASE, on(BO, EAST), on(CIA, NIGHT), on(ANNA, WEST), on(104, WEST)) == [
        ("own", (ANNA,), ()),
        ("team", (104,), ()),
        ("neighbour", (CIA, BO), ()),  # Whoever serves the area before whoever is near.
        ("desk", (None,), ()),
    ]


def test_the_order_of_what_is_given_does_not_matter() -> None:
    duties = [on(BO, EAST), on(CIA, NIGHT), on(ANNA, WEST), on(104, WEST)]
    assert steps(CASE, *duties) == steps(CASE, *reversed(duties))


def test_of_the_own_team_the_nearest_comes_first() -> None:
    at_a_visit = on(ANNA, WEST, place=IMATRA)
    assert [one[:2] for one in steps(CASE, at_a_visit, on(BO, WEST))][:2] == [
        ("own", (BO,)),
        ("team", (ANNA,)),
    ]


def test_the_clients_team_of_another_service_comes_after_home_care() -> None:
    case = replace(CASE, teams=frozenset({WEST, PHYSIO}))
    assert [one[:2] for one in steps(case, on(ANNA, PHYSIO), on(BO, WEST))][:2] == [
        ("own", (BO,)),
        ("team", (ANNA,)),
    ]


def test_a_team_of_another_service_is_no_neighbour() -> None:
    assert steps(CASE, on(ANNA, WEST), on(BO, PHYSIO)) == [
        ("own", (ANNA,), ()),
        ("desk", (None,), ()),
    ]


def test_one_member_serves_several_teams_at_night() -> None:
    night = on(ANNA, WEST, EAST)
    for area, team, place in ((10, WEST, LAPPEENRANTA), (20, EAST, IMATRA)):
        case = replace(CASE, severity=3, area=area, teams=frozenset({team}), place=place)
        assert steps(case, night)[0] == ("own", (ANNA,), ())
        # They may be at the other end of the county: the way is not said to be shorter than it is.
        assert steps(replace(case, severity=4), night)[0] == ("own", (ANNA, None), ("far_away",))


@pytest.mark.parametrize(
    ("case", "duties", "expected"),
    [
        pytest.param(CASE, [], [("desk", (None,), ("nobody_on_duty",))], id="nobody on duty"),
        pytest.param(
            CASE,
            [on(BO, NIGHT)],
            [("neighbour", (BO, None), ("nobody_on_duty",))],
            id="nobody of the own team on duty",
        ),
        pytest.param(
            replace(CASE, teams=frozenset()),
            [on(ANNA, WEST)],
            [("neighbour", (ANNA, None), ("no_team",))],
            id="no team",
        ),
        pytest.param(
            replace(CASE, teams=frozenset({99})),
            [],
            [("desk", (None,), ("no_team",))],
            id="a team that nobody knows",
        ),
        pytest.param(
            replace(CASE, teams=frozenset({EAST})),
            [on(BO, EAST)],
            [("neighbour", (BO, None), ("no_team",))],
            id="a team that does not serve the area",
        ),
        pytest.param(
            replace(CASE, area=None),
            [on(ANNA, WEST)],
            [("own", (ANNA, None), ("no_area",))],
            id="no area",
        ),
        pytest.param(
            Case(7, 4, home=False),
            [on(ANNA, WEST)],
            [("desk", (None,), ("unknown_home",))],
            id="unknown home",
        ),
        pytest.param(
            CASE,
            [on(ANNA, WEST, emergencies=frozenset({8}))],
            [("own", (ANNA, None), ("occupied",))],
            id="the only member occupied",
        ),
        pytest.param(
            CASE,
            [on(ANNA, WEST, reachable=False)],
            [("own", (ANNA, None), ("unreachable",))],
            id="the only member unreachable",
        ),
        pytest.param(
            CASE,
            [on(ANNA, WEST, place=PARIKKALA)],
            [("own", (ANNA, None), ("far_away",))],
            id="the only member far away",
        ),
        pytest.param(
            CASE,
            [on(ANNA, WEST, reachable=False), on(BO, WEST, emergencies=frozenset({8}))],
            [("own", (ANNA, None), ("occupied", "unreachable")), ("team", (BO,), ())],
            id="every member has an obstacle",
        ),
    ],
)
def test_where_anything_is_amiss_the_desk_is_called_at_once(
    case: Case, duties: list[Duty], expected: object
) -> None:
    assert steps(case, *duties) == expected


def test_one_member_who_is_free_is_enough() -> None:
    occupied = on(ANNA, WEST, emergencies=frozenset({8}))
    assert steps(CASE, occupied, on(BO, WEST)) == [
        ("own", (BO,), ()),
        ("team", (ANNA,), ()),
        ("desk", (None,), ()),
    ]


def test_the_episode_itself_occupies_nobody() -> None:
    assert steps(CASE, on(ANNA, WEST, emergencies=frozenset({7})))[0] == ("own", (ANNA,), ())


def test_far_away_depends_on_severity_and_on_a_known_place() -> None:
    away = on(ANNA, WEST, place=IMATRA)  # Some 50 minutes by car.
    assert steps(CASE, away)[0][2] == ("far_away",)
    assert steps(replace(CASE, severity=Severity.URGENT), away)[0][2] == ()
    assert steps(replace(CASE, place=None), away)[0][2] == ()


def test_neighbours_are_few_and_near() -> None:
    far = {5: Team(5, areas=frozenset({50}), base=PARIKKALA)}
    many = [on(member, EAST) for member in range(200, 210)]
    found = route(CASE, TEAMS | far, [on(ANNA, 5), *many], shipped_values())
    assert [step.members for step in found if step.name == "neighbour"] == [(200, 201)]


def test_the_call_tells_how_long_the_way_takes() -> None:
    found = route(CASE, TEAMS, [on(ANNA, WEST), on(BO, EAST)], shipped_values())
    assert [step.travel for step in found if step.members] == [{ANNA: 3}, {BO: 50}]


def test_nothing_known_is_the_desk() -> None:
    assert desk_alone("routing_failed") == (Step("desk", desk=True, reasons=("routing_failed",)),)
    assert route(Case(7, 1), {}, [], shipped_values())[0].desk
