"""Importing the registry: what is written, what a second import changes, what is refused."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from core.database import REGISTRY_CHANNEL, connect
from core.errors import RegistryError
from core.pauses import end_pause, pauses_after
from core.registry import Area, Client, Device, Document, Home, Limit, Member, Pause, Team
from core.registry_import import import_document

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=2)


def document(**changes: Any) -> Document:
    """One home for two, with a shared cuff, a motion sensor and an oximeter."""
    entries: dict[str, Any] = {
        "areas": [Area("imatra", "Imatra")],
        "members": [Member("hoitaja", "Hanna Hoitaja"), Member("desk", "Desk", "coordinator")],
        "teams": [Team("Imatra", ["imatra"], ["hoitaja"])],
        "homes": [home()],
    }
    return Document(**(entries | changes))


def home(**changes: Any) -> Home:
    entries: dict[str, Any] = {
        "name": "K1",
        "area": "imatra",
        "gateway": "gw-1",
        "clients": [person("c-1"), person("c-2")],
        "devices": [
            Device("oximeter", "oximeter", silent_after_minutes=15, subject="c-1"),
            Device("cuff", "cuff", subject="c-1", user_index=1, assigned_from=NOW.replace(day=2)),
            Device("cuff", "cuff", subject="c-2", user_index=2),
            Device("motion-kitchen", "motion", location="kitchen"),
        ],
    }
    return Home(**(entries | changes))


def person(reference: str, **changes: Any) -> Client:
    entries: dict[str, Any] = {
        "given_name": "Aino",
        "family_name": "Esimerkki",
        "born": date(1941, 5, 6),
        "conditions": ["heart failure", "copd"],
        "teams": ["Imatra", "Imatra"],
        "limits": [Limit("spo2", 88, 92)],
    }
    return Client(reference, **(entries | changes))


@pytest_asyncio.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await connect(database_url)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def plain(plain_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await connect(plain_database_url)
    yield opened
    await opened.close()


async def owners(connection: asyncpg.Connection, device: str) -> list[tuple[Any, ...]]:
    rows = await connection.fetch(
        """SELECT coalesce(c.reference, s.kind) AS owner, a.user_index,
                  lower(a.during) AS since, upper(a.during) AS until
             FROM registry.assignment a JOIN registry.device d ON d.id = a.device
             JOIN registry.subject s ON s.id = a.subject
             LEFT JOIN registry.client c ON c.subject = s.id
            WHERE d.name = $1 ORDER BY a.user_index, lower(a.during)""",
        device,
    )
    return [tuple(row) for row in rows]


async def everything(connection: asyncpg.Connection) -> dict[str, Any]:
    tables = await connection.fetch(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'registry'"
    )
    return {
        row[0]: sorted(
            str(tuple(found))
            for found in await connection.fetch(f"SELECT * FROM registry.{row[0]}")
        )
        for row in tables
    }


async def test_first_import(connection: asyncpg.Connection) -> None:
    report = await import_document(connection, document(), now=NOW)

    expected = {"areas": 1, "teams": 1, "members": 2, "homes": 1, "clients": 2, "devices": 3}
    assert report.entries == expected
    assert report.added == expected
    assert report.reassigned == 0
    subjects = await connection.fetch("SELECT kind, pseudonym FROM registry.subject WHERE id > 0")
    assert sorted(row["kind"] for row in subjects) == ["client", "client", "home"]
    assert len({row["pseudonym"] for row in subjects}) == 3
    assert all(len(row["pseudonym"]) >= 20 for row in subjects)
    assert await owners(connection, "oximeter") == [("c-1", 0, NOW, None)]
    assert await owners(connection, "cuff") == [
        ("c-1", 1, NOW.replace(day=2), None),
        ("c-2", 2, NOW, None),
    ]
    assert await owners(connection, "motion-kitchen") == [("home", 0, NOW, None)]
    nurse = await connection.fetchval("SELECT id FROM registry.member WHERE username = 'hoitaja'")
    seen = await connection.fetch("SELECT * FROM registry.visible_subjects($1, $2)", nurse, NOW)
    kinds = await connection.fetch(
        "SELECT kind FROM registry.subject WHERE id = ANY($1)", [row["subject"] for row in seen]
    )
    assert sorted(row["kind"] for row in kinds) == ["area", "client", "client", "home"]
    conditions = await connection.fetchval("SELECT conditions FROM registry.client LIMIT 1")
    assert conditions == ["heart failure", "copd"]


async def test_a_second_import_changes_nothing(connection: asyncpg.Connection) -> None:
    await import_document(connection, document(), now=NOW)
    before = await everything(connection)

    report = await import_document(connection, document(), now=LATER)

    assert await everything(connection) == before
    assert set(report.added.values()) == {0}
    assert report.reassigned == 0


async def test_what_changed_is_updated_and_nothing_is_removed(plain: asyncpg.Connection) -> None:
    await import_document(plain, document(), now=NOW)
    pseudonyms = """SELECT s.pseudonym FROM registry.subject s
                      JOIN registry.client c ON c.subject = s.id ORDER BY c.reference"""
    before = await plain.fetch(pseudonyms)

    changed = person("c-1", family_name="Uusi", spo2_scale=2, limits=[Limit("spo2", 85, 90)])
    await import_document(plain, document(homes=[home(clients=[changed], devices=[])]), now=LATER)

    row = await plain.fetchrow("SELECT * FROM registry.client WHERE reference = 'c-1'")
    assert row is not None
    assert (row["family_name"], row["spo2_scale"]) == ("Uusi", 2)
    limit = await plain.fetchrow("SELECT * FROM registry.client_limit WHERE subject = $1", row[0])
    assert limit is not None
    assert (limit["low"], limit["high"], limit["set_at"]) == (85, 90, LATER)
    assert await plain.fetch(pseudonyms) == before
    assert await plain.fetchval("SELECT count(*) FROM registry.device WHERE id > 0") == 3


async def test_a_device_that_changes_hands_keeps_its_history(plain: asyncpg.Connection) -> None:
    await import_document(plain, document(), now=NOW)
    moved = home(devices=[Device("oximeter", "oximeter", subject="c-2")])

    report = await import_document(plain, document(homes=[moved]), now=LATER)

    assert report.reassigned == 1
    assert await owners(plain, "oximeter") == [("c-1", 0, NOW, LATER), ("c-2", 0, LATER, None)]
    # and back at the very same moment: no empty range, no overlap
    await import_document(plain, document(), now=LATER)
    assert await owners(plain, "oximeter") == [("c-1", 0, NOW, LATER), ("c-1", 0, LATER, None)]


async def test_a_client_moves_home(plain: asyncpg.Connection) -> None:
    await import_document(plain, document(), now=NOW)
    elsewhere = Home("K2", "imatra", "gw-2", clients=[person("c-1")])
    with pytest.raises(RegistryError, match="'c-1' moves to home 'K2', but device 'oximeter'"):
        await import_document(plain, Document(homes=[elsewhere]), now=LATER)

    left = home(
        clients=[],
        devices=[
            Device("oximeter", "oximeter", silent_after_minutes=15),
            Device("cuff", "cuff", user_index=1),
        ],
    )
    await import_document(plain, Document(homes=[elsewhere, left]), now=LATER)

    assert await owners(plain, "oximeter") == [("c-1", 0, NOW, LATER), ("home", 0, LATER, None)]
    found = await plain.fetchval(
        """SELECT h.name FROM registry.client c JOIN registry.subject s ON s.id = c.subject
             JOIN registry.home h ON h.id = s.home WHERE c.reference = 'c-1'"""
    )
    assert found == "K2"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (document(areas=[]), "'Imatra' names area 'imatra'"),
        (document(homes=[home(area="oulu")]), "Home 'K1' names area 'oulu'"),
        (document(members=[]), "Team 'Imatra' names member 'hoitaja'"),
        (document(teams=[]), "names team 'Imatra'"),
        (document(homes=[home(gateway="unknown")]), "'unknown' of home 'K1'"),
        (document(homes=[home(clients=[])]), "measures client 'c-[12]', whom nobody knows"),
    ],
)
async def test_what_is_nowhere_is_named(
    plain: asyncpg.Connection, wrong: Document, words: str
) -> None:
    before = await everything(plain)
    with pytest.raises(RegistryError, match=words):
        await import_document(plain, wrong, now=NOW)
    assert await everything(plain) == before


async def test_what_contradicts_the_registry_is_refused(plain: asyncpg.Connection) -> None:
    await import_document(plain, document(), now=NOW)
    before = await everything(plain)
    stolen = Home("K2", "imatra", "gw-1")
    with pytest.raises(RegistryError, match="'gw-1' of home 'K2' is registered in home 'K1'"):
        await import_document(plain, Document(homes=[stolen]), now=LATER)
    guest = Home("K2", "imatra", "gw-2", devices=[Device("o", "oximeter", subject="c-1")])
    with pytest.raises(RegistryError, match="client 'c-1', who lives in home 'K1'"):
        await import_document(plain, Document(homes=[guest]), now=LATER)
    assert await everything(plain) == before


async def test_whoever_caches_the_registry_is_woken(plain: asyncpg.Connection) -> None:
    woken = asyncio.Event()
    await plain.add_listener(REGISTRY_CHANNEL, lambda *_: woken.set())
    await import_document(plain, document(), now=NOW)
    await asyncio.wait_for(woken.wait(), 5)


async def test_two_imports_at_once(plain: asyncpg.Connection, plain_database_url: str) -> None:
    other = await connect(plain_database_url)
    try:
        await asyncio.gather(
            import_document(plain, document(), now=NOW), import_document(other, document(), now=NOW)
        )
    finally:
        await other.close()
    assert await plain.fetchval("SELECT count(*) FROM registry.subject WHERE id > 0") == 3


async def test_a_county_takes_seconds(plain: asyncpg.Connection) -> None:
    homes = [
        Home(
            f"K{n}",
            "imatra",
            f"gw-{n}",
            clients=[person(f"c-{n}")],
            devices=[Device(f"d{k}", "motion", location=f"room {k}") for k in range(10)],
        )
        for n in range(2_000)
    ]
    began = time.perf_counter()
    await import_document(plain, document(homes=homes), now=NOW)
    assert time.perf_counter() - began < 10  # 20,000 homes were measured at about 25 s
    assert await plain.fetchval("SELECT count(*) FROM registry.assignment") == 20_000


async def test_pauses_are_taken_over_and_the_ended_stay_ended(
    plain: asyncpg.Connection,
) -> None:
    def paused(until: datetime, since: datetime = NOW) -> Document:
        stay = Pause("hospital", since, until)
        guests = Pause("guests", since, until)
        return document(
            homes=[home(clients=[person("c-1", pauses=[stay])], pauses=[guests], devices=[])]
        )

    async def ends() -> list[tuple[str, datetime]]:
        rows = await plain.fetch("SELECT kind, until FROM registry.pause ORDER BY kind")
        return [(row["kind"], row["until"]) for row in rows]

    await import_document(plain, paused(LATER), now=NOW)
    before = await everything(plain)
    await import_document(plain, paused(LATER), now=LATER)
    assert await everything(plain) == before
    longer = LATER + timedelta(days=1)
    await import_document(plain, paused(longer), now=NOW)
    assert await ends() == [("guests", longer), ("hospital", longer)]
    hour = NOW + timedelta(hours=1)
    with pytest.raises(RegistryError, match=r"'K1' has a guests pause from 2026-03-01 12:00"):
        await import_document(plain, paused(longer, since=hour), now=NOW)
    for pause in await pauses_after(plain, now=NOW):
        await end_pause(plain, pause=pause["id"], member=None, now=hour)
    await import_document(plain, paused(LATER), now=hour)
    assert await ends() == [("guests", hour), ("hospital", hour)]
