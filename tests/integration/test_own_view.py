"""The client's own page: one client alone, a login of their own, a call that becomes an alert."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from core.clock import wall_time
from core.database import connect
from core.roles import web_urls
from tests.integration.alerts_support import settle
from tests.integration.steward_support import Desk, desk, fields, logged_in
from tests.integration.test_rights_in_database import BY_SUBJECT
from tests.integration.web_support import NOW, Browser


@dataclass
class Client:
    """A client at their own page."""

    browser: Browser

    async def log_in(self, code: str, born: str, **more: str) -> int:
        form = {"code": code, "born": born, **more}
        async with self.browser.session.post(
            "/own/login", data=form, allow_redirects=False
        ) as answer:
            return answer.status

    async def send(self, path: str, form: str, **changed: str) -> int:
        """Send a form of the page, some of its fields changed."""
        page = await self.browser.page("/own")
        data = dict(fields(page, form)) | changed
        async with self.browser.session.post(path, data=data, allow_redirects=False) as answer:
            return answer.status

    async def page(self) -> str:
        return html.unescape(await self.browser.page("/own"))


@pytest.fixture
async def at(plain_database_url: str) -> AsyncIterator[Desk]:
    async with desk(plain_database_url) as one:
        yield one


@pytest.fixture
async def client(at: Desk) -> AsyncIterator[Client]:
    browser = Browser(at.address)
    yield Client(browser)
    await browser.session.close()


async def give(at: Desk, who: str = "nurse", reference: str = "aino", **form: str) -> str:
    """A code that somebody of the staff gave."""
    path = f"/clients/{await at.pseudonym(reference)}/own"
    async with logged_in(at.address, who) as browser:
        await browser.page(path)
        data = {"token": browser.token, **form}
        async with browser.session.post(path, data=data, allow_redirects=False) as answer:
            page = await answer.text()
            if answer.status != 200 or form:
                return str(answer.status)
    return re.search(r'id="code">([^<]*)<', page)[1]  # type: ignore[index] # or it fails here


async def test_a_code_opens_one_session_of_its_client_and_no_other(
    at: Desk, client: Client
) -> None:
    code = await give(at)
    await client.browser.page("/own", status=303)
    assert await client.log_in(code, "1950-06-01") == 401
    assert await client.log_in("ABCD", "1940-03-04") == 401
    assert await client.log_in(code.lower().replace("-", " "), "1940-03-04") == 303
    page = await client.page()
    assert "Aino Ahola" in page
    assert "Berg" not in page
    assert "Urho" not in page
    assert await client.log_in(code, "1940-03-04") == 401  # used
    # It is no session of the staff's, nor the other way round.
    await client.browser.page("/clients", status=303)
    async with logged_in(at.address, "nurse") as nurse:
        await nurse.page("/own", status=303)
    assert await client.send("/own/logout", "call") == 303
    await client.browser.page("/own", status=303)


async def test_a_new_code_ends_the_old_one_and_all_logins_can_be_ended(
    at: Desk, client: Client
) -> None:
    old, new = await give(at), await give(at, "desk")
    assert await client.log_in(old, "1940-03-04") == 401
    assert await client.log_in(new, "1940-03-04", kept="yes") == 303
    await client.page()
    assert await give(at, end="yes") == "200"
    await client.browser.page("/own", status=303)
    rows = await at.place.connection.fetch(
        "SELECT m.username, c.detail FROM audit.change c JOIN registry.member m ON m.id = c.member"
        " WHERE what = 'own_login' ORDER BY c.id"
    )
    assert [(row[0], *row[1]) for row in rows] == [
        ("nurse", "given"), ("desk", "given"), ("nurse", "ended"),
    ]  # fmt: skip


async def test_only_the_clients_carers_and_the_desk_give_a_login(at: Desk) -> None:
    path = f"/clients/{await at.pseudonym('aino')}/own"
    async with logged_in(at.address, "stranger") as browser:
        await browser.page(path, status=404)
    async with logged_in(at.address, "stranger") as browser:
        given = {"given_name": "Aino", "family_name": "Ahola", "born": "1940-03-04",
                 "reason": "called by the rescue service"}  # fmt: skip
        await browser.post("/api/break-glass", given)
        page = await browser.page(path)
        assert "Give a new code" not in page
        async with browser.session.post(path, data={"token": browser.token}) as answer:
            assert answer.status == 403
    assert await at.place.connection.fetchval("SELECT count(*) FROM audit.client_code") == 0


async def test_who_looked_when_and_why_is_shown_in_the_clients_language(
    at: Desk, client: Client
) -> None:
    pseudonym = await at.pseudonym("aino")
    async with logged_in(at.address, "nurse") as nurse:
        await nurse.page(f"/clients/{pseudonym}/trends")
        await nurse.page(f"/clients/{pseudonym}/trends")
    async with logged_in(at.address, "stranger") as other:
        given = {"given_name": "Aino", "family_name": "Ahola", "born": "1940-03-04",
                 "reason": "called by the rescue service"}  # fmt: skip
        await other.post("/api/break-glass", given)
    await at.place.put(
        await at.place.subject("aino"), "monitor-1", "spo2", [(NOW - timedelta(hours=1), 91.0)]
    )
    home = await at.place.home("aino")
    await at.place.put(home, "motion-kitchen", "motion", [(NOW - timedelta(hours=2), 1.0)])
    assert await client.log_in(await give(at, "desk"), "1940-03-04") == 303
    page = " ".join(re.sub(r"<[^>]*>", " ", await client.page()).split())
    looked = "Nina Nurse · Imatra team · terveydenhuolto mittauksesi · hoitoasi varten · 2 kertaa"
    assert looked in page
    assert "Sanna Stranger · Lappeenranta team" in page
    assert "called by the rescue service" in page
    assert "päivystyksessä" in page
    assert "Happisaturaatio 91 %" in page
    assert "keittiö" in page
    again = re.sub(r"<[^>]*>", " ", await client.page())
    assert "Sinä itse, omalla kirjautumisellasi" in again
    looks = await at.place.connection.fetch("SELECT * FROM audit.access WHERE purpose = 'own'")
    assert [(look["member"], look["what"]) for look in looks] == [(None, "own_view")] * 2


async def test_a_wish_for_a_call_is_received_at_once_and_what_becomes_of_it_shows(
    at: Desk, client: Client
) -> None:
    place = at.place
    aino = await place.subject("aino")
    assert await client.log_in(await give(at), "1940-03-04") == 303
    action = str(uuid4())
    for _ in range(2):  # sent twice, asked once
        sent = await client.send("/own/call", "call", action=action, words="Huimaa <b>aamuisin</b>")
        assert sent == 303
    assert await client.send("/own/call", "call", words="Huimaa <b>aamuisin</b>") == 303
    page = await client.page()
    assert "Vastaanotettu" in page
    assert "matkalla" in page
    row = await place.connection.fetchrow(
        "SELECT r.*, d.kind, m.name FROM telemetry.reading r JOIN registry.device d"
        " ON d.id = r.device JOIN telemetry.metric m ON m.id = r.metric WHERE r.subject = $1", aino,
    )  # fmt: skip
    assert row is not None
    assert (row["kind"], row["name"], row["value"]) == ("own", "call_request", 1.0)
    notes = await place.connection.fetch("SELECT * FROM telemetry.note WHERE subject = $1", aino)
    assert [(note["since"], note["each_counts"]) for note in notes] == [(row["time"], True)]
    episode = await place.open(aino, "call_request", severity=2)
    assert "hoitotiimillesi on ilmoitettu" in (await client.page()).lower()
    async with logged_in(at.address, "nurse") as nurse:
        told = await nurse.page(f"/episodes/{episode}")
        assert "Huimaa &lt;b&gt;aamuisin&lt;/b&gt;" in told
        await nurse.post(f"/api/episodes/{episode}/acknowledge")
        assert "Nina Nurse on ottanut" in await client.page()
        await nurse.post(f"/api/episodes/{episode}/contact", {"how": "phone"})
        assert "Sinuun oltiin yhteydessä" in await client.page()
        form = f"case-{episode}"
        assert await client.send("/own/word", form, answer="never") == 400
        assert await client.send("/own/word", form, answer="partly", words="Soitto auttoi") == 303
        told = html.unescape(await nurse.page(f"/episodes/{episode}"))
        assert "Soitto auttoi" in told
        assert "Osittain" in told
    assert "Soitto auttoi" in await client.page()


async def test_a_form_of_another_site_or_about_another_client_changes_nothing(
    at: Desk, client: Client
) -> None:
    berta = await at.place.open(await at.place.subject("berta"), "help")
    await at.place.connection.execute(
        "UPDATE alerts.episode SET closed_at = now(), outcome = 'real', closed_by = 1"
    )
    assert await client.log_in(await give(at), "1940-03-04") == 303
    assert await client.send("/own/call", "call", token="0" * 64) == 403
    assert await client.send("/own/call", "call", action="none") == 400
    assert await client.send("/own/call", "call", words="x" * 1001) == 400
    sent = await client.send("/own/word", "call", episode=str(berta), answer="yes")
    assert sent == 400
    assert await at.place.connection.fetchval("SELECT count(*) FROM alerts.own_word") == 0


async def test_the_webs_role_is_no_client_without_a_clients_token(at: Desk) -> None:
    web = await connect((await web_urls(at.place.url)).web)
    try:
        for view in ("client", "measured", "look", "case", "wish"):
            assert await web.fetch(f"SELECT * FROM seen.own_{view}") == []
        assert await web.fetchval("SELECT telemetry.ask_for_call($1, '')", uuid4()) is None
        assert await web.fetchval("SELECT audit.act_for_client('x')") is None
        for statement in (
            "SELECT * FROM audit.client_session",
            "SELECT * FROM audit.client_code",
            "INSERT INTO alerts.own_word (subject) VALUES (1)",
            "SELECT login.start_client_session('', '1940-03-04', 'x', true)",
            "SELECT audit.look_at_own('x')",
        ):
            with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.CheckViolationError,
                                asyncpg.NotNullViolationError)):  # fmt: skip
                await web.execute(statement)
    finally:
        await web.close()


async def test_the_engine_makes_an_alert_of_the_wish_and_calls_the_clients_team(
    at: Desk, client: Client
) -> None:
    place = at.place
    assert await client.log_in(await give(at), "1940-03-04") == 303
    assert await client.send("/own/call", "call", words="Huimaa") == 303
    await settle(place.connection, place.clock)
    row = await place.connection.fetchrow("SELECT * FROM alerts.episode")
    assert row is not None
    assert (row["kind"], row["subject"]) == ("call_request", await place.subject("aino"))
    called = await place.connection.fetch(
        "SELECT member FROM alerts.episode_event WHERE what = 'called'"
    )
    assert called
    page = await client.page()
    assert f"numero {row['id']}" in page
    assert "matkalla" not in page
    async with logged_in(at.address, "nurse") as nurse:
        told = html.unescape(await nurse.page(f"/episodes/{row['id']}"))
        await nurse.post(f"/api/episodes/{row['id']}/acknowledge")
        await nurse.post(f"/api/episodes/{row['id']}/renew")
    at_home = await place.connection.fetch(
        "SELECT what FROM alerts.outbox WHERE channel = 'home' AND episode = $1", row["id"]
    )
    assert [one[0] for one in at_home] == ["call_coming"]
    assert "asiakkaan oma sivu" in told
    assert "Huimaa" in told


async def test_a_member_writes_down_what_the_client_says_afterwards(at: Desk) -> None:
    place = at.place
    episode = await place.open(await place.subject("aino"), "fall", severity=4)
    path = f"/episodes/{episode}/word"
    async with logged_in(at.address, "nurse") as nurse:
        form = dict(fields(await nurse.page(path), "word"))

        async def send(browser: Browser, **changed: str) -> int:
            data = form | {"token": browser.token, "answer": "yes", "words": "Nopeasti tultiin"}
            async with browser.session.post(
                path, data=data | changed, allow_redirects=False
            ) as answer:
                return answer.status

        assert await send(nurse) == 409  # nobody was in touch yet
        await nurse.post(f"/api/episodes/{episode}/contact", {"how": "face_to_face"})
        assert path in await nurse.page(f"/episodes/{episode}")
        assert await send(nurse, answer="perhaps") == 400
        assert await send(nurse, words="x" * 1001) == 400
        async with logged_in(at.address, "stranger") as other:
            assert await send(other) == 404
        for _ in range(2):  # sent twice, said once
            assert await send(nurse) == 303
        page = html.unescape(await nurse.page(f"/episodes/{episode}"))
    assert "Nopeasti tultiin" in page
    assert "Oliko siitä apua: Kyllä. Nina Nurse" in page
    assert await place.connection.fetchval("SELECT count(*) FROM alerts.own_word") == 1


async def test_all_of_sql_with_a_clients_token_shows_that_client_alone(at: Desk) -> None:
    place = at.place
    aino, berta = await place.subject("aino"), await place.subject("berta")
    for subject in (aino, berta):
        await place.put(subject, "monitor-1", "spo2", [(NOW - timedelta(hours=subject), 95.0)])
    foreign = await place.open(berta, "help")
    await place.open(aino, "help")
    for token, seen_at in (("living", wall_time()), ("unused", wall_time() - timedelta(hours=1))):
        await place.connection.execute(
            "INSERT INTO audit.client_session VALUES"
            " (audit.hash_token($1), $2, $3, $3, $3::timestamptz + interval '9 hours',"
            " interval '30 minutes')",
            token,
            aino,
            seen_at,
        )
    web = await connect((await web_urls(place.url)).web)
    try:
        async with web.transaction():
            assert await web.fetchval("SELECT audit.act_for_client('unused')") is None
            assert await web.fetch("SELECT * FROM seen.own_client") == []
        async with web.transaction():
            assert await web.fetchval("SELECT audit.act_for_client('living')") == "fi"
            assert await web.fetchval("SELECT subject FROM seen.own_client") == aino
            assert len(await web.fetch("SELECT * FROM seen.own_measured")) == 1
            assert len(await web.fetch("SELECT * FROM seen.own_case")) == 1
            # Nothing of what members see, not even of the same client.
            for relation in BY_SUBJECT:
                assert await web.fetch(f"SELECT * FROM {relation}") == [], relation
            for query, *values in (
                ("audit.export_of($1)", berta),
                ("audit.note_export($1, 'x')", berta),
                ("alerts.say_afterwards($1, $2, 'yes', 'x')", uuid4(), foreign),
                ("audit.give_client_code($1, $2, 'ABCDEFGHJKLM')", uuid4(), aino),
            ):
                assert not await web.fetchval(f"SELECT {query}", *values), query
            erased = "SELECT audit.erase($1, $2, 'contact', 'x')"
            assert await web.fetchval(erased, uuid4(), aino) == "refused"
        # Gone with its transaction.
        assert await web.fetch("SELECT * FROM seen.own_client") == []
        assert await place.connection.fetchval("SELECT count(*) FROM audit.acting") == 0
    finally:
        await web.close()
