"""A rule file of the county's own: in force without a restart, and refused with a reason."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from alerts.rules.shipped import SHIPPED
from core.clock import ManualClock
from tests.integration.alerts_support import NOW, WELL, county, worker
from tests.integration.rules_support import proposed
from tests.support.waiting import eventually

TEXT = SHIPPED.read_text(encoding="utf-8")
STRICTER = TEXT.replace("raise = { points = 3 }", "raise = { points = 2 }", 1)


def check(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "saimi", "rules", "check", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_the_engine_goes_by_a_file_as_soon_as_it_changes(
    database_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "county.toml"
    path.write_text(TEXT)
    pack = {**WELL, "temperature": 39.2}  # two points
    async with (
        county(database_url, clients=2) as found,
        worker(database_url, ManualClock(NOW), rules_file=path),
    ):

        async def told(key: str) -> str | None:
            value: str | None = await found.connection.fetchval(
                "SELECT detail ->> $1 FROM ops.heartbeat WHERE service = 'alerts'", key
            )
            return value

        async def idle() -> bool:
            return not await found.left()

        await found.put(1, pack)
        await eventually(idle)
        first = await told("rule_digest")

        path.write_text("late_after_min = -1")
        await eventually(lambda: told("rule_error"))
        assert "county.toml, line 1" in str(await told("rule_error"))
        await found.put(1, pack, at=NOW.replace(minute=1))
        await eventually(idle)
        assert await found.episodes() == []

        path.write_text(STRICTER)

        async def taken_over() -> bool:
            return await told("rule_error") is None and await told("rule_digest") != first

        await eventually(taken_over)
        await found.put(2, pack)
        await eventually(found.episodes)
        (episode,) = await found.episodes()
        assert (episode["subject"], episode["summary"]["rule"]) == (2, "news2_single_three")


async def test_the_engine_goes_by_what_was_accepted_unless_a_file_is_named(
    database_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "county.toml"
    path.write_text(TEXT)
    pack = {**WELL, "temperature": 39.2}  # two points
    clock = ManualClock(NOW)
    async with county(database_url, clients=2) as found:
        connection = found.connection
        await connection.execute(
            "INSERT INTO registry.member (username, display_name, role)"
            " VALUES ('chief', 'Chief', 'coordinator')"
        )

        async def told(key: str) -> str | None:
            value: str | None = await connection.fetchval(
                "SELECT detail ->> $1 FROM ops.heartbeat WHERE service = 'alerts'", key
            )
            return value

        async def idle() -> bool:
            return not await found.left()

        async def accept(rules: str) -> None:
            number = await proposed(connection, rules, now=NOW)
            await connection.execute(
                "INSERT INTO alerts.rule_decision"
                " (proposal, outcome, member, decided_at, wall_at, why)"
                " SELECT id, 'accepted', member, $2, $2, 'yes' FROM alerts.rule_proposal"
                " WHERE id = $1",
                number, NOW,
            )  # fmt: skip

        async with worker(database_url, clock):
            await found.put(1, pack)
            await eventually(idle)
            assert await found.episodes() == []
            await accept(STRICTER)
            await eventually(lambda: told("rule_proposal"))
            await found.put(2, pack)
            await eventually(found.episodes)
        async with worker(database_url, clock, rules_file=path):
            await eventually(lambda: told("rule_file"))
            await found.put(1, pack, at=NOW.replace(minute=1))
            await eventually(idle)
        (episode,) = await found.episodes()
        assert (episode["subject"], episode["summary"]["rule"]) == (2, "news2_single_three")
        # Of a version that had other rules: said, and what was in force stays so.
        await connection.execute(
            "INSERT INTO alerts.rule_proposal (member, proposed_at, wall_at, why, rules, changes,"
            " report, markdown) SELECT max(member), $1, $1, 'old', 'late_after_min = 9', '{x}',"
            " '{}', '' FROM alerts.rule_proposal",
            NOW,
        )
        await connection.execute(
            "INSERT INTO alerts.rule_decision (proposal, outcome, member, decided_at, wall_at, why)"
            " SELECT max(id), 'accepted', max(member), $1, $1, 'yes' FROM alerts.rule_proposal",
            NOW,
        )
        async with worker(database_url, clock):
            await eventually(lambda: told("rule_error"))


async def test_a_file_is_checked_before_it_is_in_force(tmp_path: Path) -> None:
    path = tmp_path / "county.toml"
    path.write_text(STRICTER)
    said = await asyncio.to_thread(check, str(path))
    assert (said.returncode, said.stderr) == (0, "")
    assert "news2_single_three: raises points 3, for 0 min -> points 2, for 0 min" in said.stdout

    path.write_text(TEXT.replace("severity = 4", "severity = 9", 1))
    said = await asyncio.to_thread(check, str(path))
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith("saimi: county.toml, line ")
    assert len(said.stderr.splitlines()) == 1
