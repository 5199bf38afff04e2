"""Users and rights: administrators alone, never their own, on record, and in force at once."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest

from core.database import connect
from core.roles import web_urls
from tests.integration.steward_support import Desk, add_administrator, desk, fields, logged_in, send
from tests.integration.web_support import PASSWORD, Browser


@pytest.fixture
async def at_desk(plain_database_url: str) -> AsyncIterator[Desk]:
    async with desk(plain_database_url) as one:
        await add_administrator(one.place)
        yield one


async def member(at: Desk, username: str) -> int:
    found: int = await at.place.connection.fetchval(
        "SELECT id FROM registry.member WHERE username = $1", username
    )
    return found


async def test_a_member_who_is_disabled_is_logged_out_at_once_and_for_good(at_desk: Desk) -> None:
    path = f"/desk/members/{await member(at_desk, 'nurse')}"
    async with (
        logged_in(at_desk.address, "admin") as admin,
        logged_in(at_desk.address, "nurse") as nurse,
    ):
        assert "Ahola" in await nurse.page("/clients")
        async with nurse.events() as events:
            await events.of("snapshot")
            form = fields(await admin.page(path), "rights")
            for _ in range(2):  # sent twice, done once
                assert (await send(admin, path, form, active="no", why="left us"))[0] == 303
            assert await events.ended()
        await nurse.page("/clients", status=303)
        assert await Browser(at_desk.address).log_in("nurse", PASSWORD) == 401
        form = fields(await admin.page(path), "rights")
        assert (await send(admin, path, form, active="yes", why="is back"))[0] == 303
        # The old session stays ended; a new one begins with a login.
        await nurse.page("/clients", status=303)
        assert await nurse.log_in("nurse") == 303
        page = await admin.page(path)
        assert "left us" in page
        assert "is back" in page
    rows = await at_desk.place.connection.fetch("SELECT * FROM audit.change ORDER BY id")
    assert [(row["what"], row["why"]) for row in rows] == [
        ("rights", "left us"), ("rights", "is back"),
    ]  # fmt: skip


async def test_roles_teams_and_identity_are_given_and_taken(at_desk: Desk) -> None:
    place = at_desk.place
    stranger = await member(at_desk, "stranger")
    path = f"/desk/members/{stranger}"
    imatra = await place.connection.fetchval(
        "SELECT id FROM registry.team WHERE name = 'Imatra team'"
    )
    async with (
        logged_in(at_desk.address, "admin") as admin,
        logged_in(at_desk.address, "stranger") as other,
    ):
        assert "Ahola" not in await other.page("/clients")
        form = fields(await admin.page(path), "rights")
        late = fields(await admin.page(path), "rights")
        status, _ = await send(admin, path, form, teams=str(imatra), identity="4711", why="moved")
        assert status == 303
        seen = await other.page("/clients")
        assert "Ahola" in seen
        assert "Berg" not in seen
        status, told = await send(admin, path, late, role="operator", why="late")
        assert status == 409
        assert "4711" in told
        path = f"/desk/members/{await member(at_desk, 'mate')}"
        form = fields(await admin.page(path), "rights")
        for wrong, status in (({"identity": "4711"}, 400), ({"role": "king"}, 400), ({}, 400)):
            assert (await send(admin, path, form, **({"why": "a"} | wrong)))[0] == status
        assert (await send(admin, path, form, identity="4711", why="the same"))[0] == 400
    row = await place.connection.fetchrow("SELECT * FROM registry.member WHERE id = $1", stranger)
    assert row is not None
    assert (row["role"], row["identity"]) == ("member", "4711")
    assert await place.connection.fetchval("SELECT count(*) FROM audit.change") == 1


async def test_it_is_for_administrators_who_see_no_client(at_desk: Desk) -> None:
    nurse, admin_id = await member(at_desk, "nurse"), await member(at_desk, "admin")
    for username in ("nurse", "klaara", "desk", "operator"):
        async with logged_in(at_desk.address, username) as browser:
            await browser.page("/desk/members", status=404)
            await browser.page(f"/desk/members/{nurse}", status=404)
            form = [("action", str(uuid.uuid4())), ("role", "coordinator"), ("why", "more")]
            assert (await send(browser, f"/desk/members/{nurse}", form))[0] == 404
    async with logged_in(at_desk.address, "admin") as admin:
        assert "Nina Nurse" in await admin.page("/desk/members")
        assert "Ahola" not in await admin.page("/clients")
        await admin.page(f"/clients/{await at_desk.pseudonym()}/plan", status=404)
        page = await admin.page(f"/desk/members/{admin_id}")
        form = [*fields(page, "rights")]
        status, _ = await send(
            admin, f"/desk/members/{admin_id}", form, role="operator", why="for me"
        )
        assert status == 404
    web = await connect((await web_urls(at_desk.place.url)).web)
    try:
        assert await web.fetchval("SELECT count(*) FROM seen.member") == 0
        for statement in (
            "UPDATE registry.member SET role = 'coordinator'",
            "SELECT identity FROM registry.member",
            "INSERT INTO registry.team_member VALUES (1, 1)",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await web.execute(statement)
        answer = await web.fetchval(
            "SELECT registry.change_rights(gen_random_uuid(), $1, '', '{}', 'x')", nurse
        )
        assert answer == "refused"
    finally:
        await web.close()
