"""Cross-validation by home: every home is scored by models that never saw it.

All that a model chooses (windows, coefficients) it chooses while it is fitted, so nothing is chosen
on the homes it is judged on.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from core.errors import ModelError
from models.agitation import Agitation, by_day
from models.home_days import Flags, Floats, HomeDays, Indexes

FOLDS = 5
REPEATS = 5
_HOMES_WITH_LABELS = 2


def folds(days: HomeDays, positive: Flags, repeat: int) -> Indexes:
    """(n,) the fold of each home-day. Homes are dealt out from the one with the most labels on, so
    that each fold has its share; another `repeat` deals anew.

    Raises:
        ModelError: fewer than two homes have labels, so that none could be judged by the others.
    """
    homes = np.unique(days.home)
    labels = np.bincount(days.home[positive], minlength=len(days.names))[homes]
    if (labels > 0).sum() < _HOMES_WITH_LABELS:
        raise ModelError(
            "A model cannot be trained here: at least two homes with agitation labels are needed, "
            f"so that one can be judged by the others, and there are {int((labels > 0).sum())}."
        )
    rng = np.random.default_rng(repeat)
    order = homes[np.lexsort((rng.random(len(homes)), -labels))]
    dealt = np.zeros(len(days.names), dtype=np.int64)
    for start in range(0, len(order), FOLDS):
        block = order[start : start + FOLDS]
        dealt[block] = rng.permutation(FOLDS)[: len(block)]
    return dealt[days.home]


def out_of_fold(days: HomeDays, labels: Flags) -> Iterator[tuple[int, Flags, Floats]]:
    """(repeat, rows, their scores) fold by fold; labels by run (n, 3).

    Raises:
        ModelError: as `folds`; or a fold's training homes have one class only.
    """
    for repeat in range(REPEATS):
        fold = folds(days, by_day(labels), repeat)
        for apart in np.unique(fold):
            rows = fold == apart
            model = Agitation.fit(days.only(~rows), labels[~rows])
            yield repeat, rows, model.score(days.only(rows)).score
