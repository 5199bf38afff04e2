"""Role, area, relationship, endpoint: each cell is as its table says, and no route is missing."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web as aiohttp_web
from yarl import URL

from core.clock import ManualClock, wall_time
from core.database import REGISTRY_CHANNEL
from tests.integration.matrix_support import (
    ALLOWED,
    EMPTY,
    REFUSED,
    as_markdown,
    in_docs,
    read_matrix,
)
from tests.integration.web_support import NOW, Browser, County, county, serving
from tests.support.databases import Databases
from web import app as web_app
from web.rendering import static_prefix
from web.session import csrf_token, start_session

MATRIX = read_matrix()
BODIES: dict[str, dict[str, Any]] = {
    "hand-over": {"to": "desk"},
    "contact": {"how": "phone"},
    "not-reached": {"how": "phone"},
    "note": {"note": "seen"},
    "ask": {"service": "home_care", "note": "please look"},
    "readings": {"values": {"pulse": 71}},
    "alone": {"minutes": 30},
    "close": {"outcome": "real"},
    "looks": {"looks": []},
    "break-glass": {
        "given_name": "Berta",
        "family_name": "Berg",
        "born": "1950-06-01",
        "reason": "called by the rescue service",
    },
}
_PATTERN = re.compile(r":[^{}]*}")
_number = count(1)


@dataclass
class Asked:
    """The service with a browser for each viewer."""

    place: County
    browsers: dict[str, Browser]
    members: dict[str, int]
    aino: int
    pseudonym: str

    async def episode(self) -> int:
        """A new alert of Aino's, about which `called` was called."""
        number = await self.place.open(self.aino, origin=f"test-{next(_number)}", severity=2)
        await self.place.connection.execute(
            "INSERT INTO alerts.episode_event (episode, at, wall_at, what, member)"
            " VALUES ($1, $2, $2, 'called', $3)",
            number, NOW, self.members["called"],
        )  # fmt: skip
        return number

    async def answer(self, viewer: str, endpoint: str) -> str:
        """How a viewer fares: one of the matrix's signs."""
        browser = self.browsers[viewer]
        method, path = endpoint.split(" ")
        if "/Patient/" in path:
            path = path.replace("{id}", self.pseudonym)
        elif "{id}" in path:
            path = path.replace("{id}", str(await self.episode()))
        path = path.replace("{pseudonym}", self.pseudonym).replace("{key}", str(uuid4()))
        path = (
            path.replace("{name}", "list")
            .replace("{what}", "seen")
            .replace("{month}", "2026-02")
            .replace("/static", f"{static_prefix()}/js/api.js")
        )
        if path in ("/api/readings", "/api/activity", "/api/course", "/api/comparison"):
            path += f"?subject={self.pseudonym}&metrics=spo2"
        if endpoint == "GET /api/stream":
            return await self._stream(browser)
        action = endpoint.rsplit("/", 1)[1]
        async with browser.session.request(
            method,
            path,
            json=BODIES.get(action, {}) if method == "POST" else None,
            headers={"X-Saimi-Token": browser.token},
            allow_redirects=False,
        ) as given:
            text = await given.text(errors="replace")
            to_login = given.status == 303 and "next=" in given.headers["Location"]
            assert given.status < 500, (viewer, endpoint, text)
            if endpoint == "POST /login":  # a wrong password is no question of rights
                return ALLOWED if given.status in (401, 429) else REFUSED
            if given.status in (401, 403, 404) or to_login:
                assert "Ahola" not in text
                return REFUSED
        if MATRIX.endpoints[endpoint] == "list":
            return ALLOWED if "Ahola" in text else EMPTY
        return ALLOWED

    async def _stream(self, browser: Browser) -> str:
        async with browser.session.get("/api/stream") as given:
            if given.status == 401:
                return REFUSED
        async with browser.events() as events:
            episodes = (await events.of("snapshot"))["episodes"]
        return ALLOWED if "Ahola" in str(episodes) else EMPTY


async def _viewers(place: County) -> dict[str, int]:
    """Everybody of the table, as members; `nobody` has none."""
    c = place.connection
    roles = {"clinician": "clinician", "desk": "coordinator", "operator": "operator"}
    for name in MATRIX.viewers:
        if name not in ("nobody", "desk", "operator"):
            await c.execute(
                "INSERT INTO registry.member (username, display_name, role, password_hash)"
                " SELECT $1, $1, $2, password_hash FROM registry.member WHERE username = 'nurse'",
                name, roles.get(name, "member"),
            )  # fmt: skip
    for team, areas, care in (
        ("drives", ["im"], None),
        ("cares", ["la"], (NOW - timedelta(days=9), None)),
        ("cared", ["im"], (NOW - timedelta(days=9), NOW - timedelta(days=1))),
    ):
        await c.execute("INSERT INTO registry.team (name) VALUES ($1)", team)
        await c.execute(
            "INSERT INTO registry.team_area SELECT t.id, a.id FROM registry.team t, registry.area a"
            " WHERE t.name = $1 AND a.code = ANY($2)",
            team, areas,
        )  # fmt: skip
        if care is not None:
            await c.execute(
                "INSERT INTO registry.care_relationship SELECT id, $2, tstzrange($3, $4)"
                " FROM registry.team WHERE name = $1",
                team, await place.subject("aino"), *care,
            )  # fmt: skip
    for name, team in {
        "care": "Imatra team",
        "clinician": "Imatra team",
        "disabled": "Imatra team",
        "area": "drives",
        "relationship": "cares",
        "ended": "cared",
        "elsewhere": "Lappeenranta team",
    }.items():
        await c.execute(
            "INSERT INTO registry.team_member SELECT t.id, m.id FROM registry.team t,"
            " registry.member m WHERE t.name = $1 AND m.username = $2",
            team, name,
        )  # fmt: skip
    for name, since, until in (("duty", -1, 1), ("off", -9, -1)):
        await c.execute(
            "INSERT INTO registry.shift (team, member, during) SELECT t.id, m.id, tstzrange($2, $3)"
            " FROM registry.team t, registry.member m"
            " WHERE t.name = 'Imatra team' AND m.username = $1",
            name, NOW + timedelta(hours=since), NOW + timedelta(hours=until),
        )  # fmt: skip
    rows = await c.fetch("SELECT username, id FROM registry.member")
    return {row["username"]: row["id"] for row in rows}


@pytest.fixture
async def asked(plain_databases: Databases) -> AsyncIterator[Asked]:
    url = plain_databases.create()
    async with county(url) as place:
        members = await _viewers(place)
        async with serving(place) as address:
            browsers = {name: Browser(address) for name in MATRIX.viewers}
            for name, browser in browsers.items():
                if name != "nobody":
                    token = await start_session(place.connection, members[name])
                    browser.session.cookie_jar.update_cookies({"saimi": token}, URL(address))
                    browser.token = csrf_token(token)
            await place.connection.execute(
                "UPDATE registry.member SET disabled_at = $1 WHERE username = 'disabled'",
                wall_time(),
            )
            await place.connection.execute("SELECT pg_notify($1, '')", REGISTRY_CHANNEL)
            aino = await place.subject("aino")
            yield Asked(place, browsers, members, aino, await place.pseudonym("aino"))
            for browser in browsers.values():
                await browser.session.close()
    plain_databases.drop(url)


async def test_each_cell_is_as_written(asked: Asked) -> None:
    await asked.episode()
    # Logging out comes last.
    order = sorted(MATRIX.cells, key=lambda endpoint: endpoint in ("POST /logout", "POST /login"))
    found = {
        endpoint: {viewer: await asked.answer(viewer, endpoint) for viewer in MATRIX.viewers}
        for endpoint in order
    }
    wrong = [
        f"{endpoint} as {viewer}: {sign}, not {MATRIX.cells[endpoint][viewer]}"
        for endpoint, row in found.items()
        for viewer, sign in row.items()
        if sign != MATRIX.cells[endpoint][viewer]
    ]
    assert not wrong, "\n".join(wrong)


async def test_every_route_of_the_application_stands_in_the_table() -> None:
    routes = {
        f"{route.method} {_PATTERN.sub('}', route.resource.canonical)}"
        for route in _application().router.routes()
        if route.method != "HEAD" and route.resource is not None
    }
    shown = {re.sub(r"^GET /static\S*$", "GET /static", route) for route in routes}
    elsewhere = {one for endpoints in MATRIX.elsewhere.values() for one in endpoints}
    assert shown == set(MATRIX.endpoints) | elsewhere


def _application() -> aiohttp_web.Application:
    nothing: Any = None
    return web_app.create_app(database_url="", pool=nothing, login=nothing, clock=ManualClock(NOW))


def test_the_page_shows_the_table() -> None:
    assert in_docs() == as_markdown(MATRIX), "run python -m tests.integration.matrix_support"
