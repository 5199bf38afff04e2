"""The model of silence: calibrated, personal, and quiet about what nobody could have heard."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.silence import DOOR, INSIDE, STEP_S, Memory, Silence, Steps

from .made_routines import STEPS_A_DAY, made_steps

DAYS = 21
NOON = DAYS * STEPS_A_DAY + 12 * 12
model = Silence.fit(made_steps(homes=40))


def silenced(steps: Steps, first: int, end: int) -> Steps:
    sign = steps.sign.copy()
    sign[first:end] = 0
    return replace(steps, sign=sign)


def test_probabilities_are_what_they_say() -> None:
    """Of gaps that end, a share p is ever less likely than p: counted at the end of each."""
    scored = model.score(made_steps(homes=60, days=28, seed=7))
    p = scored.probability[7 * STEPS_A_DAY :]
    gaps = (p == 1.0).sum()
    for limit in (0.1, 0.03, 0.01):
        crossed = ((p[1:] < limit) & (p[:-1] >= limit)).sum()
        # Steps are coarse by day, when every second one has a sign: some are crossed late.
        assert 0.4 * limit < crossed / gaps < 1.2 * limit


def test_silence_by_day_is_soon_unusual_and_by_night_is_not() -> None:
    steps = made_steps(homes=20, days=DAYS + 2, seed=3)
    day = model.score(silenced(steps, NOON, NOON + 36)).probability[NOON + 35]
    night_start = DAYS * STEPS_A_DAY + 2 * 12
    night = model.score(silenced(steps, night_start, night_start + 36)).probability[
        night_start + 35
    ]
    assert np.median(day) < 0.002
    assert (night > 0.01).all()


def test_longer_is_never_more_likely() -> None:
    steps = made_steps(homes=20, days=DAYS + 2, seed=3)
    scored = model.score(silenced(steps, NOON, NOON + 120))
    assert (np.diff(scored.probability[NOON : NOON + 120], axis=0) <= 0).all()
    assert (np.diff(scored.usual_signs[NOON : NOON + 120], axis=0) >= 0).all()
    assert (np.diff(scored.silent_s[NOON : NOON + 120], axis=0) == STEP_S).all()


def test_a_calm_home_is_given_longer_than_a_lively_one() -> None:
    lively, calm = (
        model.score(silenced(made_steps(4, DAYS + 1, 5, rate), NOON, NOON + 12)).probability[
            NOON + 11
        ]
        for rate in (0.7, 0.15)
    )
    assert np.median(lively) < 0.1 * np.median(calm)


def test_a_new_home_is_as_the_cohort_and_less_sure() -> None:
    """The same hour of silence: of a home known for weeks it says more than of a new one."""
    steps = silenced(made_steps(homes=30, days=DAYS + 1, seed=11), NOON, NOON + 24)
    known = model.score(steps).probability[NOON + 23]
    new = model.score(steps.between(NOON - 1, NOON + 24)).probability[24]
    heard = steps.sign[NOON - 1] > 0
    assert np.median(known[heard]) < np.median(new[heard]) < 0.05


def test_what_nobody_could_hear_is_no_evidence() -> None:
    steps = silenced(made_steps(homes=10, days=DAYS + 2, seed=3), NOON, NOON + 144)
    listening = steps.listening.copy()
    listening[NOON + 3 : NOON + 144] = 0.0
    scored = model.score(replace(steps, listening=listening))
    during = scored.probability[NOON + 2 : NOON + 144]
    # But for what is forgotten of the home meanwhile.
    assert during == pytest.approx(np.broadcast_to(during[0], during.shape), rel=0.01)
    unknown = np.where(listening == 0.0, np.nan, listening)
    again = model.score(replace(steps, listening=unknown))
    assert again.probability.tobytes() == scored.probability.tobytes()
    # Nor is such a gap learned: the end that follows adds nothing.
    end = int(np.argmax(steps.sign[NOON + 144 :, 0] > 0)) + NOON + 144
    before = model.score(replace(steps, listening=listening).between(0, end)).memory
    after = model.score(replace(steps, listening=listening).between(0, end + 1)).memory
    assert (after.expected[0] <= before.expected[0]).all()


def test_half_of_the_sensors_are_half_the_evidence() -> None:
    steps = silenced(made_steps(homes=10, days=DAYS + 1, seed=3), NOON, NOON + 24)
    listening = steps.listening.copy()
    listening[NOON:] = 0.5
    half = model.score(replace(steps, listening=listening))
    whole = model.score(steps)
    assert (half.probability[NOON + 23] > whole.probability[NOON + 23]).all()


def test_lying_still_is_not_learned() -> None:
    steps = made_steps(homes=10, days=DAYS + 1, seed=3)
    quiet = silenced(steps, NOON, NOON + 96)
    before = model.score(quiet.between(0, NOON)).memory
    one = quiet.homes([0])
    first = int((one.sign[NOON + 96 :, 0] > 0).argmax()) + NOON + 96
    after = model.score(one.between(0, first + 1)).memory
    assert (after.expected[0] <= before.expected[0]).all()
    assert (after.ends[0] <= before.ends[0]).all()


def test_it_does_not_learn_before_it_scores() -> None:
    """The step with the sign that ends a gap is judged by what came before; later signs change
    no earlier score."""
    steps = made_steps(homes=5, days=4, seed=9)
    cut = 2 * STEPS_A_DAY
    changed = steps.sign.copy()
    changed[cut:] = np.where(changed[cut:] > 0, 0, DOOR)
    one, other = model.score(steps), model.score(replace(steps, sign=changed))
    assert one.probability[:cut].tobytes() == other.probability[:cut].tobytes()


def test_what_began_the_gap_matters() -> None:
    rng = np.random.default_rng(4)
    steps = made_steps(homes=30, seed=13)
    sign = np.where((steps.sign > 0) & (rng.random(steps.sign.shape) < 0.05), DOOR, steps.sign)
    for row, home in zip(*np.nonzero(sign == DOOR), strict=True):
        sign[row + 1 : row + 25, home] = 0
    away = replace(steps, sign=sign)
    learned = Silence.fit(away)
    probe = made_steps(homes=2, days=1, seed=1)
    sign = np.zeros_like(probe.sign)
    sign[143] = (INSIDE, DOOR)
    p = learned.score(replace(probe, sign=sign)).probability[150]
    assert p[1] > 5 * p[0]
    assert learned.score(replace(probe, sign=sign)).began[150].tolist() == [INSIDE, DOOR]


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(1, 1151), max_size=4, unique=True), seed=st.integers(0, 5))
def test_pieces_of_time_give_the_same_as_the_whole(cuts: list[int], seed: int) -> None:
    steps = made_steps(homes=3, days=4, seed=seed)
    whole = model.score(steps)
    edges = [0, *sorted(cuts), 1152]
    memory, found = None, []
    for low, high in pairwise(edges):
        piece = model.score(steps.between(low, high), memory)
        memory = Memory.from_state(json.loads(json.dumps(piece.memory.state())))
        found.append(piece.probability)
    assert np.concatenate(found).tobytes() == whole.probability.tobytes()


def test_the_hour_that_comes_twice_is_an_hour_more_of_silence() -> None:
    steps = silenced(made_steps(homes=5, days=2, seed=1), 1, 576)
    row = np.r_[0:48, 36:48, 48:576]
    longer = Steps(steps.hour[row], steps.weekend[row], steps.sign[row], steps.listening[row])
    one, other = model.score(steps), model.score(longer)
    assert (other.silent_s[59] - one.silent_s[47] == 3600).all()
    assert (other.probability[59] < one.probability[47]).all()


@pytest.mark.parametrize(
    "wrong", [{"sign": 4}, {"listening": 1.5}, {"hour": 24}], ids=["sign", "listening", "hour"]
)
def test_the_impossible_is_refused(wrong: dict[str, float]) -> None:
    steps = made_steps(homes=1, days=1)
    ((name, value),) = wrong.items()
    array = getattr(steps, name).copy()
    array[5] = value
    with pytest.raises(ValueError, match=r"hour|sign"):
        replace(steps, **{name: array})


def test_before_the_first_sign_nothing_is_said() -> None:
    steps = made_steps(homes=2, days=1)
    none = replace(steps, sign=np.zeros_like(steps.sign))
    assert np.isnan(model.score(none).probability).all()


def test_a_damaged_hazard_is_refused() -> None:
    state = model.state()
    state["hazard"] = state["hazard"][:2]
    with pytest.raises(ValueError, match="version"):
        Silence.from_state(state)


def test_a_step_of_a_home_costs_microseconds() -> None:
    steps = made_steps(homes=4000, days=1).between(0, 24)
    begin = time.process_time()
    model.score(steps)
    assert (time.process_time() - begin) / (24 * 4000) < 40e-6
