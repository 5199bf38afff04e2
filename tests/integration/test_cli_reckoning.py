"""A reckoning finds what is missing: otherwise "nothing lost" would say nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.catalogue import catalogue
from core.database import connect
from core.registry import Area, Device, Document, Home
from core.registry_import import import_document
from gateway_sim.ledger import Ledger
from gateway_sim.reading import Reading
from saimi.reckoning import Reckoning, reckon

START = datetime(2026, 3, 1, tzinfo=UTC)
WALL = datetime(2026, 3, 2, tzinfo=UTC)


async def test_each_fate_is_told_from_the_others(database_url: str, tmp_path: Path) -> None:
    home = Home("K1", "a", "gw-1", devices=[Device("monitor", "wearable")])
    connection = await connect(database_url)
    try:
        await import_document(connection, Document(areas=[Area("a", "A")], homes=[home]), now=START)
        times = [START + timedelta(minutes=n) for n in range(6)]
        readings = [
            Reading(at.timestamp(), "monitor", "pulse", 60.0 + n) for n, at in enumerate(times)
        ]
        with Ledger(tmp_path / "ledger.sqlite") as ledger:
            early = Reading((START - timedelta(hours=1)).timestamp(), "monitor", "pulse", 50.0)
            ledger.add("gw-1", "b", 1, [early], WALL - timedelta(hours=1))  # of a run before
            ledger.add("gw-1", "b", 2, readings[:3], WALL)
            ledger.add("gw-1", "b", 3, readings[3:5], WALL)
            ledger.add("gw-1", "b", 4, [readings[0], readings[5]], WALL)  # the first once more
            ledger.add("gw-1", "b", 5, [Reading(1e9, "nobody", "pulse", 1.0)], WALL)
            ledger.commit()

            stored = {0: 60.0, 1: 61.0, 2: 999.0, 5: 65.0}  # 2 with another value, 3 and 4 not
            device = await connection.fetchval(
                "SELECT id FROM registry.device WHERE name = 'monitor'"
            )
            await connection.executemany(
                """INSERT INTO telemetry.reading (time, received_at, value, device, subject, metric)
                   VALUES ($1, $1, $2, $3, 0, $4)""",
                [(times[n], value, device, catalogue()["pulse"].id) for n, value in stored.items()],
            )
            await connection.executemany(
                """INSERT INTO telemetry.rejected
                          (received_at, gateway, topic, reason, detail, size, boot, seq, record)
                   VALUES ($1, 'gw-1', '', 'bad', 'Bad.', 0, 'b', $2, $3)""",
                [
                    (START, 3, {"device": "monitor", "metric": "pulse", "time": readings[3].time}),
                    (START, 5, None),  # the message as a whole
                ],
            )
            for chunk in (1, 3, 100):
                found = await reckon(connection, ledger.readings(chunk), since=WALL)
                assert found == Reckoning(published=8, again=1, stored=3, rejected=2, lost=2), chunk
    finally:
        await connection.close()
