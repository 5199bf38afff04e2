"""A county with teams on duty, for tests of calls and leases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from core.clock import ManualClock
from tests.integration.alerts_support import SICK, County, county, settle

MINUTE = timedelta(minutes=1)
ANNA, BO, CIA, DAN, EVE = 1, 2, 3, 4, 5
"""Anna and Bo are the desk; Cia and Dan are of the client's team, Eve is of the next."""
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
VALUES (1, 3, '[2025-03-03,2025-03-05)'), (1, 4, '[2025-03-03,2025-03-05)'),
       (2, 5, '[2025-03-03,2025-03-05)');
INSERT INTO registry.member_channel (member, kind, address, created_at)
SELECT id, 'sms', 'fake://' || id, now() FROM registry.member;
"""


@asynccontextmanager
async def staffed(url: str, *, clients: int = 1) -> AsyncIterator[County]:
    async with county(url, clients=clients) as found:
        await found.connection.execute(_TEAMS)
        yield found


async def opened(found: County, clock: ManualClock, values: dict[str, float] = SICK) -> int:
    await found.put(1, values, at=clock.now())
    await settle(found.connection, clock)
    return int((await found.episodes())[-1]["id"])


async def taken(found: County) -> None:
    """Channels took what waits."""
    await found.connection.execute(
        "UPDATE alerts.outbox SET state = 'sent', sent_at = now(), ended_at = now()"
        " WHERE state = 'waiting'"
    )


async def seen_until(found: County, clock: ManualClock, episode: int, until: timedelta) -> None:
    """Let time go on, with a worker that looks every ten seconds."""
    end = clock.now() + until
    while clock.now() < end:
        clock.advance(timedelta(seconds=10))
        await settle(found.connection, clock)
