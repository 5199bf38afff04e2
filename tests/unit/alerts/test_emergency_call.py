"""The prepared call: what is known is said once, in three languages; what is not known is not."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import alerts.routing.emergency_call
from alerts.routing.emergency_call import LANGUAGES, Person, Situation, Wording, emergency_call
from alerts.routing.travel import Place

WORDS = tomllib.loads(
    Path(alerts.routing.emergency_call.__file__).with_suffix(".toml").read_text(encoding="utf-8")
)
AINO = Person("Aino Ahola", 85, ("COPD", "atrial fibrillation"), True, "Ei elvytystä.")
CALL = Situation(
    caller="Nina Nurse",
    people=(AINO,),
    address="Koskenparras 1",
    municipality="Imatra",
    place=Place(61.1719, 28.7724),
    access="Key box by the door.",
    access_allowed=True,
    reached=False,
    coming="Matti Mate",
    coming_in=12,
)
WORDING = Wording("NEWS2 is 9: high risk.", "14:02", "Emergency", ("SpO2 84 % (14:00)",))


def script(situation: Situation, language: str = "en", wording: Wording = WORDING) -> list[Any]:
    made: list[Any] = emergency_call(situation, {language: wording})["script"][language]
    return made


def text(situation: Situation, language: str = "en", wording: Wording = WORDING) -> str:
    return " ".join(part["text"] for part in script(situation, language, wording))


def test_it_is_read_in_the_order_of_isbar_with_the_address_first() -> None:
    parts = script(CALL)
    assert [(part["part"], part["text"]) for part in parts] == [
        (
            "identify",
            (
                "This is Nina Nurse from the county's home care. I am calling for a client: "
                "Aino Ahola, 85 years old. The address is Koskenparras 1, municipality Imatra."
            ),
        ),
        (
            "situation",
            "NEWS2 is 9: high risk. The alert came at 14:02. The person has not been reached.",
        ),
        (
            "background",
            (
                "Conditions: COPD, atrial fibrillation. They have oxygen prescribed. "
                "Agreed limits of care: Ei elvytystä."
            ),
        ),
        (
            "assessment",
            (
                "Measured at home: SpO2 84 % (14:00). The system ranks the alert as: Emergency. "
                "That is no diagnosis."
            ),
        ),
        (
            "recommendation",
            (
                "I ask for help to this address. Coordinates, WGS84: 61 degrees 10.314 minutes "
                "north, 28 degrees 46.344 minutes east. How to get in: Key box by the door. "
                "Matti Mate is on the way there, in about 12 minutes. I stay on the line."
            ),
        ),
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_known_is_said_in_every_language(language: str) -> None:
    said = text(CALL, language)
    for part in (
        "Nina Nurse", "Aino Ahola", "85", "Koskenparras 1", "Imatra", "COPD", "Key box",
        "Matti Mate", "12", "61", "28", "14:02", "WGS84", "NEWS2",
    ):  # fmt: skip
        assert part in said, part
    assert "{" not in said
    assert ("10.314" if language == "en" else "10,314") in said


def test_the_key_is_told_only_where_rescuers_must_get_in() -> None:
    closed = replace(CALL, access_allowed=False)
    assert "Key box" not in text(closed)
    assert emergency_call(closed, {})["where"]["access"] is None
    assert emergency_call(CALL, {})["where"]["access"] == "Key box by the door."


def test_what_is_not_known_is_said_to_be_so_or_left_out() -> None:
    nobody = Situation("Nina Nurse", (), "", "", None, "", True, reached=False)
    said = text(nobody, wording=replace(WORDING, measured=()))
    assert "I do not know who it is" in said
    assert "The address is not known." in said
    assert "There are no measurements." in said
    assert "No conditions are on record." in said
    for absent in ("Coordinates", "How to get in", "on the way", "None", "help to this address"):
        assert absent not in said
    assert emergency_call(nobody, {})["where"] == {
        "address": None, "municipality": None, "latitude": None, "longitude": None, "access": None,
    }  # fmt: skip


def test_who_was_reached_who_comes_and_when_is_said_as_it_is() -> None:
    assert "A person there has been reached." in text(replace(CALL, reached=True))
    assert "Matti Mate is on the way there." in text(replace(CALL, coming_in=None))
    assert "on the way" not in text(replace(CALL, coming=None))


def test_of_two_who_live_there_both_are_told_apart() -> None:
    said = text(replace(CALL, people=(AINO, Person("Urho Ahola", 88))))
    assert "Aino Ahola, 85 years old and Urho Ahola, 88 years old" in said
    assert "Urho Ahola: No conditions are on record." in said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (61.0, "61 degrees 0.000"),
        (61.9999999, "62 degrees 0.000"),  # never 60 minutes
        (61.5, "61 degrees 30.000"),
        (61.00002, "61 degrees 0.001"),
    ],
)
def test_coordinates_are_rounded_once(value: float, said: str) -> None:
    assert said in text(replace(CALL, place=Place(value, 28.0)))


def test_the_languages_say_the_same() -> None:
    assert WORDS.keys() == set(LANGUAGES)
    for words in WORDS.values():
        assert words.keys() == WORDS["fi"].keys()
        for key, sentence in words.items():
            assert set(re.findall(r"{\w+}", sentence)) == set(
                re.findall(r"{\w+}", WORDS["fi"][key])
            ), key
