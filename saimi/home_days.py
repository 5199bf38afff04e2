"""TIHM's files as home-days with agitation labels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from core.errors import UserError
from gateway_sim.tihm_files import open_table
from models.agitation import RUNS, by_day, run_of
from models.home_days import Events, Flags, HomeDays, tabulate


@dataclass(frozen=True)
class Labelled:
    """The home-days of a folder."""

    days: HomeDays
    labels: Flags
    """(n, 3): agitation noted on that date, by run of the study's algorithm."""
    without_home_day: int
    """Agitation labels on a date of which no sensor tells; they count nowhere."""

    @property
    def positive(self) -> Flags:
        """(n,): any agitation label on that date."""
        return by_day(self.labels)


def read_home_days(directory: Path) -> Labelled:
    """Activity and Labels, plain or gzipped; dates are taken as they are written.

    Raises:
        UserError: a file is missing, is another, or a row cannot be read (names file and line).
    """
    days = tabulate(_events(directory))
    place = {
        (days.names[home], day): row
        for row, (home, day) in enumerate(zip(days.home.tolist(), days.day.tolist(), strict=True))
    }
    labels = np.zeros((len(days), len(RUNS)), dtype=bool)
    without = 0
    with open_table(directory, "Labels", ("patient_id", "date", "type")) as rows:
        for patient, at, kind in rows:
            day, second = _when(at)
            if kind.strip().casefold() != "agitation":
                continue
            row = place.get((_home(patient), day))
            if row is None:
                without += 1
            else:
                labels[row, run_of(int(second // 3600))] = True
    return Labelled(days, labels, without)


def _events(directory: Path) -> Events:
    homes: dict[str, int] = {}
    places: dict[str, int] = {}
    home, place, day, second = [], [], [], []
    with open_table(directory, "Activity", ("patient_id", "location_name", "date")) as rows:
        for patient, location, at in rows:
            name = location.strip().casefold()
            home.append(homes.setdefault(_home(patient), len(homes)))
            place.append(places.setdefault(name, len(places)))
            on, time = _when(at)
            day.append(on)
            second.append(time)
    if not home:
        raise UserError(f"{directory} has no row of activity, so that there is no home-day.")
    return Events(
        list(homes),
        list(places),
        np.array(home, dtype=np.int64),
        np.array(place, dtype=np.int64),
        np.array(day, dtype=np.int64),
        np.array(second),
    )


def _home(patient: str) -> str:
    name = patient.strip()
    if not name:
        raise ValueError("it names no home")
    return name


def _when(text: str) -> tuple[int, float]:
    """Date (`toordinal`) and second of it, of a time such as 2019-04-01 01:51:16.

    Raises:
        ValueError: it is no such time.
    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is not None or len(text) <= len("2019-04-01"):
        raise ValueError(f"{text[:40]!r} is no time like 2019-04-01 01:51:16")
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return at.toordinal(), (at - midnight).total_seconds()
