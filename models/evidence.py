"""What the model of deterioration sees of a client at a look: numbers, NaN where unknown.

Levels of vital signs are deviates from the client's own usual (models/signs.py), parted into above
and below; what NEWS2 gives for the last values; trends; how rare the home's present silence, its
last night and its last day are, as -log10 of their chance. All of it is of the past.
"""

from __future__ import annotations

import numpy as np

from models import rooms, signs
from models.news2 import news2
from models.readings import Floats
from models.rooms import MEASURES
from models.signs import METRICS

SPANS = ("now", "day", "week")
"""Of models.signs.CONSTANTS."""
RAREST = 6.0
"""Of -log10 of a chance; nothing counts more."""
_PAIR = ("above", "below")
FEATURES: tuple[str, ...] = (
    *(f"{m}_{way}_{span}" for span in SPANS for m in METRICS for way in _PAIR),
    *(f"{m}_shift_{way}" for m in METRICS for way in _PAIR),
    "together_now", "together_day", "news2", "news2_three", "silence",
    *(f"{m}_{way}" for m in MEASURES for way in ("more", "fewer")),
    *(f"{m}_drift_{way}" for m in rooms.BY_DAY for way in _PAIR),
)  # fmt: skip
"""Names of what a row holds; a saved model is refused where they are others."""
_CHARTED = ("respiratory_rate", "spo2", "systolic", "pulse", "temperature")
_LEAST = 10.0**-RAREST


def evidence(known: signs.Followed, home: rooms.Followed) -> Floats:
    """Rows (n, FEATURES) of n subjects."""
    count = len(known.level)
    levels = _parted(known.level)  # (n, spans, metrics, 2)
    shift = _parted(np.clip(known.shift, -20.0, 20.0))
    together = np.sqrt(np.nansum(known.level[:, :2] ** 2, axis=2))
    together[np.isnan(known.level[:, :2]).all(axis=2)] = np.nan
    total, three = _charted(known)
    rare = np.stack([_rare(home.more), _rare(home.fewer)], axis=2)
    drift = _parted(home.drift[:, len(rooms.BY_NIGHT) :])
    return np.concatenate(
        [
            levels.reshape(count, -1),
            shift.reshape(count, -1),
            together,
            np.stack([total, three, _rare(home.silence)], axis=1),
            rare.reshape(count, -1),
            drift.reshape(count, -1),
        ],
        axis=1,
    )


def _parted(value: Floats) -> Floats:
    """(…, 2): how far above, and how far below."""
    return np.stack([np.maximum(value, 0.0), np.maximum(-value, 0.0)], axis=-1)


def _rare(chance: Floats) -> Floats:
    found: Floats = -np.log10(np.maximum(chance, _LEAST))
    return found


def _charted(known: signs.Followed) -> tuple[Floats, Floats]:
    """NEWS2 of the last values, at least; and its highest single points."""
    values = {name: known.value[:, METRICS.index(name)] for name in _CHARTED}
    unknown = np.full(len(known.value), np.nan)
    # Oxygen and consciousness are for the rules; here they are what they are for most.
    scored = news2(**values, oxygen=np.zeros(len(unknown)), consciousness=unknown)
    none = np.isnan(np.stack(list(values.values()))).all(axis=0)
    three = scored.points_low.max(axis=0)
    return np.where(none, np.nan, scored.low * 1.0), np.where(none, np.nan, three * 1.0)
