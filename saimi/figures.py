"""Figures from the database for Prometheus: read when somebody asks, and not too often."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import asyncpg
import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from core.clock import wall_time
from core.database import connect, load_queries, translated
from core.errors import DatabaseError
from core.outage import Outage

AGAIN_AFTER_S = 10.0
TOTALS_AFTER_S = 60.0
"""Completeness looks at every ledger, so not at every scrape."""
_WITHIN_S = 3.0

_log = structlog.get_logger()


class DatabaseFigures(Collector):
    """Gauges about the whole system, the same from every service."""

    def __init__(self, database_url: str, registry: CollectorRegistry) -> None:
        self._url = database_url
        self._connection: asyncpg.Connection | None = None
        self._lock = asyncio.Lock()
        self._read = self._counted = float("-inf")
        self._up = False
        self._gauges: list[Metric] = []
        self._totals: list[Metric] = []
        self._outage = Outage(
            "figures cannot be read from the database", "figures are read from the database again"
        )
        registry.register(self)

    async def refresh(self) -> None:
        """Bring the figures up to date; never raises, what cannot be read is not shown."""
        async with self._lock:
            now = time.monotonic()
            if now - self._read < AGAIN_AFTER_S:
                return
            self._read = now
            self._up, self._gauges = False, []
            try:
                async with asyncio.timeout(_WITHIN_S):
                    await self._look()
                self._up = True
                self._outage.over()
                if now - self._counted >= TOTALS_AFTER_S:
                    self._counted, self._totals = now, []
                    async with asyncio.timeout(_WITHIN_S):
                        self._totals = await self._count()
            except (DatabaseError, TimeoutError) as error:
                self._outage.without(str(error) or "It takes too long.")
                await self.close()

    async def unready(self) -> str | None:
        """Why the database cannot be used now; None: it can."""
        await (await connect(self._url)).close()
        return None

    async def close(self) -> None:
        """Give the connection back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    def collect(self) -> Iterator[Metric]:
        """What was read last."""
        yield GaugeMetricFamily(
            "saimi_database_up", "Whether the database answers.", value=float(self._up)
        )
        yield from self._gauges
        yield from self._totals

    async def _look(self) -> None:
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._url)
        queries = load_queries("saimi")
        async with translated():
            beats = [row async for row in queries.beats(self._connection)]
            queues = await queries.queues(self._connection)
            wall = wall_time()
            age = GaugeMetricFamily(
                "saimi_heartbeat_age_seconds",
                "Since any process of a service was last well.",
                labels=["service"],
            )
            for row in beats:
                age.add_metric([row["service"]], (wall - row["wall_at"]).total_seconds())
            self._gauges = [
                age,
                _gauge("saimi_notes_waiting", "Commits not yet assessed.", queues["notes"]),
                _gauge(
                    "saimi_notes_age_seconds",
                    "Age of the oldest commit not yet assessed.",
                    _age(wall, queues["oldest_note"]),
                ),
                _gauge(
                    "saimi_aggregates_age_seconds",
                    "Age of the oldest commit not yet in the aggregates.",
                    _age(wall, queues["oldest_touched"]),
                ),
            ]

    async def _count(self) -> list[Metric]:
        assert self._connection is not None  # noqa: S101 - `_look` has just used it
        async with translated():
            total = await load_queries("saimi").completeness_in_total(self._connection)
        gateways = GaugeMetricFamily(
            "saimi_completeness_gateways",
            "Gateways, by whether it can be proved what is missing.",
            labels=["provable"],
        )
        gateways.add_metric(["yes"], total["provable"])
        gateways.add_metric(["no"], total["unprovable"])
        return [
            gateways,
            _gauge(
                "saimi_completeness_expected_messages",
                "Messages that gateways have numbered.",
                total["expected"],
            ),
            _gauge("saimi_completeness_missing_messages", "Of these, not here.", total["missing"]),
        ]


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(name, documentation, value=value)


def _age(wall: datetime, oldest: datetime | None) -> float:
    return 0.0 if oldest is None else max(timedelta(0), wall - oldest).total_seconds()
