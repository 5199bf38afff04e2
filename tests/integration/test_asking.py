"""The desk asks for other numbers of a rule: a judge replays history, and proposes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from core.clock import wall_time
from saimi import judging
from saimi.backtest_change import backtest_change
from tests.integration.rules_support import MILDER, add_chief, proposed
from tests.integration.steward_support import Desk, desk, fields, logged_in, send
from tests.support.waiting import eventually

PATH = "/desk/rules/ask/news2_single_three"


@pytest.fixture
async def at_desk(plain_database_url: str) -> AsyncIterator[Desk]:
    async with desk(plain_database_url) as one:
        await add_chief(one.place.connection)
        await one.place.connection.execute("UPDATE registry.member SET language = 'en'")
        yield one


@asynccontextmanager
async def judge(
    at: Desk, monkeypatch: pytest.MonkeyPatch, on_ready: Callable[[], None] | None = None
) -> AsyncIterator[asyncio.Event]:
    """`saimi judge`, in this process."""
    monkeypatch.setattr("os.nice", lambda _by: 0)
    stop = asyncio.Event()
    work = asyncio.create_task(
        judging.run(database_url=at.place.url, clock=at.place.clock, stop=stop, on_ready=on_ready)
    )
    try:
        yield stop
    finally:
        stop.set()
        await work


async def _asked(at: Desk, **changed: str) -> tuple[int, str]:
    async with logged_in(at.address, "chief") as chief:
        form = fields(await chief.page(PATH), "ask")
        given = {"raise.points": "2", "days": "7", "why": "Single threes are seen late."} | changed
        status, told = await send(chief, PATH, form, **given)
        return status, told


async def _ends(at: Desk) -> list[dict[str, Any]]:
    rows = await at.place.connection.fetch("SELECT * FROM alerts.rule_request_end ORDER BY request")
    return [dict(row) for row in rows]


def ended(at: Desk, count: int = 1) -> Any:
    async def condition() -> bool:
        return len(await _ends(at)) >= count

    return condition


async def _history(at: Desk) -> None:
    """A week of Aino's pulse, two points in one measurement each noon."""
    now = at.place.clock.now()
    values = [
        (now - timedelta(hours=hours), 125.0 if hours % 24 == 0 else 70.0)
        for hours in range(1, 7 * 24 + 1)
    ]
    await at.place.put(await at.place.subject("aino"), "monitor-1", "pulse", values)


async def test_what_is_asked_is_judged_proposed_and_decided(
    at_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _history(at_desk)
    connection = at_desk.place.connection
    assert await _asked(at_desk, days="84") == (303, "")
    async with logged_in(at_desk.address, "chief") as chief:
        page = await chief.page("/desk/rules")
        assert "Nobody judges at the moment" in page
        assert "The last 84 days are being replayed." in page
    async with judge(at_desk, monkeypatch):
        await eventually(ended(at_desk))
    [end] = await _ends(at_desk)
    assert end["failure"] is None
    number = end["proposal"]
    row = await connection.fetchrow(
        "SELECT p.*, m.username FROM alerts.rule_proposal p JOIN registry.member m"
        " ON m.id = p.member WHERE p.id = $1", number,
    )  # fmt: skip
    assert row is not None
    assert (row["username"], row["why"]) == ("chief", "Single threes are seen late.")
    assert "raise = { points = 2 }" in row["rules"]
    assert row["report"]["readings"] == 7 * 24
    # Asked of 84 days, told of as much as there is.
    span = [datetime.fromisoformat(row["report"][end]) for end in ("start", "end")]
    assert span[1] - span[0] == timedelta(days=7)
    assert row["report"]["after"]["alerts"] > row["report"]["before"]["alerts"]
    async with (
        logged_in(at_desk.address, "chief") as chief,
        logged_in(at_desk.address, "desk") as other,
    ):
        assert "being replayed" not in await chief.page("/desk/rules")
        # Like any proposal: not by who asked for it.
        assert 'value="accepted"' not in await chief.page(f"/desk/rules/{number}")
        form = fields(await other.page(f"/desk/rules/{number}"), "decide")
        path = f"/desk/rules/{number}"
        assert (await send(other, path, form, outcome="accepted", why="see it"))[0] == 303
        page = await other.page(PATH)
        assert 'name="raise.points" value="2"' in page


async def test_it_is_asked_once_and_by_the_desk_alone(at_desk: Desk) -> None:
    async with (
        logged_in(at_desk.address, "chief") as chief,
        logged_in(at_desk.address, "nurse") as nurse,
    ):
        await nurse.page(PATH, status=404)
        form = fields(await chief.page(PATH), "ask")
        assert (await send(nurse, PATH, form, why="with another's form"))[0] == 403
        for changed, said in (
            ({"raise.points": "3"}, "change one of them"),
            ({"raise.points": ""}, "must be filled in"),
            ({"raise.points": "many"}, "must be a number from 1 to 3"),
            ({"raise.points": "4"}, "must be a number from 1 to 3"),
            ({"clear.points": "3.5"}, "must be a number from 1 to 3"),
            ({"raise.points": "2", "clear.points": "3"}, "do not go together"),
            ({"raise.points": "2", "days": "9999"}, "cannot be understood"),
            ({"raise.points": "2", "why": ""}, "Say why"),
        ):
            given = {"why": "because it is", **changed}
            status, told = await send(chief, PATH, form, **given)
            assert (status, said in told) == (400, True), (changed, said)
        for name in ("help", "nothing", "beyond_meter"):
            await chief.page(f"/desk/rules/ask/{name}", status=404)
        for _ in range(2):
            given = {"raise.points": "2", "why": "because it is"}
            assert (await send(chief, PATH, form, **given))[0] == 303
    count = await at_desk.place.connection.fetchval("SELECT count(*) FROM alerts.rule_request")
    assert count == 1


async def test_why_no_proposal_came_of_it(at_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = at_desk.place.connection
    assert (await _asked(at_desk))[0] == 303  # of a time without readings
    assert (await _asked(at_desk, days="14"))[0] == 303
    await connection.execute("ALTER TABLE alerts.rule_request DISABLE TRIGGER append_only")
    await connection.execute("UPDATE alerts.rule_request SET rules = 'nonsense' WHERE days = 14")
    async with judge(at_desk, monkeypatch):
        await eventually(ended(at_desk, 2))
        # What is accepted meanwhile is what it would have to be judged against.
        assert (await _asked(at_desk, days="28"))[0] == 303
        await eventually(ended(at_desk, 3))
    number = await proposed(connection, MILDER, now=at_desk.place.clock.now())
    assert (await _asked(at_desk, days="56"))[0] == 303
    await connection.execute(
        "INSERT INTO alerts.rule_decision (proposal, outcome, member, decided_at, wall_at, why)"
        " SELECT $1, 'accepted', id, $2, $2, 'yes' FROM registry.member WHERE username = 'desk'",
        number, wall_time(),
    )  # fmt: skip
    monkeypatch.setattr(judging, "backtest_change", _broken)
    await _history(at_desk)
    async with judge(at_desk, monkeypatch):
        await eventually(ended(at_desk, 4))
        assert (await _asked(at_desk, days="84"))[0] == 303
        await eventually(ended(at_desk, 5))
        async with logged_in(at_desk.address, "chief") as chief:
            page = await chief.page("/desk/rules")
    assert [end["failure"] for end in await _ends(at_desk)] == [
        "no_readings", "unusable", "no_readings", "other_rules", "failed",
    ]  # fmt: skip
    for said in (
        "no readings that could be",
        "cannot use these rules",
        "ask for it anew",
        "log of",
    ):
        assert said in page
    assert "Nobody judges" not in page


def _broken(*_: object, **__: object) -> None:
    raise ZeroDivisionError


async def test_a_judge_that_is_stopped_leaves_it_to_the_next(
    at_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _history(at_desk)
    begun, ready = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(*arguments: Any, progress: Any, **more: Any) -> Any:
        """A replay that never ends by itself."""
        loop.call_soon_threadsafe(begun.set)
        while True:
            progress(0.0, 1.0)

    monkeypatch.setattr(judging, "backtest_change", slow)
    assert (await _asked(at_desk))[0] == 303
    async with judge(at_desk, monkeypatch, on_ready=ready.set):
        await begun.wait()
        # It has been ready since before it began: who starts it does not wait for a replay.
        assert ready.is_set()
        # While one judges another one only waits.
        begun.clear()
        async with judge(at_desk, monkeypatch):
            await asyncio.sleep(0)
    assert await _ends(at_desk) == []
    assert not begun.is_set()
    monkeypatch.setattr(judging, "backtest_change", _broken)
    async with judge(at_desk, monkeypatch):
        await eventually(ended(at_desk))
    assert [end["failure"] for end in await _ends(at_desk)] == ["failed"]
    monkeypatch.setattr(judging, "backtest_change", backtest_change)
    assert (await _asked(at_desk))[0] == 303
    async with judge(at_desk, monkeypatch):
        await eventually(ended(at_desk, 2))
    assert (await _ends(at_desk))[1]["proposal"] is not None
