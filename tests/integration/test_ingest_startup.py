"""`saimi ingest` is started before what it needs: it waits for each in turn, and says so once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from core.clock import wall_time
from core.migrate import migrate
from saimi.embedded.broker import Broker
from saimi.embedded.ports import LOOPBACK, free_port
from saimi.embedded.postgres import PostgresServer
from tests.integration.ingest_homes import register
from tests.integration.ingest_serving import all_receipted, assert_stored_once, looking, sender
from tests.support.databases import Databases
from tests.support.service_process import IngestProcess, ingest_process
from tests.support.waiting import eventually, wait_for


async def test_it_waits_for_the_database_its_schema_and_the_broker_each_in_turn(
    postgres_factory: Callable[..., PostgresServer],
    broker_factory: Callable[..., Broker],
    tmp_path: Path,
) -> None:
    server = postgres_factory()
    url, port = server.url, free_port()
    await asyncio.to_thread(server.kill)
    with ingest_process(tmp_path, url, f"mqtt://{LOOPBACK}:{port}") as ingest:
        await waits(ingest, "does not answer")
        await asyncio.to_thread(server.restart)
        await waits(ingest, "saimi db migrate")
        await migrate(url)
        await register(url)
        await asyncio.to_thread(
            wait_for, lambda: ingest.said("waiting for the broker"), within=30, what="its word"
        )
        await waits(ingest, "broker")
        broker = broker_factory("mosquitto", port=port)
        await asyncio.to_thread(ingest.wait_ready)
        with sender(broker.url) as one:
            one.send(50, wall_time())
            await all_receipted(one)
            async with looking(url) as database:
                await assert_stored_once(database, one)
        ingest.terminate()
        assert await asyncio.to_thread(ingest.ended, 20) == 0
        # A reason is said when it begins to hold; a server that starts up may have one in between.
        database_reasons = ingest.said("waiting for the database")
        assert "does not answer" in database_reasons[0]
        assert "saimi db migrate" in database_reasons[-1]
        assert len(database_reasons) == len(set(database_reasons)) <= 4
        assert len(ingest.said("the database is there")) == 1
        assert len(ingest.said("waiting for the broker")) == 1
        assert len(ingest.log) < 20, ingest.log


async def waits(ingest: IngestProcess, reason: str) -> None:
    """Until it is not ready for this reason, and has tried again since."""

    async def said() -> bool:
        unready = await asyncio.to_thread(lambda: ingest.unready)
        assert ingest.alive, ingest.log
        assert unready is not None, "it calls itself ready"
        return reason in unready

    await eventually(said, within=30, what=f"waiting because of: {reason}")


async def test_while_it_waits_it_can_be_stopped(tmp_path: Path) -> None:
    nowhere = f"postgresql://nobody@{LOOPBACK}:{free_port()}/saimi"
    with ingest_process(tmp_path, nowhere, f"mqtt://{LOOPBACK}:{free_port()}") as ingest:
        await waits(ingest, "does not answer")
        ingest.terminate()
        assert await asyncio.to_thread(ingest.ended, 10) == 0


async def test_what_waiting_does_not_change_ends_it(
    plain_databases: Databases, tmp_path: Path
) -> None:
    url = plain_databases.create(migrated=False)
    async with looking(url) as database:
        await database.execute(
            "CREATE TABLE schema_version (version_num varchar(32)); "
            "INSERT INTO schema_version VALUES ('9999')"
        )
    with ingest_process(tmp_path, url, f"mqtt://{LOOPBACK}:1") as ingest:
        assert await asyncio.to_thread(ingest.ended, 20) == 2
        assert "newer Saimi" in ingest.log[-1]["event"]
    plain_databases.drop(url)


@pytest.mark.parametrize("url", ["", "nonsense"])
def test_a_wrong_setting_is_said_before_anything_is_waited_for(tmp_path: Path, url: str) -> None:
    nowhere = f"postgresql://nobody@{LOOPBACK}:{free_port()}/saimi"
    with ingest_process(tmp_path, nowhere, url) as ingest:
        wait_for(lambda: not ingest.alive, what="an end")
        assert ingest.ended(1) == 2
        assert "SAIMI_MQTT_URL" in ingest.log[-1]["event"]
