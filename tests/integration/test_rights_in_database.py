"""Whoever has the web service's connection, and all of SQL, sees only whom a session may see."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
import pytest

from core.clock import wall_time
from core.database import Connection, connect, load_queries
from core.roles import WebUrls, web_urls
from tests.integration.web_support import NOW, County, county
from web.session import act_for, end_session, start_session

REFUSED = (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidParameterValueError)
BY_SUBJECT = (
    "registry.client",
    "registry.client_limit",
    "registry.care_relationship",
    "registry.assignment",
    "alerts.episode",
    "seen.reading",
    "seen.reading_hourly",
    "seen.reading_daily",
)


@dataclass
class Attack:
    """The web's connection in wrong hands, in a county where Aino is the nurse's and Berta not."""

    place: County
    urls: WebUrls
    web: asyncpg.Connection
    tokens: dict[str, str]
    aino: int
    berta: int
    foreign: int
    """An episode of Berta's."""

    async def sees(self, connection: Connection | None = None) -> set[int]:
        """Whom any relation shows."""
        found: set[int] = set()
        for relation in BY_SUBJECT:
            rows = await (connection or self.web).fetch(f"SELECT subject FROM {relation}")
            found |= {row["subject"] for row in rows}
        return found & {self.aino, self.berta}

    @asynccontextmanager
    async def acting(self, *names: str) -> AsyncIterator[asyncpg.Connection]:
        async with self.web.transaction():
            assert await act_for(self.web, [self.tokens[name] for name in names])
            yield self.web

    async def refused(self, *statements: str) -> None:
        """Each is refused, also to whom acts for the nurse."""
        for statement in statements:
            with pytest.raises(REFUSED):
                async with self.acting("nurse"):
                    await self.web.execute(statement)


@pytest.fixture
async def attack(database_url: str) -> AsyncIterator[Attack]:
    async with county(database_url) as place:
        aino, berta = await place.subject("aino"), await place.subject("berta")
        for subject in (aino, berta):
            await place.put(subject, "monitor-1", "spo2", [(NOW - timedelta(hours=subject), 95.0)])
            await place.open(subject)
        await place.connection.execute(
            "INSERT INTO registry.client_limit SELECT $1, metric, low, high, set_at"
            " FROM registry.client_limit",
            berta,
        )
        names = {row["username"]: row["id"] for row in await place.connection.fetch(
            "SELECT username, id FROM registry.member")}  # fmt: skip
        tokens = {name: await start_session(place.connection, id) for name, id in names.items()}
        urls = await web_urls(database_url)
        web = await connect(urls.web)
        foreign = await place.connection.fetchval(
            "SELECT id FROM alerts.episode WHERE subject = $1", berta
        )
        try:
            yield Attack(place, urls, web, tokens, aino, berta, foreign)
        finally:
            await web.close()


async def test_a_session_shows_its_own_clients_and_only_in_its_transaction(attack: Attack) -> None:
    everybody = {attack.aino, attack.berta}
    assert await attack.sees() == set()
    for name, whom in {
        "nurse": {attack.aino},
        "stranger": {attack.berta},
        "desk": everybody,
        "operator": set[int](),
    }.items():
        async with attack.acting(name):
            assert await attack.sees() == whom
        assert await attack.sees() == set()
    async with attack.acting("nurse", "stranger"):
        assert await attack.sees() == everybody
    async with attack.acting("nurse"):
        assert [r[0] for r in await attack.web.fetch("SELECT value FROM seen.reading")] == [95.0]


async def test_a_function_that_looks_with_other_rights_asks_who_asks(attack: Attack) -> None:
    """What arrived from a home is counted with the owner's rights, and told of one's own alone."""
    await attack.place.connection.execute(
        "INSERT INTO telemetry.received (gateway, boot, seqs, announced, first_at, last_at)"
        " SELECT id, 'b1', '{[1,11)}', 10, $1, $1 FROM registry.gateway WHERE name LIKE 'gw-%'",
        NOW,
    )
    query = "SELECT received FROM seen.arrivals($1)"
    assert await attack.web.fetch(query, attack.aino) == []
    for name, mine, others in (
        ("nurse", 1, 0),
        ("stranger", 0, 1),
        ("desk", 1, 1),
        ("operator", 0, 0),
    ):
        async with attack.acting(name):
            assert len(await attack.web.fetch(query, attack.aino)) == mine
            assert len(await attack.web.fetch(query, attack.berta)) == others


async def test_what_belongs_to_an_alert_or_a_home_is_shown_with_it(attack: Attack) -> None:
    owner = attack.place.connection
    await owner.execute(
        "INSERT INTO alerts.timer (episode, due_at) SELECT id, now() FROM alerts.episode"
    )
    await owner.execute(
        "INSERT INTO alerts.outbox (episode, step, severity, what, created_at, due_at)"
        " SELECT id, 'opened', 1, 'page', now(), now() FROM alerts.episode"
    )
    of_alerts = ("alerts.episode_event", "alerts.timer", "alerts.outbox")
    of_homes = ("registry.home", "registry.gateway", "registry.device")
    async with attack.acting("nurse"):
        for table in of_alerts:
            seen = {row["episode"] for row in await attack.web.fetch(f"SELECT * FROM {table}")}
            assert len(seen) == 1, table
            assert attack.foreign not in seen, table
        for table in of_homes:
            for row in await attack.web.fetch(f"SELECT * FROM {table}"):
                assert "h2" not in str(row), table
                assert "gw-2" not in str(row), table
    async with attack.acting("desk"):
        for table in of_alerts:
            assert await attack.web.fetchval(f"SELECT count(*) FROM {table}") == 2
        assert await attack.web.fetchval("SELECT count(*) FROM registry.home") == 2


async def test_another_connection_of_the_pool_has_nothing_of_it(attack: Attack) -> None:
    other = await connect(attack.urls.web)
    try:
        async with attack.acting("desk"), other.transaction():
            assert await attack.sees(other) == set()
            assert await act_for(other, [attack.tokens["nurse"]])
            assert await attack.sees(other) == {attack.aino}
    finally:
        await other.close()
    assert await attack.place.connection.fetchval("SELECT count(*) FROM audit.acting") == 0


@pytest.mark.parametrize("how", ["ended", "expired", "disabled"])
async def test_a_session_that_is_over_opens_nothing(attack: Attack, how: str) -> None:
    owner = attack.place.connection
    if how == "ended":
        await end_session(attack.web, attack.tokens["nurse"])
    elif how == "expired":
        await owner.execute("UPDATE audit.session SET expires_at = $1", wall_time())
    else:
        await owner.execute("UPDATE registry.member SET disabled_at = now()")
    async with attack.web.transaction():
        assert await act_for(attack.web, [attack.tokens["nurse"]]) == frozenset()
        assert await attack.sees() == set()


async def test_nobody_is_made_somebody_by_a_setting(attack: Attack) -> None:
    owner = await attack.place.connection.fetchval("SELECT current_user")
    await attack.refused(
        f'SET ROLE "{owner}"',
        f'SET SESSION AUTHORIZATION "{owner}"',
        "SET ROLE saimi_login",
        "SET session_replication_role = replica",
        "SELECT set_config('role', 'saimi_login', false)",
    )
    desk = await attack.place.connection.fetchval(
        "SELECT id FROM registry.member WHERE username = 'desk'"
    )
    for name in ("saimi.member", "audit.members", "app.user_id", "request.jwt.claims"):
        await attack.web.execute("SELECT set_config($1, $2, false)", name, str(desk))
    assert await attack.sees() == set()
    async with attack.acting("nurse"):
        await attack.web.execute("SET LOCAL row_security = off")
        with pytest.raises(REFUSED):
            await attack.web.fetch("SELECT * FROM registry.client")


async def test_nobody_is_made_somebody_by_guessing(attack: Attack) -> None:
    hashes = await attack.place.connection.fetch("SELECT token_hash FROM audit.session")
    guesses = ["", "1", *(row[0].hex() for row in hashes), *(str(row[0]) for row in hashes)]
    async with attack.web.transaction():
        assert await act_for(attack.web, guesses) == frozenset()
        assert await attack.sees() == set()
    await attack.refused(
        "INSERT INTO audit.acting SELECT pg_current_xact_id(), pg_backend_pid(), '{4}'",
        "UPDATE audit.acting SET members = '{4}'",
        "SELECT * FROM audit.acting",
        "SELECT * FROM audit.session",
        "INSERT INTO audit.session VALUES ('\\x00', 4, now(), now(), now() + interval '1 day')",
        "SELECT login.start_session('mine', 4, interval '1 hour')",
        "SELECT * FROM login.member('desk')",
        "SELECT password_hash FROM registry.member",
        "UPDATE registry.member SET role = 'coordinator'",
        "ALTER TABLE registry.client DISABLE ROW LEVEL SECURITY",
        "CREATE OR REPLACE FUNCTION audit.is_desk() RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        "DROP POLICY seen ON registry.client",
        "GRANT saimi_login TO saimi_web",
    )


async def test_what_lies_in_front_of_the_search_path_is_not_taken(attack: Attack) -> None:
    """Names in policies and functions mean what they meant when they were made."""
    for statement in (
        "CREATE TEMP TABLE acting (xid xid8, pid integer, members integer[])",
        "INSERT INTO acting SELECT pg_current_xact_id(), pg_backend_pid(), '{1,2,3,4,5}'",
        "CREATE TEMP TABLE member AS SELECT 4 AS id, 'coordinator' AS role",
        "CREATE FUNCTION pg_temp.pg_backend_pid() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION pg_temp.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT $1'",
        "CREATE FUNCTION pg_temp.yes(int, int) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        "CREATE OPERATOR pg_temp.= (FUNCTION = pg_temp.yes, LEFTARG = int, RIGHTARG = int)",
        "SET search_path = pg_temp, audit, registry, pg_catalog",
    ):
        await attack.web.execute(statement)
    assert await attack.sees() == set()
    async with attack.acting("nurse"):
        assert await attack.sees() == {attack.aino}


async def test_a_condition_that_talks_is_not_asked_about_others(attack: Attack) -> None:
    """A cheap function in a condition would be called first, if nothing forbade it."""
    heard: list[str] = []
    attack.web.add_log_listener(lambda _connection, message: heard.append(message.message))
    await attack.web.execute(
        "CREATE FUNCTION pg_temp.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS"
        " $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$"
    )
    async with attack.acting("nurse"):
        for relation in BY_SUBJECT:
            await attack.web.execute(f"SELECT 1 FROM {relation} WHERE pg_temp.tell(subject::text)")
    assert str(attack.aino) in heard
    assert str(attack.berta) not in heard
    known = "SELECT count(*) FROM pg_stats WHERE schemaname = 'registry' AND tablename = 'client'"
    await attack.place.connection.execute("ANALYZE registry.client")
    assert await attack.place.connection.fetchval(known) > 0
    assert await attack.web.fetchval(known) == 0


async def test_the_tables_beneath_are_out_of_reach(attack: Attack) -> None:
    chunks = await attack.place.connection.fetch(
        "SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n"
        " ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname LIKE '\\_timescaledb%'"
        " AND c.relname LIKE '\\_hyper%'"
    )
    await attack.refused(
        *(f"SELECT * FROM {row['name']}" for row in chunks),
        "SELECT * FROM telemetry.reading",
        "SELECT * FROM telemetry.reading_hourly",
        "SELECT * FROM telemetry.reading_daily",
        "COPY telemetry.reading TO STDOUT",
        "SELECT * FROM telemetry.rejected",
        "SELECT * FROM telemetry.note",
        "SELECT * FROM registry.sight",
        "SELECT * FROM grafana.client",
    )


async def test_what_is_another_s_cannot_be_changed(attack: Attack) -> None:
    owner = attack.place.connection
    names = {r["username"]: r["id"] for r in await owner.fetch("SELECT * FROM registry.member")}
    async with attack.acting("nurse"):
        for statement in (
            f"UPDATE alerts.episode SET note = 'x' WHERE id = {attack.foreign}",
            f"UPDATE registry.member SET language = 'sv' WHERE id = {names['desk']}",
            "UPDATE ops.heartbeat SET wall_at = now() WHERE service <> 'web'",
        ):
            assert await attack.web.execute(statement) == "UPDATE 0"
    own = await owner.fetchval("SELECT id FROM alerts.episode WHERE subject = $1", attack.aino)
    event = "INSERT INTO alerts.episode_event (episode, at, wall_at, what, member) VALUES"
    look = "INSERT INTO audit.access (wall_at, member, subject, what, purpose) VALUES"
    await owner.execute("DELETE FROM audit.session WHERE member = $1", names["mate"])
    await attack.refused(
        f"{event} ({attack.foreign}, now(), now(), 'contacted', {names['nurse']})",
        f"{event} ({attack.foreign}, now(), now(), 'called', {names['nurse']})",
        f"{event} ({own}, now(), now(), 'contacted', {names['mate']})",
        f"{look} (now(), {names['mate']}, {attack.aino}, 'list', 'care')",
        "UPDATE audit.access SET what = ''",
        "DELETE FROM audit.access",
        "TRUNCATE audit.access",
        f"INSERT INTO registry.broken_glass (member, subject, reason, during)"
        f" VALUES ({names['nurse']}, {attack.berta}, 'because I can', '(,)')",
        "DELETE FROM alerts.episode_event",
        "DELETE FROM alerts.episode",
    )


async def test_breaking_the_glass_opens_one_client_for_a_time_and_is_on_record(
    attack: Attack,
) -> None:
    owner = attack.place.connection
    asked = "SELECT audit.break_glass($1, 'Berg', '1950-06-01', 'called by the rescue service')"
    async with attack.acting("desk"):
        assert await attack.web.fetchval(asked, "Berta") is None
    async with attack.acting("nurse"):
        assert await attack.web.fetchval(asked, "Bertha") is None
        assert await attack.web.fetchval(asked, "Berta") == await attack.place.pseudonym("berta")
    async with attack.acting("nurse"):
        assert await attack.sees() == {attack.aino, attack.berta}
        for subject in (attack.aino, attack.berta):
            await load_queries("web").record_looks(
                attack.web,
                members=[await owner.fetchval("SELECT member FROM registry.broken_glass")],
                subjects=[subject],
                what="trends",
                detail={},
                purpose="care",
                wall=wall_time(),
            )
    async with attack.acting("mate"):
        assert await attack.sees() == {attack.aino}
        assert await attack.web.fetch("SELECT * FROM audit.access") == []
    looks = await owner.fetch("SELECT what, purpose, unit, detail FROM audit.access ORDER BY id")
    assert [tuple(look) for look in looks] == [
        ("break_glass", "break_glass", "Imatra team", {"reason": "called by the rescue service"}),
        ("trends", "care", "Imatra team", {}),
        ("trends", "break_glass", "Imatra team", {}),
    ]
    await attack.place.set_clock(NOW + timedelta(hours=4))
    async with attack.acting("nurse"):
        assert await attack.sees() == {attack.aino}
        for _ in range(9):
            assert await attack.web.fetchval(asked, "Berta") is not None
        assert await attack.web.fetchval(asked, "Berta") is None


async def test_the_role_that_logs_in_may_do_nothing_else(attack: Attack) -> None:
    login = await connect(attack.urls.login)
    try:
        assert await login.fetchval("SELECT id FROM login.member('nurse')") is not None
        for statement in (
            "SELECT * FROM registry.client",
            "SELECT * FROM seen.reading",
            "SELECT audit.act_for('{}')",
            "SELECT * FROM audit.session",
        ):
            with pytest.raises(REFUSED):
                await login.execute(statement)
    finally:
        await login.close()


OPEN = {
    "alerts.contact_of",  # reads as whoever calls it
    "registry.visible_subjects",
}
"""Functions that everybody may call."""
NOT_BY_ROW = {
    "registry.area",
    "registry.team",
    "registry.team_area",
    "registry.team_member",
    "registry.shift",
    "registry.acting",
    "registry.carer",
    "telemetry.metric",
    "alerts.rules_in_force",
    "alerts.routing_in_force",
    "ops.clock",
    "ops.queues",
    "ops.completeness",
    "grafana.role",
}
"""Tables and views that the web's role reads whole: about nobody at home."""


async def test_nothing_is_granted_that_is_not_guarded(attack: Attack) -> None:
    owner = attack.place.connection
    functions = await owner.fetch(
        "SELECT n.nspname || '.' || p.proname AS name, p.prosecdef AS definer,"
        "       coalesce(array_to_string(p.proconfig, ','), '') AS settings,"
        "       has_function_privilege('public', p.oid, 'EXECUTE') AS open"
        "  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname IN ('registry', 'telemetry', 'alerts', 'audit', 'ops', 'seen', 'login')"
        "   AND p.prorettype <> 'trigger'::regtype"
    )
    assert {f["name"] for f in functions if f["open"]} <= OPEN
    for function in functions:
        if function["definer"]:
            assert function["settings"] == "search_path=pg_catalog, pg_temp", function["name"]
    relations = await owner.fetch(
        "SELECT n.nspname || '.' || c.relname AS name, c.relrowsecurity AS by_row,"
        "       coalesce(array_to_string(c.reloptions, ','), '') AS options, n.nspname AS schema"
        "  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname !~ '^(pg_|information_schema|_?timescaledb|public)'"
        "   AND c.relkind IN ('r', 'v', 'm', 'p')"
        "   AND has_any_column_privilege('saimi_web', c.oid, 'SELECT')"
    )
    for relation in relations:
        guarded = relation["by_row"] or (
            relation["schema"] == "seen" and "security_barrier=true" in relation["options"]
        )
        assert guarded or relation["name"] in NOT_BY_ROW, relation["name"]
