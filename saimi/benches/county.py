"""`saimi bench county`, put together."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import asyncpg

from bench.county import Place, Report, Service, Wanted, bearable, climb, measure
from core.settings import Settings
from saimi.benches.workshop import workshop
from saimi.embedded.ports import free_port
from web.session import start_session

HOST = "127.0.0.1"


async def measure_county(
    settings: Settings, wanted: Wanted, shorter: Wanted, loads: Sequence[float], workers: int
) -> Report:
    """Run the whole line at the load wanted, then as `shorter` at each of `loads` until one is too
    much.

    Raises:
        SaimiError: a part is away or stopped.
    """
    async with workshop(settings, "Starting") as shop:

        def services(url: str) -> tuple[Mapping[str, Service], str]:
            port = free_port()
            environment = {
                "SAIMI_DATABASE_URL": url,
                "SAIMI_MQTT_URL": shop.parts.mqtt_url,
                "SAIMI_DATA_DIR": str(shop.directory.path),
            }
            web = ("--host", HOST, "--port", str(port))
            found: dict[str, Service] = {"ingest": shop.service("ingest", environment=environment)}
            for number in range(workers):
                name = f"alerts-{number}"
                found[name] = shop.service("alerts", environment=environment, log=name)
            found["web"] = shop.service("web", *web, environment=environment)
            return found, f"http://{HOST}:{port}"

        place = Place(shop.parts.database_url, shop.parts.mqtt_url, services, cookie, shop.say)
        county, server = await measure(place, wanted)
        higher = await climb(place, shorter, loads) if bearable(county) else []
        borne = [one.load for one in (county, *higher) if bearable(one)]
        return Report(
            database={"edition": server.edition, "version": server.version},
            broker=shop.parts.broker,
            cores=os.cpu_count() or 1,
            phones=wanted.phones,
            county=county,
            climb=higher,
            highest_load=max(borne, default=None),
        )


async def cookie(connection: asyncpg.Connection, member: int) -> dict[str, str]:
    """A session as a login gives it; passwords take their time on purpose, and are not measured."""
    return {"saimi": await start_session(connection, member)}
