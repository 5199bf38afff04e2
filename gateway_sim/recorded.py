"""TIHM's homes, as `comparing` wants them, split into homes to fit to and homes to judge by."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np

from core.errors import UserError
from gateway_sim.comparing import PLACES, Homes
from gateway_sim.tihm import LONDON, rows_of_activity

_PLACE = {
    "motion-hallway": "hallway",
    "motion-kitchen": "kitchen",
    "motion-lounge": "livingroom",
    "motion-bedroom": "bedroom",
    "motion-bathroom": "bathroom",
    "door-front": "front",
    "door-back": "front",
    "door-fridge": "fridge",
}
"""TIHM's sensors; its two outer doors are the simulator's one."""


@lru_cache(maxsize=4096)
def _ahead(hour: int) -> float:
    """Seconds that London is ahead of UTC in that hour since 1970."""
    offset = datetime.fromtimestamp(hour * 3600, UTC).astimezone(LONDON).utcoffset()
    return offset.total_seconds() if offset else 0.0


def recorded_homes(directory: Path) -> tuple[Homes, Homes]:
    """Homes to fit to, and homes kept apart to judge the fit by.

    Which is which follows from a hash of the home's name alone, so that nobody chooses.

    Raises:
        UserError: the folder has not the dataset's files, or too few homes for a comparison.
    """
    names: dict[str, int] = {}
    apart: set[int] = set()
    home, place, time, ahead = [], [], [], []
    for row in rows_of_activity(directory):
        if row.device not in _PLACE:
            continue
        number = names.get(row.patient)
        if number is None:
            number = names[row.patient] = len(names)
            if sha256(row.patient.encode()).digest()[0] % 2:
                apart.add(number)
        home.append(number)
        place.append(PLACES.index(_PLACE[row.device]))
        time.append(row.time)
        ahead.append(_ahead(int(row.time // 3600)))
    local = np.array(time) + np.array(ahead)
    day = np.floor(local / 86_400.0)
    order = np.lexsort((local, np.array(home, dtype=np.int64)))
    found = Homes(
        np.array(home, dtype=np.int64)[order],
        np.array(place, dtype=np.int64)[order],
        day.astype(np.int64)[order],
        ((local - day * 86_400.0) / 3600.0)[order],
    ).whole()
    kept = sorted(apart & set(found.names.tolist()))
    fitted = sorted(set(found.names.tolist()) - apart)
    if min(len(kept), len(fitted)) < 4:
        raise UserError(
            f"{directory} has too few homes with a week of activity for a comparison: "
            f"{len(fitted)} to fit to and {len(kept)} to judge by, of each 4 are needed."
        )
    return found.only(fitted), found.only(kept)
