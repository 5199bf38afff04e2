"""Nothing that a person reads may be missing in Finnish, Swedish or English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import get_args

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import web.words
from alerts import finding
from alerts.rules import rule
from alerts.rules.shipped import FORMS, shipped_rules
from alerts.silence.silence import PORTABLE
from alerts.subjects import at_risk
from core import record, registry
from core.catalogue import catalogue
from gateway_sim.faulty import KIND_OF
from web.i18n import FOLDER, LANGUAGES, Language, as_language, catalogue_of, preferred, texts
from web.script_words import SCRIPT
from web.steward import wording
from web.steward.filling import changeable
from web.words import CARE_LIMITS, CODES, DEVICES, KINDS, METRICS, NEWS2, UNITS

ROOT = Path(web.words.__file__).parent
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}")


Message = str | tuple[str, ...]


@cache
def used() -> frozenset[Message]:
    """Every text that code and templates ask for."""
    found = extract_from_dir(
        ROOT,
        method_map=[("**.py", "python"), ("templates/**.html", "jinja2")],
        keywords={"gettext": None, "ngettext": (1, 2), "mark": None, "_": None},
    )
    return frozenset(message for _, _, message, _, _ in found)


def strings(language: Language) -> Iterator[tuple[Message, tuple[str, ...]]]:
    for message in catalogue_of(language):
        if message.id:
            one = message.string or ""
            key = message.id if isinstance(message.id, str) else tuple(message.id)
            yield key, (one,) if isinstance(one, str) else tuple(one)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated_and_none_is_left_over(language: Language) -> None:
    given = {identifier: forms for identifier, forms in strings(language) if all(forms)}
    assert used() - given.keys() == frozenset()
    assert given.keys() - used() == frozenset()
    for path in (FOLDER / language).glob("*.po"):
        with path.open("rb") as file:
            assert not read_po(file).obsolete


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_survive_translation(language: Language) -> None:
    for identifier, forms in strings(language):
        expected = identifier if isinstance(identifier, str) else identifier[1]
        for form in forms:
            assert set(PLACEHOLDER.findall(form)) == set(PLACEHOLDER.findall(expected)), form


def test_every_metric_code_and_unit_has_a_name() -> None:
    assert {metric.name for metric in catalogue()} == METRICS.keys()
    assert {code for metric in catalogue() for code in metric.codes} == CODES.keys()
    assert {metric.unit for metric in catalogue()} == UNITS.keys()


def test_every_kind_of_episode_has_a_name() -> None:
    assert KINDS.keys() == set(finding.KINDS)


def test_everything_that_a_plan_may_hold_has_a_name() -> None:
    assert frozenset(record.CONDITIONS) == wording.KNOWN_CONDITIONS.keys()
    assert set(get_args(record.Medicine)) == wording.MEDICINES.keys()
    assert set(get_args(record.CareLimit)) == CARE_LIMITS.keys()
    assert set(get_args(registry.Role)) == wording.ROLES.keys()
    assert {name for name, _ in changeable(shipped_rules())} <= wording.RULES.keys()


def test_everything_of_a_rule_has_a_name() -> None:
    assert FORMS.keys() == wording.RULES.keys()
    limits = {limit for form in FORMS.values() for limit in (*form.limits, *form.crossed)}
    assert limits == wording.LIMITS.keys()
    assert set(get_args(rule.Use)) == wording.USES.keys()
    assert set(get_args(rule.ChangedBy)) == wording.CHANGED_BY.keys()


def test_the_chart_is_named_in_its_order() -> None:
    from models.news2 import PARAMETERS

    assert tuple(NEWS2) == PARAMETERS


def test_every_kind_of_device_that_rules_or_the_simulator_know_has_a_word() -> None:
    made = set(KIND_OF.values())
    assert made > {"wearable", "leak"}
    assert made | PORTABLE | set(at_risk.DEVICES) <= DEVICES.keys()


def test_scripts_ask_only_for_words_they_are_given() -> None:
    asked = set()
    for script in (ROOT / "static" / "js").glob("*.js"):
        asked |= set(re.findall(r'say\(\s*"(\w+)"', script.read_text()))
    assert asked <= SCRIPT.keys()


def test_numbers_and_lengths_in_each_language() -> None:
    length = timedelta(hours=26, minutes=5)
    assert texts("fi").number(5.8e249, 1) == "5.8e+249"
    assert [texts(language).number(37.4, 1) for language in LANGUAGES] == ["37,4", "37,4", "37.4"]
    assert [texts(language).duration(length) for language in LANGUAGES] == [
        "1 vrk 2 t",
        "1 d 2 h",
        "1 d 2 h",
    ]
    assert texts("fi").duration(timedelta(minutes=-1)) == "0 min"


def test_times_are_written_as_each_language_writes_them() -> None:
    at = datetime(2026, 1, 1, 5, 5, tzinfo=UTC)
    assert [texts(language).time(at) for language in LANGUAGES] == ["7.05", "7.05", "07:05"]
    assert [texts(language).date_time(at) for language in LANGUAGES] == [
        "to 1.1. klo 7.05",
        "tors 1.1. kl. 7.05",
        "Thu 1 Jan 07:05",
    ]


def test_times_are_the_countys_on_both_nights_of_the_clock_change() -> None:
    finnish = texts("fi")
    before = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert finnish.time(before) == finnish.time(before + timedelta(hours=1)) == "3.30"
    spring = datetime(2026, 3, 29, 0, 59, tzinfo=UTC)
    assert [finnish.time(spring + timedelta(minutes=m)) for m in (0, 1)] == ["2.59", "4.00"]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "fi"),
        ("sv-FI,sv;q=0.9,fi;q=0.8", "sv"),
        ("de,en-GB;q=0.7", "en"),
        ("en;q=0.2,fi;q=0.9", "fi"),
        ("sv;q=nonsense", "fi"),
        ("de", "fi"),
    ],
)
def test_the_browsers_language_before_the_login(header: str, expected: Language) -> None:
    assert preferred(header) == expected


def test_only_our_languages() -> None:
    assert as_language("se") is None
    assert as_language(None) is None
