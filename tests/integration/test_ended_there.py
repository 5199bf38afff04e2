"""The identity provider says that a session has ended, and so it has; nobody else can say so."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from core.database import connect
from core.roles import web_urls
from tests.integration.web_support import Browser, County, county, serving
from web.session import There, start_session
from web.tokens import Client, Issuer, Provider

EVENT = "http://schemas.openid.net/event/backchannel-logout"


@dataclass
class Words:
    """What a provider signs, and where the service is."""

    issuer: str
    address: str
    place: County
    key: ECKey
    other: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "one"}))

    def word(self, *, key: ECKey | None = None, **changed: Any) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": "saimi", "iat": now, "exp": now + 120, "jti": "j-1",
            "events": {EVENT: {}}, "sub": "s-nina",
        } | changed  # fmt: skip
        claims = {name: one for name, one in claims.items() if one is not None}
        header = {"alg": "ES256", "kid": "one", "typ": "logout+jwt"}
        return jwt.encode(header, claims, key or self.key)

    async def say(self, word: str, **headers: str) -> int:
        async with (
            aiohttp.ClientSession(self.address) as session,
            session.post("/login/ended", data={"logout_token": word}, headers=headers) as answer,
        ):
            assert answer.headers["Cache-Control"] == "no-store"
            return answer.status

    async def logged_in(self, username: str, there: There | None) -> Browser:
        """A browser with a session that began at the provider, or here."""
        member = await self.place.connection.fetchval(
            "SELECT id FROM registry.member WHERE username = $1", username
        )
        login = await connect((await web_urls(self.place.url)).login)
        try:
            token = await start_session(login, member, there)
        finally:
            await login.close()
        browser = Browser(self.address)
        browser.session.headers["Cookie"] = f"saimi={token}"
        return browser

    async def living(self) -> int:
        found: int = await self.place.connection.fetchval(
            "SELECT count(*) FROM audit.session WHERE ended_at IS NULL"
        )
        return found


@pytest.fixture
async def words(plain_database_url: str) -> AsyncIterator[Words]:
    key = ECKey.generate_key("P-256", {"kid": "one"})

    async def discovery(request: web.Request) -> web.Response:
        base = f"http://{request.host}"
        return web.json_response(
            {"issuer": base, "authorization_endpoint": f"{base}/a", "token_endpoint": f"{base}/t",
             "jwks_uri": f"{base}/keys"}
        )  # fmt: skip

    async def keys(_request: web.Request) -> web.Response:
        return web.json_response(KeySet([key]).as_dict(private=False))

    app = web.Application()
    app.add_routes(
        [web.get("/.well-known/openid-configuration", discovery), web.get("/keys", keys)]
    )
    async with county(plain_database_url) as place, TestServer(app) as server:
        issuer = str(server.make_url("")).rstrip("/")
        client = Client(Provider(Issuer(issuer)), "saimi", None)
        async with serving(place, public_url="http://saimi.test", oidc_client=client) as address:
            yield Words(issuer, address, place, key)


async def test_one_session_ends_by_its_number_and_all_by_the_person(words: Words) -> None:
    there = [There("s-nina", "one"), There("s-nina", "two"), There("s-matti", "three"), None]
    names = ("nurse", "nurse", "mate", "nurse")
    browsers = [await words.logged_in(n, t) for n, t in zip(names, there, strict=True)]
    try:
        async with browsers[0].events() as events:
            await events.of("snapshot")
            assert await words.say(words.word(sub=None, sid="one")) == 200
            assert await events.of("session") == {"ended": True}
            assert await events.ended()
        await browsers[0].get("/api/session", status=401)
        for browser in browsers[1:]:
            await browser.get("/api/session")
        # The number of another's session ends nothing.
        assert await words.say(words.word(sid="three")) == 200
        assert await words.living() == 3
        assert await words.say(words.word()) == 200
        await browsers[1].get("/api/session", status=401)
        await browsers[2].get("/api/session")
        # What began with a password of Saimi's own is none of the provider's.
        await browsers[3].get("/api/session")
        assert await words.say(words.word()) == 200  # said again
        assert await words.living() == 2
    finally:
        for browser in browsers:
            await browser.session.close()


async def test_only_the_provider_can_say_so(words: Words) -> None:
    browser = await words.logged_in("nurse", There("s-nina", "one"))
    now = int(time.time())
    lies: list[dict[str, Any]] = [
        {"key": words.other}, {"iss": "https://another.test"}, {"aud": "another"},
        {"exp": now - 60}, {"exp": None}, {"iat": None}, {"jti": None}, {"events": None},
        {"events": {}}, {"events": {EVENT: None}}, {"events": [EVENT]}, {"nonce": "n"},
        {"sub": None}, {"sub": 7}, {"sid": ["one"]}, {"sub": "x" * 300},
    ]  # fmt: skip
    try:
        for lie in lies:
            assert await words.say(words.word(**lie)) == 400, lie
        for word in ("", "a.b.c", "x" * 20_000):
            assert await words.say(word) == 400
        assert await words.say(words.word(), Origin="https://elsewhere.example") == 403
        await browser.get("/api/session")
        assert await words.living() == 1
    finally:
        await browser.session.close()
