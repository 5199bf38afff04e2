"""A map of the county without a map: a circle for each area, by its number of homes, near where the
area is, and moved apart until no circle or name covers another (a cartogram as of Dorling, 1996,
of boxes). Pure.

It needs the areas' centres only, and nothing from outside.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations
from math import cos, radians, sqrt
from typing import NamedTuple

WIDTH = 1000.0
"""How far apart the westernmost and the easternmost area are drawn, before they are moved."""
FLAT = 0.65
"""North to south is drawn shorter by this: screens are wide, and so is the county."""
SMALLEST, LARGEST = 46.0, 92.0
"""Radius, of an area without homes and of the one with most."""
LETTER, LINE = 20.0, 44.0
"""Width of a letter and height of the line in which the name is written, below the circle."""
GAP = 10.0
_ROUNDS = 400
_HOLD = 0.02
"""How strongly, a round, each is drawn back to where it is."""


class Centre(NamedTuple):
    """An area."""

    area: int
    name: str
    latitude: float
    longitude: float
    homes: int


class Circle(NamedTuple):
    """Where it is drawn."""

    x: float
    y: float
    r: float


class Drawn(NamedTuple):
    """Circles by area, and how wide and high the drawing is, in its own units."""

    circles: dict[int, Circle]
    width: float
    height: float


@lru_cache(maxsize=8)
def drawn(centres: tuple[Centre, ...]) -> Drawn | None:
    """The map; None: there are not two places, so there is none."""
    places = {(one.latitude, one.longitude) for one in centres}
    if len(places) < 2:
        return None
    middle = radians(sum(one.latitude for one in centres) / len(centres))
    flat = [(one.longitude * cos(middle), -one.latitude * FLAT) for one in centres]
    span = max(_span([x for x, _ in flat]), _span([y for _, y in flat]))
    most = max(1, *(one.homes for one in centres))
    radii = [SMALLEST + (LARGEST - SMALLEST) * sqrt(one.homes / most) for one in centres]
    boxes = [
        (max(r, len(one.name) * LETTER / 2) + GAP, r + LINE / 2 + GAP)
        for one, r in zip(centres, radii, strict=True)
    ]
    at = _moved([[x / span * WIDTH, y / span * WIDTH] for x, y in flat], boxes)
    left = min(x - wide for (x, _), (wide, _) in zip(at, boxes, strict=True))
    top = min(y - high for (_, y), (_, high) in zip(at, boxes, strict=True))
    width = max(x + wide for (x, _), (wide, _) in zip(at, boxes, strict=True)) - left
    height = max(y + high for (_, y), (_, high) in zip(at, boxes, strict=True)) - top
    circles = {
        one.area: Circle(round(x - left, 1), round(y - top - LINE / 2, 1), round(r, 1))
        for one, (x, y), r in zip(centres, at, radii, strict=True)
    }
    return Drawn(circles, round(width, 1), round(height, 1))


def _span(values: list[float]) -> float:
    return max(values) - min(values)


def _moved(homes: list[list[float]], boxes: list[tuple[float, float]]) -> list[list[float]]:
    """Centres of boxes (half as wide and half as high as given) that do not overlap."""
    at = [list(one) for one in homes]
    for turn in range(_ROUNDS):
        if turn < _ROUNDS // 2:  # Then only apart, so that the last word is that none is covered.
            for one, home in zip(at, homes, strict=True):
                one[0] += (home[0] - one[0]) * _HOLD
                one[1] += (home[1] - one[1]) * _HOLD
        still = True
        for a, b in combinations(range(len(at)), 2):
            away = [at[b][axis] - at[a][axis] for axis in (0, 1)]
            lacking = [boxes[a][axis] + boxes[b][axis] - abs(away[axis]) for axis in (0, 1)]
            if min(lacking) <= 0.01:
                continue
            still = False
            axis = 0 if lacking[0] < lacking[1] else 1
            push = lacking[axis] / 2 * (1 if away[axis] >= 0 else -1)
            at[a][axis] -= push
            at[b][axis] += push
        if still and turn >= _ROUNDS // 2:
            break
    return at
