"""One subject that cannot be assessed stalls nobody, and a person hears of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest

from alerts.assess import assess as assessing
from alerts.assess import news
from alerts.finding import Finding
from alerts.subjects.subject import Context, Subject
from core.clock import ManualClock
from tests.integration.alerts_support import NOW, SICK, County, county, settle, worker
from tests.support.waiting import eventually


async def kinds(found: County) -> dict[int, set[str]]:
    by_subject: dict[int, set[str]] = {}
    for episode in await found.episodes():
        by_subject.setdefault(episode["subject"], set()).add(episode["kind"])
    return by_subject


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    def rule(subjects: Sequence[Subject], context: Context) -> Iterator[tuple[int, Finding]]:
        if any(one.id == 2 for one in subjects):
            raise ZeroDivisionError
        return news.assess(subjects, context)

    monkeypatch.setitem(assessing.RULES, "news2", rule)


@pytest.mark.usefixtures("failing")
async def test_one_bad_subject_stalls_nobody(database_url: str) -> None:
    async with county(database_url, clients=3) as found:
        clock = ManualClock(NOW)
        for subject in (1, 2, 3):
            await found.put(subject, {**SICK, "help": 1})
        await settle(found.connection, clock)
        assert await kinds(found) == {
            1: {"news2", "help"},
            2: {"technical", "help"},
            3: {"news2", "help"},
        }
        (technical,) = await found.episodes("technical")
        assert technical["summary"]["params"] == {"rule": "news2", "error": "ZeroDivisionError"}
        assert await found.left() == 0
        # It is tried again by itself, and what is fixed is said to be fixed.
        del assessing.RULES["news2"]
        assessing.RULES["news2"] = news.assess
        clock.advance(timedelta(minutes=5))
        await settle(found.connection, clock)
        assert (await kinds(found))[2] == {"technical", "help", "news2"}
        (technical,) = await found.episodes("technical")
        assert technical["cleared_at"] == clock.now()
        (help_call,) = [e for e in await found.episodes("help") if e["subject"] == 2]
        assert await found.happened(help_call["id"]) == ["opened"]


async def test_a_state_that_cannot_be_read_starts_afresh(plain_database_url: str) -> None:
    async with county(plain_database_url, clients=2) as found:
        await found.connection.execute(
            "INSERT INTO alerts.subject_state (subject, state) "
            "VALUES (1, '{\"quiet\": 7}'), (2, '[1]')"
        )
        for subject in (1, 2):
            await found.put(subject, SICK)
        await settle(found.connection, ManualClock(NOW))
        assert await kinds(found) == {1: {"news2", "technical"}, 2: {"news2", "technical"}}


async def test_an_episode_that_cannot_be_read_hides_nobody_else(plain_database_url: str) -> None:
    async with county(plain_database_url, clients=2) as found:
        await found.connection.execute(
            "INSERT INTO alerts.episode "
            "(subject, kind, severity, highest, opened_at, changed_at, summary, evidence) "
            "VALUES (1, 'news2', 4, 4, now(), now(), 'null', '[]')"
        )
        for subject in (1, 2):
            await found.put(subject, SICK)
        await settle(found.connection, ManualClock(NOW))
        assert await kinds(found) == {1: {"news2", "technical"}, 2: {"news2"}}


async def test_what_the_database_refuses_for_one_is_isolated(database_url: str) -> None:
    async with county(database_url, clients=3) as found:
        await found.connection.execute(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF new.subject = 2 AND new.kind <> 'technical' THEN RAISE 'refused'; END IF;
                RETURN new;
            END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON alerts.episode
                FOR EACH ROW EXECUTE FUNCTION refuse();
            """
        )
        clock = ManualClock(NOW)
        for subject in (1, 2, 3):
            await found.put(subject, {**SICK, "help": 1})

        async def told() -> bool:
            return len(await kinds(found)) == 3

        async with worker(database_url, clock):
            await eventually(told)
            assert (await kinds(found))[2] == {"technical"}
            # The call is not forgotten: it comes through as soon as it can.
            await found.connection.execute("DROP TRIGGER refuse ON alerts.episode")
            clock.advance(timedelta(minutes=5))

            async def called() -> bool:
                return "help" in (await kinds(found))[2]

            await eventually(called)
            assert await kinds(found) == {
                1: {"news2", "help"},
                2: {"technical", "news2", "help"},
                3: {"news2", "help"},
            }
