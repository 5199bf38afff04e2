"""Saying whose a device is: what waits, what would change, who is meant, and what then happens."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from core.catalogue import catalogue
from core.database import connect
from core.roles import web_urls
from ingest.upkeep import Upkeep
from tests.integration.steward_support import Desk, desk, fields, logged_in, send
from tests.integration.web_support import NOW, Browser

SINCE = NOW - timedelta(hours=2)
LOCAL_SINCE = "2026-03-03T12:00"  # two hours before NOW, county time


@pytest.fixture
async def at_desk(plain_database_url: str) -> AsyncIterator[Desk]:
    async with desk(plain_database_url) as one:
        yield one


async def number_of(at: Desk, name: str) -> int:
    found: int = await at.place.connection.fetchval(
        "SELECT d.id FROM registry.device d JOIN registry.gateway g ON g.id = d.gateway"
        " WHERE d.name = $1 AND g.name = 'gw-1'",
        name,
    )
    return found


async def hold(at: Desk, device: int, index: int | None, values: list[float]) -> None:
    """Readings of a shared device as ingest stores them: nobody's."""
    spo2 = catalogue()["spo2"].id
    for place, value in enumerate(values):
        time = SINCE + timedelta(minutes=10 * place)
        await at.place.connection.execute(
            "INSERT INTO telemetry.reading (time, received_at, value, device, subject, metric,"
            " state) VALUES ($1, $1, $2, $3, 0, $4, 1)",
            time, value, device, spo2,
        )  # fmt: skip
        await at.place.connection.execute(
            "INSERT INTO telemetry.held VALUES ($1, $2, $3, $4, 0, $3)", device, spo2, time, index
        )


async def give(browser: Browser, device: int, born: str, **wish: str) -> tuple[int, str]:
    """Look at what would change, then confirm with a year of birth."""
    page = await browser.page(f"/desk/devices/{device}")
    path = f"/desk/devices/{device}/assign"
    status, asked = await send(browser, path, fields(page, "assign"), **({"why": "told"} | wish))
    assert status == 200, asked
    return await send(browser, path, fields(asked, "confirm"), confirmed=born)


async def test_held_readings_go_to_whoever_is_confirmed_and_are_assessed(at_desk: Desk) -> None:
    place = at_desk.place
    device, urho = await number_of(at_desk, "monitor-1"), await place.subject("urho")
    await place.connection.execute(
        "UPDATE registry.assignment SET user_index = 1 WHERE device = $1", device
    )
    await hold(at_desk, device, 2, [90.0, 91.0])
    await hold(at_desk, await number_of(at_desk, "motion-kitchen"), None, [95.0])
    owner = await at_desk.pseudonym("urho")
    async with logged_in(at_desk.address, "desk") as coordinator:
        listed = await coordinator.page("/desk/devices")
        assert "User index 2." in listed
        wish = {"owner": owner, "since": LOCAL_SINCE, "user_index": "2"}
        status, page = await give(coordinator, device, "1940", **wish)  # Aino's year
        assert status == 400
        assert "Urho Ahola, born 1938" in page
        assert await place.connection.fetchval("SELECT count(*) FROM telemetry.correction") == 0
        page = await coordinator.page(f"/desk/devices/{device}")
        path = f"/desk/devices/{device}/assign"
        _, asked = await send(coordinator, path, fields(page, "assign"), why="his", **wish)
        assert "2 stored readings of nobody known go to them." in asked
        form = fields(asked, "confirm")
        for _ in range(2):  # sent twice, done once
            assert (await send(coordinator, path, form, confirmed="1938"))[0] == 303
        assert "Urho Ahola, born 1938" in await coordinator.page(f"/desk/devices/{device}")
        assert "User index 2." not in await coordinator.page("/desk/devices")
    rows = await place.connection.fetch("SELECT * FROM telemetry.reading ORDER BY device, time")
    assert [(row["subject"], row["state"]) for row in rows if row["device"] == device] == [
        (urho, 0), (urho, 0),
    ]  # fmt: skip
    assert [row["subject"] for row in rows if row["device"] != device] == [0]
    assert {row["subject"] for row in await place.connection.fetch(
        "SELECT DISTINCT subject FROM telemetry.note")} == {0, urho}  # fmt: skip
    assert await place.connection.fetchval("SELECT count(*) FROM telemetry.touched") == 2
    (change,) = await place.connection.fetch("SELECT * FROM audit.change")
    assert (change["what"], change["why"], change["subject"]) == ("assignment", "his", urho)
    assert change["detail"]["readings"] == 2
    assert ("desk", "urho", "device", "desk") in await place.looks()


async def test_a_device_nobody_knew_is_registered_and_its_readings_stored(at_desk: Desk) -> None:
    place = at_desk.place
    record = {"device": "scale-9", "metric": "weight", "unit": "kg", "value": 71.5,
              "time": (NOW - timedelta(hours=1)).timestamp()}  # fmt: skip
    await reject(at_desk, record)
    async with logged_in(at_desk.address, "desk") as coordinator:
        listed = await coordinator.page("/desk/devices")
        assert "scale-9" in listed
        link = listed.partition("/desk/devices/new?")[2].partition('"')[0].replace("&amp;", "&")
        form = fields(await coordinator.page(f"/desk/devices/new?{link}"), "new")
        status, _ = await send(coordinator, "/desk/devices/new", form, kind="", why="new scale")
        assert status == 400
        status, _ = await send(coordinator, "/desk/devices/new", form, kind="scale", why="new")
        assert status == 303
        device = await number_of(at_desk, "scale-9")
        owner = await at_desk.pseudonym("aino")
        status, _ = await give(coordinator, device, "1940", owner=owner, since=LOCAL_SINCE)
        assert status == 303
    upkeep = Upkeep(
        place.url, place.clock, readings_after=timedelta(days=3650), rejected_after=timedelta(90)
    )
    other = await connect(place.url)
    try:
        await upkeep.round(other)
    finally:
        await other.close()
    (stored,) = await place.connection.fetch("SELECT * FROM telemetry.reading")
    assert (stored["device"], stored["subject"], stored["value"]) == (
        device, await place.subject("aino"), 71.5,
    )  # fmt: skip
    assert await place.connection.fetchval("SELECT count(*) FROM telemetry.rejected") == 0
    assert await place.connection.fetchval("SELECT count(*) FROM telemetry.retry") == 0


async def reject(at: Desk, record: dict[str, Any]) -> None:
    """As ingest keeps what it cannot admit."""
    await at.place.connection.execute(
        "INSERT INTO telemetry.rejected (received_at, gateway, topic, reason, detail, record, size)"
        " VALUES ($1, 'gw-1', 'saimi/v1/gw-1/senml/x', 'unknown_device', 'who?', $2, 10)",
        NOW, record,
    )  # fmt: skip


async def test_a_swap_is_shown_before_it_is_done_and_two_at_once_are_told(at_desk: Desk) -> None:
    place = at_desk.place
    aino, device = await place.subject("aino"), await number_of(at_desk, "monitor-1")
    await place.put(aino, "monitor-1", "pulse", [(SINCE + timedelta(minutes=1), 70.0)])
    await place.put(aino, "monitor-1", "pulse", [(SINCE - timedelta(minutes=1), 71.0)])
    owner = await at_desk.pseudonym("urho")
    async with logged_in(at_desk.address, "desk") as coordinator:
        page = await coordinator.page(f"/desk/devices/{device}")
        form = [*fields(page, "assign")]
        path = f"/desk/devices/{device}/assign"
        wish = {"owner": owner, "since": LOCAL_SINCE, "why": "swapped"}
        _, asked = await send(coordinator, path, form, **wish)
        assert "1 stored reading of Aino Ahola, born 1940 goes to them." in asked
        late = fields(asked, "confirm")
        assert (await send(coordinator, path, late, confirmed="1938"))[0] == 303
        # A page that was open meanwhile decides nothing.
        fresh = dict(late) | {"action": str(uuid.uuid4())}
        status, told = await send(coordinator, path, list(fresh.items()), confirmed="1938")
        assert status == 409
        assert "nothing was changed" in told
        for wrong, said in (
            ({"since": "2026-03-04T12:00"}, "not ahead of now"),
            ({"owner": "somebody"}, "Choose whose"),
            ({"user_index": "-1"}, "user index"),
            ({"why": ""}, "Say why"),
        ):
            status, told = await send(coordinator, path, form, **(wish | wrong))
            assert status == 400
            assert said in told.partition('id="failure">')[2].partition("<")[0]
        # Ended: from now on it is nobody's.
        page = await coordinator.page(f"/desk/devices/{device}")
        was = dict(fields(page, "assign"))["was"]
        ended = {"was": was, "user_index": "0", "why": "given back", "action": str(uuid.uuid4())}
        for _ in range(2):
            status, _ = await send(coordinator, f"/desk/devices/{device}/end", list(ended.items()))
            assert status == 303
    whose = await place.connection.fetch(
        "SELECT subject, upper(during) AS until FROM registry.assignment WHERE device = $1"
        " ORDER BY during", device,
    )  # fmt: skip
    assert [tuple(row) for row in whose] == [
        (aino, SINCE), (await place.subject("urho"), NOW),
    ]  # fmt: skip
    owners = await place.connection.fetch("SELECT subject FROM telemetry.reading ORDER BY time")
    assert [row["subject"] for row in owners] == [aino, await place.subject("urho")]


async def test_it_is_the_desks_alone(at_desk: Desk) -> None:
    device = await number_of(at_desk, "monitor-1")
    await hold(at_desk, device, 2, [90.0])
    for username in ("nurse", "klaara", "operator"):
        async with logged_in(at_desk.address, username) as browser:
            for path in ("/desk/devices", f"/desk/devices/{device}", "/desk/devices/new"):
                await browser.page(path, status=404)
            form = [("action", str(uuid.uuid4())), ("why", "mine"), ("user_index", "0")]
            for action in ("assign", "end"):
                status, _ = await send(browser, f"/desk/devices/{device}/{action}", form)
                assert status == 404
    web = await connect((await web_urls(at_desk.place.url)).web)
    try:
        assert await web.fetchval("SELECT count(*) FROM seen.held") == 0
        for statement in (
            "DELETE FROM registry.assignment",
            "SELECT registry.clear_assignments(1, 0::smallint, tstzrange(NULL, NULL))",
            "UPDATE telemetry.reading SET subject = 1",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await web.execute(statement)
        answer = await web.fetchval(
            "SELECT registry.assign_device(gen_random_uuid(), $1, 0::smallint, $2, $3, '', 'x')",
            device, await at_desk.place.subject("urho"), SINCE,
        )  # fmt: skip
        assert answer == "refused"
    finally:
        await web.close()
