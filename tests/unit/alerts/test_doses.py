"""Missed doses."""

from __future__ import annotations

from datetime import UTC, date, datetime

from alerts.assess import doses
from alerts.finding import Reading
from alerts.subjects.subject import Client, Subject
from core.record import Dose, Record
from tests.unit.alerts.making import context, findings, minutes, times

EIGHT = datetime(2025, 3, 3, 6, tzinfo=UTC)  # eight o'clock in Finland
PLAN = (
    Dose("vitamins", "20:00", 600),
    Dose("levodopa", "08:00", 60, critical=True),
    Dose("evening", "21:00", 120),
)


def dispensed(*values: tuple[float, float], plan: tuple[Dose, ...] = PLAN) -> Subject:
    """What a dispenser said, as (minutes after eight, missed); newest first."""
    client = Client(born=date(1940, 1, 1), record=Record(doses=plan))
    readings = [
        Reading("missed_dose", value, EIGHT + minutes(at), EIGHT + minutes(at), 5)
        for at, value in sorted(values, reverse=True)
    ]
    return Subject(id=1, client=client, slow={"missed_dose": readings})


def test_a_missed_dose_waits_for_its_window() -> None:
    said = list(doses.assess([dispensed((30, 1))], context(now=EIGHT + minutes(31))))
    assert (findings(said), times(said)) == ([], [EIGHT + minutes(60)])
    (finding,) = findings(doses.assess([dispensed((30, 1))], context(now=EIGHT + minutes(60))))
    assert finding.params["medicine"] == "levodopa"
    assert finding.params["due"].startswith("2025-03-03T06:00")
    # Taken after all.
    taken = dispensed((30, 1), (50, 0))
    assert not list(doses.assess([taken], context(now=EIGHT + minutes(60))))


def test_a_critical_dose_alerts() -> None:
    (finding,) = findings(doses.assess([dispensed((30, 1))], context(now=EIGHT + minutes(60))))
    assert (finding.rule, finding.pages) == ("missed_dose_critical", 3)
    night = dispensed((60 * 13 + 5, 1))  # 21:05: the evening's, not the vitamins'
    (finding,) = findings(doses.assess([night], context(now=EIGHT + minutes(60 * 15 + 30))))
    assert (finding.rule, finding.params["medicine"]) == ("missed_dose", "evening")


def test_a_dose_that_no_plan_knows_is_told_at_once() -> None:
    one = dispensed((0, 1), plan=())
    (finding,) = findings(doses.assess([one], context(now=EIGHT + minutes(1))))
    assert (finding.params["medicine"], finding.rule) == ("", "missed_dose")


def test_a_report_that_came_hours_late_calls_nobody() -> None:
    one = dispensed((30, 1))
    (late,) = one.slow["missed_dose"]
    one.slow["missed_dose"] = [late._replace(received_at=EIGHT + minutes(300))]
    (finding,) = findings(doses.assess([one], context(now=EIGHT + minutes(300))))
    assert (finding.severity, finding.pages) == (3, 0)
