"""The web service: each part's routes, middlewares, its start and its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime

import structlog
from aiohttp import web

from core.clock import Clock, wall_time
from core.database import Pool, create_pool, translated
from core.errors import DatabaseError, SaimiError
from core.roles import WebUrls
from web import (
    api,
    at_hand,
    auth,
    break_glass,
    doing,
    emergency,
    ended_there,
    grafana,
    keeping,
    missed,
    oidc,
    own,
    pages,
    push,
    reports,
    steward,
)
from web.attempts import Attempts
from web.desk import homes as desk_homes
from web.desk import now as desk_now
from web.desk import rota as desk_rota
from web.desk import rota_forms
from web.errors import answer_errors
from web.fhir import routes as fhir
from web.fhir.entry import FHIR, Fhir, load_bearer
from web.live import Hub
from web.openapi import answers, document
from web.openapi.operation import Operation, described
from web.parts import MAX_BODY, PARTS, Parts, Push, parts
from web.rendering import STATIC, Pages, static_prefix
from web.security import add_headers, refuse_cross_site
from web.tokens import Client
from web.trends import routes as trends
from web.trends import visit

log = structlog.get_logger()

_STOP_WITHIN_S = 3.0
_LOGINS_AT_ONCE = 2


class ListenError(SaimiError):
    """The web service cannot have its address."""


@described(Operation("This process answers", answers.State, open=True))
async def healthz(_request: web.Request) -> web.Response:
    """GET /healthz: this process answers."""
    return web.json_response({"status": "ok"})


@described(Operation("And so does its database", answers.State, open=True, down=answers.State))
async def readyz(request: web.Request) -> web.Response:
    """GET /readyz: and so does its database."""
    try:
        async with (
            asyncio.timeout(3),
            translated(),
            parts(request).pool.acquire() as connection,
        ):
            await connection.fetchval("SELECT 1 FROM registry.area LIMIT 1")
    except (DatabaseError, TimeoutError):
        return web.json_response({"status": "no database"}, status=503)
    return web.json_response({"status": "ok"})


ROUTES = [web.get("/healthz", healthz), web.get("/readyz", readyz)]


def create_app(
    *,
    database_url: str,
    pool: Pool,
    login: Pool,
    clock: Clock,
    public_url: str | None = None,
    push_parts: Push = Push(),  # noqa: B008 - it cannot be changed
    fhir_parts: Fhir | None = None,
    oidc_client: Client | None = None,
    password_login: bool = True,
    wall: Callable[[], datetime] = wall_time,
) -> web.Application:
    """The application on a database that is there; listening begins when it starts.

    `database_url` and `pool` are of the role saimi_web, `login` of saimi_login (core.roles).
    `public_url` is the address that browsers use where a proxy with TLS stands in front: cookies
    are then sent over TLS only.
    """
    app = web.Application(
        client_max_size=MAX_BODY,
        middlewares=[answer_errors, load_bearer, auth.load_session, refuse_cross_site],
    )
    hub = Hub(database_url=database_url, pool=pool, clock=clock, wall=wall)
    app[PARTS] = Parts(
        pool=pool,
        login=login,
        clock=clock,
        wall=wall,
        hub=hub,
        pages=Pages.load(),
        attempts=Attempts(),
        public_url=public_url,
        push=push_parts,
        oidc=oidc_client,
        password_login=password_login,
    )
    app[FHIR] = fhir_parts or Fhir()
    app.on_response_prepare.append(add_headers)
    app.add_routes(ROUTES)
    for part in (
        auth,
        oidc,
        ended_there,
        pages,
        api,
        at_hand,
        break_glass,
        desk_now,
        desk_homes,
        desk_rota,
        rota_forms,
        doing,
        emergency,
        keeping,
        missed,
        push,
        fhir,
        grafana,
        document,
        own,
        reports,
        steward,
        trends,
        visit,
    ):
        app.add_routes(part.ROUTES)
    app.router.add_static(static_prefix(), STATIC)

    async def live(_app: web.Application) -> AsyncIterator[None]:
        await hub.start()
        yield

    async def hang_up(_app: web.Application) -> None:
        # Streams never end by themselves, and aiohttp waits for open requests.
        await hub.stop()

    app.cleanup_ctx.append(live)
    app.on_shutdown.append(hang_up)
    return app


async def run(
    *,
    urls: WebUrls,
    clock: Clock,
    host: str,
    port: int,
    stop: asyncio.Event,
    public_url: str | None = None,
    push_parts: Push = Push(),  # noqa: B008 - it cannot be changed
    fhir_parts: Fhir | None = None,
    oidc_client: Client | None = None,
    password_login: bool = True,
    pool_size: int = 8,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until `stop` is set; `on_ready` is told the address once it answers.

    Raises:
        DatabaseUnavailableError: the database does not answer at the start.
        ListenError: the port is in use, or is not ours to use.
    """
    pool = await create_pool(urls.web, size=pool_size, service="web")
    login = await create_pool(urls.login, size=_LOGINS_AT_ONCE, service="login")
    app = create_app(
        database_url=urls.web,
        pool=pool,
        login=login,
        clock=clock,
        public_url=public_url,
        push_parts=push_parts,
        fhir_parts=fhir_parts,
        oidc_client=oidc_client,
        password_login=password_login,
    )
    runner = web.AppRunner(
        app, access_log=None, handle_signals=False, shutdown_timeout=_STOP_WITHIN_S
    )
    try:
        await runner.setup()
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise ListenError(
                f"The web service cannot listen on {host}:{port} ({error.strerror}): stop what "
                "uses that port, or choose another one with --port or SAIMI_WEB_PORT."
            ) from error
        address, bound = runner.addresses[0][:2]
        shown = f"[{address}]" if ":" in address else address
        log.info("web answers", host=shown, port=bound)
        if on_ready is not None:
            on_ready(f"http://{shown}:{bound}")
        await stop.wait()
    finally:
        await runner.cleanup()
        pool.terminate()
        login.terminate()
