"""What residents measure by hand: cuff, thermometer, scale, and an oximeter without a monitor."""

from __future__ import annotations

from datetime import date

import numpy as np

from gateway_sim.county import County, SimulatedHome
from gateway_sim.day import Reading
from gateway_sim.illness import Illnesses
from gateway_sim.localtime import at_hour
from gateway_sim.people import VITALS, WELL

_CUFF = ("systolic", "diastolic", "pulse")


def measured_day(
    county: County, home: SimulatedHome, day: date, illnesses: Illnesses = WELL
) -> list[Reading]:
    """Everything the residents of a home measure by hand on one local day, in order of time."""
    readings: list[Reading] = []
    for n, resident in enumerate(home.residents, start=1):
        person = resident.person
        late = county.people.chance(person, 40, day.toordinal())
        morning = at_hour(day, float(county.people.wakes[person]) + 0.4 + 0.5 * late)
        evening = at_hour(day, 18.5 + 1.5 * late)
        times = [round(t, 3) for t in (morning, morning + 70.0, evening, evening + 70.0)]
        who = np.full(len(times), person, dtype=np.int64)
        values = county.people.vitals(who, np.array(times), illnesses)
        shown = [dict(zip(VITALS, row.tolist(), strict=True)) for row in values]
        for at in (0,) if home.monitored else (0, 2):
            readings += [Reading(times[at], f"cuff-{n}", m, shown[at][m]) for m in _CUFF]
            if not home.monitored:
                oximeter = f"oximeter-{n}"
                readings += [
                    Reading(times[at + 1], oximeter, m, shown[at + 1][m]) for m in ("spo2", "pulse")
                ]
        temperature = shown[1]["temperature"]
        readings.append(Reading(times[1], f"thermometer-{n}", "temperature", temperature))
        weight = float(county.people.weighs(who[:1], np.array(times[:1]), illnesses)[0])
        readings.append(Reading(times[1], f"scale-{n}", "weight", weight))
    readings.sort()
    return readings
