"""The rota in the database: taken over whole, again without change, the past kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from alerts.routing.rota import Rota, RotaError, parse_rota
from alerts.routing.rota_import import import_rota, on_duty
from core.database import connect
from core.registry import parse_document
from core.registry_import import import_document
from tests.support.commands import saimi

COUNTY = """
areas = [{code = "im", name = "Imatra", latitude = 61.17, longitude = 28.77}]
members = [
    {username = "day", display_name = "Day"}, {username = "night", display_name = "Night"},
    {username = "mate", display_name = "Mate"},
    {username = "op", display_name = "Op", role = "operator"},
]
[[teams]]
name = "one"
areas = ["im"]
[[teams]]
name = "two"
areas = ["im"]
[[homes]]
name = "h"
area = "im"
gateway = "g"
[[homes.clients]]
reference = "c"
given_name = "C"
family_name = "C"
born = 1940-01-01
teams = ["two"]
"""
ROTA = """
begins = 2026-01-12
ends = 2026-01-19
[[patterns]]
teams = ["one"]
member = "day"
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"]
start = "07:00"
end = "21:00"
[[patterns]]
teams = ["one", "two"]
member = "night"
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"]
start = "21:00"
end = "07:00"
"""
BEFORE = datetime(2026, 1, 10, tzinfo=UTC)
MIDDAY = datetime(2026, 1, 14, 10, tzinfo=UTC)
MIDNIGHT = datetime(2026, 1, 14, 22, tzinfo=UTC)


@pytest.fixture
async def connection(plain_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(plain_database_url)
    document = parse_document(COUNTY, form="toml")
    await import_document(connection, document, now=BEFORE)
    yield connection
    await connection.close()


def rota(text: str = ROTA) -> Rota:
    return parse_rota(text)


async def served(connection: asyncpg.Connection) -> list[tuple[object, ...]]:
    rows = await connection.fetch(
        "SELECT t.name, m.username, s.during FROM registry.shift s"
        " JOIN registry.team t ON t.id = s.team JOIN registry.member m ON m.id = s.member"
        " ORDER BY 3, 1, 2"
    )
    return [tuple(row) for row in rows]


async def test_a_rota_is_taken_over_and_again_changes_nothing(
    connection: asyncpg.Connection,
) -> None:
    report = await import_rota(connection, rota(), now=BEFORE)
    assert (report.shifts, report.added, report.removed) == (21, 21, 0)
    # From midnight to the first shift, and by day nobody serves the second team.
    assert len([gap for gap in report.gaps if gap.team == "two"]) == 7
    assert [gap.end - gap.start for gap in report.gaps if gap.team == "one"] == [timedelta(hours=7)]
    kept = await served(connection)
    for now in (BEFORE, MIDDAY, MIDNIGHT):
        again = await import_rota(connection, rota(), now=now)
        assert (again.added, again.removed) == (0, 0), now
        assert await served(connection) == kept
    assert [row["member"] for row in await on_duty(connection, at=MIDDAY)] == ["day"]
    assert [(r["team"], r["member"]) for r in await on_duty(connection, at=MIDNIGHT)] == [
        ("one", "night"), ("two", "night"),
    ]  # fmt: skip


async def test_what_was_served_stays_and_what_lies_ahead_changes(
    connection: asyncpg.Connection,
) -> None:
    await import_rota(connection, rota(), now=BEFORE)
    past = [row for row in await served(connection) if row[2].upper <= MIDNIGHT]  # type: ignore[attr-defined]  # a range
    changed = ROTA.replace('member = "night"', 'member = "mate"')
    await import_rota(connection, rota(changed), now=MIDNIGHT)
    after = await served(connection)
    assert after[: len(past)] == past
    assert [r["member"] for r in await on_duty(connection, at=MIDNIGHT)] == ["mate", "mate"]
    an_hour_ago = MIDNIGHT - timedelta(hours=1)
    assert [r["member"] for r in await on_duty(connection, at=an_hour_ago)] == ["night", "night"]


async def test_the_last_night_of_a_rota_goes_on_into_the_next(
    connection: asyncpg.Connection,
) -> None:
    await import_rota(connection, rota(), now=BEFORE)
    following = ROTA.replace("2026-01-19", "2026-01-26").replace("2026-01-12", "2026-01-19")
    # It starts earlier than the night before it ends, with the same member.
    following += '[[patterns]]\nteams = ["one"]\nmember = "night"\ndays = ["mon"]\n'
    following += 'start = "05:00"\nend = "08:00"\n'
    report = await import_rota(connection, rota(following), now=MIDDAY)
    assert [gap for gap in report.gaps if gap.team == "one"] == []
    nights = [row for row in await served(connection) if row[:2] == ("one", "night")]
    assert [str(row[2].lower)[:16] for row in nights[6:9]] == [  # type: ignore[attr-defined]  # a range
        "2026-01-18 19:00", "2026-01-19 05:00", "2026-01-19 19:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "other", "said"),
    [
        ('"two"', '"three"', "team 'three', which is not registered"),
        ('"night"', '"nobody"', "'nobody', who is not registered"),
        ('"night"', '"op"', "an operator sees no clients"),
    ],
)
async def test_who_is_not_known_is_named_and_nothing_is_written(
    connection: asyncpg.Connection, name: str, other: str, said: str
) -> None:
    with pytest.raises(RotaError, match=said):
        await import_rota(connection, rota(ROTA.replace(name, other)), now=BEFORE)
    assert await served(connection) == []


async def test_who_is_on_duty_for_a_team_sees_its_clients_meanwhile(
    connection: asyncpg.Connection,
) -> None:
    await import_rota(connection, rota(), now=BEFORE)
    member = await connection.fetchval("SELECT id FROM registry.member WHERE username = 'night'")

    async def seen(at: datetime) -> int:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM registry.visible_subjects($1, $2)", member, at
        )
        return count

    # Of the team's area: a client, their home, and the area itself.
    assert (await seen(MIDNIGHT), await seen(MIDDAY)) == (3, 0)


async def test_the_command_line(plain_database_url: str, tmp_path: Path) -> None:
    connection = await connect(plain_database_url)
    await import_document(connection, parse_document(COUNTY, form="toml"), now=BEFORE)
    await connection.close()
    file = tmp_path / "rota.toml"
    file.write_text(ROTA.replace("2026-01", "2096-01"), encoding="utf-8")
    shown = await asyncio.to_thread(saimi, "rota", "show", file, "--json")
    assert shown.status == 0, shown.err
    content = shown.report
    assert (len(content["shifts"]), len(content["gaps"])) == (21, 6)
    assert "Nobody is on duty for 'two' from" in shown.err
    url = {"SAIMI_DATABASE_URL": plain_database_url}
    report = await asyncio.to_thread(saimi, "rota", "import", file, "--json", settings=url)
    assert report.report["added"] == 21, report.err
    duty = await asyncio.to_thread(saimi, "rota", "duty", "--json", settings=url)
    assert duty.report == {"on_duty": []}
    file.write_text(ROTA.replace("begins", "beings"), encoding="utf-8")
    refused = await asyncio.to_thread(saimi, "rota", "import", file, settings=url)
    assert refused.status == 2
    assert "This is not a rota" in refused.err
    assert len(refused.err.strip().splitlines()) == 1
