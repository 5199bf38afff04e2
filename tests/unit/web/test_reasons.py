"""Reasons of a home-day's score are said in every language."""

from __future__ import annotations

import pytest

from models.home_days import MEASURES
from models.reasons import Reason
from web.i18n import LANGUAGES, Language, texts
from web.reasons import REASONS, reason_text


def test_every_reason_has_its_words() -> None:
    ways = ("raises", "lowers", "unknown")
    assert set(REASONS) == {f"{measure}_{way}" for measure in MEASURES for way in ways}


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("fi", "Paljon siirtymisiä huoneesta toiseen: 172, klo 8–13 (täällä tavallisesti 103)"),
        ("sv", "Många förflyttningar mellan rummen: 172, kl. 8–13 (vanligen här: 103)"),
        ("en", "Many moves between rooms: 172, 8–13 (usual here: 103)"),
    ],
)
def test_what_when_and_what_is_usual(language: Language, expected: str) -> None:
    reason = Reason("moves_raises", 8, 13, 172.0, 103.1, 3.4)
    assert reason_text(reason, texts(language)) == expected


@pytest.mark.parametrize(
    ("first", "end", "expected"),
    [(-5, -1, "19–23 the evening before"), (-5, 0, "19–24 the"), (-5, 1, "19–1, from the evening")],
)
def test_the_evening_before_is_named(first: int, end: int, expected: str) -> None:
    said = reason_text(Reason("moves_lowers", first, end, 3.0, None, -0.5), texts("en"))
    assert expected in said
    assert "usual" not in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_unknown_is_said_to_be_unknown(language: Language) -> None:
    said = reason_text(Reason("hallway_unknown", 8, 13, None, None, 0.2), texts(language))
    assert "8–13" in said
    assert "None" not in said
