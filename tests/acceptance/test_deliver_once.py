"""Once only, from a reading to a phone: those who assess, call and deliver are killed with -9 at
random moments, one by one and now and then all at once, while clients fall ill and get worse, call
for help, and members take alerts on, hand them over, give them back, let them lapse and close them.

Afterwards no episode, no call and no message is missing or there twice: the readings say which
episodes there must be, each episode's events must make a story that can have happened
(`tests/support/episode_story.py`), what members did must be in it once and nothing that they did
not, and every call has its message. What the push service and the homes were told is counted there:
nothing is repeated but what a killed worker had on its way, and that says so. What fell due while
everybody was dead happens once, soon after.

SAIMI_TEST_KILLS says how often in all (here 12, `make soak` 100), SAIMI_TEST_SEED repeats a run's
choices. Some 25 episodes for every kill.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.handling import handling
from alerts.routing.values import shipped_values
from core.clock import ScaledClock
from core.database import Connection, set_clock
from core.errors import ConflictError
from core.wire import decode_home_message
from saimi.embedded.broker import Broker
from tests.integration.alerts_support import SICK, WELL, County, county, county_again
from tests.support.episode_story import Story, story
from tests.support.mqtt import session
from tests.support.push_service import PushService, push_service
from tests.support.waiting import eventually
from tests.support.workers import Part, Workers, workers

KILLS = int(os.environ.get("SAIMI_TEST_KILLS", "12"))
SEED = os.environ.get("SAIMI_TEST_SEED") or secrets.token_hex(4)
FACTOR = 30.0
"""How much faster time passes than real: a lease of a quarter of an hour runs out in 30 s."""
ACTING = 4
"""Members who act at the same time, each on alerts of their own."""
EACH = 40
"""New clients for every kill."""
UNWELL = {
    "respiratory_rate": 22.0,
    "spo2": 94.0,
    "systolic": 120.0,
    "pulse": 100.0,
    "temperature": 38.5,
}
PARTS: Mapping[Part, int] = {"alerts": 2, "deliver": 2}
TOGETHER = sum(PARTS.values())
"""Kills of one blackout; every tenth or so is one."""
_TEAMS = """
UPDATE registry.area SET latitude = 61.06, longitude = 28.19;
UPDATE registry.home SET latitude = 61.06, longitude = 28.19;
INSERT INTO registry.area (code, name, latitude, longitude) VALUES ('b', 'B', 61.17, 28.77);
INSERT INTO registry.member (username, display_name, role)
VALUES ('cia', 'Cia', 'member'), ('dan', 'Dan', 'member'), ('eve', 'Eve', 'member');
INSERT INTO registry.team (name, base) VALUES ('own', 1), ('next', 2);
INSERT INTO registry.team_area VALUES (1, 1), (2, 2);
INSERT INTO registry.team_member VALUES (1, 3), (1, 4), (2, 5);
INSERT INTO registry.care_relationship
SELECT 1, subject, '[2020-01-01,)' FROM registry.client;
INSERT INTO registry.shift (team, member, during)
SELECT team, member, tstzrange(now() - interval '1 day', now() + interval '30 days')
  FROM registry.team_member
"""
DESK, OWN, NEIGHBOUR = (1, 2), (3, 4), (5,)
ACTS = {
    "acknowledge": "acknowledged",
    "renew": "renewed",
    "hand_over": "handed_over",
    "release": "released",
    "close": "closed",
}
"""What members do, and how it is recorded; besides, they note contacts."""
MINUTE = timedelta(minutes=1)

pytestmark = pytest.mark.timeout(180 + 20 * KILLS)


@dataclass
class World:
    """Who falls ill, who calls, and what members do about it."""

    found: County
    clock: ScaledClock
    chance: random.Random
    fed: int = 0
    ill: set[int] = field(default_factory=set)
    called: set[int] = field(default_factory=set)
    unwell: list[int] = field(default_factory=list)
    """Those of the last packs who will be worse."""
    worse: set[int] = field(default_factory=set)
    done: Counter[tuple[str, int, int]] = field(default_factory=Counter)
    """What members did and were told that it is done: (what, episode, member)."""
    at_work: asyncio.Event = field(default_factory=asyncio.Event)
    over: bool = False

    async def feed(self, clients: int = EACH) -> None:
        """Packs of the next clients, as ingest commits them; those who were unwell are worse."""
        before, self.unwell = self.unwell, []
        await eventually(lambda: self._are_open(before), what="the episodes of the unwell")
        packs: list[tuple[int, dict[str, float]]] = [(subject, SICK) for subject in before]
        self.worse.update(before)
        for subject in range(self.fed + 1, self.fed + clients + 1):
            values = SICK if subject % 5 < 2 else UNWELL if subject % 5 == 2 else WELL
            if values is not WELL:
                self.ill.add(subject)
            if values is UNWELL:
                self.unwell.append(subject)
            if self.chance.random() < 0.1:
                values = {**values, "help": 1}
                self.called.add(subject)
            packs.append((subject, values))
        self.fed += clients
        now = self.clock.now()
        await self.found.put_many(
            (subject, values, now + timedelta(microseconds=subject)) for subject, values in packs
        )

    async def _are_open(self, subjects: Sequence[int]) -> bool:
        count: int = await self.found.connection.fetchval(
            "SELECT count(*) FROM alerts.episode WHERE subject = ANY($1) AND kind = 'news2'",
            subjects,
        )
        return count == len(subjects)

    async def live(self, url: str) -> None:
        """Members act until it is `over`; what they are at then is ended."""
        async with asyncio.TaskGroup() as acting:
            for number in range(ACTING):
                acting.create_task(self._live(url, number))

    async def _live(self, url: str, number: int) -> None:
        async with county_again(url) as own:
            while not self.over:
                await self.at_work.wait()
                await self._act(own.connection, number)
                await asyncio.sleep(self.chance.uniform(0.0, 0.1))

    async def _act(self, connection: Connection, number: int) -> None:
        row = await connection.fetchrow(
            "SELECT id, severity, acknowledged_by FROM alerts.episode"
            f" WHERE closed_at IS NULL AND id % {ACTING} = {number}"
            f" ORDER BY acknowledged_by IS NULL = {self.chance.random() < 0.4} DESC, random()"
            " LIMIT 1"
        )
        if row is None:
            return
        holder = row["acknowledged_by"]
        try:
            if holder is None:
                await self._do(connection, "acknowledge", row["id"], self.chance.choice(OWN + DESK))
            # Who is unwell will be worse, and that must break the lease and not open another one.
            elif self.chance.random() < 0.5 and row["severity"] == 4:
                await self._do(connection, "close", row["id"], holder, outcome="real", contact=True)
            else:
                do = self.chance.choice(("hand_over", "renew", "release", "contact", "nothing"))
                others = [one for one in OWN + NEIGHBOUR if one != holder]
                more: dict[str, dict[str, Any]] = {
                    "hand_over": {"to": self.chance.choice(others)},
                    "contact": {"how": "phone"},
                }
                if do != "nothing":
                    await self._do(connection, do, row["id"], holder, **more.get(do, {}))
        except ConflictError:
            pass  # The lease ran out meanwhile, or the client got worse: members see that.

    async def _do(
        self, connection: Connection, do: str, episode: int, member: int, **more: Any
    ) -> None:
        async with connection.transaction():
            held = await connection.fetchval(
                "SELECT acknowledged_by FROM alerts.episode WHERE id = $1 FOR UPDATE", episode
            )
            await getattr(handling, do)(
                connection, episode=episode, member=member, now=self.clock.now(), **more
            )
        if do in ACTS:
            self.done[ACTS[do], episode, member] += 1
        elif do == "contact" and held is None:
            # The lease ran out meanwhile: who reached the client takes it on again.
            self.done["acknowledged", episode, member] += 1

    async def close_all(self) -> None:
        """The desk closes whatever is open."""
        rows = await self.found.connection.fetch(
            "SELECT id FROM alerts.episode WHERE closed_at IS NULL"
        )
        for row in rows:
            await self._do(
                self.found.connection, "close", row["id"], DESK[0], outcome="real", contact=True
            )


@dataclass
class Ledger:
    """What the database holds at one moment."""

    episodes: Sequence[Any]
    stories: Mapping[int, Story]
    events: Sequence[Any]
    rows: Sequence[Any]
    """Of the outbox."""
    timers: Mapping[int, int]
    """Round of each, by episode."""

    def check(self) -> None:
        """What must hold whenever one looks."""
        for one in self.episodes:
            told = self.stories[one["id"]]
            assert told.closed == (one["closed_at"] is not None)
            if not told.closed:
                assert told.held_by == one["acknowledged_by"]
                assert self.timers.get(one["id"]) == told.round, "a timer is kept while it is open"
        assert len(self.timers) == sum(not told.closed for told in self.stories.values())
        calls = Counter(
            (episode, message, member)
            for episode, told in self.stories.items()
            for message, member in told.called
        )
        pages = [(row["episode"], row["step"], row["member"]) for row in self.rows
                 if row["what"] == "page"]  # fmt: skip
        assert Counter(pages) == calls, "a call without its message, or a message without its call"
        reminders: dict[tuple[int, str], list[Any]] = defaultdict(list)
        for row in self.rows:
            if row["what"] == "reminder":
                number, _, name = row["step"].partition(".")
                reminders[row["episode"], number].append(row)
                assert name == f"reminder-{len(reminders[row['episode'], number])}"
        for said in reminders.values():
            for one, following in itertools.pairwise(said):
                least = min(_remind(one), _remind(following))
                assert following["created_at"] - one["created_at"] >= least, "reminded too early"


def _remind(row: Any) -> timedelta:
    return shipped_values().of(row["severity"]).remind


async def looked(connection: Connection) -> Ledger:
    async with connection.transaction(isolation="repeatable_read"):
        episodes = await connection.fetch("SELECT * FROM alerts.episode ORDER BY id")
        events = await connection.fetch(
            "SELECT id, episode, at, what, member, detail FROM alerts.episode_event ORDER BY id"
        )
        rows = await connection.fetch("SELECT * FROM alerts.outbox ORDER BY id")
        timers = await connection.fetch("SELECT episode, round FROM alerts.timer")
    told: dict[int, list[Any]] = {one["id"]: [] for one in episodes}
    for event in events:
        told[event["episode"]].append(event)
    stories = {episode: story(happened) for episode, happened in told.items()}
    return Ledger(episodes, stories, events, rows, {one["episode"]: one["round"] for one in timers})


@dataclass
class Blackout:
    """Everybody is dead for a while; what fell due meanwhile happens soon after."""

    due: int = 0
    steps: int = 0
    """Of these, where somebody was called, or the desk reminded; others wait on."""
    within_s: float = 0.0


async def blackout(running: Workers, world: World) -> Blackout:
    connection, clock = world.found.connection, world.clock
    world.at_work.clear()
    await assessed(world.found)
    await asyncio.gather(*(running.kill(part, n) for part, n in everybody()))

    async def overdue() -> bool:
        rows = await connection.fetch(_DUE, clock.now() - 2 * MINUTE)
        return any(row["severity"] == 4 and row["held_by"] is None for row in rows)

    await eventually(overdue, what=f"a call that is due (seed {SEED})")
    mark = clock.now()
    before = {row["episode"]: _place(row) for row in await connection.fetch(_DUE, mark)}
    began = time.monotonic()
    await asyncio.gather(*(running.start(part, n) for part, n in everybody()))

    async def caught_up() -> bool:
        return not await connection.fetch(_DUE, mark)

    await eventually(caught_up, what=f"what fell due meanwhile (seed {SEED})")
    within_s = time.monotonic() - began
    rows = await connection.fetch("SELECT episode, round, calls, reminders FROM alerts.timer")
    now = {row["episode"]: _place(row) for row in rows}
    steps = sum(now[episode] > place for episode, place in before.items())
    assert steps > 0, f"nothing came of what was due (seed {SEED})"
    return Blackout(len(before), steps, within_s)


_DUE = """
SELECT t.episode, t.round, t.calls, t.reminders, e.severity, e.acknowledged_by AS held_by
  FROM alerts.timer t JOIN alerts.episode e ON e.id = t.episode
 WHERE t.due_at <= $1
"""


def _place(row: Any) -> tuple[int, int, int]:
    return row["round"], row["calls"], row["reminders"]


def everybody() -> list[tuple[Part, int]]:
    return [(part, number) for part, count in PARTS.items() for number in range(count)]


def turns(chance: random.Random) -> list[tuple[Part, int] | None]:
    """Who is killed, in turn; None: all at once."""
    blackouts = max(1, KILLS // 12)
    single = [everybody()[n % TOGETHER] for n in range(KILLS - TOGETHER * blackouts)]
    drawn = [*single, *[None] * blackouts]
    chance.shuffle(drawn)
    return drawn


async def assessed(found: County) -> None:
    async def nothing_left() -> bool:
        return await found.left() == 0

    await eventually(nothing_left, within=60)


async def said(found: County) -> None:
    async def nothing_waits() -> bool:
        return not await found.connection.fetchval(
            "SELECT count(*) FROM alerts.outbox WHERE state = 'waiting'"
        )

    await eventually(nothing_waits, within=60 + KILLS)


async def reachable(found: County, service: PushService) -> None:
    """Everybody has a phone, and the desk has one of its own."""
    for member in (None, *DESK, *OWN, *NEIGHBOUR):
        await found.connection.execute(
            "INSERT INTO registry.member_channel (member, kind, address, created_at)"
            " VALUES ($1, 'webpush', $2, now())",
            member,
            json.dumps(service.browser().subscription),
        )


async def test_everything_happens_once_and_every_message_arrives(
    plain_database_url: str,
    broker_factory: Callable[..., Broker],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    url, began = plain_database_url, time.monotonic()
    chance = random.Random(SEED)
    order = turns(chance)
    homes = broker_factory()
    blackouts = []
    async with county(url, clients=EACH * (len(order) + 1)) as found, push_service() as service:
        await found.connection.execute(_TEAMS)
        await reachable(found, service)
        # A service takes its time, before it has taken a message and after.
        service.pause = lambda: chance.uniform(0.0, 0.01)
        world = World(found, await set_clock(found.connection, factor=FACTOR), chance)
        settings = {
            "SAIMI_PUSH_SERVICES": service.origin,
            "SAIMI_DATA_DIR": str(tmp_path / "data"),
            "SAIMI_MQTT_URL": homes.url,
        }
        with session(homes.url, "homes", "saimi/v1/+/down/#") as heard:
            async with workers(url, PARTS, settings) as running:
                members = asyncio.create_task(world.live(url))
                for turn in order:
                    world.at_work.set()
                    await world.feed()
                    await asyncio.sleep(chance.uniform(0.1, 1.5))
                    if turn is None:
                        blackouts.append(await blackout(running, world))
                    else:
                        await running.restart(*turn)
                    assert not members.done(), members
                world.at_work.set()
                await world.feed()
                await world.feed(clients=0)
                await assessed(found)
                world.over = True
                await members
                (await looked(found.connection)).check()
                await world.close_all()
                await said(found)
            ledger = await looked(found.connection)
            ledger.check()
            told = [
                (push.content["key"], bool(push.content["repeat"])) for push in service.taken
            ] + [
                (message.key, message.repeat)
                for message in (decode_home_message(payload) for _, payload in heard.messages)
            ]
    by_key = Counter(key for key, _ in told)
    repeats = len(told) - len(by_key)
    killed = Counter(
        part for turn in order for part, _ in (everybody() if turn is None else (turn,))
    )
    happened = Counter(event["what"] for event in ledger.events)
    record_property(
        "once only",
        f"{killed.total()} kills ({killed['alerts']} alerts, {killed['deliver']} deliver, of them "
        f"{TOGETHER * len(blackouts)} all at once), {len(ledger.episodes):,} episodes, "
        f"{sum(told.steps for told in ledger.stories.values()):,} steps, "
        f"{happened['acknowledged']:,} taken on, {happened['handed_over']:,} handed over, "
        f"{happened['lapsed']:,} leases run out, {happened['rose']:,} got worse, "
        f"{len(ledger.rows):,} messages, {len(told):,} arrived, {repeats} repeated; "
        f"{sum(one.due for one in blackouts):,} due while all were dead, dealt with within "
        f"{max(one.within_s for one in blackouts):.1f} s; {time.monotonic() - began:.0f} s "
        f"(seed {SEED})",
    )
    assert service.faults == []
    # Each who fell ill, each who called: one episode; each who got worse did so once.
    expected = {(subject, "news2") for subject in world.ill}
    expected |= {(subject, "help") for subject in world.called}
    assert Counter((one["subject"], one["kind"]) for one in ledger.episodes) == Counter(expected)
    subjects = {one["id"]: one["subject"] for one in ledger.episodes}
    rose = [subjects[event["episode"]] for event in ledger.events if event["what"] == "rose"]
    assert Counter(rose) == Counter(world.worse), f"seed {SEED}"
    # What members did is there once, and nothing else.
    acts = Counter(
        (event["what"], event["episode"], event["member"])
        for event in ledger.events
        if event["what"] in ACTS.values()
    )
    assert acts == world.done, f"seed {SEED}"
    # Each message went out, or was of no use any more; what arrived is a message.
    states = Counter((row["what"], row["state"]) for row in ledger.rows)
    assert {state for _, state in states} <= {"sent", "cancelled"}, states
    sent = {str(row["key"]) for row in ledger.rows if row["state"] == "sent"}
    assert sent <= by_key.keys() <= {str(row["key"]) for row in ledger.rows}, f"seed {SEED}"
    answered = {event["episode"]: event["at"] for event in ledger.events
                if event["what"] in ("acknowledged", "handed_over", "closed")}  # fmt: skip
    for row in ledger.rows:
        if row["state"] == "cancelled" and row["what"] != "stand_down":
            # Members say when they began, which is before they wait for the engine's lock.
            assert answered[row["episode"]] >= row["created_at"] - MINUTE, f"seed {SEED}"
    # What came again says so, and is no more than what killed workers had on their way.
    seen: set[str] = set()
    for key, repeat in told:
        assert repeat or key not in seen, f"a repeat that does not say so (seed {SEED})"
        seen.add(key)
    assert repeats <= sum(repeat for _, repeat in told) <= killed["deliver"], f"seed {SEED}"
