"""Every rule there is, whatever a file says: what it is about, and where its limits make sense."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

Range = tuple[float, float]
"""Between which a limit makes sense at all, both ends included."""
_NONE: Mapping[str, Range] = MappingProxyType({})


class Form(NamedTuple):
    """What a rule of this name is."""

    kind: str
    limits: Mapping[str, Range] = _NONE
    """Numbers that are not crossed: windows, counts, ages."""
    above: Mapping[str, Range] = _NONE
    """Limits that a value crosses upwards: raise at or above clear."""
    below: Mapping[str, Range] = _NONE
    """Limits that a value crosses downwards: raise at or below clear."""
    may_wait: bool = True
    """Whether it may be made to wait: for a repeat reading, or for its limit to last."""

    @property
    def crossed(self) -> dict[str, Range]:
        """All limits that a value crosses."""
        return {**self.above, **self.below}


FORMS: Mapping[str, Form] = {
    **{name: Form(name, may_wait=False) for name in ("help", "smoke", "carbon_monoxide", "fall")},
    "call_request": Form("call_request", {"newest_h": (1, 168)}, may_wait=False),
    # Nothing may make 7 and more, or less than 3.0 mmol/L, wait: their limits only move outwards.
    "news2_high": Form("news2", above={"total": (1, 7)}, may_wait=False),
    "news2_medium": Form("news2", above={"total": (1, 20)}),
    "news2_single_three": Form("news2", above={"points": (1, 3)}),
    "news2_oxygen_unknown": Form("news2", above={"points": (1, 3)}),
    "spo2_below_range": Form("spo2"),
    "spo2_above_range": Form("spo2"),
    "client_limit": Form("limit"),
    "beyond_meter": Form("limit", may_wait=False),
    "hypoglycaemia_level_1": Form("glucose", below={"glucose": (1, 10)}),
    "hypoglycaemia_level_2": Form("glucose", below={"glucose": (3, 10)}, may_wait=False),
    "severe_blood_pressure": Form(
        "blood_pressure", above={"systolic": (100, 250), "diastolic": (60, 150)}
    ),
    # Trend only: shown with the readings (web.trends), never an alert.
    "glucose_high": Form("glucose", above={"glucose": (8, 40)}),
    "home_blood_pressure": Form(
        "blood_pressure",
        {"days": (3, 7), "least": (2, 60)},
        above={"systolic": (110, 200), "diastolic": (60, 120)},
    ),
    "count_by_hand": Form("news2"),
    "weight_gain": Form("weight", {"days": (1, 14), "apart": (0.5, 10)}, above={"kg": (0.5, 20)}),
    "weight_loss": Form(
        "weight",
        {"days": (7, 31), "least_days": (1, 30), "apart": (0.5, 10)},
        above={"percent": (1, 30)},
    ),
    "weight_odd": Form("weight", above={"kg": (2, 50)}),
    "repeated_falls": Form("falls", {"falls": (2, 20), "months": (1, 24)}),
    "respiratory_urgent": Form("respiratory", below={"spo2": (70, 100)}),
    "respiratory_emergency": Form("respiratory", below={"spo2": (70, 100)}),
    "copd_worsening": Form(
        "respiratory",
        {"signs": (2, 3)},
        above={"respiratory_rate": (15, 40), "pulse": (60, 160)},
        below={"spo2": (80, 98)},
    ),
    "room_cold": Form(
        "room",
        {"first_month": (1, 12), "last_month": (1, 12)},
        below={"temperature": (5, 22)},
    ),
    "room_warm": Form("room", above={"temperature": (20, 40)}),
    "room_hot": Form("room", above={"temperature": (20, 45)}),
    "room_frail": Form("room"),
    "outside_door": Form(
        "door",
        {
            "from_hour": (0, 23),
            "until_hour": (0, 23),
            "leaving_min": (0, 30),
            "away_min": (1, 240),
        },
    ),
    "missed_dose": Form("missed_dose"),
    "missed_dose_critical": Form("missed_dose"),
    "deterioration": Form("deterioration"),
    "deterioration_urgent": Form("deterioration"),
    "trend": Form("trend", {"shift": (2, 100)}),
    "pressure_above_usual": Form("trend", above={"mmhg": (5, 60), "spreads": (0.5, 8)}),
    "inactivity": Form("inactivity", {"one_in": (100, 1e8)}),
    "routine": Form("routine", {"one_in": (100, 1e8)}),
    "device_silent": Form("silence", {"out_h": (0, 48)}, may_wait=False),
    "gateway_silent": Form("silence", may_wait=False),
    "area_outage": Form(
        "outage",
        {
            "at_least": (2, 1000),
            "within_min": (1, 240),
            "alone_per_1000": (0.01, 100),
            "chance_per_million": (0.001, 10_000),
            "lost_min": (0, 60),
            "ends_after_min": (0, 60),
        },
        may_wait=False,
    ),
    "county_outage": Form("outage", {"share_pct": (1, 100)}, may_wait=False),
    "own_outage": Form("outage", {"after_s": (15, 3600)}, may_wait=False),
    "home_early": Form("home_early", {"grace_min": (0, 1440)}),
    "channel_broken": Form("technical", may_wait=False),
    "assessment_failed": Form("technical", may_wait=False),
}
"""A file gives limits within these ranges; it cannot make one rule another."""

ASCENDING = (
    ("news2_medium", "news2_high", "total"),
    ("hypoglycaemia_level_2", "hypoglycaemia_level_1", "glucose"),
    ("respiratory_emergency", "respiratory_urgent", "spo2"),
)
"""Limits at which two rules raise that lie in this order."""
NO_MILDER = (
    ("news2_high", "news2_medium"),
    ("news2_medium", "news2_single_three"),
    ("hypoglycaemia_level_2", "hypoglycaemia_level_1"),
    ("respiratory_emergency", "respiratory_urgent"),
)
"""The first is at least as severe as the second."""
ALWAYS_ON = frozenset({"news2_high", "hypoglycaemia_level_2"})
"""Rules behind "none is asked for": switched off, a milder one could ask and wait."""
