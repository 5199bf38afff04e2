"""FHIR R4: codes, units, times, qualifiers, what is unknown, and what is refused by name."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.catalogue import catalogue
from ingest.decoders import decode as decode_any
from ingest.decoders import fhir_codes
from ingest.decoders.fhir import decode
from ingest.decoders.fhir_observation import again
from ingest.decoders.fhir_time import seconds_of
from ingest.decoders.record import Decoded, DecodeError, Record, hidden
from ingest.judgement import is_call

ARRIVAL = 1_790_000_000.0
LOINC, SNOMED, MDC = "http://loinc.org", "http://snomed.info/sct", "urn:iso:std:iso:11073:10101"
UCUM = "http://unitsofmeasure.org"
ABSENT = {"coding": [{"system": SNOMED, "code": "2667000"}]}
YES = {"coding": [{"system": SNOMED, "code": "373066001"}]}


def concept(code: str | None = None, system: str = LOINC, text: str | None = None) -> Any:
    coding = [{"system": system, "code": code}] if code else []
    return {"coding": coding} | ({"text": text} if text else {})


def quantity(value: Any, code: str | None = None, **more: Any) -> dict[str, Any]:
    return {"value": value} | ({"system": UCUM, "code": code} if code else {}) | more


def observation(code: Any, **fields: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": code if isinstance(code, dict) else concept(code),
        "effectiveDateTime": "2026-03-01T08:00:00+02:00",
        "device": {"reference": "Device/cuff"},
    } | fields


def told(resource: Any, rest: str = "") -> Decoded:
    return decode(rest, json.dumps(resource).encode(), ARRIVAL, {})


def values(resource: Any) -> list[tuple[str, Any, Any]]:
    return [
        (one.channel.metric, one.value, one.channel.unit)
        for one in told(resource).records
        if one.value is not None
    ]


def only(resource: Any) -> Record:
    (record,) = told(resource).records
    return record


def refused(resource: Any) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        told(resource)
    assert str(caught.value).endswith(".")
    return caught.value


PRESSURE = observation(
    "85354-9",
    component=[
        {"code": concept("8480-6"), "valueQuantity": quantity(128, "mm[Hg]")},
        {"code": concept("8462-4"), "valueQuantity": quantity(79, "mm[Hg]")},
    ],
)


@pytest.mark.parametrize("panel", ["85354-9", "55284-4"])
def test_a_blood_pressure_is_its_components(panel: str) -> None:
    assert values(PRESSURE | {"code": concept(panel)}) == [
        ("systolic", 128.0, "mm[Hg]"),
        ("diastolic", 79.0, "mm[Hg]"),
    ]


def test_an_oximeter_with_the_oxygen_that_is_inhaled() -> None:
    resource = observation(
        concept("2708-6"),
        valueQuantity=quantity(91, "%"),
        component=[
            {"code": concept("3151-8"), "valueQuantity": quantity(6, "L/min")},
            {"code": concept("3150-6"), "valueQuantity": quantity(40, "%")},
        ],
    )
    assert values(resource) == [
        ("spo2", 91.0, "%"),
        ("oxygen_flow", 6.0, "L/min"),
        ("oxygen_concentration", 40.0, "%"),
    ]


@pytest.mark.parametrize(
    ("code", "given", "metric", "unit", "stored"),
    [
        (concept("8867-4"), quantity(72, "/min"), "pulse", "/min", 72),
        (concept("8867-4"), quantity(72, "{beats}/min"), "pulse", "{beats}/min", 72),
        (concept("8867-4"), quantity(72, "{Beats}/min"), "pulse", "/min", 72),
        (concept("8867-4"), quantity(72, unit="beats/minute"), "pulse", "/min", 72),
        (concept("8867-4"), quantity(72, unit="bpm"), "pulse", "/min", 72),
        (concept("9279-1"), quantity(14, unit="breaths/minute"), "respiratory_rate", "/min", 14),
        (concept("8310-5"), quantity(99.5, "[degF]"), "temperature", "[degF]", 37.5),
        (concept("8310-5"), quantity(37.5, unit="°C"), "temperature", "Cel", 37.5),
        (concept("8310-5"), quantity(37.5, unit="degrees C"), "temperature", "Cel", 37.5),
        (concept("59408-5"), quantity(96, "%{saturation}"), "spo2", "%", 96),
        (concept("150456", MDC), quantity(96, system=MDC, code="262688"), "spo2", "%", 96),
        (concept("29463-7"), quantity(185, "[lb_av]"), "weight", "[lb_av]", 83.91),
        (concept("29463-7"), quantity(83.9, unit="kg"), "weight", "kg", 83.9),
        (concept("27113001", SNOMED), quantity(83.9, "kg"), "weight", "kg", 83.9),
        (concept("2339-0"), quantity(99, "mg/dL"), "glucose", "mg/dL", 5.495),
        (concept("15074-8"), quantity(5.5, unit="mmol/l"), "glucose", "mmol/L", 5.5),
        (concept("152584", MDC), quantity(8, system=MDC, code="265201"), "peak_flow", "cL/s", 4.8),
    ],
)  # fmt: skip
def test_a_quantity_is_read_in_its_unit(
    code: Any, given: Any, metric: str, unit: str, stored: float
) -> None:
    ((name, value, read_in),) = values(observation(code, valueQuantity=given))
    assert (name, read_in) == (metric, unit)
    conversion = catalogue()[metric].conversion(unit)
    assert conversion is not None
    assert value * conversion.factor + conversion.offset == pytest.approx(stored, abs=0.01)


def test_the_code_of_a_unit_decides_not_what_people_read() -> None:
    given = quantity(99, "mg/dL", unit="mmol/l")
    assert values(observation("2339-0", valueQuantity=given)) == [("glucose", 99.0, "mg/dL")]


@pytest.mark.parametrize("given", [quantity(80), quantity(80, "cm"), quantity(80, unit="stones")])
def test_no_unit_is_made_up(given: Any) -> None:
    ((_, _, unit),) = values(observation("29463-7", valueQuantity=given))
    assert catalogue()["weight"].conversion(unit) is None


@pytest.mark.parametrize(
    ("sign", "qualifier"), [("<", -1), ("<=", -1), (">", 1), (">=", 1), (None, 0)]
)
def test_a_comparator_says_that_the_meter_shows_no_further(sign: Any, qualifier: int) -> None:
    given = quantity(33.3, "mmol/L") | ({"comparator": sign} if sign else {})
    assert only(observation("15074-8", valueQuantity=given)).qualifier == qualifier


def test_off_scale_is_also_said_by_the_interpretation() -> None:
    given = quantity(33.3, "mmol/L")
    high = observation("15074-8", valueQuantity=given, interpretation=[concept(">", "v3")])
    assert only(high).qualifier == 1
    given["comparator"] = "~"
    assert "comparator" in str(refused(observation("15074-8", valueQuantity=given)))


@pytest.mark.parametrize(
    "fields",
    [
        {"dataAbsentReason": concept("unknown", "dar")},
        {},
        {"valueQuantity": None},
        {"status": "registered"},
    ],
)
def test_what_is_absent_is_unknown_and_not_a_value(fields: Any) -> None:
    decoded = told(observation("8867-4", **fields))
    assert decoded.records == []
    assert decoded.nothing


@pytest.mark.parametrize(
    ("status", "says"), [("entered-in-error", "entered in error"), ("cancelled", "cancelled")]
)
def test_what_is_withdrawn_is_no_reading_and_says_so(status: str, says: str) -> None:
    assert says in str(refused(PRESSURE | {"status": status}))


@pytest.mark.parametrize("status", ["final", "preliminary", "amended", "corrected"])
def test_other_states_are_readings(status: str) -> None:
    assert [one.suspect for one in told(PRESSURE | {"status": status}).records] == [False, False]
    assert [one.suspect for one in told(PRESSURE | {"status": "unknown"}).records] == [True, True]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-03-01T08:00:00+02:00", 1_772_344_800.0),
        ("2026-03-01T06:00:00Z", 1_772_344_800.0),
        ("2026-03-01T06:00Z", 1_772_344_800.0),
        ("2026-03-01T06:00:00.125Z", 1_772_344_800.125),
        ("2026-03-01T06:00:00.1250000001Z", 1_772_344_800.1250000001),
        ("2026-03-01T08:00:00", 1_772_344_800.0),
        ("2026-03-01", 1_772_316_000.0),
        ("2026-07-01", 1_782_853_200.0),
        ("2026-06-30T23:59:60Z", 1_782_864_000.0),
        ("2026-03", None),
        ("2026", None),
        ("2026-02-30", None),
        ("2026-03-01T25:00:00Z", None),
        ("yesterday", None),
        (None, None),
        (5, None),
    ],
)
def test_times(text: Any, seconds: float | None) -> None:
    got = seconds_of(text)
    assert got == pytest.approx(seconds, abs=1e-5) if seconds is not None else got is None


@pytest.mark.parametrize(
    "fields",
    [
        {"effectiveInstant": "2026-03-01T06:00:00Z"},
        {"effectivePeriod": {"start": "2026-03-01T06:00:00Z", "end": "2026-03-02T06:00:00Z"}},
        {"effectivePeriod": {"end": "2026-03-01T06:00:00Z"}},
        {"effectiveTiming": {"event": ["2026-03-01T06:00:00Z"]}},
        {"effectiveTiming": {"repeat": {"boundsPeriod": {"start": "2026-03-01T06:00:00Z"}}}},
        {"issued": "2026-03-01T06:00:00Z"},
    ],
)
def test_every_way_to_say_when(fields: Any) -> None:
    resource = observation("8867-4", valueQuantity=quantity(72, "/min"))
    del resource["effectiveDateTime"]
    assert (only(resource | fields).time, only(resource | fields).dated) == (1_772_344_800.0, True)


def test_no_time_at_all_is_the_arrival_and_a_time_that_is_none_is_refused() -> None:
    resource = observation("8867-4", valueQuantity=quantity(72, "/min"))
    del resource["effectiveDateTime"]
    assert (only(resource).time, only(resource).dated) == (ARRIVAL, False)
    unknown = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason"}]}
    for vague in (
        {"effectiveDateTime": "2026-03"},
        {"effectiveTiming": {"event": ["2026-03-01", "2026-03-02"]}},
        {"_effectiveDateTime": unknown},
    ):
        assert "no moment" in str(refused(resource | vague))


@pytest.mark.parametrize("kind", ["searchset", "transaction", "batch", "collection", "message"])
def test_a_bundle(kind: str) -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": kind,
        "entry": [
            {"resource": {"resourceType": "Patient", "id": "p"}},
            {
                "fullUrl": "urn:uuid:1",
                "resource": {"resourceType": "Device", "identifier": [{"value": "SN-7"}]},
            },
            {"resource": PRESSURE | {"device": {"reference": "urn:uuid:1"}}},
            {"response": {"status": "201"}},
            {"request": {"method": "DELETE", "url": "Observation/1"}},
            {"resource": observation("9272-6", valueQuantity=quantity(9, "{score}"))},
        ],
    }
    records = told(bundle).records
    assert [(one.channel.device, one.value) for one in records[:2]] == [("SN-7", 128), ("SN-7", 79)]
    apgar = records[2]  # kept with the rejected, under its name and with what it was
    assert "9272-6" in apgar.channel.metric
    assert (apgar.value, apgar.channel.unit) == (9, "{score}")
    assert apgar.dated
    assert again(apgar, {}) is apgar


def beside(resource: Any) -> Record:
    """What is kept of an observation that stands in a bundle beside one that is read."""
    entries = [{"resource": one} for one in (PRESSURE, resource)]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    kept = told(bundle).records[-1]
    assert kept.original is not None
    assert catalogue().get(kept.channel.metric) is None
    return hidden(json.loads(json.dumps(kept.shown())))  # as it comes back from the database


def test_what_was_refused_is_read_again_when_its_code_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    note = [{"text": "Matti Meikäläinen"}]
    kept = beside(observation("9272-6", valueQuantity=quantity(9, "{score}"), note=note))
    assert "Matti" not in (kept.original or "")
    assert again(kept, {}) is kept
    monkeypatch.setitem(fhir_codes._MEANINGS, ("loinc", "9272-6"), "coma_score")
    read = again(kept, {})
    assert (read.channel.device, read.channel.metric) == ("Device/cuff", "coma_score")
    assert (read.value, read.original, read.dated) == (9.0, None, True)
    assert read.time == seconds_of("2026-03-01T08:00:00+02:00")
    metric = catalogue()["coma_score"]
    assert metric.conversion(read.channel.unit) is not None


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "entered-in-error"},
        {"status": "cancelled"},
        {"effectiveDateTime": "2026-03"},
    ],
)
def test_what_no_fix_can_change_shows_its_number_and_stays(fields: Any) -> None:
    kept = beside(observation("8867-4", valueQuantity=quantity(72, "/min")) | fields)
    assert (kept.value, kept.channel.unit, kept.original) == (72.0, "/min", "")
    assert again(kept, {}) is kept


def test_what_is_too_long_to_keep_is_still_listed_by_its_number() -> None:
    long = quantity(9, "{score}", extension=[{"url": "x" * 2_000}])
    kept = beside(observation("9272-6", valueQuantity=long))
    assert (kept.value, kept.original) == (9.0, "")


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({"valueString": "kitchen floor"}, "kitchen floor"),
        ({"valueCodeableConcept": {"text": "suspected"}}, "suspected"),
        ({"valueCodeableConcept": {"coding": [{"code": "X1"}]}}, None),
        ({"valueString": "unknown"}, None),
    ],
)
def test_an_event_of_which_something_is_said_is_on_in_doubt(given: Any, value: Any) -> None:
    if value is None:
        refused(observation(concept("8519681", MDC), **given))
    else:
        record = only(observation(concept("8519681", MDC), **given))
        assert (record.channel.metric, record.value) == ("fall", value)
        assert is_call(record.value)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"valueCodeableConcept": concept("LA9340-6")}, 0),
        ({"valueCodeableConcept": concept("130987000", SNOMED)}, 1),
        ({"valueCodeableConcept": concept(text="Responds to voice")}, 2),
        ({"valueCodeableConcept": concept("P", "acvpu")}, 3),
        ({"valueString": "Unresponsive"}, 4),
        ({"valueInteger": 1}, 1),
    ],
)
def test_consciousness(given: Any, code: int) -> None:
    assert values(observation("67775-7", **given)) == [("consciousness", float(code), None)]


@pytest.mark.parametrize("text", ["Not alert", "alert or voice", "Agitated"])
def test_an_unclear_consciousness_is_refused(text: str) -> None:
    refused(observation("67775-7", valueCodeableConcept=concept(text=text)))


@pytest.mark.parametrize(
    ("code", "fields", "expected"),
    [
        (concept("8519681", MDC), {"valueBoolean": True}, ("fall", 1.0)),
        (concept("8519683", MDC), {"valueBoolean": False}, ("smoke", 0.0)),
        (concept("217082002", SNOMED), {}, ("fall", 1.0)),
        (concept("1912002", SNOMED), {"valueCodeableConcept": ABSENT}, ("fall", 0.0)),
        (concept("x", "app", "Fall detected"), {"valueBoolean": True}, ("fall", 1.0)),
        (concept(text="SOS button"), {"valueString": "pressed"}, ("help", 1.0)),
        (concept(text="Smoke alarm"), {"valueCodeableConcept": YES}, ("smoke", 1.0)),
    ],
)  # fmt: skip
def test_life_safety_is_never_missed(code: Any, fields: Any, expected: tuple[str, float]) -> None:
    for when in ({}, {"effectiveDateTime": "2026"}):
        record = only(observation(code, **fields) | when)
        assert (record.channel.metric, record.value) == expected


@pytest.mark.parametrize(
    "text",
    ["Second hand smoke exposure", "Tobacco smoking status", "History of falls", "Fall risk",
     "Help needed with bathing", "Fall detection enabled", "CO test"],
)  # fmt: skip
def test_life_safety_is_never_invented(text: str) -> None:
    refused(observation(concept("x", "app", text), valueBoolean=True))
    assert values(observation(concept("217082002", SNOMED), dataAbsentReason=concept("x"))) == []


@pytest.mark.parametrize(
    ("resource", "says"),
    [
        (observation("9272-6", valueQuantity=quantity(9, "{score}")), "9272-6"),
        (observation("8867-4", valueSampledData={"data": "1 2 3"}), "SampledData"),
        (observation("8867-4", valueString="high"), "String"),
        (observation("8867-4", valueQuantity=quantity("many", "/min")), "Quantity"),
        (observation(concept(), valueInteger=1), "without a code"),
        ({"resourceType": "MedicationAdministration"}, "MedicationAdministration"),
        ({"resourceType": "Bundle", "type": "history", "entry": []}, "history"),
        ({"resourceType": "Bundle", "entry": 5}, "list"),
        ({"header": {}, "body": {"body_weight": {"value": 1}}}, "Open mHealth"),
        ({"a": 1}, "resourceType"),
        ([1], "no JSON object"),
    ],
)
def test_what_is_refused_is_refused_by_name(resource: Any, says: str) -> None:
    assert says in str(refused(resource))


@pytest.mark.parametrize(
    "payload",
    [
        b"<Observation/>",
        b"{" * 100_000,
        b'{"resourceType":"Observation","resourceType":"Observation"}',
        b'{"resourceType":"Observation","code":{"coding":[{"system":"http://loinc.org","code":'
        b'"8867-4"}]},"valueQuantity":{"value":1' + b"0" * 400 + b',"code":"/min"}}',
        json.dumps(observation("8867-4", valueQuantity=quantity(0, "/min")))
        .replace('"value": 0', '"value": NaN').encode(),
        b"\xff",
    ],
)  # fmt: skip
def test_hostile_payloads_are_refused(payload: bytes) -> None:
    with pytest.raises(DecodeError):
        decode("", payload, ARRIVAL, {})


def test_a_value_keeps_its_precision() -> None:
    resource = observation("8302-2", valueQuantity=quantity(66.89999999999999, "[in_i]"))
    assert values(resource) == [("body_height", 66.89999999999999, "[in_i]")]


def test_a_bundle_of_months_is_read_and_longer_is_not() -> None:
    entry = {"resource": observation("15074-8", valueQuantity=quantity(5.5, "mmol/L"))}
    payload = json.dumps({"resourceType": "Bundle", "entry": [entry] * 5_000}).encode()
    assert len(decode_any("fhir", "", payload + b" " * 1_100_000, ARRIVAL, {}).records) == 5_000
    with pytest.raises(DecodeError, match="bytes long"):
        decode_any("fhir", "", payload + b" " * 4_000_000, ARRIVAL, {})


fields = st.sampled_from(
    ["resourceType", "status", "code", "coding", "system", "valueQuantity", "value", "unit",
     "component", "device", "reference", "subject", "entry", "resource", "effectiveDateTime",
     "effectivePeriod", "start", "interpretation", "comparator", "contained", "identifier",
     "valueCodeableConcept", "text", "dataAbsentReason", "display", "hasMember"]
)  # fmt: skip
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
    | st.sampled_from(["Observation", "Bundle", "8867-4", LOINC, "/min", "2026-01-01", "#x", "<"])
)  # fmt: skip


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        fields,
        st.recursive(
            leaves,
            lambda one: st.lists(one, max_size=3) | st.dictionaries(fields, one, max_size=4),
            max_leaves=15,
        ),
        max_size=6,
    ),
    st.booleans(),
)
def test_nothing_but_a_decode_error_escapes(resource: dict[str, Any], typed: bool) -> None:
    if typed:
        resource = observation("8867-4") | resource | {"resourceType": "Observation"}
    with contextlib.suppress(DecodeError):
        told(resource)
