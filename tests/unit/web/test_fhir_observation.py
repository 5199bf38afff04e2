"""Readings as Observations: valid in FHIR R4, and the same readings when ingest reads them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.observation import Observation
from hypothesis import given
from hypothesis import strategies as st

from core.catalogue import Metric, catalogue
from core.reading import Qualifier, State
from ingest.decoders.fhir import decode
from tests.support.recordings import cases
from web.fhir import kanta
from web.fhir.codes import PANEL_METRICS
from web.fhir.observation import Key, Reading, decimal, key_of, observations
from web.i18n import texts

AT = datetime(2026, 3, 3, 12, 0, 0, 123456, tzinfo=UTC)


def reading(metric: str, value: float, **more: Any) -> Reading:
    told: dict[str, Any] = {
        "time": AT,
        "received_at": AT + timedelta(seconds=2),
        "value": value,
        "device": 7,
        "gateway_name": "gw-1",
        "device_name": "monitor-1",
        "metric": catalogue()[metric].id,
        "qualifier": 0,
        "state": 0,
    }
    return Reading(**told | more)


def only(*readings: Reading) -> dict[str, Any]:
    (one,) = observations(readings, "f0" * 12)
    return one


def valid(resource: dict[str, Any]) -> dict[str, Any]:
    """The resource as it goes over the wire, once FHIR's own models have taken it."""
    text = json.dumps(resource)
    Observation.model_validate_json(text)
    return dict(json.loads(text))


@st.composite
def any_reading(draw: st.DrawFn) -> Reading:
    metric: Metric = draw(st.sampled_from(list(catalogue())))
    low, high = metric.possible
    value = st.floats(low, high, allow_nan=False)
    qualifier = st.sampled_from(Qualifier)
    if metric.codes:
        value, qualifier = st.integers(int(low), int(high)).map(float), st.just(Qualifier.EXACT)
    return reading(
        metric.name,
        draw(value),
        qualifier=int(draw(qualifier)),
        state=int(draw(st.sampled_from([State.OK, State.SUSPECT]))),
        time=draw(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))),  # noqa: DTZ001
    )


@given(any_reading())
def test_what_goes_out_is_valid_and_comes_in_again_to_the_last_digit(given: Reading) -> None:
    out = valid(only(given))
    read = decode("", json.dumps(out).encode(), 1.8e9, {}).records
    metric = catalogue().by_id[given.metric]
    assert [one.channel.metric for one in read] == [metric.name]
    assert read[0].value == given.value
    conversion = metric.conversion(read[0].channel.unit)
    assert conversion is not None
    assert conversion == (1.0, 0.0)
    assert round(read[0].time * 1e6) == round(given.time.timestamp() * 1e6)
    assert read[0].qualifier == given.qualifier
    assert read[0].suspect == (given.state == State.SUSPECT)


def test_vital_signs_have_the_codes_units_and_profile_of_fhir_itself() -> None:
    expected = {
        "pulse": ("8867-4", "/min"),
        "respiratory_rate": ("9279-1", "/min"),
        "spo2": ("2708-6", "%"),
        "temperature": ("8310-5", "Cel"),
        "weight": ("29463-7", "kg"),
        "body_height": ("8302-2", "cm"),
        "head_circumference": ("9843-4", "cm"),
        "body_mass_index": ("39156-5", "kg/m2"),
    }
    for name, (code, unit) in expected.items():
        one = only(reading(name, 30.0))
        assert one["code"]["coding"][0] | {"display": ""} == {
            "system": "http://loinc.org", "code": code, "display": "",
        }, name  # fmt: skip
        assert one["valueQuantity"]["code"] == unit
        assert one["category"][0]["coding"][0]["code"] == "vital-signs"
        assert one["meta"]["profile"][0].endswith("/vitalsigns")
    assert [one["code"] for one in only(reading("spo2", 90.0))["code"]["coding"]][:2] == [
        "2708-6", "59408-5",
    ]  # fmt: skip


def test_a_blood_pressure_is_one_observation_and_says_what_is_missing() -> None:
    both = valid(only(reading("systolic", 151.0), reading("diastolic", 80.5)))
    assert both["code"]["coding"][0]["code"] == "85354-9"
    assert [one["valueQuantity"]["value"] for one in both["component"]] == [151, 80.5]
    one = valid(only(reading("diastolic", 80.0)))
    assert [part.get("dataAbsentReason") is not None for part in one["component"]] == [True, False]
    three = [reading(name, 100.0) for name in PANEL_METRICS]
    assert len(only(*three)["component"]) == 3


def test_beyond_the_meter_suspect_and_struck_out_are_said() -> None:
    high = only(reading("glucose", 33.3, qualifier=1))
    assert high["valueQuantity"] == {
        "value": 33.3, "comparator": ">", "unit": "mmol/l",
        "system": "http://unitsofmeasure.org", "code": "mmol/L",
    }  # fmt: skip
    assert only(reading("glucose", 1.1, qualifier=-1))["valueQuantity"]["comparator"] == "<"
    suspect = valid(only(reading("pulse", 60.0, state=State.SUSPECT)))
    assert suspect["status"] == "unknown"
    assert suspect["note"]
    struck = valid(only(reading("pulse", 60.0, state=State.STRUCK_OUT)))
    assert struck["status"] == "entered-in-error"


def test_a_struck_out_half_of_a_blood_pressure_leaves_without_its_value() -> None:
    half = valid(
        only(reading("systolic", 300.0, state=State.STRUCK_OUT), reading("diastolic", 80.0))
    )
    assert half["status"] == "final"
    assert "valueQuantity" not in half["component"][0]
    assert half["component"][0]["dataAbsentReason"]["coding"][0]["code"] == "error"
    whole = only(reading("systolic", 300.0, state=State.STRUCK_OUT))
    assert whole["status"] == "entered-in-error"
    assert whole["component"][0]["valueQuantity"]["value"] == 300


def test_consciousness_and_events_have_answers_not_numbers() -> None:
    confused = only(reading("consciousness", 1.0))
    assert confused["valueCodeableConcept"]["coding"][0]["code"] == "130987000"
    assert only(reading("fall", 1.0))["valueBoolean"] is True
    assert only(reading("door", 0.0))["valueBoolean"] is False


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_written_so_that_it_reads_back(value: float) -> None:
    assert json.loads(json.dumps(decimal(value))) == value


def test_an_id_is_a_fhir_id_and_finds_its_key() -> None:
    key = Key(AT, 2**31 - 1, 116)
    assert len(key.id) <= 64
    assert key_of(key.id) == key
    before = Key(datetime(1969, 12, 31, tzinfo=UTC), 1, 1)
    assert key_of(before.id) is None  # nothing is measured then
    # 5, diastolic, is in the group of 4; 9999 is no metric; ids have one spelling only.
    for wrong in ("", "1", "1-2-x", "5-2-3", "9999-2-3", "01-2-3", "1-2-3-4", f"1-2-{10**30}"):
        assert key_of(wrong) is None, wrong


# Kanta


@cache
def kanta_examples() -> dict[str, list[dict[str, Any]]]:
    """Kanta's own Observations by profile."""
    found: dict[str, list[dict[str, Any]]] = {}
    for case in cases("kanta_phr"):
        told = json.loads(case["payload"])
        for profile in told.get("meta", {}).get("profile", ()):
            found.setdefault(profile.rpartition("fiphr-sd-")[2], []).append(told)
    return found


KANTA = [
    ("bloodpressure", [("systolic", 95.0), ("diastolic", 65.0)]),
    ("bloodglucose", [("glucose", 10.0)]),
    ("bodyweight", [("weight", 80.2)]),
    ("bodyheight", [("body_height", 182.0)]),
    ("stepstaken", [("steps", 6500.0)]),
]


@pytest.mark.parametrize(("profile", "values"), KANTA, ids=[one for one, _ in KANTA])
def test_kanta_gets_what_its_own_examples_have(
    profile: str, values: list[tuple[str, float]]
) -> None:
    readings = [reading(name, value) for name, value in values]
    (ours,) = kanta.rendered(readings, "f0" * 12, texts("fi"))
    valid(ours)
    examples = kanta_examples()[profile]
    always = set.intersection(*(set(one) for one in examples))
    assert always - {"id", "note"} <= set(ours)
    assert ours["meta"]["profile"][0] in examples[0]["meta"]["profile"]
    assert ours["code"]["coding"][0]["code"] in {
        one["code"] for example in examples for one in example["code"]["coding"]
    }
    assert ours["category"][0]["coding"][0]["code"] in {
        one["code"] for example in examples for one in example["category"][0]["coding"]
    }
    if "valueQuantity" in ours:
        units = {example.get("valueQuantity", {}).get("code") for example in examples}
        assert ours["valueQuantity"]["code"] in units
    assert {"language", "text", "identifier", "category", "performer"} <= set(ours)
    assert ours["identifier"][0]["value"].startswith("urn:uuid:")


def test_kanta_reads_it_in_the_language_asked_for_and_takes_no_doubtful_values() -> None:
    weight = reading("weight", 80.25)
    said = {language: next(kanta.rendered([weight], "p", texts(language)))
            for language in ("fi", "sv", "en")}  # fmt: skip
    assert [one["language"] for one in said.values()] == ["fi", "sv", "en"]
    assert "Paino: 80,2" in said["fi"]["text"]["div"].replace("\N{NO-BREAK SPACE}", " ")
    assert said["fi"]["valueQuantity"]["value"] == 80.25
    assert len({one["identifier"][0]["value"] for one in said.values()}) == 1
    doubtful = [
        reading("weight", 80.0, state=State.SUSPECT),
        reading("glucose", 5.0, state=State.STRUCK_OUT),
    ]
    assert list(kanta.rendered(doubtful, "p", texts("fi"))) == []
    Bundle.model_validate_json(json.dumps(kanta.batch(said.values())))
    Bundle.model_validate_json(json.dumps(kanta.batch([])))
