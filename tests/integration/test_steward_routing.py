"""Routing is changed at the desk: checked, on record, once, and in force for whoever sees whom."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from core.database import connect
from core.roles import web_urls
from tests.integration.steward_support import Desk, desk, fields, logged_in, send

URGENT = "/desk/routing/severity/urgent"
COUNTY = "/desk/routing/county"


@pytest.fixture
async def at_desk(plain_database_url: str) -> AsyncIterator[Desk]:
    async with desk(plain_database_url) as one:
        await one.place.connection.execute("UPDATE registry.member SET language = 'en'")
        yield one


async def in_force(at: Desk) -> dict[str, Any] | None:
    found: dict[str, Any] | None = await at.place.connection.fetchval(
        "SELECT routing FROM alerts.routing_in_force"
    )
    return found


async def changes(at: Desk) -> list[tuple[str, str]]:
    rows = await at.place.connection.fetch("SELECT what, why FROM audit.change ORDER BY id")
    return [(row["what"], row["why"]) for row in rows]


async def test_times_and_channels_are_changed_and_on_record(at_desk: Desk) -> None:
    async with logged_in(at_desk.address, "desk") as other:
        page = await other.page("/desk/routing")
        assert "The next is called after 2 min where nobody was reached" in page
        form = fields(await other.page(URGENT), "routing")
        late = fields(await other.page(URGENT), "routing")
        for _ in range(2):  # sent twice, done once
            status, _page = await send(
                other, URGENT, form, unreached_min="1,5", lease_min="45", kind__1="sms",
                kind__2="webpush", at_once="2", why="slow nights",
            )  # fmt: skip
            assert status == 303
        assert await changes(at_desk) == [("routing", "slow nights")]
        found = await in_force(at_desk)
        assert found is not None
        urgent, way = found["severity"]["urgent"], found["channels"]["urgent"]
        assert (urgent["unreached_min"], urgent["lease_min"]) == (1.5, 45)
        assert (way["kinds"][:2], way["at_once"]) == (["sms", "webpush"], 2)
        assert found["severity"]["emergency"]["lease_min"] == 15
        page = await other.page("/desk/routing")
        for said in (
            "Urgent: An acknowledgement holds, minutes: 60 → 45",
            "Urgent: Channels at once: 1 → 2",
            "slow nights",
            "By SMS, push message",
        ):
            assert said in page, said
        # Opened before, sent after: refused, and shown how it is now.
        status, told = await send(other, URGENT, late, lease_min="50", why="late")
        assert (status, 'name="lease_min" value="45"' in told) == (409, True)
        form = fields(await other.page(COUNTY), "routing")
        status, _page = await send(
            other, COUNTY, form, service="night_care", start="07:30", most="3", why="new service"
        )
        assert status == 303
        page = await other.page("/desk/routing")
        assert "those of this service are called first: night care" in page
        assert "07:30–16:00" in page
        assert "At most 3 members" in page
    found = await in_force(at_desk)
    assert found is not None
    assert found["severity"]["urgent"]["lease_min"] == 45, "the rest stays as it was set"


@pytest.mark.parametrize(
    ("path", "wrong", "said"),
    [
        (URGENT, {"unreached_min": "6"}, "must not fall in this order"),
        (URGENT, {"handover_min": "61"}, "A handover must be confirmed"),
        (URGENT, {"unacknowledged_min": "61"}, "look at the other one"),
        (URGENT, {"remind_min": ""}, "say how many"),
        (URGENT, {"remind_min": "soon"}, "must be a number"),
        (URGENT, {"remind_min": "0"}, "must be a number"),
        (URGENT, {"pages": "working_hours"}, "at any time"),
        (URGENT, {"quiet": "yes"}, "no quiet hours"),
        (URGENT, {"kind__2": "webpush"}, "each of them once"),
        (URGENT, {"kind__1": "", "kind__2": "", "kind__3": "", "kind__4": "owl"}, "one channel"),
        (URGENT, {"at_once": "9"}, "must be a number"),
        (URGENT, {"why": ""}, "Say why"),
        ("/desk/routing/severity/emergency", {"unacknowledged_min": "10.5"}, "10 minutes"),
        (COUNTY, {"end": "08:00"}, "after they begin"),
        (COUNTY, {"end": "never"}, ""),
        (COUNTY, {"days": "someday"}, "working day"),
        (COUNTY, {"most": "21"}, "must be a number"),
    ],
)
async def test_what_contradicts_itself_is_refused_in_one_sentence(
    at_desk: Desk, path: str, wrong: dict[str, str], said: str
) -> None:
    async with logged_in(at_desk.address, "desk") as other:
        form = fields(await other.page(path), "routing")
        status, told = await send(other, path, form, **({"why": "to try it"} | wrong))
        assert (status, said in told) == (400, True), told
        field, kept = next(iter(wrong.items()))
        if field.endswith("_min"):
            assert f'name="{field}" value="{kept}"' in told, "what was filled in is not lost"
    assert await in_force(at_desk) is None
    assert await changes(at_desk) == []


async def test_whose_area_it_is_decides_who_sees_whom(at_desk: Desk) -> None:
    place = at_desk.place
    team = await place.connection.fetchval(
        "SELECT id FROM registry.team WHERE name = 'Imatra team'"
    )
    path = f"/desk/routing/teams/{team}"
    async with (
        logged_in(at_desk.address, "desk") as other,
        logged_in(at_desk.address, "nurse") as nurse,
    ):
        assert "Ahola" in await nurse.page("/clients")
        form = fields(await other.page(path), "team")
        late = fields(await other.page(path), "team")
        areas = [value for name, value in form if name == "areas"]
        assert len(areas) == 1
        without = [(name, value) for name, value in form if name != "areas"]
        assert (await send(other, path, without, service="", why="to try"))[0] == 400
        for _ in range(2):
            status, _page = await send(
                other, path, without, service="night_care", why="moves to nights"
            )
            assert status == 303
        assert "Ahola" not in await nurse.page("/clients"), "the right ends at once"
        page = await other.page("/desk/routing")
        assert "No team: the desk is called at once." in page
        assert "Imatra team: Areas: Imatra → nothing" in page
        assert "Imatra team: Service: home care → night care" in page
        status, told = await send(other, path, late, why="late")
        assert (status, "Somebody changed this team" in told) == (409, True)
        form = fields(await other.page(path), "team")
        wrong = {"base": "999999999"}  # of no area
        assert (await send(other, path, form, areas=areas[0], why="and back", **wrong))[0] == 303
        assert "Ahola" in await nurse.page("/clients")
        status, _page = await send(
            other, "/desk/routing/teams/999", form, action=str(uuid.uuid4()), why="none"
        )
        assert status == 404
    assert await changes(at_desk) == [("team", "moves to nights"), ("team", "and back")]
    row = await place.connection.fetchrow("SELECT * FROM registry.team WHERE id = $1", team)
    assert row is not None
    assert (row["service"], row["base"]) == ("night_care", None)


async def test_what_a_later_version_cannot_use_is_said(at_desk: Desk) -> None:
    await at_desk.place.connection.execute(
        "INSERT INTO alerts.routing_change (member, changed_at, wall_at, routing, why)"
        " SELECT id, now(), now(), '{\"service\": 3}', 'old' FROM registry.member LIMIT 1"
    )
    async with logged_in(at_desk.address, "desk") as other:
        assert "cannot be used, so the one that ships is in force" in await other.page(
            "/desk/routing"
        )


async def test_it_is_for_the_desk(at_desk: Desk) -> None:
    place = at_desk.place
    team = await place.connection.fetchval("SELECT max(id) FROM registry.team")
    for username in ("nurse", "klaara", "operator"):
        async with logged_in(at_desk.address, username) as browser:
            for path in ("/desk/routing", URGENT, COUNTY, f"/desk/routing/teams/{team}"):
                await browser.page(path, status=404)
                form = [("action", str(uuid.uuid4())), ("seen", "0"), ("why", "mine")]
                assert path == "/desk/routing" or (await send(browser, path, form))[0] == 404
    web = await connect((await web_urls(place.url)).web)
    try:
        for statement in (
            "SELECT alerts.change_routing(gen_random_uuid(), 0, '{}', '{}', 'mine')",
            f"SELECT registry.change_team(gen_random_uuid(), {team}, '', '{{}}', 'mine')",
        ):
            assert await web.fetchval(statement) == "refused"
        for statement in (
            "INSERT INTO alerts.routing_change (why) VALUES ('x')",
            "SELECT why FROM alerts.routing_change",
            "UPDATE registry.team SET service = 'mine'",
            "DELETE FROM registry.team_area",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await web.execute(statement)
    finally:
        await web.close()
