"""What holds for every route, whichever it is: headers, requests of other sites, ended sessions.

The routes are those of the application itself, so a new one is held to this from its first day.
docs/security.md says which test shows what.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from core.clock import ManualClock
from core.database import REGISTRY_CHANNEL
from tests.integration.web_support import NOW, PASSWORD, Browser, County, county, logged_in, serving
from web.app import create_app
from web.live import MOST_PAGES
from web.rendering import static_prefix

_nothing: Any = None
FILL = {"name": "list", "what": "seen", "filename": "js/api.js", "rest": "nothing"}
STREAM = "/api/stream"
CAPABILITY = "/receipt/"
"""Who has the address of a message's receipt may say that it arrived: no session is asked for."""


def _routes() -> Iterator[tuple[str, str]]:
    app = create_app(database_url="", pool=_nothing, login=_nothing, clock=ManualClock(NOW))
    for route in app.router.routes():
        if route.resource is None or route.method == "HEAD":
            continue
        if isinstance(route.resource, web.StaticResource):
            yield "GET", f"{static_prefix()}/js/api.js"
            continue
        path = route.resource.canonical
        while "{" in path:
            head, _, rest = path.partition("{")
            name, _, tail = rest.partition("}")
            path = head + FILL.get(name, "1") + tail
        yield ("POST" if route.method == "*" else route.method), path


ROUTES = sorted(set(_routes()))
READS = [path for method, path in ROUTES if method == "GET" and path != STREAM]
WRITES = [path for method, path in ROUTES if method != "GET"]


@pytest.fixture
async def place(plain_database_url: str) -> AsyncIterator[County]:
    async with county(plain_database_url) as one:
        yield one


@pytest.fixture
async def address(place: County) -> AsyncIterator[str]:
    async with serving(place) as one:
        yield one


async def _asked(
    session: aiohttp.ClientSession, method: str, path: str, **headers: str
) -> tuple[int, str, str]:
    """Status, where it leads, and what is said."""
    async with session.request(
        method, path, headers=headers, allow_redirects=False, json={} if method == "POST" else None
    ) as answer:
        return answer.status, answer.headers.get("Location", ""), await answer.text()


def test_the_routes_are_all_there() -> None:
    assert len(READS) > 40
    assert len(WRITES) > 30
    assert all("{" not in path for _, path in ROUTES)


async def test_no_answer_is_without_its_headers(address: str) -> None:
    async with logged_in(address, "desk") as desk, aiohttp.ClientSession(address) as visitor:
        for session in (desk.session, visitor):
            for path in (*READS, "/nowhere", "/api/nowhere", "/fhir/R4/Nothing"):
                async with session.get(path, allow_redirects=False) as answer:
                    said = answer.headers
                assert answer.status < 500, path
                policy = dict(
                    one.split(" ", 1) for one in said["Content-Security-Policy"].split("; ")
                )
                assert policy["default-src"] == "'none'", path
                for allowed in policy.values():
                    assert set(allowed.split()) <= {"'self'", "'none'", "data:"}, path
                assert policy["script-src"] == policy["style-src"] == "'self'"
                assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
                assert said["X-Frame-Options"] == "DENY"
                assert said["X-Content-Type-Options"] == "nosniff"
                assert said["Referrer-Policy"] == "same-origin"
                assert said["Cross-Origin-Opener-Policy"] == "same-origin"
                assert said["Cross-Origin-Resource-Policy"] == "same-origin"
                assert "camera=()" in said["Permissions-Policy"]
                kept = path.startswith("/static/")
                assert said["Cache-Control"].startswith("public" if kept else "no-store"), path


async def test_no_write_is_taken_from_another_site_or_without_the_form_token(address: str) -> None:
    async with logged_in(address, "desk") as desk:
        for path in WRITES:
            for foreign in (
                {"Sec-Fetch-Site": "cross-site"},
                {"Sec-Fetch-Site": "same-site"},
                {"Origin": "https://elsewhere.example"},
                {"Origin": "null"},
            ):
                # Even with the token, which another site cannot know.
                sent = {"X-Saimi-Token": desk.token, **foreign}
                assert (await _asked(desk.session, "POST", path, **sent))[0] == 403, (path, foreign)
            if not path.startswith((CAPABILITY, "/own/")):  # these know no member
                assert (await _asked(desk.session, "POST", path))[0] == 403, path
                wrong = {"X-Saimi-Token": desk.token[:-1] + "x"}
                assert (await _asked(desk.session, "POST", path, **wrong))[0] == 403, path


async def test_a_foreign_site_logs_nobody_in(address: str) -> None:
    """Else somebody would write down a client's matters as another."""
    form = {"username": "nurse", "password": PASSWORD}
    async with (
        aiohttp.ClientSession(address) as session,
        session.post("/login", data=form, headers={"Sec-Fetch-Site": "cross-site"}) as answer,
    ):
        assert answer.status == 403
        assert not answer.cookies


@pytest.mark.parametrize("how", ["logout", "disabled", "ended"])
async def test_a_stolen_token_is_worth_nothing_anywhere_once_it_is_over(
    place: County, address: str, how: str
) -> None:
    async with logged_in(address, "desk") as desk:
        cookies = {one.key: one.value for one in desk.session.cookie_jar}
        if how == "logout":
            assert (await _asked(desk.session, "POST", "/logout", **_token(desk)))[0] == 303
        elif how == "disabled":
            await place.connection.execute(
                "UPDATE registry.member SET disabled_at = now() WHERE username = 'desk'"
            )
        else:
            await place.connection.execute(
                "UPDATE audit.session SET ended_at = now() WHERE member ="
                " (SELECT id FROM registry.member WHERE username = 'desk')"
            )
        await place.connection.execute("SELECT pg_notify($1, '')", REGISTRY_CHANNEL)
    async with (
        aiohttp.ClientSession(address, cookies=cookies) as thief,
        aiohttp.ClientSession(address) as stranger,
    ):
        for method, path in ROUTES:
            if path.startswith(CAPABILITY) or path in ("/login", "/own/login"):
                continue
            found = await _asked(thief, method, path, **_token(desk))
            assert found[0] in (200, 303, 401, 403, 404), path
            if path != "/fhir/R4/metadata":  # says when it was asked
                assert found == await _asked(stranger, method, path, **_token(desk)), path


def _token(browser: Browser) -> dict[str, str]:
    return {"X-Saimi-Token": browser.token}


async def test_a_session_that_was_planted_is_never_taken_up(place: County, address: str) -> None:
    """Session fixation: what the browser had before the login is nobody's afterwards."""
    planted = "A" * 43
    async with aiohttp.ClientSession(address, cookie_jar=aiohttp.CookieJar(unsafe=True)) as victim:
        victim.cookie_jar.update_cookies({"saimi": planted}, URL(address))
        form = {"username": "nurse", "password": PASSWORD}
        async with victim.post("/login", data=form, allow_redirects=False) as answer:
            assert answer.status == 303
            assert answer.cookies["saimi"].value != planted
    async with aiohttp.ClientSession(address, cookies={"saimi": planted}) as attacker:
        assert (await _asked(attacker, "GET", "/api/session"))[0] == 401
    hashes = await place.connection.fetch("SELECT token_hash FROM audit.session")
    assert len(hashes) == 1


async def test_a_new_login_ends_the_session_that_the_browser_had(address: str) -> None:
    async with logged_in(address, "nurse") as browser:
        before = {one.key: one.value for one in browser.session.cookie_jar}
        form = {"username": "mate", "password": PASSWORD, "token": browser.token}
        async with browser.session.post("/login", data=form, allow_redirects=False) as answer:
            assert answer.status == 303
        assert (await browser.get("/api/session"))["username"] == "mate"
    async with aiohttp.ClientSession(address, cookies=before) as left:
        assert (await _asked(left, "GET", "/api/session"))[0] == 401


async def test_whoever_must_wait_is_told_how_long(address: str) -> None:
    form = {"username": "nurse", "password": "wrong"}
    async with aiohttp.ClientSession(address) as session:
        for _ in range(6):
            async with session.post("/login", data=form) as answer:
                status, wait = answer.status, answer.headers.get("Retry-After")
    assert status == 429
    assert wait is not None
    assert 1 <= int(wait) <= 60


async def test_one_session_has_so_many_live_pages_and_no_more(address: str) -> None:
    endless = aiohttp.ClientTimeout(total=None, sock_read=20)
    async with (
        logged_in(address, "nurse") as nurse,
        aiohttp.ClientSession(
            address,
            cookies={one.key: one.value for one in nurse.session.cookie_jar},
            connector=aiohttp.TCPConnector(limit=0),
        ) as session,
        nurse.events() as oldest,
    ):
        await oldest.of("snapshot")
        others = [await session.get(STREAM, timeout=endless) for _ in range(MOST_PAGES)]
        assert {one.status for one in others} == {200}
        assert await oldest.ended()
        for one in others:
            one.close()


async def test_a_request_that_is_too_long_is_not_read(address: str) -> None:
    async with logged_in(address, "nurse") as nurse:
        content = {"note": "x" * 100_000}
        await nurse.post("/api/episodes/1/note", content, status=413)
