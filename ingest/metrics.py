"""What ingest counts for Prometheus, once a batch and by the column.

Names follow Prometheus' conventions; docs/operations.md says what each one means.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from core.catalogue import catalogue
from core.clock import Clock
from core.wire import parse_topic
from ingest.batch import Batch
from ingest.decoders import SOURCES
from ingest.instants import micros
from ingest.settling import Fate
from ingest.writer import Written

_SOURCES = (*sorted(SOURCES), "status", "down", "other")
_MOST_REASONS = 100
_FATES = {
    Fate.COMMITTED: "committed",
    Fate.DUPLICATE: "duplicate",
    Fate.CONFLICT: "conflict",
    Fate.IGNORED: "received_before",
}
_LATENCY = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600)
_LAG = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 6 * 3_600, 86_400, 7 * 86_400)


@lru_cache(maxsize=65_536)
def _source(topic: str) -> int:
    parsed = parse_topic(topic)
    name = parsed.source if parsed is not None else "other"
    return _SOURCES.index(name if name in _SOURCES else "other")


class ColumnHistogram(Collector):
    """A histogram that takes a whole column at a time; seconds."""

    def __init__(
        self, name: str, documentation: str, bounds: Sequence[float], registry: CollectorRegistry
    ) -> None:
        self._name, self._documentation = name, documentation
        self._bounds = np.array(bounds, dtype=np.float64)
        self._counts = np.zeros(len(bounds) + 1, dtype=np.int64)
        self._sum = 0.0
        registry.register(self)

    def observe(self, values: NDArray[np.float64]) -> None:
        """Count all of `values`; what is below nought counts as nought."""
        values = np.maximum(values, 0.0)
        places = np.searchsorted(self._bounds, values, side="left")
        self._counts += np.bincount(places, minlength=len(self._counts))
        self._sum += float(values.sum())

    def collect(self) -> Iterator[Metric]:
        """As Prometheus reads it."""
        total = np.cumsum(self._counts).tolist()
        names = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        yield HistogramMetricFamily(
            self._name,
            self._documentation,
            buckets=list(zip(names, total, strict=True)),
            sum_value=self._sum,
        )


class _Intake(Protocol):
    @property
    def waiting(self) -> int: ...
    @property
    def held(self) -> tuple[int, int]: ...
    @property
    def oldest(self) -> int | None: ...
    @property
    def connected(self) -> bool: ...
    @property
    def slots(self) -> tuple[int, int]: ...
    @property
    def takeovers(self) -> int: ...
    @property
    def unready(self) -> str | None: ...


class IngestMetrics(Collector):
    """Counters of one worker; `watch` adds what is only looked at when somebody asks."""

    def __init__(self, registry: CollectorRegistry, clock: Clock) -> None:
        self._clock = clock
        self._factor = float(getattr(clock, "factor", 1.0))
        self._intake: _Intake | None = None
        self._reasons: set[str] = set()
        self._messages = Counter(
            "saimi_ingest_messages",
            "Messages stored or kept, by source and outcome.",
            ["source", "outcome"],
            registry=registry,
        )
        self._readings = Counter(
            "saimi_ingest_readings",
            "Readings, by source and by what became of them in the database.",
            ["source", "outcome"],
            registry=registry,
        )
        self._rejected = Counter(
            "saimi_ingest_rejected",
            "Readings, or messages that could not be read, kept with a reason.",
            ["reason"],
            registry=registry,
        )
        self._calls = Counter(
            "saimi_ingest_life_safety",
            "Calls for help, smoke, carbon monoxide and falls stored.",
            ["metric"],
            registry=registry,
        )
        for metric in catalogue():
            if metric.never_filtered:
                self._calls.labels(metric.name)  # shown from the start: rate() needs a nought
        self._receipts = Counter(
            "saimi_ingest_receipts",
            "Receipts sent to gateways, each of one boot.",
            registry=registry,
        )
        self._batch = Histogram(
            "saimi_ingest_batch_messages",
            "Messages stored together.",
            buckets=(1, 3, 10, 30, 100, 300, 1_000, 3_000, 5_000),
            registry=registry,
        )
        self._commit = Histogram(
            "saimi_ingest_commit_seconds",
            "Time to store a batch, waiting for the database included.",
            buckets=_LATENCY,
            registry=registry,
        )
        self._latency = ColumnHistogram(
            "saimi_ingest_latency_seconds",
            "From a message's arrival here to its commit.",
            _LATENCY,
            registry,
        )
        self._lag = ColumnHistogram(
            "saimi_ingest_lag_seconds",
            "From a reading's measurement to its commit.",
            _LAG,
            registry,
        )
        registry.register(self)

    def watch(self, intake: _Intake) -> None:
        """Show the state of `intake` from now on."""
        self._intake = intake

    @property
    def unready(self) -> str | None:
        """Why no message can be taken now, in one sentence; None: they can."""
        return "Ingest has not started yet." if self._intake is None else self._intake.unready

    def stored(self, batch: Batch, written: Sequence[Written], seconds: float) -> None:
        """`batch` is committed, which took `seconds`."""
        count = len(batch.messages)
        if not count:
            return
        sources = np.fromiter(
            (_source(one.topic) for one in batch.messages), dtype=np.int64, count=count
        )
        refused = np.zeros(count, dtype=np.int64)
        refused[[one.message for one in batch.refused if one.record is None]] = 1
        self._add(self._messages, sources, refused, {0: "accepted", 1: "rejected"})
        self._add_readings(batch, written, sources)
        reasons: dict[str, int] = {}
        for one in batch.refused:
            reasons[one.reason] = reasons.get(one.reason, 0) + 1
        for reason, number in reasons.items():
            self._rejected.labels(self._bounded(reason)).inc(number)
        self._receipts.inc(sum(len(one.receipts) for one in written))
        self._batch.observe(count)
        self._commit.observe(seconds)
        now = micros(self._clock.now())
        arrivals = np.fromiter((one.arrival for one in batch.messages), np.int64, count)
        self._latency.observe((now - arrivals) / 1e6 / self._factor)

    def seen_early(self, batch: Batch, written: Sequence[Written]) -> None:
        """Calls for help are committed whose messages will be counted when it is their turn."""
        sources = np.array([_source(one.topic) for one in batch.messages], dtype=np.int64)
        self._add_readings(batch, written, sources)

    def _add_readings(
        self, batch: Batch, written: Sequence[Written], sources: NDArray[np.int64]
    ) -> None:
        rows = batch.rows
        if len(written) == 1 and len(written[0].fates) == len(rows):
            fates = written[0].fates.astype(np.int64)
        else:  # stored in parts, because the database refused something: only sums are known
            fates = np.full(len(rows), int(Fate.COMMITTED), dtype=np.int64)
        if not len(rows):
            return
        self._add(self._readings, sources[rows["message"]], fates, _FATES)
        conflicts = int((fates == Fate.CONFLICT).sum())
        if conflicts:
            self._rejected.labels("conflict").inc(conflicts)
        committed = rows[fates == Fate.COMMITTED]
        self._lag.observe((micros(self._clock.now()) - committed["time"]) / 1e6)
        for number, calls in zip(
            *np.unique(committed["metric"][committed["call"]], return_counts=True), strict=True
        ):
            self._calls.labels(catalogue().by_id[int(number)].name).inc(int(calls))

    @staticmethod
    def _add(
        counter: Counter,
        sources: NDArray[np.int64],
        outcomes: NDArray[np.int64],
        names: dict[Any, str],
    ) -> None:
        width = len(Fate)
        found = np.bincount(sources * width + outcomes)
        for place in np.flatnonzero(found).tolist():
            source, outcome = divmod(place, width)
            if outcome in names:
                counter.labels(_SOURCES[source], names[outcome]).inc(int(found[place]))

    def _bounded(self, reason: str) -> str:
        if len(self._reasons) < _MOST_REASONS:
            self._reasons.add(reason)
        return reason if reason in self._reasons else "other"

    def collect(self) -> Iterator[Metric]:
        """The state of the moment."""
        intake = self._intake
        if intake is None:
            return
        messages, size = intake.held
        oldest = intake.oldest
        age = 0.0 if oldest is None else (micros(self._clock.now()) - oldest) / 1e6 / self._factor
        own, draining = intake.slots
        for name, documentation, value in (
            ("queue_messages", "Messages that wait to be decoded.", intake.waiting),
            ("held_messages", "Messages taken from the broker and not committed.", messages),
            ("held_bytes", "Their payloads.", size),
            ("backlog_age_seconds", "Age of the oldest message that waits here.", max(0.0, age)),
            ("broker_connected", "Whether the broker can hand over messages.", intake.connected),
            ("sessions_own", "Sessions at the broker that are this worker's own.", own),
            ("sessions_draining", "Sessions of workers gone, read to their end.", draining),
        ):
            yield GaugeMetricFamily(f"saimi_ingest_{name}", documentation, value=float(value))
        takeovers = Metric(
            "saimi_ingest_takeovers", "Sessions of workers gone taken over.", "counter"
        )
        takeovers.add_sample("saimi_ingest_takeovers_total", {}, float(intake.takeovers))
        yield takeovers
