"""The way into a client's dashboard in Grafana: through here, so that the look is on record.

GET /clients/{pseudonym}/grafana?from&to     Unix milliseconds, as Grafana writes them
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from aiohttp import web

from core.database import load_queries
from core.settings import load_settings
from web.access import purpose_of, record_looks
from web.parts import caller, database, parts
from web.trends import find_subject

_DASHBOARD = "saimi-client"
"""Its uid (dashboards/links.py, which this package does not import)."""


def grafana_address() -> str | None:
    """Grafana as browsers reach it, without a slash at the end; None: there is none."""
    url = load_settings().grafana_public_url
    return None if url is None else url.rstrip("/")


def grafana_link(pseudonym: str | None, since: datetime, until: datetime) -> str | None:
    """The way to a client's dashboard at a time; None: there is no Grafana, or no client."""
    if pseudonym is None or grafana_address() is None:
        return None
    span = {"from": _milliseconds(since), "to": _milliseconds(until)}
    return f"/clients/{pseudonym}/grafana?{urlencode(span)}"


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


async def client_dashboard(request: web.Request) -> web.Response:
    """GET /clients/{pseudonym}/grafana

    Raises:
        NotFoundError: there is no such client, or they are none of the member's.
    """
    member, shared = caller(request), parts(request)
    address = grafana_address()
    if address is None:
        raise web.HTTPNotFound
    span = {name: request.query.get(name, "") for name in ("from", "to")}
    async with database(request) as connection:
        subject = await find_subject(connection, request.match_info["pseudonym"])
        place = await load_queries("web").grafana_place(connection, subject=subject.id)
        if subject.kind != "client" or place is None:
            raise web.HTTPNotFound
        await record_looks(
            connection,
            [(member.id, subject.id)],
            what="grafana",
            wall=shared.wall(),
            detail={name: value for name, value in span.items() if _is_time(value)},
            purpose=purpose_of(member),
        )
    query = {"orgId": place["organisation"], "var-area": place["area"],
             "var-client": subject.pseudonym}  # fmt: skip
    query |= {name: value for name, value in span.items() if _is_time(value)}
    raise web.HTTPSeeOther(f"{address}/d/{_DASHBOARD}?{urlencode(query)}")


def _is_time(given: str) -> bool:
    return given.isascii() and given.isdigit() and len(given) < 15


ROUTES = [web.get("/clients/{pseudonym}/grafana", client_dashboard)]
