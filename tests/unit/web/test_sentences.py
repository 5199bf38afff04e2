"""What an alert says in one sentence."""

from __future__ import annotations

import re
from typing import Any

import pytest

from alerts import finding
from web.i18n import LANGUAGES, Language, texts
from web.sentences import SENTENCES, sentence
from web.values import value_text

EXAMPLES: dict[str, dict[str, Any]] = {
    "weight_gain": {"value": 82.4, "before": 80.1, "change": 2.3, "days": 3},
    "weight_loss": {"value": 62.0, "before": 66.0, "change": -4.0, "days": 28},
    "weight_odd": {"value": 92.0, "before": 71.0, "change": 21.0, "days": 1},
    "repeated_falls": {"falls": 2, "months": 12.0, "count": 1},
    "respiratory_pathway": {"value": 93.0, "limit": 94.0, "qualifier": 0},
    "copd_worsening": {"signs": {"respiratory_rate": 26.0, "pulse": 104.0, "spo2": 90.0}},
    "room_cold": {"value": 16.5, "limit": 18.0, "frail": True},
    "room_hot": {"value": 33.0, "limit": 32.0, "frail": False},
    "outside_door": {"since": "2025-03-03T01:00:00.000000Z"},
    "missed_dose": {"medicine": "insuliini", "due": "2025-03-03T06:00:00.000000Z"},
    "news2": {"low": 6, "high": 11, "band": "medium", "missing": ["consciousness", "oxygen"]},
    "below_limit": {"metric": "pulse", "value": 44, "limit": 50, "qualifier": 0},
    "above_limit": {"metric": "weight", "value": 84.2, "limit": 82, "qualifier": 0},
    "spo2_below_range": {"value": 86, "low": 88, "high": 92, "qualifier": 0, "oxygen": "unknown"},
    "spo2_above_range": {"value": 95, "low": None, "high": 92, "qualifier": 0, "oxygen": "oxygen"},
    "hypoglycaemia": {"value": 2.8, "limit": 3.0, "level": 2, "qualifier": 0},
    "severe_blood_pressure": {"systolic": 192, "diastolic": None, "confirmed": False},
    "beyond_meter_low": {"metric": "glucose", "value": 1.1},
    "beyond_meter_high": {"metric": "glucose", "value": 33.3},
    **{
        key: {"count": 2, "newest": "2026-03-01T10:00:00Z", "late": True, "unknown_device": True}
        for key in ("help", "smoke", "carbon_monoxide", "fall", "call_request")
    },
    "deterioration": {
        "probability": 0.62,
        "reasons": [
            {"key": "above", "metric": "pulse", "value": 96.0, "usual": 71.0, "weight": 2.1},
            {"key": "below", "metric": "spo2", "value": None, "usual": None, "weight": 1.0},
            {"key": "more", "measure": "rises", "value": 5, "low": 0, "high": 2, "weight": 0.5},
            {"key": "silence", "hours": 3.2, "weight": 0.4},
            {"key": "together", "weight": 0.3},
            {"key": "news2", "weight": 0.2},
        ],
    },
    "above_usual": {"metric": "systolic", "value": 158.0, "usual": 136.0},
    "trend": {"metric": "weight", "before": 71.0, "after": 68.2, "since": "2026-03-01"},
    "inactivity": {
        "hours": 6.2,
        "since": "2026-03-01T10:00:00Z",
        "one_in": 120000,
        "usual_signs": 31,
        "began": "door",
        "alone": False,
    },
    "routine": {
        "what": "night_bathroom",
        "measure": "rises",
        "night": True,
        "value": 7,
        "low": 0,
        "high": 2,
    },
    "device_silent": {
        "gateway": "gw-1",
        "device": "motion-kitchen",
        "device_kind": "motion",
        "location": "kitchen",
        "last": "2026-03-01T10:00:00Z",
        "expected_minutes": 60,
    },
    "gateway_silent": {"gateway": "gw-1", "last": None, "devices": 7, "needs": {"oxygen": 1}},
    "gateway_deaf": {"gateway": "gw-1", "last": None, "devices": 7},
    "area_outage": {
        "since": "2026-03-01T10:00:00Z",
        "lost": 12,
        "watched": 40,
        "needs": {"oxygen": 2, "help_button": 5},
    },
    "county_outage": {"since": "2026-03-01T10:00:00Z", "lost": 900, "watched": 1200, "areas": 9},
    "own_outage": {"since": "2026-03-01T10:00:00Z", "needs": {"ventilator": 1}},
    "home_early": {
        "pause": "hospital",
        "until": "2026-03-04T10:00:00Z",
        "metric": "pulse",
        "newest": "2026-03-01T10:00:00Z",
        "held": True,
    },
    "channel_broken": {"channel": "sms", "service": "twilio", "since": "2026-03-01T10:00:00Z"},
    "assessment_failed": {"rule": "news2", "error": "ValueError"},
}


def say(language: Language, key: str, **params: object) -> str:
    summary = {"key": key, "params": {**EXAMPLES.get(key, {}), **params}}
    return sentence(texts(language), "news2", summary)


def test_every_key_that_the_engine_documents_has_a_sentence() -> None:
    lines = re.findall(r"^    ((?:\w+, )*\w+)", finding.__doc__ or "", re.MULTILINE)
    keys = {key for line in lines for key in line.split(", ")}
    assert keys == SENTENCES.keys() == EXAMPLES.keys()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", EXAMPLES)
def test_every_key_makes_a_whole_sentence(language: Language, key: str) -> None:
    said = say(language, key)
    assert said.endswith((".", ":"))
    assert "%(" not in said
    assert said != sentence(texts(language), "news2", {"key": "unheard of"})


def test_a_score_with_something_missing_says_at_least() -> None:
    assert (
        say("fi", "news2")
        == "NEWS2 vähintään 6 (puuttuu: tajunta ja ilma/happi): keskisuuri riski."
    )
    assert "at least 6" in say("en", "news2")


def test_a_complete_score_says_so() -> None:
    assert say("en", "news2", low=7, high=7, band="high", missing=[]) == "NEWS2 is 7: high risk."


def test_a_score_that_depends_on_unknown_oxygen_is_a_range() -> None:
    said = say("en", "news2", low=5, high=8, range=True, missing=["oxygen"])
    assert said.startswith("NEWS2 between 5 and 8 (missing: air or oxygen)")


def test_what_came_late_says_when_it_happened() -> None:
    assert "su 1.3. klo 12.00" in say("fi", "help")
    assert "12" not in say("fi", "help", late=False)


def test_an_unknown_key_still_says_what_it_is_about() -> None:
    assert sentence(texts("fi"), "fall", {"key": "something newer", "params": {}}) == "Kaatuminen."


def test_parameters_of_another_version_do_not_hide_the_alert() -> None:
    assert (
        sentence(texts("fi"), "glucose", {"key": "hypoglycaemia", "params": {}}) == "Verensokeri."
    )
    assert sentence(texts("fi"), "news2", {"key": "news2"}) == "NEWS2."


@pytest.mark.parametrize(
    ("metric", "value", "qualifier", "expected"),
    [
        ("spo2", 88.0, 0, "88 %"),
        ("temperature", 37.44, 0, "37,4 °C"),
        ("glucose", 1.1, -1, "< 1,1 mmol/l"),
        ("glucose", 33.3, 1, "> 33,3 mmol/l"),
        ("help", 1.0, 0, "pyysi apua"),
        ("consciousness", 1.0, 0, "uusi sekavuus"),
        ("consciousness", 2.5, 0, "2,5"),
        ("never heard of", 1.0, 0, "1,0"),
        ("spo2", None, 0, "–"),
    ],
)
def test_values_as_people_read_them(
    metric: str, value: float | None, qualifier: int, expected: str
) -> None:
    assert value_text(texts("fi"), metric, value, qualifier).replace("\xa0", " ") == expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_record_adds_stands_beside_any_sentence(language: Language) -> None:
    plain = say(language, "hypoglycaemia")
    more = say(
        language,
        "hypoglycaemia",
        confirmed=False,
        by_hand=["pulse"],
        medicines=["insulin", "anticoagulant"],
        care_limits=["palliative", "no_transfer"],
    )
    assert more.startswith(plain)
    assert more.count(".") >= plain.count(".") + 5


def test_an_anticoagulant_is_shown_with_a_fall() -> None:
    assert "anticoagulant" in say("en", "fall", medicines=["anticoagulant"])
