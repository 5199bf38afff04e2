"""Weight: gained in heart failure, lost within a month, and another person on the scale."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from alerts.assess import weight
from alerts.assess.assess import assess
from alerts.finding import Finding, Reading
from alerts.subjects.subject import Client, Subject
from tests.unit.alerts.making import NOW, context, minutes

DAY = timedelta(days=1)
HEART = Client(born=date(1940, 1, 1), conditions=frozenset({"heart failure"}))


def weighed(*kilograms: float | None, hours: float = 24, ago: float = 0) -> list[Reading]:
    """Daily weights, the last one `ago` minutes before NOW; None: not weighed."""
    last = NOW - minutes(ago)
    found = []
    for place, value in enumerate(reversed(kilograms)):
        at = last - place * timedelta(hours=hours)
        if value is not None:
            found.append(Reading("weight", value, at, at, 1))
    return found


def found(weights: list[Reading], client: Client = HEART) -> list[Finding]:
    one = Subject(id=1, client=client, slow={"weight": weights})
    (said,) = assess([one], context(), {"weight": weight.assess})
    return said.findings


@pytest.mark.parametrize(
    ("kilograms", "raised"),
    [
        ((80.0, 80.7, 81.4, 82.1), True),  # 2.1 in 3 days
        ((80.0, 80.7, 81.4, 82.0), False),  # 2.0 is not more than 2
        ((80.0, 82.1), True),
        ((80.0, None, None, None, 82.5), False),  # four days apart
        ((80.0, 82.3, 80.1), False),
        ((80.0, 80.1, 77.0, 80.3), False),  # one odd weight between two that agree
    ],
)
def test_heart_failure_more_than_2_kg_in_3_days(
    kilograms: tuple[float | None, ...], raised: bool
) -> None:
    said = [one for one in found(weighed(*kilograms)) if one.hold == "raise"]
    assert [one.key for one in said] == (["weight_gain"] if raised else [])
    for one in said:
        assert (one.severity, one.pages, one.kind) == (2, 2, "weight")


def test_only_in_heart_failure() -> None:
    assert found(weighed(80.0, 83.0), Client(born=date(1940, 1, 1))) == []


def test_it_clears_a_kilogram_below() -> None:
    assert [one.hold for one in found(weighed(80.0, 81.5))] == ["lower"]
    assert found(weighed(80.0, 81.0)) == []


def test_loss_of_5_percent_in_30_days() -> None:
    person = Client(born=date(1940, 1, 1))
    slow = [100.0 - day * 5.0 / 28 for day in range(29)]
    (finding,) = found(weighed(*slow), person)
    assert (finding.key, finding.severity, finding.hold) == ("weight_loss", 1, "lower")  # 4.5 %
    (finding,) = found(weighed(*(100.0 - day * 6.0 / 28 for day in range(29))), person)
    assert (finding.key, finding.hold) == ("weight_loss", "raise")
    assert finding.params["change"] == pytest.approx(-5.4)
    assert found(weighed(66.0, 62.0), person) == []  # within days it is something else
    assert found(weighed(94.0), person) == []


def test_another_person_on_the_scale_is_asked_about() -> None:
    weights = weighed(80.0, 80.2, 79.9, 95.0, ago=10)
    (finding,) = found(weights)
    assert (finding.key, finding.pages) == ("weight_odd", 0)  # a repeat is asked for
    late = [one._replace(time=one.time - DAY, received_at=one.time - DAY) for one in weights]
    (finding,) = found(late)
    assert (finding.key, finding.pages, finding.params["confirmed"]) == ("weight_odd", 1, False)


def test_a_weight_that_is_repeated_is_this_persons() -> None:
    said = found(weighed(80.0, 80.1, 86.0, 86.2, hours=12))
    assert [one.key for one in said] == ["weight_gain"]
    again = found(weighed(80.0, 80.1, 95.0, 80.2, hours=12))  # it was somebody else
    assert again == []


def test_nothing_is_said_of_whom_no_weight_is_new() -> None:
    one = Subject(id=1, client=HEART)
    assert list(weight.assess([one], context())) == []
    assert "weight" in one.unseen
