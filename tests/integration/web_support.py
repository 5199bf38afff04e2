"""A small county with logins, the real web service on it, and a client much like a browser."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import asyncpg

from core.catalogue import catalogue
from core.clock import ManualClock, wall_time
from core.database import EPISODE_CHANNEL, connect, load_queries
from core.passwords import hash_password
from core.registry import parse_document
from core.registry_import import import_document
from core.roles import web_urls
from tests.support.waiting import DEADLINE_S
from web.app import run
from web.parts import Push

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
PASSWORD = "correct horse"
_HASH = hash_password(PASSWORD)

COUNTY = """
areas = [{code = "im", name = "Imatra"}, {code = "la", name = "Lappeenranta"}]

[[members]]
username = "nurse"
display_name = "Nina Nurse"
[[members]]
username = "mate"
display_name = "Matti Mate"
language = "sv"
[[members]]
username = "stranger"
display_name = "Sanna Stranger"
[[members]]
username = "desk"
display_name = "Duty Desk"
role = "coordinator"
language = "en"
[[members]]
username = "operator"
display_name = "Oskari Operator"
role = "operator"

[[teams]]
name = "Imatra team"
areas = ["im"]
members = ["nurse", "mate", "operator"]
[[teams]]
name = "Lappeenranta team"
areas = ["la"]
members = ["stranger"]

[[homes]]
name = "h1"
area = "im"
gateway = "gw-1"
address = "Koskenparras 1"
access = "Key box by the door"
[[homes.clients]]
reference = "aino"
given_name = "Aino"
family_name = "Ahola"
born = 1940-03-04
phone = "+358 40 000 0001"
teams = ["Imatra team"]
limits = [{metric = "spo2", low = 88, high = 92}]
[[homes.clients]]
reference = "urho"
given_name = "Urho"
family_name = "Ahola"
born = 1938-01-01
[[homes.devices]]
name = "monitor-1"
kind = "wearable"
subject = "aino"
[[homes.devices]]
name = "motion-kitchen"
kind = "motion"
location = "kitchen"

[[homes]]
name = "h2"
area = "la"
gateway = "gw-2"
[[homes.clients]]
reference = "berta"
given_name = "Berta"
family_name = "Berg"
born = 1950-06-01
teams = ["Lappeenranta team"]
[[homes.devices]]
name = "monitor-1"
kind = "wearable"
subject = "berta"
"""


@dataclass
class County:
    """The database behind the service."""

    url: str
    connection: asyncpg.Connection
    clock: ManualClock
    silent: set[str] = field(default_factory=set)
    """Services that do not beat."""

    async def set_clock(self, now: datetime) -> None:
        """Let the service's clock and the database's stand still at `now`."""
        self.clock.set(now)
        await load_queries("core").write_clock(
            self.connection, wall_anchor=wall_time(), anchor=now, factor=1e-12
        )

    async def subject(self, reference: str) -> int:
        found: int = await self.connection.fetchval(
            "SELECT subject FROM registry.client WHERE reference = $1", reference
        )
        return found

    async def home(self, reference: str) -> int:
        """The subject of the home where a client lives."""
        found: int = await self.connection.fetchval(
            "SELECT h.id FROM registry.subject h JOIN registry.subject s ON s.home = h.home "
            "WHERE h.kind = 'home' AND s.id = $1",
            await self.subject(reference),
        )
        return found

    async def pseudonym(self, reference: str) -> str:
        found: str = await self.connection.fetchval(
            "SELECT pseudonym FROM registry.subject WHERE id = $1", await self.subject(reference)
        )
        return found

    async def open(
        self,
        subject: int,
        kind: str = "news2",
        *,
        severity: int = 4,
        origin: str = "",
        **params: Any,
    ) -> int:
        """Open an episode as the alert worker does, with its event and its NOTIFY."""
        now = self.clock.now()
        defaults: dict[str, Any] = {
            "low": 7,
            "high": 12,
            "band": "high",
            "points": {"spo2": [3, 3]},
            "missing": ["oxygen", "consciousness"],
            "scale": 1,
            "oxygen": "unknown",
            "range": False,
        }
        shown = defaults | params if kind == "news2" else {"count": 1} | params
        summary = {
            "rule": kind,
            "key": kind,
            "params": shown,
            "missing": shown.get("missing", []),
            "others": [],
        }
        evidence = [
            {
                "gateway": "gw-1",
                "device": "monitor-1",
                "metric": shown.get("metric", "spo2" if kind == "news2" else kind),
                "value": 84.0 if kind == "news2" else 1.0,
                "qualifier": 0,
                "time": (now - timedelta(minutes=3)).isoformat(),
                "received_at": now.isoformat(),
                "state": 0,
                "points": [3, 3],
            }
        ]
        async with self.connection.transaction():
            episode: int = await self.connection.fetchval(
                "INSERT INTO alerts.episode (subject, kind, origin, severity, highest, opened_at,"
                " changed_at, summary, evidence) VALUES ($1, $2, $3, $4, $4, $5, $5, $6, $7)"
                " RETURNING id",
                subject,
                kind,
                origin,
                severity,
                now,
                summary,
                evidence,
            )
            await self.connection.execute(
                "INSERT INTO alerts.episode_event (episode, at, wall_at, what, detail)"
                " VALUES ($1, $2, $3, 'opened', $4)",
                episode,
                now,
                wall_time(),
                {"severity": severity, "summary": summary, "evidence": evidence},
            )
            await self.notify(episode)
        return episode

    async def notify(self, episode: int) -> None:
        await self.connection.execute("SELECT pg_notify($1, $2)", EPISODE_CHANNEL, str(episode))

    async def put(
        self, subject: int, device: str, metric: str, values: list[tuple[datetime, float]]
    ) -> None:
        """Store readings of a device of the first home."""
        number = await self.connection.fetchval(
            "SELECT d.id FROM registry.device d JOIN registry.gateway g ON g.id = d.gateway"
            " WHERE d.name = $1 AND g.name = 'gw-1'",
            device,
        )
        await self.connection.copy_records_to_table(
            "reading",
            schema_name="telemetry",
            columns=["time", "received_at", "value", "device", "subject", "metric"],
            records=[
                (at, at, value, number, subject, catalogue()[metric].id) for at, value in values
            ],
        )

    async def beat(self, service: str, *, age: timedelta = timedelta(0)) -> None:
        """A heartbeat of another service."""
        await self.connection.execute(
            "INSERT INTO ops.heartbeat VALUES ($1, 'test', $2) ON CONFLICT (service, instance)"
            " DO UPDATE SET wall_at = excluded.wall_at",
            service,
            wall_time() - age,
        )

    async def looks(self) -> list[tuple[str, str, str, str]]:
        """The access log: (username, client's reference or kind of subject, what, purpose)."""
        rows = await self.connection.fetch(
            "SELECT m.username, coalesce(c.reference, s.kind) AS whom, a.what, a.purpose"
            " FROM audit.access a JOIN registry.member m ON m.id = a.member"
            " JOIN registry.subject s ON s.id = a.subject"
            " LEFT JOIN registry.client c ON c.subject = a.subject ORDER BY a.id"
        )
        return [tuple(row) for row in rows]

    def looks_at_least(self, count: int) -> Callable[[], Awaitable[bool]]:
        """A condition: so many looks are on record."""

        async def condition() -> bool:
            return len(await self.looks()) >= count

        return condition


@asynccontextmanager
async def county(url: str) -> AsyncIterator[County]:
    """The county above, with everybody's password set."""
    connection = await connect(url)
    try:
        document = parse_document(COUNTY, form="toml")
        await import_document(connection, document, now=NOW - timedelta(days=60))
        await connection.execute("UPDATE registry.member SET password_hash = $1", _HASH)
        place = County(url, connection, ManualClock(NOW))
        await place.set_clock(NOW)
        yield place
    finally:
        await connection.close()


def _hand_on(ended: asyncio.Task[None], ready: asyncio.Future[str]) -> None:
    error = ended.exception() or AssertionError("the service ended at once")
    ready.set_exception(error)


@asynccontextmanager
async def serving(place: County, *, port: int = 0, **options: Any) -> AsyncIterator[str]:
    """The real service, on a free port if none is named; its address."""
    stop = asyncio.Event()
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    kept = TemporaryDirectory(prefix="saimi-web-")
    options.setdefault("push_parts", Push(Path(kept.name) / "vapid.pem"))
    task = asyncio.create_task(
        run(
            urls=await web_urls(place.url),
            clock=place.clock,
            host="127.0.0.1",
            port=port,
            stop=stop,
            on_ready=ready.set_result,
            **options,
        )
    )
    # Whichever comes first: the address, or the reason why there is none.
    task.add_done_callback(lambda ended: None if ready.done() else _hand_on(ended, ready))
    try:
        yield await asyncio.wait_for(ready, DEADLINE_S)
    finally:
        stop.set()
        await asyncio.wait_for(task, DEADLINE_S)
        kept.cleanup()


class Browser:
    """A session of one member: cookies kept, form token sent along."""

    def __init__(self, address: str) -> None:
        self.address = address
        # By default aiohttp keeps no cookies of a host that is an address.
        self.session = aiohttp.ClientSession(
            address, cookie_jar=aiohttp.CookieJar(unsafe=True), raise_for_status=False
        )
        self.token = ""

    async def log_in(self, username: str, password: str = PASSWORD) -> int:
        form = {"username": username, "password": password}
        async with self.session.post("/login", data=form, allow_redirects=False) as answer:
            status = answer.status
        if status == 303:
            found = re.search(r'name="saimi-token" content="(\w+)"', await self.page("/"))
            assert found is not None
            self.token = found[1]
        return status

    async def page(self, path: str, *, status: int = 200) -> str:
        async with self.session.get(path, allow_redirects=False) as answer:
            text = await answer.text()
            assert answer.status == status, (answer.status, text)
            return text

    async def get(self, path: str, *, status: int = 200) -> Any:
        return json.loads(await self.page(path, status=status))

    async def post(
        self, path: str, content: object = None, *, status: int = 200, **headers: str
    ) -> Any:
        sent = {"X-Saimi-Token": self.token, **{k.replace("_", "-"): v for k, v in headers.items()}}
        async with self.session.post(path, json=content or {}, headers=sent) as answer:
            text = await answer.text()
            assert answer.status == status, (answer.status, text)
            return json.loads(text)

    @asynccontextmanager
    async def events(self, path: str = "/api/stream") -> AsyncIterator[Events]:
        endless = aiohttp.ClientTimeout(total=None, sock_read=DEADLINE_S)
        async with self.session.get(path, timeout=endless) as answer:
            assert answer.status == 200
            assert answer.content_type == "text/event-stream"
            yield Events(answer.content)


class Events:
    """The events of a stream, one after another."""

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content

    async def next(self, *names: str) -> tuple[str, Any]:
        """The next event of one of these names; of any, if none is given."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                name, data = await self._one()
                if not names or name in names:
                    return name, data

    async def of(self, name: str) -> Any:
        return (await self.next(name))[1]

    async def _one(self) -> tuple[str, Any]:
        name, data = "message", ""
        while True:
            line = (await self._content.readuntil(b"\n")).decode().rstrip("\r\n")
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                data += line.removeprefix("data: ")
            elif not line and data:
                return name, json.loads(data)

    async def ended(self) -> bool:
        """Whether nothing more comes."""
        async with asyncio.timeout(DEADLINE_S):
            while not self._content.at_eof():
                await self._content.readany()
        return True


@asynccontextmanager
async def logged_in(address: str, username: str) -> AsyncIterator[Browser]:
    browser = Browser(address)
    try:
        assert await browser.log_in(username) == 303
        yield browser
    finally:
        await browser.session.close()
