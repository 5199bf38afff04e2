"""Logging in at an identity provider: a real one (Django OAuth Toolkit), and one that lies."""

from __future__ import annotations

import base64
import html
import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey

from core.clock import wall_time
from tests.integration.web_support import County, county, serving
from tests.support.identity import Joined, identity_provider
from tests.support.identity_provider import PASSWORD
from web.tokens import Client, Issuer, IssuerAwayError, Provider


@pytest.fixture
async def place(plain_database_url: str) -> AsyncIterator[County]:
    async with county(plain_database_url) as one:
        await one.connection.execute(
            "UPDATE registry.member SET identity = 'nina' WHERE username = 'nurse'"
        )
        yield one


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))


def _onward(page: str) -> str:
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', page)
    assert found is not None, page
    return html.unescape(found[1])


async def _at_provider(session: aiohttp.ClientSession, page: str, at: str, username: str) -> str:
    """Fill in the provider's own form; where it sends the browser back to."""
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token is not None, page
    form = {"csrfmiddlewaretoken": token[1], "username": username, "password": PASSWORD}
    async with session.post(
        at, data=form, headers={"Referer": at}, allow_redirects=False
    ) as answer:
        assert answer.status == 302, await answer.text()
        onward = answer.headers["Location"]
    base = urlsplit(at)
    async with session.get(
        f"{base.scheme}://{base.netloc}{onward}", allow_redirects=False
    ) as answer:
        assert answer.status == 302, await answer.text()
        return answer.headers["Location"]


async def _log_in(session: aiohttp.ClientSession, joined: Joined, username: str) -> str:
    """From our login page to the provider; the address that it sends the browser back to."""
    async with session.get(f"{joined.address}/login?next=/clients") as answer:
        start = re.search(r'href="(/login/start[^"]*)"', await answer.text())
        assert start is not None
    async with session.get(joined.address + html.unescape(start[1])) as answer:
        return await _at_provider(session, await answer.text(), str(answer.url), username)


async def test_a_member_logs_in_at_the_provider_and_out_of_both(place: County) -> None:
    async with (
        identity_provider() as joined,
        serving(
            place,
            port=joined.port,
            public_url=joined.address,
            oidc_client=joined.client,
            password_login=False,
        ) as address,
        _session() as session,
    ):
        back = await _log_in(session, joined, "nina")
        async with session.get(back) as answer:
            page = await answer.text()
            assert answer.status == 200, page
            assert _onward(page) == "/clients"
        async with session.get(f"{address}/clients", allow_redirects=False) as answer:
            page = await answer.text()
            assert answer.status == 200
            assert "Ahola" in page
            form_token = re.search(r'name="saimi-token" content="(\w+)"', page)
            assert form_token is not None
        # A code is worth one session, and a way back without its login none.
        async with session.get(back) as answer:
            assert answer.status == 403
        stolen = {one.key: one.value for one in session.cookie_jar if one.key == "saimi"}
        async with aiohttp.ClientSession(cookies=stolen) as thief:
            async with thief.get(f"{address}/api/episodes") as answer:
                assert answer.status == 200
            async with session.post(
                f"{address}/logout", data={"token": form_token[1]}, allow_redirects=False
            ) as answer:
                assert answer.headers["Location"] == "/login/out"
            for path in ("/api/episodes", "/api/stream", "/api/session", "/fhir/R4/Patient"):
                async with thief.get(address + path, allow_redirects=False) as answer:
                    assert answer.status == 401, path
        async with session.get(f"{address}/login/out") as answer:
            there = _onward(await answer.text())
        assert there.startswith(joined.client.provider.issuer.issuer)
        async with session.get(there, allow_redirects=False) as answer:
            assert answer.status == 302, await answer.text()
            assert answer.headers["Location"] == f"{joined.address}/login"
        # The provider asks for the password again.
        assert (await _log_in(session, joined, "nina")).startswith(f"{joined.address}/login/return")
        # Passwords of Saimi's own are off.
        form = {"username": "nurse", "password": "correct horse"}
        async with session.post(f"{address}/login", data=form) as answer:
            assert answer.status == 403


async def _ends(joined: Joined, username: str) -> tuple[int, str]:
    """How a login ends."""
    async with _session() as session:
        back = await _log_in(session, joined, username)
        async with session.get(back) as answer:
            return answer.status, await answer.text()


async def test_who_is_no_member_is_told_so_and_the_disabled_stay_out(place: County) -> None:
    async with (
        identity_provider() as joined,
        serving(place, port=joined.port, public_url=joined.address, oidc_client=joined.client),
    ):
        status, page = await _ends(joined, "unknown")
        assert status == 403
        assert "esihenkilö" in page
        await place.connection.execute(
            "UPDATE registry.member SET disabled_at = now() WHERE username = 'nurse'"
        )
        assert (await _ends(joined, "nina"))[0] == 403
        assert await place.connection.fetchval("SELECT count(*) FROM audit.session") == 0


@dataclass
class Lying:
    """A provider that gives out whatever ID token a test wants."""

    issuer: str = ""
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "one"}))
    listed: list[ECKey] = field(default_factory=list)
    changed: dict[str, Any] = field(default_factory=dict)
    made: str | None = None
    status: int = 200
    nonce: str = ""
    discovered: int = 0
    redeemed: list[dict[str, Any]] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.get("/.well-known/openid-configuration", self._discovery),
                web.get("/keys", self._keys),
                web.post("/token", self._token),
            ]
        )
        return app

    def claims(self) -> dict[str, Any]:
        now = int(time.time())
        told = {
            "iss": self.issuer, "aud": "saimi", "sub": "s-1", "iat": now, "exp": now + 300,
            "nonce": self.nonce, "preferred_username": "nina",
        }  # fmt: skip
        return {name: one for name, one in (told | self.changed).items() if one is not None}

    async def _discovery(self, _request: web.Request) -> web.Response:
        self.discovered += 1
        told = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        return web.json_response(told | self.metadata)

    async def _keys(self, _request: web.Request) -> web.Response:
        return web.json_response(KeySet([*self.listed, self.key]).as_dict(private=False))

    async def _token(self, request: web.Request) -> web.Response:
        self.redeemed.append(dict(await request.post()))
        token = self.made or jwt.encode({"alg": "ES256", "kid": "one"}, self.claims(), self.key)
        return web.json_response({"id_token": token}, status=self.status)


@dataclass
class Liar:
    provider: Lying
    address: str

    async def back(self, session: aiohttp.ClientSession, **query: str) -> tuple[int, str]:
        """Begin a login and come back with a code; the answer."""
        async with session.get(f"{self.address}/login/start?next=/", allow_redirects=False) as one:
            asked = parse_qs(urlsplit(one.headers["Location"]).query)
        self.provider.nonce = asked["nonce"][0]
        given = {"code": "c", "state": asked["state"][0]} | query
        url = f"{self.address}/login/return"
        async with session.get(url, params=given, allow_redirects=False) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def liar(place: County) -> AsyncIterator[Liar]:
    provider = Lying()
    async with TestServer(provider.app()) as server:
        provider.issuer = str(server.make_url("")).rstrip("/")
        client = Client(Provider(Issuer(provider.issuer)), "saimi", None)
        async with serving(place, public_url="http://saimi.test", oidc_client=client) as address:
            yield Liar(provider, address)


def _unsigned(claims: dict[str, Any]) -> str:
    def part(one: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none'})}.{part(claims)}."


async def test_a_token_that_is_not_for_this_login_logs_nobody_in(liar: Liar, place: County) -> None:
    now = int(time.time())
    lies: list[dict[str, Any]] = [
        {"nonce": "another"}, {"nonce": None}, {"aud": "another"}, {"aud": None},
        {"iss": "https://another.test"}, {"exp": now - 60}, {"exp": None}, {"iat": now + 600},
        {"iat": None}, {"sub": None}, {"azp": "another"}, {"preferred_username": None},
        {"preferred_username": ["nina"]}, {"preferred_username": "nurse"},
    ]  # fmt: skip
    provider = liar.provider
    async with _session() as session:
        for lie in lies:
            provider.changed = lie
            status, page = await liar.back(session)
            assert status == 403, lie
            assert "nina" not in page
        provider.changed = {}
        secret = OctKey.import_key(json.dumps(provider.key.as_dict(private=False)))
        other = ECKey.generate_key("P-256", {"kid": "one"})
        for header, key in (({"alg": "HS256"}, secret), ({"alg": "ES256", "kid": "one"}, other)):
            async with session.get(f"{liar.address}/login/start", allow_redirects=False) as answer:
                asked = parse_qs(urlsplit(answer.headers["Location"]).query)
            provider.nonce = asked["nonce"][0]
            provider.made = jwt.encode(header, provider.claims(), key)
            query = {"code": "c", "state": asked["state"][0]}
            async with session.get(f"{liar.address}/login/return", params=query) as answer:
                assert answer.status == 403, header
        for made in (_unsigned(provider.claims()), "x" * 20_000, "a.b.c"):
            provider.made = made
            assert (await liar.back(session))[0] == 403
        provider.made, provider.status = None, 400
        assert (await liar.back(session))[0] == 403
        provider.status = 200
        assert await place.connection.fetchval("SELECT count(*) FROM audit.session") == 0
        assert provider.discovered == 1
        assert (await liar.back(session))[0] == 200
    assert await place.connection.fetchval("SELECT count(*) FROM audit.session") == 1


async def test_a_way_back_without_its_beginning_leads_nowhere(liar: Liar, place: County) -> None:
    async with _session() as session:
        assert (await liar.back(session, state="another"))[0] == 403
        assert (await liar.back(session, error="access_denied"))[0] == 403
        assert (await liar.back(session, iss="https://another.test"))[0] == 403
    async with (
        _session() as session,
        session.get(
            f"{liar.address}/login/return?code=c&state=s", headers={"Accept-Language": "en"}
        ) as answer,
    ):
        assert answer.status == 403
        assert "log in again" in await answer.text()
    assert liar.provider.redeemed == []
    for cookie in ("", "%00", "e30=", "WzEsMiwzLDRd", "x" * 4000):
        async with aiohttp.ClientSession(cookies={"saimi-login": cookie}) as session:
            url = f"{liar.address}/login/return?code=c&state="
            async with session.get(url) as answer:
                assert answer.status == 403, cookie


async def test_the_login_never_leads_out(liar: Liar) -> None:
    for wanted in ("//evil.test", "https://evil.test", "/\\evil.test", "/\t/evil.test", "x", ""):
        async with _session() as session:
            params = {"next": wanted}
            async with session.get(
                f"{liar.address}/login/start", params=params, allow_redirects=False
            ) as answer:
                asked = parse_qs(urlsplit(answer.headers["Location"]).query)
                assert answer.headers["Location"].startswith(liar.provider.issuer)
            assert asked["redirect_uri"] == ["http://saimi.test/login/return"]
            assert asked["code_challenge_method"] == ["S256"]
            liar.provider.nonce = asked["nonce"][0]
            query = {"code": "c", "state": asked["state"][0]}
            async with session.get(f"{liar.address}/login/return", params=query) as answer:
                assert _onward(await answer.text()) == "/"
        assert set(liar.provider.redeemed[-1]) == {
            "grant_type", "code", "redirect_uri", "code_verifier", "client_id"
        }  # fmt: skip


async def test_a_provider_that_is_away_or_another_is_said_to_be(liar: Liar) -> None:
    for wrong in (
        {"issuer": "https://another.test"},
        {"token_endpoint": "file:///etc/passwd"},
        {"code_challenge_methods_supported": ["plain"]},
        {"padding": "x" * 300_000},
    ):
        liar.provider.metadata = wrong
        client = Client(Provider(Issuer(liar.provider.issuer)), "saimi")
        with pytest.raises(IssuerAwayError, match="does not say where"):
            await client.provider.metadata(wall=wall_time())
    async with _session() as session:
        liar.provider.metadata = {"padding": "x" * 300_000}
        for _ in range(2):  # it was not asked twice
            async with session.get(f"{liar.address}/login/start") as answer:
                assert answer.status == 503
    assert liar.provider.discovered == 5
