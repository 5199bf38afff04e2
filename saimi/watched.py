"""A service seen from outside: its metrics, figures from the database, and whether it is ready."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from core.metrics import new_registry, observed
from saimi.figures import DatabaseFigures


@dataclass(frozen=True)
class Watched:
    """What a service adds to."""

    registry: CollectorRegistry
    reasons: list[Callable[[], str | None]] = field(default_factory=list)
    """Each may say, in one sentence, why the service is not ready."""
    address: str | None = None


@asynccontextmanager
async def watched(database_url: str, host: str, port: int | None) -> AsyncIterator[Watched]:
    """Answer on `host`:`port` (None: not at all) while this lasts."""
    registry = new_registry()
    reasons: list[Callable[[], str | None]] = []
    figures = DatabaseFigures(database_url, registry)

    async def unready() -> str | None:
        for reason in reasons:
            if (why := reason()) is not None:
                return why
        return await figures.unready()

    try:
        async with observed(host, port, registry, unready, figures.refresh) as address:
            yield Watched(registry, reasons, address)
    finally:
        await figures.close()
