"""What a service shows of itself over HTTP: /metrics for Prometheus, /health, /ready.

Labels have few, known values: never a gateway, a device, a client or a person.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder

from core.errors import SaimiError

Unready = Callable[[], Awaitable[str | None]]
"""Why the service cannot do its work now, in one sentence; None: it can."""
READY_WITHIN_S = 3.0

_log = structlog.get_logger()


def new_registry() -> CollectorRegistry:
    """A registry that shows the process itself: memory, CPU, open files."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


@asynccontextmanager
async def observed(
    host: str,
    port: int | None,
    registry: CollectorRegistry,
    unready: Unready,
    before_scrape: Callable[[], Awaitable[None]] | None = None,
) -> AsyncIterator[str | None]:
    """Answer on `host`:`port` for as long as this lasts; gives the address, or None.

    `port` None: not at all; 0: any free one. A port that cannot be had is logged and nothing more:
    the service's own work does not depend on being watched. `before_scrape` may bring figures up
    to date.
    """
    if port is None:
        yield None
        return

    async def metrics(request: web.Request) -> web.Response:
        if before_scrape is not None:
            await before_scrape()
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(registry), headers={"Content-Type": content_type})

    async def health(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def ready(_request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                reason = await unready()
        except TimeoutError:
            reason = f"No answer within {READY_WITHIN_S:.0f} s."
        except SaimiError as error:
            reason = str(error)
        if reason is None:
            return web.json_response({"status": "ok"})
        return web.json_response({"status": "not ready", "reason": reason}, status=503)

    app = web.Application(client_max_size=1024)
    app.add_routes(
        [web.get("/metrics", metrics), web.get("/health", health), web.get("/ready", ready)]
    )
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    address = None
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except (OSError, socket.gaierror) as error:
            _log.error("metrics cannot be shown", host=host, port=port, why=error.strerror)
        else:
            bound = runner.addresses[0]
            shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
            address = f"http://{shown}:{bound[1]}"
            _log.info("metrics are shown", address=address)
        yield address
    finally:
        await runner.cleanup()
