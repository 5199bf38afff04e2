"""The pathway for respiratory infection, and COPD."""

from __future__ import annotations

from datetime import date

import pytest

from alerts.assess import respiratory
from alerts.finding import Finding
from alerts.subjects.subject import Client, Limit
from core.record import OnPathway, Record
from tests.unit.alerts.making import context, findings, reading, subject, vitals
from tests.unit.alerts.test_standing import changed

TODAY = date(2025, 3, 3)
ON = Record(pathways=(OnPathway("respiratory_infection", TODAY, date(2025, 3, 10)),))
OVER = Record(pathways=(OnPathway("respiratory_infection", date(2025, 2, 1), date(2025, 3, 2)),))


def found(spo2: float, client: Client) -> list[Finding]:
    return findings(respiratory.assess([subject(reading("spo2", spo2), client=client)], context()))


@pytest.mark.parametrize(
    ("spo2", "severity"), [(95, None), (94, 3), (93, 3), (92.4, 4), (92, 4), (80, 4)]
)
def test_the_pathways_limits_hold_on_the_pathway_only(spo2: float, severity: int | None) -> None:
    said = found(spo2, Client(born=date(1940, 1, 1), record=ON))
    assert [one.severity for one in said] == ([severity] if severity else [])
    assert found(spo2, Client(born=date(1940, 1, 1))) == []
    assert found(spo2, Client(born=date(1940, 1, 1), record=OVER)) == []


def test_a_prescribed_range_comes_before_the_pathway() -> None:
    client = Client(born=date(1940, 1, 1), record=ON, limits={"spo2": Limit(88, 92)})
    assert found(90, client) == []


def test_copd_worsens_by_several_signs_at_once() -> None:
    copd = Client(born=date(1940, 1, 1), conditions=frozenset({"copd"}))
    worse = vitals(respiratory_rate=25.0, pulse=100.0, spo2=90.0)
    rules = changed(copd_worsening="enabled = true")
    (finding,) = findings(respiratory.assess([subject(*worse, client=copd)], context(rules=rules)))
    assert (finding.key, finding.missing) == ("copd_worsening", ("dyspnoea",))
    assert finding.params["signs"] == {"respiratory_rate": 25, "pulse": 100, "spo2": 90}
    two = vitals(respiratory_rate=25.0, pulse=100.0)
    assert not findings(respiratory.assess([subject(*two, client=copd)], context(rules=rules)))
    # Its limits have no source, so it is off where nobody switched it on; and for COPD alone.
    assert not findings(respiratory.assess([subject(*worse, client=copd)], context()))
    assert not findings(respiratory.assess([subject(*worse)], context(rules=rules)))
