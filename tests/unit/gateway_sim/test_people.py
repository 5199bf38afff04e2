"""People: repeatable, possible, well; and one who falls ill."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import process_time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.catalogue import catalogue
from core.clock import LOCAL
from gateway_sim.county import County, known_conditions
from gateway_sim.illness import Illness, Illnesses, kinds
from gateway_sim.localtime import EPOCH, local_day, local_days, local_hour, weekday
from gateway_sim.noise import Floats, remembering
from gateway_sim.people import VITALS, People
from gateway_sim.plan import make_plan
from gateway_sim.scenario import load_scenario
from gateway_sim.traits import traits
from tests.unit.gateway_sim.chart import points

START = datetime(2026, 1, 15, tzinfo=UTC)
seeds = st.integers(0, 2**40)
moments = st.floats(1.5e9, 2.5e9)


def _minutes(first: datetime, count: int, step: float = 60.0) -> Floats:
    return np.asarray(first.timestamp() + step * np.arange(count), dtype=np.float64)


@given(seed=seeds, time=moments)
@settings(max_examples=50, deadline=None)
def test_one_seed_gives_the_same_people_in_any_number_and_any_order(seed: int, time: float) -> None:
    few, many = People(seed, 5), People(seed, 50)
    who, times = np.arange(5), _minutes(datetime.fromtimestamp(time, UTC), 5, 1000.0)
    at_once = many.vitals(who, times)
    assert np.array_equal(few.vitals(who, times), at_once)
    backwards = [many.vitals(who[n : n + 1], times[n : n + 1])[0] for n in reversed(range(5))]
    assert np.array_equal(np.array(backwards[::-1]), at_once)


def test_another_seed_gives_other_people() -> None:
    assert not np.array_equal(People(1, 20).baseline, People(2, 20).baseline)


@given(seed=seeds, time=moments, share=st.floats(-0.1, 1.1))
@settings(max_examples=50, deadline=None)
def test_even_the_ill_stay_possible(seed: int, time: float, share: float) -> None:
    ill = [
        Illness(kind, n, time - share * 3600 * kinds()[kind].course[-1][0])
        for n, kind in enumerate(kinds())
    ]
    count = len(ill)
    people = People(seed, count)
    vitals = people.vitals(np.arange(count), np.full(count, time), Illnesses(ill))
    for column, name in enumerate(VITALS):
        low, high = catalogue()[name].possible
        assert ((vitals[:, column] > low) & (vitals[:, column] <= high)).all()
    assert (vitals[:, VITALS.index("systolic")] > vitals[:, VITALS.index("diastolic")] + 5).all()


def test_the_well_score_two_at_most_nearly_always() -> None:
    people = People(7, 100)
    times = _minutes(START, 3 * 24 * 12, 300.0)
    totals = np.array(
        [points(people.vitals(np.full(len(times), n), times)).sum(axis=1) for n in range(100)]
    )
    assert (totals > 2).mean() < 0.001
    assert (totals == 0).mean() > 0.8
    assert (totals > 0).any(axis=1).mean() > 0.3, "nobody real scores 0 all the time"


def test_nights_are_calmer_than_days() -> None:
    people = People(7, 200)
    who = np.arange(200)
    night = people.vitals(who, np.full(200, datetime(2026, 1, 15, 1, tzinfo=UTC).timestamp()))
    day = people.vitals(who, np.full(200, datetime(2026, 1, 15, 12, tzinfo=UTC).timestamp()))
    difference = (day - night).mean(axis=0)
    assert difference[VITALS.index("pulse")] > 3
    assert difference[VITALS.index("systolic")] > 3


@pytest.mark.parametrize("homes", [5, 12, 20])
def test_in_the_demo_one_falls_ill_in_time_and_nobody_else(homes: int) -> None:
    county = County(7, homes)
    for hour in range(0, 24, 3):
        start = START + timedelta(hours=hour, minutes=7 * hour)
        plan = make_plan(county, load_scenario("demo"), start)
        (illness,) = plan.illnesses
        minutes = _minutes(start - timedelta(hours=6), 12 * 60)
        ill = points(
            county.people.vitals(np.full(len(minutes), illness.person), minutes, plan.illnesses)
        )
        totals = ill.sum(axis=1)
        crossing = int(np.flatnonzero(totals >= 5)[0]) - 360
        assert 8 <= crossing <= 15, f"NEWS2 5 after {crossing} minutes of a start at {start}"
        assert not (ill[: 360 + crossing] == 3).any(), "a single 3 would alert before"
        assert np.flatnonzero(totals >= 7)[0] - 360 < 30
        for person in set(range(len(county.people))) - {illness.person}:
            others = county.people.vitals(
                np.full(120, person), _minutes(start, 120), plan.illnesses
            )
            assert (points(others).sum(axis=1) <= 4).all()
            assert (points(others) < 3).all()


def test_an_illness_takes_its_course() -> None:
    illness = Illness("infection", 0, START.timestamp())
    labels = {label.what: label.time for label in illness.labels()}
    assert list(labels) == ["onset", "first_sign", "crisis", "recovered"]
    assert sorted(labels.values()) == list(labels.values())
    severity = illness.severity(np.array(list(labels.values())))
    assert severity[0] == 0.0
    assert severity[1] == pytest.approx(kinds()["infection"].sign)
    assert severity[2] == 1.0
    assert severity[3] == 0.0
    assert illness.severity(np.array([START.timestamp() - 1.0]))[0] == 0.0


@pytest.mark.parametrize(
    ("utc", "hour"),
    [
        ("2026-03-29T00:30:00+00:00", 2.5),
        ("2026-03-29T01:00:00+00:00", 4.0),  # the hour from 3 to 4 does not exist
        ("2026-10-25T00:30:00+00:00", 3.5),
        ("2026-10-25T01:30:00+00:00", 3.5),  # again
    ],
)
def test_local_hours_on_odd_nights(utc: str, hour: float) -> None:
    assert local_hour(np.array([datetime.fromisoformat(utc).timestamp()]))[0] == hour


@pytest.mark.parametrize("day", [datetime(2026, 3, 29), datetime(2026, 10, 25)])  # noqa: DTZ001
def test_local_hours_over_both_odd_nights_at_once(day: datetime) -> None:
    times = day.replace(tzinfo=UTC).timestamp() + 60.0 * np.arange(-600.0, 600.0)
    there = [datetime.fromtimestamp(time, UTC).astimezone(LOCAL) for time in times.tolist()]
    days, hours = local_days(times)
    assert days.tolist() == [moment.toordinal() - EPOCH for moment in there]
    assert hours == pytest.approx([moment.hour + moment.minute / 60 for moment in there])


def test_many_illnesses_are_asked_about_at_once_as_one_by_one() -> None:
    people = People(7, 60)
    names = sorted(kinds())
    ill = [
        Illness(names[n % len(names)], n % 40, START.timestamp() + 3600.0 * (n % 7 - 3))
        for n in range(90)
    ]
    who = np.repeat(np.arange(60), 20)
    times = np.tile(_minutes(START, 20, 5_000.0), 60)
    together = people.vitals(who, times, Illnesses(ill))
    for person in range(60):
        own = Illnesses([one for one in reversed(ill) if one.person == person])
        assert np.array_equal(
            people.vitals(who[who == person], times[who == person], own), together[who == person]
        )
    weights = people.weighs(who, times, Illnesses(ill)) - people.weighs(who, times)
    swollen = {one.person for one in ill if one.kind == "heart_failure"}
    assert swollen
    thin = {one.person for one in ill if one.kind in ("dehydration", "slow_decline", "pneumonia")}
    gained = {int(person) for person in who[weights > 0.05]}
    assert gained <= swollen
    assert {int(person) for person in who[weights < -0.05]} <= thin


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_every_illness_has_a_beginning_a_sign_a_crisis_and_an_end(kind: str) -> None:
    labels = [label.time for label in Illness(kind, 0, 0.0).labels()]
    assert labels == sorted(labels)
    assert kinds()[kind].severity(np.array([labels[0] / 3600, labels[-1] / 3600])).max() == 0.0


def _usual(people: People, days: int, step: float = 900.0) -> Floats:
    """Vital signs over days, shape (people, moments, 6)."""
    times = _minutes(START, int(days * 86_400 / step), step)
    return np.stack([people.vitals(np.full(len(times), n), times) for n in range(len(people))])


def test_people_differ_more_than_one_does_from_hour_to_hour() -> None:
    signs = _usual(People(7, 60), 7)
    between = signs.mean(axis=1).std(axis=0)
    within = signs.std(axis=1).mean(axis=0)
    for sign in ("pulse", "systolic"):
        assert 0.5 < between[VITALS.index(sign)] / within[VITALS.index(sign)] < 3.0


def test_noise_remembers_hours_but_not_days() -> None:
    keys = People(7, 300).keys
    memory = [(3600.0 * h, share) for h, share in traits().noise.memory_h]
    now = np.full(300, START.timestamp())
    at = [remembering(keys, now + 3600.0 * h, memory).ravel() for h in (0.0, 0.1, 2.0, 24.0, 400.0)]
    with_now = [float(np.corrcoef(at[0], later)[0, 1]) for later in at[1:]]
    assert with_now == sorted(with_now, reverse=True)
    assert with_now[0] > 0.8
    assert 0.3 < with_now[1] < 0.8
    assert abs(with_now[3]) < 0.1
    assert abs(at[0].std() - 1.0) < 0.05


def test_pulse_goes_with_activity_and_temperature_and_pressures_go_together() -> None:
    signs = _usual(People(7, 40), 4)

    def together(a: str, b: str) -> float:
        each = [
            np.corrcoef(own[:, VITALS.index(a)], own[:, VITALS.index(b)])[0, 1] for own in signs
        ]
        return float(np.mean(each))

    assert together("pulse", "temperature") > 0.3
    assert together("systolic", "diastolic") > 0.6
    assert together("pulse", "respiratory_rate") > 0.3
    assert abs(together("spo2", "systolic")) < 0.3


def test_pressure_goes_with_the_hour_and_the_season() -> None:
    people, who = People(7, 300), np.arange(300)

    def systolic(when: datetime | Floats) -> float:
        times = np.full(300, when.timestamp()) if isinstance(when, datetime) else when
        return float(people.vitals(who, times)[:, VITALS.index("systolic")].mean())

    january = datetime(2026, 1, 21, tzinfo=UTC)  # a Wednesday
    number = np.full(300, january.toordinal() - EPOCH)
    after_rising = local_day(january.date()).at(people.rises(who, number) + 0.5)
    assert systolic(after_rising) > systolic(january + timedelta(hours=12)) + 1
    assert systolic(january + timedelta(hours=12)) > systolic(january + timedelta(hours=1)) + 5
    july = datetime(2026, 7, 22, 11, tzinfo=UTC)
    assert 3 < systolic(january + timedelta(hours=12)) - systolic(july) < 8


def test_people_get_up_later_at_the_weekend_and_do_less_on_sundays() -> None:
    people, who = People(7, 500), np.arange(500)
    days = np.arange(20_500, 20_514)  # from a Monday
    rises = [float(people.rises(who, np.full(500, day)).mean()) for day in days.tolist()]
    late = [n for n, hour in enumerate(rises) if hour > np.mean(rises)]
    weekend = [n for n, day in enumerate(weekday(days).tolist()) if day >= 5]
    assert late == weekend


def test_age_conditions_and_medicines_move_what_is_usual() -> None:
    plain = People(7, 400)
    pulse, spo2, systolic = (VITALS.index(sign) for sign in ("pulse", "spo2", "systolic"))
    lungs = People(7, 400, [["COPD"]] * 400)
    assert (lungs.baseline[:, spo2] < plain.baseline[:, spo2]).all()
    heart = People(7, 400, [["heart failure"]] * 400)
    takes = heart.takes("beta_blocker")
    added = heart.baseline[:, pulse] - plain.baseline[:, pulse]
    assert added[takes].max() < added[~takes].min()
    old = People(7, 400, ages=[95.0] * 400)
    assert (old.baseline[:, systolic] > plain.baseline[:, systolic]).all()
    flutter = People(7, 20, [["atrial fibrillation"]] * 20)
    times = _minutes(START, 120)
    steps = [
        np.abs(np.diff(p.vitals(np.full(120, 3), times)[:, pulse])).mean() for p in (flutter, plain)
    ]
    assert steps[0] > 2 * steps[1]


def test_glucose_rises_after_meals_most_of_all_in_diabetes() -> None:
    plain, diabetes = People(7, 200), People(7, 200, [["type 2 diabetes"]] * 200)
    who = np.arange(200)
    before, after = (
        [
            p.glucose(who, np.full(200, START.timestamp() + 3600 * h)).mean()
            for p in (plain, diabetes)
        ]
        for h in (9.5, 11.0)
    )
    assert after[0] - before[0] > 0.7
    assert after[1] - before[1] > 2.0
    assert before[1] > before[0] + 1.5


def test_every_condition_of_the_county_is_known() -> None:
    assert known_conditions() <= traits().condition.keys()


@given(first=st.floats(1.0e9, 2.0e9), length=st.floats(0, 4e7))
@settings(max_examples=50, deadline=None)
def test_local_days_are_those_of_the_calendar(first: float, length: float) -> None:
    times = np.linspace(first, first + length, 50)
    days, hours = local_days(times)
    for time, day, hour in zip(times.tolist(), days.tolist(), hours.tolist(), strict=True):
        there = datetime.fromtimestamp(time, UTC).astimezone(LOCAL)
        assert there.toordinal() == day + EPOCH
        passed = there.hour + there.minute / 60 + (there.second + there.microsecond / 1e6) / 3600
        assert abs(hour - passed) < 1e-5


def test_a_reading_costs_less_than_a_microsecond() -> None:
    people = People(7, 4000, [["hypertension"]] * 4000)
    who = np.tile(np.arange(4000), 10)
    times = START.timestamp() + np.repeat(np.arange(10) * 60.0, 4000)
    ill = Illnesses([Illness("influenza", n, times[0] - 1e5) for n in range(0, 4000, 20)])

    def spent() -> float:
        began = process_time()
        people.vitals(who, times, ill)
        return process_time() - began

    assert min(spent() for _ in range(5)) / (6 * len(who)) < 1e-6
