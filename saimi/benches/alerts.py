"""`saimi bench alerts`, put together."""

from __future__ import annotations

import os

from alerts.learned.learned import EVERY
from alerts.worker.batch import MOST
from bench.alerts import Place, Report, Worker, measure
from core.settings import Settings
from saimi.benches.workshop import workshop


async def measure_alerts(
    settings: Settings, clients: int, workers: int, history: int, rounds: int, seed: int
) -> Report:
    """Let `saimi alerts` assess everybody.

    Raises:
        SaimiError: the database is away, or a worker stopped or left somebody out.
    """
    async with workshop(settings, "Starting") as shop:

        def starter(url: str, number: int) -> Worker:
            environment = {"SAIMI_DATABASE_URL": url}
            return shop.service("alerts", environment=environment, log=f"alerts-{number}")

        return await measure(
            Place(shop.parts.database_url, starter, MOST, EVERY, shop.say),
            clients=clients,
            workers=workers,
            history=history,
            rounds=rounds,
            cores=os.cpu_count() or 1,
            seed=seed,
        )
