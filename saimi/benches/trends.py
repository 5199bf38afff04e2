"""`saimi bench trends`, put together."""

from __future__ import annotations

from bench.trends import Report, measure
from core.settings import Settings
from saimi.benches.workshop import workshop


async def measure_trends(
    settings: Settings, clients: int, days: int, samples: int, seed: int
) -> Report:
    """Time the dashboards' panels on a county of that size.

    Raises:
        SaimiError: the database is away, or its user may not make databases or roles.
    """
    async with workshop(settings, "Starting") as shop:
        return await measure(
            shop.parts.database_url,
            clients=clients,
            days=days,
            samples=samples,
            seed=seed,
            say=shop.say,
        )
