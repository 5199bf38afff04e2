"""A call to 112, prepared: what a person reads aloud. Saimi calls nobody. Pure.

The order is ISBAR's (identify, situation, background, assessment, recommendation); address and
municipality come with the first, because the emergency response centre asks for them first.
Coordinates are those of the registered home, WGS84, in degrees and minutes with three decimals
(some 2 m), which is how they are read aloud.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from alerts.routing.travel import Place

NUMBER = "112"
_WORDS = Path(__file__).with_name("emergency_call.toml")
LANGUAGES = ("fi", "sv", "en")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody the call may be about."""

    name: str
    age: int
    conditions: tuple[str, ...] = ()
    """As registered."""
    oxygen_prescribed: bool | None = None
    limits_of_care: str = ""


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known, whatever language it is told in."""

    caller: str
    people: tuple[Person, ...]
    address: str
    municipality: str
    place: Place | None
    access: str
    """How to get in; only told where `access_allowed`."""
    access_allowed: bool
    """Whether rescuers must get in: a life-safety event, or an emergency."""
    reached: bool
    """Whether contact with a person there is on record."""
    coming: str | None = None
    """Who has acknowledged it."""
    coming_in: int | None = None
    """Minutes; None: not known."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What depends on the language and is worded elsewhere."""

    happened: str
    """The alert's sentence."""
    time: str
    """When it came, county time."""
    urgency: str
    measured: tuple[str, ...]
    """Each value with its metric and age."""


def emergency_call(situation: Situation, wordings: Mapping[str, Wording]) -> dict[str, Any]:
    """The prepared call.

    Returns:
        {"number", "where": {"address", "municipality", "latitude", "longitude", "access"},
        "script": {language: [{"part", "title", "text"}, …]}}; what is not known is null, and so is
        `access` where it is not to be told. One script for each language of `wordings`.
    """
    place = situation.place
    return {
        "number": NUMBER,
        "where": {
            "address": situation.address or None,
            "municipality": situation.municipality or None,
            "latitude": place.latitude if place else None,
            "longitude": place.longitude if place else None,
            "access": _access(situation) or None,
        },
        "script": {
            language: _script(situation, wording, _words()[language])
            for language, wording in wordings.items()
        },
    }


@cache
def _words() -> dict[str, dict[str, str]]:
    return tomllib.loads(_WORDS.read_text(encoding="utf-8"))


def _access(situation: Situation) -> str:
    return situation.access if situation.access_allowed else ""


def _script(
    situation: Situation, wording: Wording, words: Mapping[str, str]
) -> list[dict[str, str]]:
    parts = {
        "identify": _identify(situation, words),
        "situation": [
            words["happened"].format(happened=wording.happened, time=wording.time),
            words["reached" if situation.reached else "not_reached"],
        ],
        "background": _background(situation.people, words),
        "assessment": [
            words["measured"].format(values=words["listed"].join(wording.measured))
            if wording.measured
            else words["not_measured"],
            words["urgency"].format(urgency=wording.urgency),
        ],
        "recommendation": _recommendation(situation, words),
    }
    return [
        {"part": part, "title": words[part], "text": " ".join(sentences)}
        for part, sentences in parts.items()
    ]


def _identify(situation: Situation, words: Mapping[str, str]) -> list[str]:
    names = [
        f"{person.name}, {words['years'].format(age=person.age)}" for person in situation.people
    ]
    who = words["and"].join(names) or words["nobody_known"]
    known = situation.address and situation.municipality
    where = words["address" if known else "no_address"]
    return [
        words["caller"].format(caller=situation.caller, who=who),
        where.format(address=situation.address, municipality=situation.municipality),
    ]


def _background(people: Sequence[Person], words: Mapping[str, str]) -> list[str]:
    sentences = []
    for person in people:
        told = [
            words["conditions"].format(conditions=words["listed"].join(person.conditions))
            if person.conditions
            else words["no_conditions"]
        ]
        if person.oxygen_prescribed:
            told.append(words["oxygen"])
        if person.limits_of_care:
            told.append(words["limits"].format(limits=person.limits_of_care.rstrip(".")))
        if len(people) > 1:
            told[0] = f"{person.name}: {told[0]}"
        sentences += told
    return sentences or [words["no_conditions"]]


def _recommendation(situation: Situation, words: Mapping[str, str]) -> list[str]:
    sentences = [words["please"]] if situation.address else []
    if situation.place is not None and min(situation.place) >= 0:  # "north" and "east" are said.
        north, north_minutes = _degrees(situation.place.latitude, words["decimal"])
        east, east_minutes = _degrees(situation.place.longitude, words["decimal"])
        sentences.append(
            words["coordinates"].format(
                north=north, north_minutes=north_minutes, east=east, east_minutes=east_minutes
            )
        )
    if access := _access(situation):
        sentences.append(words["access"].format(access=access.rstrip(".")))
    if situation.coming is not None:
        which = "coming" if situation.coming_in is None else "coming_in"
        sentences.append(words[which].format(name=situation.coming, minutes=situation.coming_in))
    return [*sentences, words["stay"]]


def _degrees(value: float, decimal: str) -> tuple[int, str]:
    """Whole degrees, and minutes to three decimals; rounded once, so that 60 never appears."""
    thousandths = round(value * 60_000)
    degrees, rest = divmod(thousandths, 60_000)
    return degrees, f"{rest // 1000}{decimal}{rest % 1000:03d}"
