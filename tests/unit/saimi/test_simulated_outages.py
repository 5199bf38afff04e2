"""When areas of simulated homes were out, and what counts as told of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from alerts.backtest.history import Person
from alerts.backtest.memory import Happened, Replayed
from alerts.subjects.at_risk import AtRisk
from gateway_sim.ledger import TruthFault
from saimi.simulated_outages import AreaOut, OutageFigures, areas_out, outage_figures

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
AREA, OTHER = -2, -3
HOMES = {f"g{number}": 10 + number for number in range(1, 7)}
PEOPLE = {
    number: Person(
        number, name, "home", area=AREA if number < 15 else OTHER,
        at_risk=(AtRisk(1, ("oxygen",)),) if number == 11 else (),
    )
    for name, number in HOMES.items()
}  # fmt: skip
OUT = AreaOut(AREA, NOW + HOUR, NOW + 3 * HOUR, frozenset({11, 12, 13}))


def fault(gateway: str, since: timedelta, until: timedelta, kind: str = "power_cut") -> TruthFault:
    start, end = (NOW + since).timestamp(), (NOW + until).timestamp()
    return TruthFault(kind, gateway, "", start, end)


def test_an_area_is_out_while_three_of_its_homes_are() -> None:
    faults = [
        fault("g1", 0 * HOUR, 4 * HOUR),
        fault("g2", 1 * HOUR, 3 * HOUR),
        fault("g3", 1 * HOUR, 3 * HOUR, "coverage"),
        fault("g4", 2 * HOUR, 3 * HOUR, "reboot"),
        # The other area has two, however often one is cut.
        fault("g5", 1 * HOUR, 3 * HOUR),
        fault("g6", 1 * HOUR, 3 * HOUR),
        fault("g6", 1 * HOUR, 3 * HOUR, "coverage"),
    ]
    assert areas_out(faults, HOMES, PEOPLE) == [OUT]


def alert(subject: int, kind: str, *calls: timedelta, at_risk: tuple[int, ...] = ()) -> Replayed:
    found = Replayed(subject, kind, "", NOW + calls[0])
    found.events = [Happened(NOW + at, "returned", 2, "rule") for at in calls]
    found.at_risk = {client: frozenset({"oxygen"}) for client in at_risk}
    return found


def figures(*episodes: Replayed) -> OutageFigures:
    return outage_figures(episodes, [OUT], PEOPLE, start=NOW, end=NOW + 5 * HOUR)


def test_what_is_told_of_an_outage() -> None:
    assert figures() == OutageFigures(1, 0, None, 0, 3, 0, 1, 0)
    by_area = figures(alert(AREA, "outage", HOUR + 5 * MINUTE, at_risk=(1,)))
    assert by_area == OutageFigures(1, 1, 5.0, 0, 3, 0, 1, 1)
    # The county's alert tells of it as well, another area's does not, and is false.
    assert figures(alert(-1, "outage", HOUR + 5 * MINUTE)).told == 1
    other = figures(alert(OTHER, "outage", HOUR + 5 * MINUTE))
    assert (other.told, other.false) == (0, 1)
    # Too late is not told.
    late = figures(alert(AREA, "outage", 3 * HOUR))
    assert (late.told, late.false) == (0, 1)


def test_calls_of_homes_that_an_outage_explains_are_counted() -> None:
    meanwhile = alert(11, "silence", HOUR / 2, 2 * HOUR, 4 * HOUR, at_risk=(1,))
    well = alert(14, "silence", 2 * HOUR)
    assert figures(meanwhile, well) == OutageFigures(1, 0, None, 0, 3, 1, 1, 1)
