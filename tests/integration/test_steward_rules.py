"""A change of rules: decided by somebody else than who proposes it, once, and then in force."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import datetime

import asyncpg
import pytest

from alerts.rules.in_force import read_decided
from core.clock import wall_time
from core.database import connect
from core.roles import web_urls
from tests.integration.rules_support import MILDER, STRICTER, add_chief, proposed, report
from tests.integration.steward_support import Desk, desk, fields, logged_in, send


@pytest.fixture
async def at_desk(plain_database_url: str) -> AsyncIterator[Desk]:
    async with desk(plain_database_url) as one:
        await add_chief(one.place.connection)
        await one.place.connection.execute("UPDATE registry.member SET language = 'en'")
        yield one


def now(at: Desk) -> datetime:
    return at.place.clock.now()


async def decided(at: Desk, number: int) -> str | None:
    found: str | None = await at.place.connection.fetchval(
        "SELECT outcome FROM alerts.rule_decision WHERE proposal = $1", number
    )
    return found


async def test_what_somebody_else_accepts_is_in_force_and_on_record(at_desk: Desk) -> None:
    connection = at_desk.place.connection
    number = await proposed(connection, MILDER, now=now(at_desk))
    path = f"/desk/rules/{number}"
    async with (
        logged_in(at_desk.address, "chief") as chief,
        logged_in(at_desk.address, "desk") as other,
    ):
        # Who proposes it is shown no way to accept it, and is refused who tries without.
        page = await chief.page(path)
        assert 'value="accepted"' not in page
        form = fields(page, "decide")
        assert (await send(chief, path, form, outcome="accepted", why="mine"))[0] == 403
        assert (await send(chief, path, form, outcome="refused", why="mine"))[0] == 403

        page = await other.page(path)
        for said in (
            "NEWS2 medium", "points in total 5", "points in total 6", "0.82", "0.46",
            "False calls saved: 8", "Liian monta kutsua öisin.",
        ):  # fmt: skip
            assert said in page, said
        form = fields(page, "decide")
        assert (await send(other, path, form, outcome="accepted", why=""))[0] == 400
        assert (await send(other, path, form, outcome="withdrawn", why="not mine"))[0] == 403
        assert await decided(at_desk, number) is None
        for _ in range(2):  # sent twice, done once
            status, _page = await send(other, path, form, outcome="accepted", why="fewer calls")
            assert status == 303
        page = await other.page(path)
        assert "fewer calls" in page
        assert "Accepted" in page
        assert 'id="decide"' not in page
        assert f"The rules of proposal {number}." in await other.page("/desk/rules")
        again = [("action", str(uuid.uuid4()))]
        status, told = await send(other, path, again, outcome="refused", why="second thoughts")
        assert (status, "decided on this meanwhile" in told) == (409, True)
    found = await read_decided(connection)
    assert found is not None
    assert (found.proposal, found.text) == (number, MILDER)
    assert found.rules["news2_medium"].raises["total"] == 6
    (change,) = await connection.fetch("SELECT what, why, detail FROM audit.change")
    assert (change["what"], change["why"]) == ("rules", "fewer calls")
    assert change["detail"] == {"proposal": number, "outcome": "accepted", "before": None}


async def test_what_is_refused_or_withdrawn_never_comes_into_force(at_desk: Desk) -> None:
    connection = at_desk.place.connection
    first = await proposed(connection, MILDER, now=now(at_desk))
    second = await proposed(connection, STRICTER, now=now(at_desk))
    async with (
        logged_in(at_desk.address, "chief") as chief,
        logged_in(at_desk.address, "desk") as other,
    ):
        for browser, number, outcome in ((other, first, "refused"), (chief, second, "withdrawn")):
            form = fields(await browser.page(f"/desk/rules/{number}"), "decide")
            path = f"/desk/rules/{number}"
            assert (await send(browser, path, form, outcome=outcome, why="no"))[0] == 400
            assert (await send(browser, path, form, outcome="crowned", why="a king"))[0] == 400
            assert (await send(browser, path, form, outcome=outcome, why="not now"))[0] == 303
        page = await other.page("/desk/rules")
        assert "The rules that ship with Saimi." in page
        assert "Withdrawn" in page
        await other.page("/desk/rules/999", status=404)
    assert await read_decided(connection) is None


async def test_it_cannot_be_accepted_once_other_rules_came_into_force(at_desk: Desk) -> None:
    connection = at_desk.place.connection
    first = await proposed(connection, MILDER, now=now(at_desk))
    late = await proposed(connection, STRICTER, now=now(at_desk))
    async with logged_in(at_desk.address, "desk") as other:
        early = fields(await other.page(f"/desk/rules/{late}"), "decide")
        form = fields(await other.page(f"/desk/rules/{first}"), "decide")
        path = f"/desk/rules/{first}"
        assert (await send(other, path, form, outcome="accepted", why="yes please"))[0] == 303
        # Accepting it would take the first change back, which its report does not say.
        page = await other.page(f"/desk/rules/{late}")
        assert "have it proposed again" in page
        assert 'value="accepted"' not in page
        path = f"/desk/rules/{late}"
        status, told = await send(other, path, early, outcome="accepted", why="this too")
        assert (status, "have it proposed again" in told) == (400, True)
        again = await proposed(
            connection, MILDER.replace("raise = { points = 3 }", "raise = { points = 2 }", 1),
            now=now(at_desk), before=MILDER,
        )  # fmt: skip
        path = f"/desk/rules/{again}"
        form = fields(await other.page(path), "decide")
        assert (await send(other, path, form, outcome="accepted", why="both now"))[0] == 303
    found = await read_decided(connection)
    assert found is not None
    assert found.rules["news2_medium"].raises["total"] == 6
    assert found.rules["news2_single_three"].raises["points"] == 2


async def test_a_file_of_the_operators_goes_first_and_nothing_is_accepted(at_desk: Desk) -> None:
    connection = at_desk.place.connection
    number = await proposed(connection, MILDER, now=now(at_desk))
    await connection.execute(
        "INSERT INTO ops.heartbeat VALUES ('alerts', 'main', $1, $2)",
        wall_time(), {"rule_file": "/etc/saimi/county.toml"},
    )  # fmt: skip
    async with logged_in(at_desk.address, "desk") as other:
        form = fields(await other.page(f"/desk/rules/{number}"), "decide")
        path = f"/desk/rules/{number}"
        status, told = await send(other, path, form, outcome="accepted", why="try it")
        assert (status, "rule file of the operators" in told) == (409, True)
        assert (await send(other, path, form, outcome="refused", why="not now"))[0] == 303


async def test_old_and_broken_rules_are_said_to_be_so(at_desk: Desk) -> None:
    """Of a version that had other rules; and models, which the operators put in force."""
    connection = at_desk.place.connection
    number = await connection.fetchval(
        "INSERT INTO alerts.rule_proposal (member, proposed_at, wall_at, why, rules, models,"
        " changes, report, markdown) SELECT id, $1, $1, 'old', 'late_after_min = 9', 'spring',"
        " '{\"help: severity 4 -> 5\"}', $2, '' FROM registry.member WHERE username = 'chief'"
        " RETURNING id",
        now(at_desk), report(now(at_desk)),
    )  # fmt: skip
    async with logged_in(at_desk.address, "desk") as other:
        page = await other.page(f"/desk/rules/{number}")
        assert "help: severity 4 " in page
        assert "This version of Saimi cannot use these rules" in page
        assert "spring" in page


async def test_it_is_for_the_desk_and_looks_are_on_record(at_desk: Desk) -> None:
    place = at_desk.place
    pseudonym = await at_desk.pseudonym()
    number = await proposed(
        place.connection, MILDER, now=now(at_desk), found=report(now(at_desk), 7, pseudonym)
    )
    for username in ("nurse", "klaara", "operator"):
        async with logged_in(at_desk.address, username) as browser:
            await browser.page("/desk/rules", status=404)
            await browser.page(f"/desk/rules/{number}", status=404)
            form = [("action", str(uuid.uuid4())), ("outcome", "accepted"), ("why", "mine")]
            assert (await send(browser, f"/desk/rules/{number}", form))[0] == 404
    looks = "SELECT count(*) FROM audit.access WHERE what = 'rule_proposal' AND subject = $1"
    aino = await place.subject("aino")
    assert await place.connection.fetchval(looks, aino) == 0
    async with logged_in(at_desk.address, "desk") as other:
        assert pseudonym in await other.page(f"/desk/rules/{number}")
    assert await place.connection.fetchval(looks, aino) == 1
    web = await connect((await web_urls(place.url)).web)
    try:
        assert await web.fetchval("SELECT count(*) FROM alerts.rule_proposal") == 0
        assert await web.fetchval(
            "SELECT alerts.decide_rules(gen_random_uuid(), $1, 'accepted', 0, 'mine')", number
        ) == "refused"  # fmt: skip
        for statement in (
            "INSERT INTO alerts.rule_decision (proposal) VALUES (1)",
            "UPDATE alerts.rule_proposal SET rules = ''",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await web.execute(statement)
    finally:
        await web.close()
    with pytest.raises(asyncpg.PostgresError, match="append"):
        await place.connection.execute("UPDATE alerts.rule_proposal SET rules = ''")
