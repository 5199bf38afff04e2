"""The devices of a home: what they are called on the wire, what they are, whom they measure."""

from __future__ import annotations

from typing import NamedTuple

from gateway_sim.ambient import DOORS
from gateway_sim.routine import ROOMS

_DAY_AND_A_HALF = 36 * 60.0
KINDS: dict[str, tuple[str, ...]] = {
    "wearable": ("pulse", "spo2", "respiratory_rate", "systolic", "diastolic", "temperature"),
    "oximeter": ("spo2", "pulse"),
    "cuff": ("systolic", "diastolic", "pulse"),
    "thermometer": ("temperature",),
    "scale": ("weight",),
    "glucometer": ("glucose",),
    "bed": ("bed",),
    "button": ("help", "fall", "call_request", "battery"),
    "motion": ("motion", "battery"),
    "door": ("door", "battery"),
    "climate": ("room_temperature", "humidity"),
    "plug": ("power",),
    "leak": ("water_leak",),
    "smoke": ("smoke", "battery"),
}
"""What each kind of device tells."""
REMEMBERS_H = {
    "wearable": 24.0, "oximeter": 24.0, "cuff": 720.0, "thermometer": 240.0, "scale": 720.0,
    "glucometer": 2160.0,
}  # fmt: skip
"""For how many hours devices keep what no gateway took; the others keep nothing."""
_MAKERS = (("Aavamit", 0.5), ("Bornex", 0.3), ("Cirrela", 0.2))
_OF_VITALS = ("wearable", "oximeter", "cuff", "thermometer", "scale", "glucometer")
_OF_HOMES = (("Dunava", 0.6), ("Elvaris", 0.4))


def makers_of(kind: str) -> dict[str, float]:
    """Who makes a kind of device, and for which share of homes. All are made up."""
    return dict(_MAKERS if kind in _OF_VITALS else _OF_HOMES)


class Model(NamedTuple):
    """One device of a home."""

    name: str
    kind: str
    location: str = ""
    silent_after_minutes: float | None = None
    """Expected to be heard at least this often; None: used on demand."""
    resident: int | None = None
    """0 or 1: whose it is; None: the home's."""


def personal(resident: int, monitored: bool, diabetes: bool) -> list[Model]:
    """What one resident has of their own; `monitored`: wears a monitor day and night."""
    number = resident + 1
    models = [
        Model(f"button-{number}", "button", "", _DAY_AND_A_HALF, resident),
        Model(f"cuff-{number}", "cuff", "", None, resident),
        Model(f"thermometer-{number}", "thermometer", "", None, resident),
        Model(f"scale-{number}", "scale", "bathroom", None, resident),
        Model(f"bed-{number}", "bed", "bedroom", None, resident),
    ]
    if diabetes:
        models.append(Model(f"glucometer-{number}", "glucometer", "", None, resident))
    if monitored:
        models.insert(0, Model(f"monitor-{number}", "wearable", "", 30.0, resident))
    else:
        models.insert(0, Model(f"oximeter-{number}", "oximeter", "", None, resident))
    return models


def ambient() -> list[Model]:
    """What every home has on its walls and doors."""
    return [
        *(Model(f"motion-{room}", "motion", room, _DAY_AND_A_HALF) for room in ROOMS),
        *(Model(f"door-{door}", "door", door, _DAY_AND_A_HALF) for door in DOORS),
        Model("climate-livingroom", "climate", "livingroom", 90.0),
        Model("plug-kettle", "plug", "kitchen"),
        Model("plug-stove", "plug", "kitchen"),
        Model("leak-bathroom", "leak", "bathroom", _DAY_AND_A_HALF),
        Model("smoke-1", "smoke", "hallway", _DAY_AND_A_HALF),
    ]
