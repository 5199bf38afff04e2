"""The metric catalogue."""

from __future__ import annotations

import numpy as np
import pytest

from alerts.subjects.events import EVENTS
from alerts.worker.slow import WINDOWS
from core.catalogue import Catalogue, Metric, catalogue


def test_never_filtered_are_the_four_life_safety_events() -> None:
    # Clinical reference, "Never filtered": help call, smoke, carbon monoxide, fall.
    names = {metric.name for metric in catalogue() if metric.never_filtered}
    assert names == {"help", "smoke", "carbon_monoxide", "fall"}


def test_each_reading_counts_of_what_the_engine_looks_up_one_by_one() -> None:
    # Otherwise ingest's note would not say that there is any (telemetry.note.each_counts).
    singly = {metric.name for metric in catalogue() if metric.each_counts}
    assert singly == set(EVENTS) | set(WINDOWS)


def test_limits_are_arrays_by_id() -> None:
    metrics = catalogue()
    for metric in metrics:
        assert (metrics.low[metric.id], metrics.high[metric.id]) == metric.possible
        assert metric.possible[0] < metric.possible[1]
        assert bool(metrics.never_filtered[metric.id]) == metric.never_filtered
        assert bool(metrics.each_counts[metric.id]) == metric.each_counts
    assert np.isnan(metrics.low[0])


@pytest.mark.parametrize(
    ("metric", "value", "unit", "stored"),
    [
        ("temperature", 98.6, "[degF]", 37.0),
        ("temperature", 310.15, "K", 37.0),
        ("spo2", 0.96, "/", 96.0),
        ("systolic", 16.0, "kPa", 120.01),
        ("glucose", 99.1, "mg/dL", 5.5),
        ("weight", 70500, "g", 70.5),
        ("pulse", 1.2, "Hz", 72.0),
        ("help", 1, None, 1.0),
    ],
)
def test_units_are_converted(metric: str, value: float, unit: str | None, stored: float) -> None:
    conversion = catalogue()[metric].conversion(unit)
    assert conversion is not None
    assert value * conversion.factor + conversion.offset == pytest.approx(stored, rel=1e-3)


def test_a_foreign_unit_is_not_one_of_the_metrics() -> None:
    assert catalogue()["temperature"].conversion("kg") is None


def test_a_quantity_needs_its_unit() -> None:
    assert catalogue()["temperature"].conversion(None) is None


def test_two_metrics_cannot_share_an_id() -> None:
    one = Metric(id=1, kind="vital", unit="1", possible=(0, 1), decimals=0)
    with pytest.raises(ValueError, match="share an id"):
        Catalogue({"a": one, "b": one})
