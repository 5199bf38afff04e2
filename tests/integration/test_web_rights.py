"""Who gets in, who sees whom, what a foreign site can do, and what is put on record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import asyncpg
import pytest

from core.clock import wall_time
from core.database import load_queries
from core.errors import SaimiError
from core.roles import web_urls
from tests.integration.web_support import (
    NOW,
    PASSWORD,
    Browser,
    County,
    county,
    logged_in,
    serving,
)
from tests.support.waiting import eventually
from web.app import run
from web.session import IDLE, act_for, start_session


@pytest.fixture
async def place(plain_database_url: str) -> AsyncIterator[County]:
    async with county(plain_database_url) as one:
        yield one


@pytest.fixture
async def address(place: County) -> AsyncIterator[str]:
    async with serving(place) as one:
        yield one


@pytest.fixture
async def visitor(address: str) -> AsyncIterator[Browser]:
    """Somebody who is not logged in."""
    browser = Browser(address)
    yield browser
    await browser.session.close()


async def test_without_a_login_there_is_nothing_to_see(visitor: Browser) -> None:
    for path in ("/", "/episodes/1", "/clients", "/clients/x/trends"):
        async with visitor.session.get(path, allow_redirects=False) as answer:
            assert answer.status == 303
            assert answer.headers["Location"].startswith("/login?next=")
    for path in ("/api/episodes", "/api/stream", "/api/readings", "/api/session"):
        assert "error" in await visitor.get(path, status=401)
    assert (await visitor.get("/healthz")) == (await visitor.get("/readyz")) == {"status": "ok"}


async def test_only_the_right_password_gets_in(place: County, visitor: Browser) -> None:
    assert await visitor.log_in("nurse", "wrong") == 401
    assert await visitor.log_in("nobody", PASSWORD) == 401
    await place.connection.execute(
        "UPDATE registry.member SET disabled_at = now() WHERE username = 'mate'"
    )
    assert await visitor.log_in("mate") == 401
    assert await visitor.log_in("nurse") == 303
    row = await place.connection.fetchrow("SELECT * FROM audit.session")
    cookie = next(iter(visitor.session.cookie_jar))
    assert row is not None
    assert cookie.value.encode() not in row["token_hash"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")


async def test_guessing_is_slowed_down(visitor: Browser) -> None:
    statuses = [await visitor.log_in("nurse", "wrong") for _ in range(6)]
    assert statuses == [401, 401, 401, 401, 401, 429]
    assert await visitor.log_in("nurse") == 429
    assert await visitor.log_in("desk") == 303


async def test_behind_tls_the_cookie_never_travels_in_the_clear(place: County) -> None:
    async with serving(place, public_url="https://saimi.example") as address:
        form = {"username": "nurse", "password": PASSWORD}
        async with (
            aiohttp.ClientSession(address) as session,
            session.post("/login", data=form, allow_redirects=False) as answer,
        ):
            cookie = answer.cookies["__Host-saimi"]
            assert cookie["secure"]
            assert "max-age" in answer.headers["Strict-Transport-Security"]


async def test_a_session_is_worth_nothing_after_the_logout(address: str) -> None:
    async with logged_in(address, "nurse") as browser:
        cookies = {c.key: c.value for c in browser.session.cookie_jar}
        async with browser.events() as events:
            await events.of("snapshot")
            async with browser.session.post("/logout", data={"token": browser.token}) as answer:
                assert answer.url.path == "/login"
            assert await events.of("session") == {"ended": True}
            assert await events.ended()
    async with (
        aiohttp.ClientSession(address, cookies=cookies) as thief,
        thief.get("/api/session") as answer,
    ):
        assert answer.status == 401


@pytest.mark.parametrize("column", ["seen_at", "expires_at"])
async def test_sessions_end_unused_and_after_a_shift(
    place: County, address: str, column: str
) -> None:
    async with logged_in(address, "nurse") as browser:
        past = wall_time() - IDLE - timedelta(seconds=1)
        await place.connection.execute(f"UPDATE audit.session SET {column} = $1", past)
        await browser.get("/api/session", status=401)


async def test_other_sites_change_nothing(place: County, address: str) -> None:
    episode = await place.open(await place.subject("aino"))
    path = f"/api/episodes/{episode}/acknowledge"
    async with logged_in(address, "nurse") as browser:
        await browser.post(path, status=403, Origin="https://elsewhere.example")
        await browser.post(path, status=403, Sec_Fetch_Site="cross-site")
        await browser.post(path, status=403, X_Saimi_Token="guessed")
        async with browser.session.post("/logout") as answer:
            assert answer.status == 403
        await browser.post(path, Origin=address, Sec_Fetch_Site="same-origin")


async def test_every_answer_carries_the_security_headers(address: str) -> None:
    async with logged_in(address, "nurse") as browser:
        for path in ("/", "/nowhere", "/api/episodes", "/healthz"):
            async with browser.session.get(path) as answer:
                policy = answer.headers["Content-Security-Policy"]
                assert "unsafe" not in policy
                assert "frame-ancestors 'none'" in policy
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert answer.headers["Cache-Control"] == "no-store"


async def test_a_team_sees_its_own_and_the_desk_everyone(place: County, address: str) -> None:
    own = await place.open(await place.subject("aino"))
    foreign = await place.open(await place.subject("berta"))
    unknown = await place.open(0, "help", origin="somewhere")
    seen = {}
    for username in ("nurse", "stranger", "desk", "operator"):
        async with logged_in(address, username) as browser:
            seen[username] = {e["id"] for e in (await browser.get("/api/episodes"))["episodes"]}
    assert seen == {
        "nurse": {own},
        "stranger": {foreign},
        "desk": {own, foreign, unknown},
        "operator": set(),
    }


async def test_foreign_and_missing_are_told_in_the_same_words(place: County, address: str) -> None:
    foreign = await place.open(await place.subject("berta"))
    pseudonym = await place.pseudonym("berta")
    pairs = (
        (f"/episodes/{foreign}", "/episodes/999"),
        (f"/episodes/{foreign}/part", "/episodes/999/part"),
        (f"/clients/{pseudonym}/trends", "/clients/nobody/trends"),
        (f"/clients/{pseudonym}/visit", "/clients/nobody/visit"),
    )
    async with logged_in(address, "nurse") as browser:
        for one, other in pairs:
            pages = [await browser.page(path, status=404) for path in (one, other)]
            assert pages[0].replace(one, other) == pages[1]
        api = [
            await browser.get(f"/api/episodes/{which}", status=404)
            for which in (str(foreign), "999", "x", "9" * 30, "-1")
        ]
        for action in ("acknowledge", "close"):
            for which in (str(foreign), "999"):
                content = {"outcome": "real"} if action == "close" else {}
                path = f"/api/episodes/{which}/{action}"
                api.append(await browser.post(path, content, status=404))
        for which in (pseudonym, "nobody"):
            query = f"subject={which}&metrics=spo2"
            api.append(await browser.get(f"/api/readings?{query}", status=404))
            api.append(await browser.get(f"/api/activity?{query}", status=404))
            api.append(await browser.get(f"/api/course?{query}", status=404))
            api.append(await browser.get(f"/api/comparison?{query}", status=404))
        assert all(answer == api[0] for answer in api)
    assert await place.looks() == []
    assert await place.connection.fetchval("SELECT version FROM alerts.episode") == 1


async def test_only_the_housemate_one_may_see_is_named(place: County, address: str) -> None:
    await place.open(await place.home("aino"), "smoke")
    async with logged_in(address, "nurse") as browser:
        episode = (await browser.get("/api/episodes"))["episodes"][0]
        assert episode["client"]["name"] == "Aino Ahola"
        assert "Urho" not in await browser.page(f"/episodes/{episode['id']}")
    async with logged_in(address, "desk") as browser:
        episode = (await browser.get("/api/episodes"))["episodes"][0]
        assert episode["client"]["name"] == "Aino Ahola and Urho Ahola"


async def test_every_look_is_on_record(place: County, address: str) -> None:
    pseudonym = await place.pseudonym("aino")
    async with logged_in(address, "nurse") as browser:
        async with browser.events() as events:
            await events.of("snapshot")
            episode = await place.open(await place.subject("aino"))
            await events.of("episode")
            await place.notify(episode)
            await events.of("episode")
        async with browser.events() as events:
            assert len((await events.of("snapshot"))["episodes"]) == 1
            await eventually(place.looks_at_least(2), what="the second look's record")
        await browser.page(f"/episodes/{episode}")
        await browser.page("/clients")
        await browser.page(f"/clients/{pseudonym}/trends")
        await browser.get(f"/api/readings?subject={pseudonym}&metrics=spo2")
    async with logged_in(address, "desk") as browser:
        await browser.get(f"/api/episodes/{episode}")
    assert await place.looks() == [
        ("nurse", "aino", "list", "care"),
        ("nurse", "aino", "list", "care"),
        ("nurse", "aino", "episode", "care"),
        ("nurse", "aino", "list", "care"),
        ("nurse", "aino", "trends", "care"),
        ("nurse", "aino", "trends", "care"),
        ("desk", "aino", "episode", "desk"),
    ]
    for statement in ("UPDATE audit.access SET what = ''", "DELETE FROM audit.access"):
        with pytest.raises(asyncpg.RaiseError):
            await place.connection.execute(statement)


async def test_a_home_s_alert_is_on_the_record_of_everyone_it_names(
    place: County, address: str
) -> None:
    episode = await place.open(await place.home("aino"), "smoke")
    async with logged_in(address, "desk") as browser, browser.events() as events:
        await events.of("snapshot")
        await eventually(place.looks_at_least(3), what="the record of the list")
        await browser.get("/api/episodes")
        await browser.get(f"/api/episodes/{episode}")
        await browser.page(f"/episodes/{episode}")
    async with logged_in(address, "nurse") as browser:
        await browser.get(f"/api/episodes/{episode}")
    looks = await place.looks()
    for what, times in (("list", 2), ("episode", 2)):
        for whom in ("aino", "urho", "home"):
            assert looks.count(("desk", whom, what, "desk")) == times
    # Who was not named has nothing on their record.
    assert {whom for who, whom, _, _ in looks if who == "nurse"} == {"aino", "home"}


async def test_names_and_notes_are_text(place: County, address: str) -> None:
    await place.connection.execute(
        "UPDATE registry.client SET family_name = '<script>alert(1)</script>'"
    )
    episode = await place.open(await place.subject("aino"))
    async with logged_in(address, "nurse") as browser:
        note = "<img src=x onerror=alert(1)>"
        content = {"outcome": "known", "note": note}
        await browser.post(f"/api/episodes/{episode}/close", content)
        html = await browser.page(f"/episodes/{episode}")
        assert "<script>alert" not in html
        assert "<img" not in html
        assert "&lt;img src=x onerror=alert(1)&gt;" in html


async def test_a_port_in_use_is_one_sentence(place: County, address: str) -> None:
    port = int(address.rsplit(":", 1)[1])
    with pytest.raises(SaimiError, match=r"cannot listen on 127\.0\.0\.1:\d+") as caught:
        await run(
            urls=await web_urls(place.url),
            clock=place.clock,
            host="127.0.0.1",
            port=port,
            stop=asyncio.Event(),
        )
    assert caught.value.exit_status == 2


async def test_care_relationships_end(place: County, address: str) -> None:
    await place.open(await place.subject("aino"))
    await place.connection.execute(
        "UPDATE registry.care_relationship SET during = tstzrange(lower(during), $1)",
        NOW + timedelta(hours=1),
    )
    async with logged_in(address, "nurse") as browser:
        assert len((await browser.get("/api/episodes"))["episodes"]) == 1
        await place.set_clock(NOW + timedelta(hours=1))
        assert (await browser.get("/api/episodes"))["episodes"] == []


async def test_asked_for_together_members_see_what_each_sees_alone(place: County) -> None:
    c = place.connection
    names = ("nurse", "mate", "stranger", "desk", "operator", "second", "on-duty", "called", "gone")
    for name in names[5:]:
        await c.execute(
            "INSERT INTO registry.member (username, display_name, role, disabled_at)"
            " VALUES ($1, $1, $2, $3)",
            name, "operator" if name == "second" else "member", NOW if name == "gone" else None,
        )  # fmt: skip
    await c.execute(
        "INSERT INTO registry.team_member SELECT t.id, m.id FROM registry.team t, registry.member m"
        " WHERE t.name = 'Imatra team' AND m.username = 'gone'"
    )
    await c.execute(
        "INSERT INTO registry.shift (team, member, during)"
        " SELECT t.id, m.id, tstzrange($1, $2) FROM registry.team t, registry.member m"
        "  WHERE t.name = 'Lappeenranta team' AND m.username = 'on-duty'",
        NOW - timedelta(hours=1), NOW + timedelta(hours=1),
    )  # fmt: skip
    episode = await place.open(await place.subject("berta"))
    await c.execute(
        "INSERT INTO alerts.episode_event (episode, at, wall_at, what, member)"
        " SELECT $1, $2, $2, 'called', id FROM registry.member WHERE username = 'called'",
        episode, NOW,
    )  # fmt: skip
    members = [row["id"] for row in await c.fetch("SELECT id FROM registry.member")]
    subjects = [row["id"] for row in await c.fetch("SELECT id FROM registry.subject")]
    alone = {
        member: {
            row["subject"]
            for row in await c.fetch(
                "SELECT subject FROM registry.visible_subjects($1, $2)", member, NOW
            )
        }
        for member in members
    }
    together: dict[int, set[int]] = {member: set() for member in members}
    tokens = [await start_session(c, member) for member in members]
    async with c.transaction():
        await act_for(c, tokens)
        async for row in load_queries("web").visible_to(c, subjects=subjects):
            together[row["member"]] = set(row["subjects"])
    assert together == alone
    assert len({frozenset(seen) for seen in alone.values()}) >= 5  # all sorts of rights
