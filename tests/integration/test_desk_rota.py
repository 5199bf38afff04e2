"""The rota at the desk: who is on duty, and changes of it, on record and once."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from alerts.routing.rota import parse_rota
from alerts.routing.rota_import import import_rota
from core.clock import LOCAL
from tests.integration.steward_support import Desk, desk, fields, logged_in, send
from tests.integration.web_support import NOW

STREAM = "/api/desk/rota/stream"
HOUR = timedelta(hours=1)
Served = list[tuple[str, float, float]]
"""Member, hours from now to the beginning and to the end."""


@pytest.fixture
async def at_desk(plain_database_url: str) -> AsyncIterator[Desk]:
    async with desk(plain_database_url) as one:
        await one.place.connection.execute("UPDATE registry.member SET language = 'en'")
        yield one


async def put(at: Desk, who: str, start: float, end: float) -> int:
    number: int = await at.place.connection.fetchval(
        "INSERT INTO registry.shift (team, member, during) SELECT t.id, m.id, tstzrange($2, $3)"
        " FROM registry.team t, registry.member m"
        " WHERE t.name = 'Imatra team' AND m.username = $1 RETURNING id",
        who, NOW + start * HOUR, NOW + end * HOUR,
    )  # fmt: skip
    return number


async def served(at: Desk) -> Served:
    rows = await at.place.connection.fetch(
        "SELECT m.username, lower(s.during) AS start, upper(s.during) AS end FROM registry.shift s"
        " JOIN registry.member m ON m.id = s.member ORDER BY 2, 1"
    )
    return [
        (row["username"], (row["start"] - NOW) / HOUR, (row["end"] - NOW) / HOUR) for row in rows
    ]


async def changes(at: Desk) -> list[tuple[str, str]]:
    rows = await at.place.connection.fetch("SELECT what, why FROM audit.change ORDER BY id")
    return [(row["what"], row["why"]) for row in rows]


async def team(at: Desk, name: str = "Imatra team") -> int:
    number: int = await at.place.connection.fetchval(
        "SELECT id FROM registry.team WHERE name = $1", name
    )
    return number


async def member(at: Desk, username: str) -> str:
    return str(
        await at.place.connection.fetchval(
            "SELECT id FROM registry.member WHERE username = $1", username
        )
    )


def field(at: datetime) -> str:
    return f"{at.astimezone(LOCAL):%Y-%m-%dT%H:%M}"


def of(board: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in board["teams"] if one["name"] == name)


async def test_the_desk_sees_who_is_on_duty_and_hears_of_changes(at_desk: Desk) -> None:
    await put(at_desk, "nurse", -2, 6)
    async with (
        logged_in(at_desk.address, "desk") as browser,
        browser.events(STREAM) as events,
    ):
        board = await events.of("snapshot")
        mine = of(board, "Imatra team")
        assert [one["name"] for one in mine["now"]] == ["Nina Nurse"]
        assert (mine["state"], mine["next"]) == ("served", None)
        assert of(board, "Lappeenranta team")["state"] == "empty"
        assert [gap["name"] for gap in board["gaps"]] == ["Imatra team"]
        path = f"/desk/rota/teams/{mine['id']}"
        form = fields(await browser.page(path), "add")
        # The form begins where the first gap does.
        assert ("since", field(NOW + 6 * HOUR)) in form
        status, _page = await send(
            browser, path, form, serving=await member(at_desk, "mate"),
            until=field(NOW + 20 * HOUR), why="covers the night",
        )  # fmt: skip
        assert status == 303
        while of(board, "Imatra team")["next"] is None:
            board = await events.of("snapshot")
        assert of(board, "Imatra team")["next"]["name"] == "Matti Mate"
        # By the clock alone.
        await at_desk.place.set_clock(NOW + 7 * HOUR)
        while of(board, "Imatra team")["now"][0]["name"] != "Matti Mate":
            board = await events.of("snapshot")
        page = await browser.page("/desk/rota")
        for said in ("Matti Mate added", "covers the night", "Nobody is next within a fortnight"):
            assert said in page, said


async def test_another_serves_a_part_of_a_shift_once_and_on_record(at_desk: Desk) -> None:
    shift = await put(at_desk, "nurse", -2, 6)
    path = f"/desk/rota/shifts/{shift}"
    async with logged_in(at_desk.address, "desk") as browser:
        form = fields(await browser.page(path), "shift")
        late = fields(await browser.page(path), "shift")
        mate = await member(at_desk, "mate")
        for _ in range(2):  # sent twice, done once
            status, _page = await send(
                browser, path, form, serving=mate, since=field(NOW + 3 * HOUR), why="has a fever"
            )
            assert status == 303
        assert await served(at_desk) == [("nurse", -2, 3), ("mate", 3, 6)]
        assert await changes(at_desk) == [("rota", "has a fever")]
        # Opened before, sent after.
        status, told = await send(browser, path, late, serving=mate, why="late")
        assert (status, "Somebody changed this shift" in told) == (409, True)
        page = await browser.page("/desk/rota")
        assert "Matti Mate instead of Nina Nurse" in page


async def test_what_was_served_stays_when_a_shift_is_taken_out(at_desk: Desk) -> None:
    shift = await put(at_desk, "nurse", -2, 6)
    path = f"/desk/rota/shifts/{shift}"
    async with logged_in(at_desk.address, "desk") as browser:
        form = fields(await browser.page(path), "shift")
        status, _page = await send(
            browser, path, form, why="nobody was chosen: neither is somebody"
        )
        assert (status, await served(at_desk)) == (400, [("nurse", -2, 6)])
        status, _page = await send(
            browser, path, form, serving="nobody", since=field(NOW - 2 * HOUR), why="went home ill"
        )
        assert status == 303
        board = await browser.get("/api/desk/rota")
    assert await served(at_desk) == [("nurse", -2, 0)]
    assert of(board, "Imatra team")["state"] == "empty"


async def test_who_takes_over_sees_the_clients_at_once(at_desk: Desk) -> None:
    shift = await put(at_desk, "nurse", -2, 6)
    path = f"/desk/rota/shifts/{shift}"
    async with (
        logged_in(at_desk.address, "desk") as browser,
        logged_in(at_desk.address, "stranger") as stranger,
    ):
        assert "Ahola" not in await stranger.page("/clients")
        form = fields(await browser.page(path), "shift")
        serving = await member(at_desk, "stranger")
        assert (await send(browser, path, form, serving=serving, why="helps out"))[0] == 303
        assert "Ahola" in await stranger.page("/clients")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"since": "soon"}, "Give a day and a time"),
        ({"since": "2026-03-03T12:00:00+02:00"}, "Give a day and a time"),
        ({"until": "0001-01-01T00:00"}, "Give a day and a time"),
        ({"until": field(NOW - HOUR)}, "end after it begins"),
        ({"since": field(NOW - 9 * HOUR), "until": field(NOW - 3 * HOUR)}, "time is over"),
        ({"until": field(NOW + 70 * HOUR)}, "more than two days"),
        ({"serving": ""}, "Choose who serves"),
        ({"serving": "999999999"}, "This cannot be"),
        ({"serving": "-1"}, "Choose who serves"),
        ({"why": ""}, "Say why"),
        ({"why": "x" * 1001}, "Say why"),
        ({"since": "2028-03-03T12:00", "until": "2028-03-03T13:00"}, "This cannot be"),
    ],
)
async def test_a_shift_that_cannot_be_is_refused_in_one_sentence(
    at_desk: Desk, wrong: dict[str, str], said: str
) -> None:
    path = f"/desk/rota/teams/{await team(at_desk)}"
    async with logged_in(at_desk.address, "desk") as browser:
        form = fields(await browser.page(path), "add")
        given = {"serving": await member(at_desk, "mate"), "why": "to try it"} | wrong
        status, told = await send(browser, path, form, **given)
    assert (status, said in told) == (400, True), told
    assert (await served(at_desk), await changes(at_desk)) == ([], [])


async def test_only_time_of_the_shift_can_be_given_away_and_not_to_an_operator(
    at_desk: Desk,
) -> None:
    shift = await put(at_desk, "nurse", -2, 6)
    path = f"/desk/rota/shifts/{shift}"
    async with logged_in(at_desk.address, "desk") as browser:
        form = fields(await browser.page(path), "shift")
        late = {"until": field(NOW + 9 * HOUR), "why": "to try it"}
        status, told = await send(browser, path, form, **late)
        assert (status, "choose a time within it" in told) == (400, True)
        operator = await member(at_desk, "operator")
        status, told = await send(browser, path, form, serving=operator, why="to try it")
        assert (status, "This cannot be" in told) == (400, True)
        assert operator not in (told.split('name="serving"')[1].split("</select>")[0])
    assert await served(at_desk) == [("nurse", -2, 6)]


ROTA = """
begins = 2026-03-03
ends = 2026-03-06
[[patterns]]
teams = ["Imatra team"]
member = "nurse"
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"]
start = "07:00"
end = "21:00"
"""


async def test_a_change_of_the_desk_stands_when_the_rota_is_taken_over_again(
    at_desk: Desk,
) -> None:
    connection, rota = at_desk.place.connection, parse_rota(ROTA)
    await import_rota(connection, rota, now=NOW)
    shift = await connection.fetchval("SELECT id FROM registry.shift ORDER BY during LIMIT 1")
    path = f"/desk/rota/shifts/{shift}"
    async with logged_in(at_desk.address, "desk") as browser:
        form = fields(await browser.page(path), "shift")
        mate = await member(at_desk, "mate")
        assert (await send(browser, path, form, serving=mate, why="has a fever"))[0] == 303
    changed = await served(at_desk)
    assert ("mate", 0, 7) in changed
    report = await import_rota(connection, rota, now=NOW)
    assert (report.added, report.removed, report.changes) == (0, 0, 1)
    assert await served(at_desk) == changed
    # A rota that knows of the change already has the same result, and ends later.
    longer = parse_rota(ROTA.replace("2026-03-06", "2026-03-07"))
    again = await import_rota(connection, longer, now=NOW + HOUR)
    assert (again.added, again.removed) == (1, 0)


async def test_nobody_but_the_desk_reads_or_changes_it(at_desk: Desk) -> None:
    shift = await put(at_desk, "nurse", -2, 6)
    number = await team(at_desk)
    forms = (f"/desk/rota/teams/{number}", f"/desk/rota/shifts/{shift}")
    sent = [("action", str(uuid.uuid4())), ("serving", await member(at_desk, "mate"))]
    sent += [("since", field(NOW)), ("until", field(NOW + HOUR)), ("why", "to try it")]
    for who in ("nurse", "klaara", "operator"):
        async with logged_in(at_desk.address, who) as browser:
            for path in ("/desk/rota", "/desk/rota/part", "/api/desk/rota", STREAM, *forms):
                await browser.page(path, status=404)
            for path in forms:
                assert (await send(browser, path, sent))[0] == 404
    async with logged_in(at_desk.address, "desk") as browser:
        for path in ("/desk/rota/teams/999999999", "/desk/rota/shifts/999999999"):
            await browser.page(path, status=404)
    assert await served(at_desk) == [("nurse", -2, 6)]
