"""`saimi bench ingest`, put together."""

from __future__ import annotations

import os

from bench.ingest import Ingest, Place, Report, measure
from core.settings import Settings
from saimi.benches.workshop import workshop

PACK = 10
"""Readings of a message that has several."""


async def measure_ingest(
    settings: Settings, readings: int, messages: int, gateways: int, rounds: int
) -> Report:
    """Measure both kinds of messages.

    Raises:
        SaimiError: a part is away, or ingest stopped or lost something.
    """
    async with workshop(settings, "Starting") as shop:

        def starter(url: str) -> Ingest:
            environment = {"SAIMI_DATABASE_URL": url, "SAIMI_MQTT_URL": shop.parts.mqtt_url}
            return shop.service("ingest", environment=environment)

        place = Place(shop.parts.database_url, shop.parts.mqtt_url, starter, shop.say)
        report = Report(shop.parts.broker, os.cpu_count() or 1)
        sizes = ((1, messages, "single"), (PACK, -(-readings // PACK), "packs"))
        for size, count, kind in sizes:
            if count:
                figures, server = await measure(
                    place, size=size, messages=count, gateways=gateways, rounds=rounds
                )
                report.database = {"edition": server.edition, "version": server.version}
                setattr(report, kind, figures)
        return report
