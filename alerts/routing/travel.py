"""How long it takes to get somewhere by car: estimated, for choosing and for the desk to see.

Great-circle distance (haversine formula, R. W. Sinnott, "Virtues of the haversine", Sky and
Telescope 68, 1984; mean Earth radius 6371.0088 km, IUGG), times a road factor, at a mean speed. It
knows no lakes, ferries, snow or traffic: it tells 10 minutes from 50, not 10 from 15.
"""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt
from typing import NamedTuple

from alerts.routing.values import Travel

EARTH_RADIUS_KM = 6371.0088


class Place(NamedTuple):
    """A point, WGS84, degrees."""

    latitude: float
    longitude: float


def distance_km(one: Place, other: Place) -> float:
    """Along the great circle."""
    lat1, lat2 = radians(one.latitude), radians(other.latitude)
    half_lat = (lat2 - lat1) / 2
    half_lon = radians(other.longitude - one.longitude) / 2
    chord = sin(half_lat) ** 2 + cos(lat1) * cos(lat2) * sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_KM * asin(sqrt(min(1.0, chord)))


def minutes(start: Place | None, end: Place | None, travel: Travel) -> int | None:
    """By car, to the minute; None: one of the two is not known."""
    if start is None or end is None:
        return None
    road = distance_km(start, end) * travel.road_factor
    return round(travel.start_min + 60 * road / travel.speed_kmh)
