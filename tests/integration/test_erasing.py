"""A client's data is erased where no duty and no hold stands, by the desk alone, and all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from core.clock import wall_time
from core.database import connect
from core.roles import web_urls
from tests.integration.steward_support import Desk, desk, fields, logged_in, send
from tests.integration.web_support import NOW, County, county
from web.session import act_for, start_session

LATER = NOW + timedelta(days=13 * 366)
ONLY_GROWS = (
    "audit.access",
    "audit.change",
    "alerts.episode_event",
    "telemetry.correction",
    "telemetry.corrected_reading",
    "registry.broken_glass",
)


@asynccontextmanager
async def as_member(place: County, username: str) -> AsyncIterator[asyncpg.Connection]:
    """The web's connection, acting for a member."""
    web = await connect((await web_urls(place.url)).web)
    member = await place.connection.fetchval(
        "SELECT id FROM registry.member WHERE username = $1", username
    )
    token = await start_session(place.connection, member)
    try:
        async with web.transaction():
            assert await act_for(web, [token])
            yield web
    finally:
        await web.close()


async def erase(place: County, subject: int, of_class: str, who: str = "desk") -> str:
    async with as_member(place, who) as web:
        done: str = await web.fetchval(
            "SELECT audit.erase($1, $2, $3, 'asked for by the client')", uuid4(), subject, of_class
        )
        return done


async def fill(place: County, subject: int) -> None:
    """Something about a client in every table that holds such."""
    c = place.connection
    nurse = await c.fetchval("SELECT id FROM registry.member WHERE username = 'nurse'")
    device = await c.fetchval("SELECT min(device) FROM registry.assignment")
    await place.put(subject, "monitor-1", "spo2", [(NOW - timedelta(hours=subject), 91.0)])
    episode = await place.open(subject)
    await c.execute(
        "UPDATE alerts.episode SET closed_at = $1, closed_by = $2, outcome = 'real'", NOW, nurse
    )
    correction = await c.fetchval(
        "INSERT INTO telemetry.correction (made_at, wall_at, member, what, reason)"
        " VALUES ($1, $1, $2, 'struck_out', 'was the neighbour') RETURNING id", NOW, nurse,
    )  # fmt: skip
    for statement, *values in (
        ("INSERT INTO telemetry.corrected_reading VALUES ($1, $2, 1, $3, $4, $4, 0, 2)",
         correction, device, NOW, subject),
        (("INSERT INTO audit.change (at, wall_at, member, what, subject, detail) VALUES"
         " ($1, $1, $2, 'assignment', $3, $4)"), NOW, nurse, subject, {"correction": correction}),
        (("INSERT INTO audit.access (wall_at, member, subject, what, purpose) VALUES"
         " ($1, $2, $3, 'trends', 'care')"), NOW, nurse, subject),
        (("INSERT INTO registry.broken_glass (member, subject, reason, during) VALUES"
         " ($1, $2, 'found on the floor', tstzrange($3, $3))"), nurse, subject, NOW),
        (("INSERT INTO alerts.own_word (action, subject, at, wall_at, what, episode, answer, words)"
         " VALUES (gen_random_uuid(), $1, $2, $2, 'after', $3, 'yes', 'good')"),
         subject, NOW, episode),
        (("INSERT INTO alerts.outbox (episode, step, severity, what, created_at, due_at)"
         " VALUES ($1, 'opened', 1, 'page', $2, $2)"), episode, NOW),
        (("INSERT INTO alerts.delivery (outbox, service, is_repeat, began_at)"
         " SELECT id, 'sms', false, $2 FROM alerts.outbox WHERE episode = $1"), episode, NOW),
        ("INSERT INTO alerts.timer (episode, due_at) VALUES ($1, $2)", episode, NOW),
        ("INSERT INTO alerts.subject_state (subject) VALUES ($1)", subject),
        ("INSERT INTO alerts.learned (subject, looked_at, signs) VALUES ($1, $2, '')",
         subject, NOW),
        (("INSERT INTO registry.pause (subject, kind, since, until, set_at, changed_at) VALUES"
         " ($1, 'holiday', $2::timestamptz, $2::timestamptz + interval '1 day', $2, $2)"),
         subject, NOW),
        ("INSERT INTO audit.client_code VALUES ($1, $2, $3, $4, $4)",
         str(subject).encode(), subject, nurse, wall_time()),
        ("INSERT INTO audit.client_session VALUES ($1, $2, $3, $3, $3, interval '1 hour')",
         str(subject).encode(), subject, wall_time()),
        ("UPDATE registry.client SET record = $2, phone = '1' WHERE subject = $1", subject,
         {"contacts": [{"role": "neighbour", "name": "Eino", "phone": "1"}]}),
    ):  # fmt: skip
        await c.execute(str(statement), *values)


async def holding(place: County, subject: int) -> dict[str, int]:
    """Rows about a client by table, found by the columns that name subjects or their alerts."""
    columns = await place.connection.fetch(
        "SELECT c.table_schema || '.' || c.table_name AS name, c.column_name AS column"
        "  FROM information_schema.columns c JOIN information_schema.tables t"
        "    ON (t.table_schema, t.table_name) = (c.table_schema, c.table_name)"
        " WHERE t.table_type = 'BASE TABLE' AND c.table_schema IN"
        "       ('registry', 'telemetry', 'alerts', 'audit')"
        "   AND c.column_name IN ('subject', 'subject_before', 'subject_after')"
    )
    counts = {}
    for row in columns:
        counts[row["name"]] = await place.connection.fetchval(
            f"SELECT count(*) FROM {row['name']} WHERE {row['column']} = $1", subject
        )
    counts["registry.subject"] = await place.connection.fetchval(
        "SELECT count(*) FROM registry.subject WHERE id = $1", subject
    )
    return {name: count for name, count in counts.items() if count}


async def end_care(place: County) -> None:
    await place.connection.execute(
        "UPDATE registry.care_relationship SET during = tstzrange(lower(during), $1)", NOW
    )


@pytest.fixture
async def place(database_url: str) -> AsyncIterator[County]:
    async with county(database_url) as one:
        yield one


async def test_what_only_grows_refuses_to_be_deleted_even_to_the_owner(place: County) -> None:
    await fill(place, await place.subject("aino"))
    for table in ONLY_GROWS:
        for statement in (
            f"DELETE FROM {table}",
            f"DELETE FROM {table} WHERE false",
            f"TRUNCATE {table} CASCADE",
        ):
            with pytest.raises(asyncpg.RaiseError, match="append-only"):
                await place.connection.execute(statement)
    await end_care(place)
    await place.set_clock(LATER)
    for table in ONLY_GROWS:  # nor when no duty stands any more
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await place.connection.execute(f"DELETE FROM {table}")


async def test_nothing_is_erased_while_a_duty_or_a_hold_stands_or_by_others(place: County) -> None:
    aino = await place.subject("aino")
    await fill(place, aino)
    before = await holding(place, aino)
    for of_class in ("contact", "derived", "readings", "record"):
        assert await erase(place, aino, of_class) == "duty"  # in care
    await end_care(place)
    await place.set_clock(NOW + timedelta(days=30))
    assert await erase(place, aino, "readings") == "duty"
    assert await erase(place, aino, "record") == "duty"
    for who in ("nurse", "stranger", "operator"):
        assert await erase(place, aino, "contact", who) == "refused"
    assert await erase(place, aino, "log") == "refused"
    async with as_member(place, "desk") as web:
        held = "SELECT registry.set_hold($1, $2, true, 'a complaint')"
        assert await web.fetchval(held, uuid4(), aino) == "done"
    await place.set_clock(LATER)
    for of_class in ("contact", "record"):
        assert await erase(place, aino, of_class) == "held"
    after = await holding(place, aino)
    assert {**after, "audit.change": 0} == {**before, "registry.hold": 1, "audit.change": 0}
    async with as_member(place, "nurse") as web:
        ended = "SELECT registry.set_hold($1, $2, false, 'over')"
        assert await web.fetchval(ended, uuid4(), aino) == "refused"


async def test_what_has_no_duty_goes_and_the_rest_stays(place: County) -> None:
    aino = await place.subject("aino")
    await fill(place, aino)
    await end_care(place)
    await place.set_clock(NOW + timedelta(days=30))
    assert await erase(place, aino, "contact") == "done"
    assert await erase(place, aino, "derived") == "done"
    row = await place.connection.fetchrow("SELECT * FROM registry.client WHERE subject = $1", aino)
    assert row is not None
    assert (row["phone"], row["record"], row["family_name"]) == ("", {}, "Ahola")
    left = await holding(place, aino)
    assert "alerts.learned" not in left
    assert "alerts.subject_state" not in left
    assert left["telemetry.reading"] == left["alerts.episode"] == 1
    await place.set_clock(NOW + timedelta(days=400))
    assert await erase(place, aino, "readings") == "done"
    left = await holding(place, aino)
    assert "telemetry.reading" not in left
    assert left["alerts.episode"] == 1


async def test_when_no_duty_stands_all_of_a_client_goes_and_nothing_of_others(
    place: County,
) -> None:
    aino, berta = await place.subject("aino"), await place.subject("berta")
    await fill(place, aino)
    await fill(place, berta)
    await end_care(place)
    await place.set_clock(LATER)
    others, pseudonym = await holding(place, berta), await place.pseudonym("aino")
    action = uuid4()
    async with as_member(place, "desk") as web:
        for expected in ("done", "again"):
            assert expected == await web.fetchval(
                "SELECT audit.erase($1, $2, 'record', 'twelve years are over')", action, aino
            )
    assert await holding(place, aino) == {}
    assert await holding(place, berta) == others
    assert await place.connection.fetchval("SELECT count(*) FROM telemetry.correction") == 1
    assert await place.connection.fetchval("SELECT count(*) FROM audit.erasing") == 0
    address = await place.connection.fetchval("SELECT address FROM registry.home WHERE name = 'h1'")
    assert address  # Urho still lives there.
    row = await place.connection.fetchrow("SELECT * FROM audit.change WHERE what = 'erasure'")
    assert row is not None
    proof: dict[str, Any] = row["detail"]
    assert (row["subject"], row["why"]) == (None, "twelve years are over")
    assert (proof["class"], proof["pseudonym"]) == ("record", pseudonym)
    assert proof["erased"] == {"readings": 1, "alerts": 1, "looks": 1}
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await place.connection.execute("DELETE FROM audit.change")


async def test_asking_how_long_it_is_kept_does_not_prolong_it(place: County) -> None:
    aino = await place.subject("aino")
    await fill(place, aino)
    await end_care(place)
    await place.set_clock(LATER)
    nurse = await place.connection.fetchval("SELECT id FROM registry.member WHERE username='nurse'")
    look = (
        "INSERT INTO audit.access (wall_at, member, subject, what, purpose)"
        " VALUES ($1, $2, $3, $4, 'desk')"
    )
    for what in ("list", "retention"):
        await place.connection.execute(look, LATER, nurse, aino, what)
    async with as_member(place, "desk") as web:
        rows = await web.fetch("SELECT * FROM seen.retention_of($1)", aino)
    assert all(row["duty_until"] < LATER for row in rows)
    await place.connection.execute(look, LATER, nurse, aino, "trends")
    assert await erase(place, aino, "record") == "duty"


async def test_the_desk_holds_and_erases_on_its_page(plain_database_url: str) -> None:
    async with desk(plain_database_url) as at:
        await on_its_page(at)


async def on_its_page(at: Desk) -> None:
    place = at.place
    await fill(place, await place.subject("aino"))
    path = f"/desk/retention/{await at.pseudonym()}"
    async with logged_in(at.address, "nurse") as nurse:
        for where in ("/desk/retention", path):
            await nurse.page(where, status=404)
        for action in ("hold", "erase"):
            status, _ = await send(nurse, f"{path}/{action}", [("action", str(uuid4()))], why="no")
            assert status == 404
    await end_care(place)
    await place.set_clock(LATER)
    async with logged_in(at.address, "desk") as browser:
        assert "Ahola, Aino" in await browser.page("/desk/retention")
        form = fields(await browser.page(path), "hold")
        assert (await send(browser, f"{path}/hold", form, why="a complaint"))[0] == 303
        page = await browser.page(path)
        assert "Held: nothing is erased." in page
        assert 'id="erase"' not in page
        sent = [("action", str(uuid4())), ("class", "record"), ("confirmed", "1940")]
        assert (await send(browser, f"{path}/erase", sent, why="over"))[0] == 409
        form = fields(page, "hold")
        assert (await send(browser, f"{path}/hold", form, why="settled"))[0] == 303
        for wrong, status in (
            ({"confirmed": "1941"}, 400), ({"class": "log"}, 400), ({"why": ""}, 400),
        ):  # fmt: skip
            changed = {"why": "over", "class": "record", "confirmed": "1940"} | wrong
            fresh = [("action", str(uuid4()))]
            assert (await send(browser, f"{path}/erase", fresh, **changed))[0] == status
        form = fields(await browser.page(path), "erase")
        changed = {"why": "over", "class": "record", "confirmed": "1940"}
        assert (await send(browser, f"{path}/erase", form, **changed))[0] == 303
        assert "Ahola, Aino" not in await browser.page("/desk/retention")
        await browser.page(path, status=404)
