"""The backtest against the worker in what is told from more than the newest values: weight, rooms,
doses, outside doors, falls, rules of the client's own, and somebody who has gone out."""

from __future__ import annotations

import json
from datetime import timedelta

import asyncpg

from alerts.backtest.backtest import NOBODY, replay
from alerts.backtest.load import load_stretch
from alerts.backtest.memory import Replayed
from alerts.backtest.stops import EXACT
from alerts.rules.shipped import SHIPPED, parse_rules, shipped_rules
from tests.integration.alerts_support import NOW, County, county
from tests.integration.test_backtest import LENGTH, Pack, in_database, live, told

HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
RECORD = {
    "doses": [{"medicine": "warfarin", "at": "18:00", "window_minutes": 90, "critical": True}],
    "rules": [
        {"rule": "outside_door", "set_by": "Dr A", "enabled": True},
        {"rule": "weight_gain", "set_by": "Dr A", "raise": {"kg": 1.0}},
    ],
}
FIVE = (("pulse", 112.0), ("respiratory_rate", 22.0), ("temperature", 38.5))  # 2 + 2 + 1


async def equipped(connection: asyncpg.Connection) -> None:
    """Client 1 has a record; heart failure and rooms; homes 1 and 2 have doors and sensors."""
    await connection.execute(
        "UPDATE registry.client SET record = $1::text::jsonb, conditions = '{heart failure}' "
        "WHERE subject = 1", json.dumps(RECORD),
    )  # fmt: skip
    # Two listened devices in home 2: of one that is silent the gateway is not the cause.
    for home in (1, 2):
        for number, (name, kind, location) in enumerate(
            (("door", "door", "front"), ("hall", "motion", "hallway"), ("air", "room", "bedroom"))
        ):
            device = 100 * home + number
            await connection.execute(
                "INSERT INTO registry.device (id, gateway, name, kind, location) "
                "VALUES ($1, $2, $3, $4, $5)", device, home, name, kind, location,
            )  # fmt: skip
            await connection.execute(
                "INSERT INTO registry.assignment (device, subject, during) "
                "VALUES ($1, $2, '[2020-01-01,)')", device, home,
            )  # fmt: skip
    await connection.execute("UPDATE registry.device SET silent_after = '3 days' WHERE id = 201")


def packs() -> list[tuple[Pack, int | None]]:
    """What arrives, and of which device (None: the pack)."""
    found: list[tuple[Pack, int | None]] = []

    def put(
        subject: int, hours: float, values: tuple[tuple[str, float], ...],
        device: int | None = None, late: timedelta = timedelta(0),
    ) -> None:  # fmt: skip
        at = NOW + hours * HOUR
        found.append((Pack(at + late, subject, at, values), device))

    for day in range(3):  # a kilogram a day
        put(1, 24 * day + 0.5, (("weight", 80.0 + 1.2 * day),))
        put(2, 24 * day + 0.7, (("weight", 70.0),))
    for quarter in range(60):  # a cold bedroom from the tenth hour to the fourteenth
        cold = 40 <= quarter < 56
        put(1, quarter / 4 + 0.05, (("room_temperature", 12.0 if cold else 21.0),), 102)
    for day in range(2):
        put(2, 24 * day + 6.1, (("missed_dose", 1.0),), 2)
        put(1, 24 * day + 4.3, (("missed_dose", 1.0),), 1)  # 18:18 there: its window is open
    put(1, 29.0, (("missed_dose", 0.0),), 1)
    # Out at 02:30 on the first night, seen again 70 minutes later; on the second not at all.
    put(1, 12.5, (("door", 1.0),), 100)
    put(1, 13.7, (("motion", 1.0),), 101)
    put(1, 36.5, (("door", 1.0),), 100)
    put(1, 36.5 + 20 / 60, (("pulse", 70.0),), late=10 * MINUTE)
    put(2, 20.0, FIVE)
    put(2, 22.0, (("pulse", 70.0), ("respiratory_rate", 16.0), ("temperature", 36.8)))
    for number in range(3):
        put(2, 3.0 + 8 * number, (("fall", 1.0),))
    # Client 2 goes out by the front door, and the pack with them.
    put(2, 39.9, (("motion", 1.0),), 201)
    put(2, 40.0, (("pulse", 70.0),))
    put(2, 40.1, (("door", 1.0),), 200)
    return sorted(found, key=lambda one: one[0])


async def lived(found: County, *, close_some: bool) -> None:
    arrivals = packs()
    put = found.put

    async def put_by_device(subject: int, values: dict[str, float], **more: object) -> None:
        (device,) = [
            device for pack, device in arrivals
            if (pack.subject, pack.values, pack.measured)
            == (subject, tuple(values.items()), more["at"])
        ]  # fmt: skip
        await put(subject, values, device=device, **more)  # type: ignore[arg-type]  # passed on as it came

    found.put = put_by_device  # type: ignore[method-assign, assignment]  # the device beside it
    await live(found, [pack for pack, _ in arrivals], close_some=close_some)


async def test_what_takes_long_is_replayed_as_the_worker_tells_it(plain_database_url: str) -> None:
    async with county(plain_database_url, clients=2, silent_after=4 * HOUR) as found:
        await equipped(found.connection)
        await lived(found, close_some=True)
        as_lived = await in_database(found.connection)
        stretch = await load_stretch(found.connection, NOW, NOW + LENGTH)
        rest = await load_stretch(found.connection, NOW + 2 * DAY, NOW + LENGTH)
        real_falls = await found.connection.fetchval(
            "SELECT count(*) FROM alerts.episode WHERE kind = 'fall' AND outcome <> 'false'"
        )
    again = replay(stretch.history, shipped_rules(), pace=EXACT, handling=NOBODY)
    assert told(again) == as_lived
    kinds = {(subject, kind) for subject, kind, *_ in as_lived}
    assert kinds >= {
        (1, "weight"), (1, "room"), (1, "missed_dose"), (2, "missed_dose"), (1, "door"),
        (2, "fall"), (2, "falls"), (2, "news2"), (2, "silence"),
    }  # fmt: skip
    assert (2, "door") not in kinds
    # Falls of before a stretch are known to it, those found false left out.
    assert len(rest.history.falls[2]) == real_falls == 1
    # By other rules of the county's, what a clinician set for a client holds all the same.
    text = SHIPPED.read_text().replace("raise = { total = 5 }", "raise = { total = 6 }")
    stricter = replay(stretch.history, parse_rules(text), pace=EXACT, handling=NOBODY)

    def ruled(episodes: list[Replayed], subject: int) -> set[str]:
        return {e.rule for one in episodes if one.subject == subject for e in one.events}

    assert {"news2_medium"} == ruled(again, 2) - ruled(stricter, 2)
    (gain,) = [one for one in again if one.kind == "weight"]
    assert gain.opened_at - NOW == DAY + HOUR / 2  # 1.2 kg, where the county's limit is 2
