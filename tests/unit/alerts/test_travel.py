"""Ways: against known distances, and honest where a place is not known."""

from __future__ import annotations

import pytest

from alerts.routing.travel import Place, distance_km, minutes
from alerts.routing.values import Travel

DRIVE = Travel(road_factor=1.5, speed_kmh=60, start_min=2)


def test_distances_are_those_of_the_sphere() -> None:
    # A quarter of a meridian, and a degree of longitude on the equator and at 60° (half of it).
    assert distance_km(Place(0, 0), Place(90, 0)) == pytest.approx(10007.557, abs=0.001)
    assert distance_km(Place(0, 10), Place(0, 11)) == pytest.approx(111.195, abs=0.001)
    assert distance_km(Place(60, 10), Place(60, 11)) == pytest.approx(55.597, abs=0.01)
    assert distance_km(Place(61, 28), Place(61, 28)) == 0
    assert distance_km(Place(0, 0), Place(0, 180)) == pytest.approx(20015.115, abs=0.001)


def test_a_way_takes_its_roads_its_speed_and_a_start() -> None:
    there = Place(61.0, 28.0)
    assert minutes(there, there, DRIVE) == 2
    assert minutes(Place(0, 0), Place(0, 1), DRIVE) == round(2 + 111.195 * 1.5)
    assert minutes(None, there, DRIVE) is None
    assert minutes(there, None, DRIVE) is None
