"""Search parameters, scopes and cursors: what is meant is understood, all else is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalogue import catalogue
from web.fhir import bundle, search
from web.fhir.observation import Key
from web.fhir.outcome import FhirError
from web.fhir.scopes import Grant, parse

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
KNOWN = frozenset(("patient", "subject", "code", "combo-code", "category", "date", "_sort"))


def given_of(*pairs: tuple[str, str], lenient: bool = False) -> search.Given:
    return search.read(pairs, KNOWN, lenient=lenient)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("2026-03-03", "2026-03-02T22:00", "2026-03-03T22:00"),  # a day of the county's
        ("ge2026-03-03", "2026-03-02T22:00", None),
        ("gt2026-03-03", "2026-03-03T22:00", None),
        ("sa2026-03-03", "2026-03-03T22:00", None),
        ("lt2026-03-03", None, "2026-03-02T22:00"),
        ("eb2026-03-03", None, "2026-03-02T22:00"),
        ("le2026-03-03", None, "2026-03-03T22:00"),
        ("2026-03", "2026-02-28T22:00", "2026-03-31T21:00"),  # summer time begins in it
        ("2026", "2025-12-31T22:00", "2026-12-31T22:00"),
        ("2026-03-03T12:00", "2026-03-03T10:00", "2026-03-03T10:01"),
        ("2026-03-03T12:00:05Z", "2026-03-03T12:00:05", "2026-03-03T12:00:06"),
        ("2026-03-03T12:00:05 02:00", "2026-03-03T10:00:05", "2026-03-03T10:00:06"),
        ("ge2026-03-03T12:00:05.25Z", "2026-03-03T12:00:05.250000", None),
    ],
)
def test_a_date_is_the_time_that_it_means(text: str, since: str | None, until: str | None) -> None:
    found = search.span(text)
    assert found.since == (utc(since) if since else None)
    assert found.until == (utc(until) if until else None)


def test_two_dates_are_a_range() -> None:
    found = search.dates(given_of(("date", "ge2026-01-01"), ("date", "lt2026-02-01")), NOW)
    assert found == search.Span(utc("2025-12-31T22:00"), utc("2026-01-31T22:00"))


@pytest.mark.parametrize(
    ("dates", "said"),
    [
        (["ge2026-02-01", "lt2026-01-01"], "before it begins"),
        (["ge1926-01-01", "lt2026-01-01"], "ten years"),
        (["ge1926-01-01"], "ten years"),
        (["ge0001-01-01"], "no moment"),
        (["2026-02-30"], "no moment"),
        (["ne2026-02-01"], "not offered"),
        (["ap2026-02-01"], "not offered"),
        (["last week"], "is no date"),
        (["2026-01-01T10"], "is no date"),
        (["2026-01-01T10:00+99:99"], "no moment"),
        (["9" * 500], "is no date"),
    ],
)
def test_a_range_that_cannot_be_is_refused_with_a_reason(dates: list[str], said: str) -> None:
    with pytest.raises(FhirError, match=said):
        search.dates(given_of(*(("date", one) for one in dates)), NOW)


def test_codes_find_metrics_and_a_component_finds_its_panel() -> None:
    def names(*pairs: tuple[str, str]) -> set[str]:
        found = search.metrics(given_of(*pairs))
        assert found is not None
        return {catalogue().by_id[one].name for one in found}

    assert search.metrics(given_of()) is None
    assert names(("code", "http://loinc.org|8867-4")) == {"pulse"}
    assert names(("code", "8867-4,9279-1")) == {"pulse", "respiratory_rate"}
    assert names(("code", "59408-5")) == names(("code", "2708-6")) == {"spo2"}
    panel = {"systolic", "diastolic", "mean_arterial_pressure"}
    assert names(("code", "85354-9")) == names(("combo-code", "8480-6")) == panel
    assert names(("code", "urn:saimi:metric|motion")) == {"motion"}
    assert names(("category", "vital-signs"), ("code", "8867-4,55423-8")) == {"pulse"}
    assert "weight" in names(("category", "vital-signs"))


@pytest.mark.parametrize(
    "pairs",
    [
        [("code", "12345-6")],
        [("code", "http://snomed.info/sct|8867-4")],
        [("code", "8867-4,nonsense")],
        [("category", "laboratory")],
        [("code", ",")],
        [("code", ",".join(["8867-4"] * 51))],
        [("code", "")],
        [("colour", "red")],
        [("_count", "0")], [("_count", "-1")], [("_count", "many")], [("_count", "9" * 30)],
        [("_sort", "code")],
        [("patient", "a"), ("patient", "b")],
        [("patient", "Practitioner/1")], [("patient", "https://elsewhere/Patient/1")],
        [],
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused_and_never_passed_over(
    pairs: list[tuple[str, str]],
) -> None:
    pairs = pairs if not pairs or pairs[0][0] == "patient" else [("patient", "a"), *pairs]
    with pytest.raises(FhirError):
        read_all(pairs)


def read_all(pairs: list[tuple[str, str]]) -> None:
    given = given_of(*pairs)
    search.patient(given)
    search.metrics(given)
    search.dates(given, NOW)
    search.count(given)
    search.descending(given)
    bundle.key_behind(given.one("_cursor"))


def test_only_who_asks_for_leniency_gets_it() -> None:
    assert given_of(("colour", "red"), lenient=True).ignored == ("colour",)
    assert search.is_lenient(["respond-async, handling=lenient"])
    assert not search.is_lenient(["handling=strict"])
    assert not search.is_lenient([])


_VALUE = st.one_of(
    st.text(max_size=40),
    st.from_regex(
        r"(ge|lt|gt|eq|ap|)[0-9]{1,4}(-[0-9]{1,2}){0,2}(T[0-9:]{0,9})?[Z+-]?", fullmatch=True
    ),
    st.sampled_from(["8867-4", "85354-9,|", "||", "http://loinc.org|", "vital-signs", "-date"]),
)


@given(st.lists(st.tuples(st.sampled_from(sorted(KNOWN | {"_count", "_cursor", "x"})), _VALUE),
                max_size=5), st.booleans())  # fmt: skip
def test_any_parameters_are_understood_or_refused_in_a_sentence(
    pairs: list[tuple[str, str]], lenient: bool
) -> None:
    refusals: list[str] = []

    def attempt(read: Callable[[], object]) -> object:
        try:
            return read()
        except FhirError as error:
            refusals.append(str(error))
            return None

    given = attempt(lambda: search.read(pairs, KNOWN, lenient=lenient))
    if isinstance(given, search.Given):
        attempt(lambda: search.patient(given))
        attempt(lambda: search.metrics(given))
        attempt(lambda: search.dates(given, NOW))
        attempt(lambda: search.count(given))
        attempt(lambda: search.descending(given))
        attempt(lambda: bundle.key_behind(given.one("_cursor")))
        attempt(lambda: bundle.parts_of(given.one("_cursor"), int))
    assert all(one.endswith(".") and len(one) < 600 for one in refusals), refusals


def test_a_cursor_comes_back_as_it_was() -> None:
    key = Key(NOW + timedelta(microseconds=3), 12, 4)
    assert bundle.key_behind(bundle.key_cursor(key)) == key
    for wrong in ("", "x", "AAAA", bundle.cursor(1), bundle.cursor("now", 1, 2),
                  bundle.cursor(NOW.isoformat(), -1, 2), bundle.cursor(NOW.isoformat(), True, 2),
                  bundle.cursor(NOW.isoformat(), 1, 2**40)):  # fmt: skip
        with pytest.raises(FhirError):
            bundle.key_behind(wrong)


def test_scopes_of_both_versions_only_take_away() -> None:
    def grant(scopes: str, patient: str | None = None) -> Grant:
        return Grant(parse(scopes), patient)

    assert grant("user/*.read").allows("Observation", "s")
    assert not grant("user/*.read").allows("Observation", "c")
    assert grant("user/Observation.rs").allows("Observation", "r")
    assert not grant("user/Observation.rs").allows("Patient", "r")
    assert not grant("user/Observation.r").allows("Observation", "s")
    assert grant("system/Observation.c").allows("Observation", "c")
    assert grant("system/Observation.write").allows("Observation", "c")
    assert not grant("patient/*.read").allows("Observation", "r")  # whose is not said
    own = grant("patient/*.read", "abc")
    assert own.only("Observation", "r") == "abc"
    assert grant("patient/*.read user/*.read", "abc").only("Observation", "r") is None
    for nothing in ("", "openid profile", "user/*.", "user/*", "admin/*.read", "user/*.readwrite"):
        assert not grant(nothing).allows("Observation", "r")
    assert grant("saimi/identity").identity
    assert not own.identity
