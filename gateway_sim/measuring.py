"""What residents measure by hand, and how: cuff, thermometer, scale, glucose meter, oximeter.

Mornings and evenings; some are forgotten, some readings are wrong in the ways in which people make
them wrong (`people.toml`): a bad posture at the cuff, cold hands in the oximeter, the spouse on the
scale. Those of all people are made at once.
"""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray

from gateway_sim.county import County, SimulatedHome
from gateway_sim.illness import Illnesses
from gateway_sim.localtime import EPOCH, local_day
from gateway_sim.noise import Floats, key, mix, uniform
from gateway_sim.people import WELL, Indexes, winter
from gateway_sim.reading import Reading
from gateway_sim.traits import VITALS, traits

BY_HAND: tuple[tuple[str, str], ...] = (
    ("cuff", "systolic"), ("cuff", "diastolic"), ("cuff", "pulse"), ("glucometer", "glucose"),
    ("oximeter", "spo2"), ("oximeter", "pulse"),
    ("thermometer", "temperature"), ("scale", "weight"),
)  # fmt: skip
"""Kind of device and metric; a device's name is its kind, a dash and the resident's number."""
MEASURED = np.dtype([("time", "f8"), ("person", "i4"), ("channel", "i2"), ("value", "f8")])
"""Unix seconds in whole milliseconds, index into `People`, a place in `BY_HAND`, the value."""
_AFTER_S = {"cuff": 0.0, "glucometer": 35.0, "oximeter": 70.0, "thermometer": 90.0, "scale": 150.0}
_MORNING, _EVENING = range(2)


def measured_day(
    county: County, home: SimulatedHome, day: date, illnesses: Illnesses = WELL
) -> list[Reading]:
    """Everything the residents of a home measure by hand on one local day, in order of time."""
    who = np.array([resident.person for resident in home.residents], dtype=np.int64)
    readings = []
    for time, person, channel, value in by_hand(county, who, day, illnesses).tolist():
        kind, metric = BY_HAND[channel]
        readings.append(Reading(time, f"{kind}-{person - int(who[0]) + 1}", metric, value))
    return readings


def by_hand(
    county: County, who: Indexes, day: date, illnesses: Illnesses = WELL
) -> NDArray[np.void]:
    """Everything that people measure by hand on one local day (`MEASURED`), in order of time.

    Who wears a monitor uses the cuff, the thermometer and the scale in the morning only, and no
    oximeter; who has diabetes measures glucose before breakfast and in the evening.
    """
    parts = [_session(county, who, day, illnesses, session) for session in (_MORNING, _EVENING)]
    made = np.concatenate(parts)
    ordered: NDArray[np.void] = made[np.lexsort((made["channel"], made["time"]))]
    return ordered


def _session(
    county: County, who: Indexes, day: date, illnesses: Illnesses, session: int
) -> NDArray[np.void]:
    people, habits = county.people, traits().measuring
    number = np.full(len(who), day.toordinal() - EPOCH, dtype=np.int64)

    def drawn(salt: int) -> Floats:
        return uniform(people.keys[who] ^ key(40, salt, session) ^ mix(number.astype(np.uint64)))

    late = drawn(0)
    if session == _MORNING:
        low, high = habits.morning_after_waking_h
        hour = people.rises(who, number) + low + (high - low) * late
    else:
        low, high = habits.evening_h
        hour = low + (high - low) * late
    time = np.round(local_day(day).at(hour), 3)
    forgets = people.differing(13, habits.forgets)[who]
    forgets = forgets + habits.forgets_with_memory_disorder * people.has("memory disorder")[who]
    never = np.zeros(len(who), dtype=bool)
    does = (drawn(1) >= forgets) & illnesses.at_home(who, time)
    monitored = county.monitored[who]
    diabetes = people.has("type 2 diabetes")[who]
    morning = np.full(len(who), session == _MORNING)
    uses = {
        "cuff": does & (morning | ~monitored),
        "glucometer": does & diabetes,
        "oximeter": does & ~monitored,
        "thermometer": does & morning,
        "scale": does & morning,
    }
    wrong = {
        "cuff": drawn(2) < people.differing(14, habits.wrong_posture)[who],
        "oximeter": drawn(3) < _cold(county, who, number),
        "scale": drawn(4) < habits.spouse_on_the_scale,
    }
    made = []
    for kind, using in uses.items():
        rows = np.flatnonzero(using)
        if not len(rows):
            continue
        at = np.round(time[rows] + _AFTER_S[kind], 3)
        values = _shown(county, kind, who[rows], at, illnesses, wrong.get(kind, never)[rows])
        for metric, shown in values.items():
            part = np.empty(len(rows), dtype=MEASURED)
            part["time"], part["person"], part["value"] = at, who[rows], shown
            part["channel"] = BY_HAND.index((kind, metric))
            made.append(part)
    return np.concatenate(made) if made else np.empty(0, dtype=MEASURED)


def _shown(
    county: County,
    kind: str,
    who: Indexes,
    at: Floats,
    illnesses: Illnesses,
    wrong: NDArray[np.bool_],
) -> dict[str, Floats]:
    """What a device shows, by metric; of those who use it wrongly what they make of it."""
    people, habits = county.people, traits().measuring
    if kind == "scale":
        on_it = np.where(wrong, county.spouse[who], who)
        return {"weight": people.weighs(on_it, at, illnesses)}
    if kind == "glucometer":
        return {"glucose": people.glucose(who, at, illnesses)}
    vitals = people.vitals(who, at, illnesses)
    shown = {m: vitals[:, VITALS.index(m)] for device, m in BY_HAND if device == kind}
    if kind == "cuff":
        for metric, more in habits.posture.items():
            shown[metric] += more * wrong
    if kind == "oximeter":
        shown["spo2"] = np.maximum(shown["spo2"] + habits.cold_hands_spo2 * wrong, 60.0)
    return shown


def _cold(county: County, who: Indexes, number: Indexes) -> Floats:
    """How likely hands are cold: of some people only, in summer a quarter of winter's."""
    habits = traits().measuring
    has = uniform(county.people.keys[who] ^ key(12)) < habits.cold_hands_people
    cold: Floats = has * habits.cold_hands * (0.625 + 0.375 * winter(number))
    return cold
