"""`saimi bench phones`, put together."""

from __future__ import annotations

import os

from bench.county import Service
from bench.open_phones import Place, Report, Wanted, measure
from core.settings import Settings
from saimi.benches.county import HOST, cookie
from saimi.benches.workshop import workshop
from saimi.embedded.ports import free_port


async def measure_phones(settings: Settings, wanted: Wanted) -> Report:
    """Let alerts come to many phones.

    Raises:
        SaimiError: a part is away or stopped.
    """
    async with workshop(settings, "Starting") as shop:

        def web(url: str) -> tuple[Service, str]:
            port = free_port()
            environment = {
                "SAIMI_DATABASE_URL": url,
                "SAIMI_DATA_DIR": str(shop.directory.path),
            }
            options = ("--host", HOST, "--port", str(port))
            return shop.service("web", *options, environment=environment), f"http://{HOST}:{port}"

        place = Place(shop.parts.database_url, web, cookie, shop.say)
        return await measure(place, wanted, cores=os.cpu_count() or 1)
