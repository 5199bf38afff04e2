"""Who is at risk while nobody can be heard."""

from __future__ import annotations

import pytest

from alerts.subjects.at_risk import MOST, NEEDS, AtRisk, is_vital, needs_of, params
from web.words import NEEDS as WORDS


@pytest.mark.parametrize(
    ("oxygen", "conditions", "devices", "needs"),
    [
        (True, [], [], ("oxygen",)),
        (False, ["Oxygen concentrator"], ["Button"], ("oxygen", "help_button")),
        (None, ["COPD"], ["wearable"], ()),
        (None, ["insulin pump"], ["dispenser"], ("insulin_pump", "dispenser")),
        (None, ["home ventilator"], [], ("ventilator",)),
    ],
)
def test_needs_are_told_from_the_registry(
    oxygen: bool | None, conditions: list[str], devices: list[str], needs: tuple[str, ...]
) -> None:
    assert needs_of(oxygen=oxygen, conditions=conditions, devices=devices) == needs


def test_the_gravest_come_first_and_all_are_counted() -> None:
    said = params([AtRisk(5, ("help_button",)), AtRisk(9, ("oxygen", "help_button"))])
    assert said == {
        "at_risk": [
            {"subject": 9, "needs": ["oxygen", "help_button"]},
            {"subject": 5, "needs": ["help_button"]},
        ],
        "needs": {"oxygen": 1, "help_button": 2},
    }
    assert is_vital(said)
    assert not is_vital(params([AtRisk(5, ("help_button",))]))


def test_the_list_is_bounded_and_the_counts_are_not() -> None:
    said = params(AtRisk(number, ("help_button",)) for number in range(MOST + 10))
    assert len(said["at_risk"]) == MOST
    assert said["needs"] == {"help_button": MOST + 10}


def test_every_need_has_a_word() -> None:
    assert WORDS.keys() == {need.name for need in NEEDS}
