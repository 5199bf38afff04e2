"""What is counted of a batch, and that labels stay few."""

from __future__ import annotations

import numpy as np
from prometheus_client import CollectorRegistry, generate_latest

from core.catalogue import catalogue
from core.clock import ManualClock
from ingest.batch import ROW, Batch, Origin, Refused
from ingest.instants import micros
from ingest.metrics import ColumnHistogram, IngestMetrics
from ingest.settling import Fate
from ingest.writer import Written
from tests.integration.ingest_homes import NOW

ARRIVAL = micros(NOW)


def origin(topic: str) -> Origin:
    return Origin("gw-secret", 1, topic, 10, ARRIVAL)


def rows(*found: tuple[int, str, bool]) -> np.ndarray:
    """Message, metric, whether it is a call; measured a minute before arrival."""
    made = np.zeros(len(found), dtype=ROW)
    for place, (message, metric, call) in enumerate(found):
        made[place]["message"] = message
        made[place]["metric"] = catalogue()[metric].id
        made[place]["call"] = call
        made[place]["time"] = ARRIVAL - 60_000_000
    return made


def counted(batch: Batch, fates: list[Fate]) -> tuple[CollectorRegistry, str]:
    registry, clock = CollectorRegistry(), ManualClock(NOW)
    metrics = IngestMetrics(registry, clock)
    clock.set(NOW.replace(microsecond=20_000))
    written = Written(receipts={("gw-secret", "b"): [(1, 1)]}, fates=np.array(fates, dtype=np.int8))
    metrics.stored(batch, [written], 0.015)
    return registry, generate_latest(registry).decode()


def test_a_batch_is_counted_by_source_outcome_and_reason() -> None:
    batch = Batch(
        messages=[
            origin("saimi/v1/gw-secret/senml"),
            origin("saimi/v1/gw-secret/zigbee2mqtt/grandma's door"),
            origin("saimi/v1/gw-secret/senml"),
            origin("saimi/v1/gw-secret/made-up-17/x"),
            origin("elsewhere"),
        ],
        rows=rows((0, "spo2", False), (0, "spo2", False), (1, "fall", True)),
        refused=[
            Refused(2, None, "unreadable", "."),
            Refused(3, None, "unknown_source", "."),
            Refused(4, None, "bad_topic", "."),
        ],
    )
    registry, text = counted(batch, [Fate.COMMITTED, Fate.CONFLICT, Fate.COMMITTED])

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, labels)

    messages = "saimi_ingest_messages_total"
    assert value(messages, source="senml", outcome="accepted") == 1
    assert value(messages, source="senml", outcome="rejected") == 1
    assert value(messages, source="zigbee2mqtt", outcome="accepted") == 1
    assert value(messages, source="other", outcome="rejected") == 2
    readings = "saimi_ingest_readings_total"
    assert value(readings, source="senml", outcome="committed") == 1
    assert value(readings, source="senml", outcome="conflict") == 1
    assert value(readings, source="zigbee2mqtt", outcome="committed") == 1
    assert value("saimi_ingest_rejected_total", reason="unreadable") == 1
    assert value("saimi_ingest_rejected_total", reason="conflict") == 1
    assert value("saimi_ingest_life_safety_total", metric="fall") == 1
    assert value("saimi_ingest_life_safety_total", metric="smoke") == 0
    assert value("saimi_ingest_receipts_total") == 1
    assert value("saimi_ingest_batch_messages_sum") == 5
    assert value("saimi_ingest_latency_seconds_bucket", le="0.025") == 5
    assert value("saimi_ingest_latency_seconds_bucket", le="0.01") == 0
    assert value("saimi_ingest_lag_seconds_count") == 2
    assert value("saimi_ingest_lag_seconds_bucket", le="60.0") == 0
    assert value("saimi_ingest_lag_seconds_bucket", le="300.0") == 2
    for private in ("gw-secret", "grandma", "made-up-17", "elsewhere"):
        assert private not in text


def test_a_batch_that_was_stored_in_parts_is_counted() -> None:
    batch = Batch(
        messages=[origin("saimi/v1/g/senml")], rows=rows((0, "spo2", False), (0, "spo2", False))
    )
    registry, _ = counted(batch, [Fate.COMMITTED])
    name = "saimi_ingest_readings_total"
    assert registry.get_sample_value(name, {"source": "senml", "outcome": "committed"}) == 2


def test_reasons_are_few_whatever_comes() -> None:
    batch = Batch(
        messages=[origin("saimi/v1/g/senml")],
        refused=[Refused(0, None, f"reason-{number}", ".") for number in range(1_000)],
    )
    registry, text = counted(batch, [])
    assert text.count("saimi_ingest_rejected_total{") <= 101
    assert registry.get_sample_value("saimi_ingest_rejected_total", {"reason": "other"}) == 900


def test_a_columns_histogram_is_cumulative_and_its_bounds_belong_below() -> None:
    registry = CollectorRegistry()
    histogram = ColumnHistogram("x_seconds", ".", (1, 2, 5), registry)
    histogram.observe(np.array([-3.0, 0.5, 1.0, 1.5, 5.0, 7.0]))
    histogram.observe(np.array([]))
    found = [
        registry.get_sample_value("x_seconds_bucket", {"le": bound})
        for bound in ("1.0", "2.0", "5.0", "+Inf")
    ]
    assert found == [3, 4, 5, 6]
    assert registry.get_sample_value("x_seconds_count") == 6
    assert registry.get_sample_value("x_seconds_sum") == 15.0
