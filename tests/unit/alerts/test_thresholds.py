"""A client's own limits."""

from __future__ import annotations

from datetime import date

import pytest

from alerts.assess import thresholds
from alerts.finding import Finding, Reading
from alerts.subjects.subject import Client, Limit
from tests.unit.alerts.making import context, findings, reading, subject


def found(*readings: Reading, **limits: tuple[float | None, float | None]) -> list[Finding]:
    client = Client(
        born=date(1940, 1, 1), limits={name: Limit(*bounds) for name, bounds in limits.items()}
    )
    return findings(thresholds.assess([subject(*readings, client=client)], context()))


@pytest.mark.parametrize(
    ("metric", "value", "limit", "key"),
    [
        ("pulse", 50, (50, 100), None),
        ("pulse", 49, (50, 100), "below_limit"),
        ("pulse", 49.6, (50, 100), None),  # shown as 50
        ("pulse", 100.4, (50, 100), None),
        ("pulse", 101, (50, 100), "above_limit"),
        ("pulse", 101, (50, None), None),
        ("temperature", 38.04, (None, 38.0), None),
        ("temperature", 38.05, (None, 38.0), "above_limit"),
        ("weight", 80.1, (None, 80), "above_limit"),
        ("systolic", 161, (100, 160), "above_limit"),
        ("glucose", 4.4, (4.5, 12), "below_limit"),
    ],
)
def test_own_limits(
    metric: str, value: float, limit: tuple[float | None, float | None], key: str | None
) -> None:
    said = found(reading(metric, value), **{metric: limit})
    assert [finding.key for finding in said] == ([key] if key else [])
    for finding in said:
        assert (finding.severity, finding.pages) == (2, 2)
        assert (finding.kind, finding.origin) == thresholds.kind_of(metric)


def test_without_limits_nothing_is_said() -> None:
    assert found(reading("pulse", 200)) == []


def test_late_measurements_page_nobody() -> None:
    (finding,) = found(reading("pulse", 120, ago=45, late=40), pulse=(None, 100))
    assert (finding.severity, finding.pages) == (2, 0)
    (finding,) = found(reading("pulse", 120, ago=45, late=1), pulse=(None, 100))
    assert finding.pages == 2


@pytest.mark.parametrize(
    ("value", "key", "severity"),
    [(87, "spo2_below_range", 3), (88, None, None), (92, None, None)],
)
def test_spo2_against_the_prescribed_range(
    value: float, key: str | None, severity: int | None
) -> None:
    said = found(reading("spo2", value), spo2=(88, 92))
    assert [(f.key, f.severity, f.kind) for f in said] == ([(key, severity, "spo2")] if key else [])


@pytest.mark.parametrize(("flow", "severity"), [(2.0, 2), (None, 1), (0.0, None)])
def test_spo2_above_range_matters_on_oxygen_only(flow: float | None, severity: int | None) -> None:
    entered = [] if flow is None else [reading("oxygen_flow", flow, ago=30)]
    said = found(reading("spo2", 96), *entered, spo2=(88, 92))
    assert [finding.severity for finding in said] == ([severity] if severity else [])
    if flow is None:
        assert said[0].missing == ("oxygen",)


def test_spo2_above_range_is_good_news_without_oxygen_by_the_plan() -> None:
    client = Client(born=date(1940, 1, 1), oxygen_prescribed=False, limits={"spo2": Limit(88, 92)})
    one = subject(reading("spo2", 96), client=client)
    assert findings(thresholds.assess([one], context())) == []


@pytest.mark.parametrize(
    ("metric", "qualifier", "key", "kind"),
    [
        ("pulse", -1, "beyond_meter_low", ("limit", "pulse")),
        ("systolic", 1, "beyond_meter_high", ("blood_pressure", "")),
        ("glucose", 1, "beyond_meter_high", ("glucose", "")),
        ("spo2", -1, "beyond_meter_low", ("spo2", "")),
    ],
)
def test_lo_and_hi_alert(metric: str, qualifier: int, key: str, kind: tuple[str, str]) -> None:
    one = subject(reading(metric, 60, qualifier=qualifier))
    (finding,) = findings(thresholds.assess_meters([one], context()))
    assert (finding.key, (finding.kind, finding.origin)) == (key, kind)
    assert finding.pages == 3
    assert findings(thresholds.assess_meters([subject(reading(metric, 60))], context())) == []


def test_lo_at_the_limit_is_below_it() -> None:
    assert found(reading("pulse", 50, qualifier=-1), pulse=(50, None))
    assert found(reading("pulse", 100, qualifier=1), pulse=(None, 100))
    assert not found(reading("pulse", 50), pulse=(50, None))
