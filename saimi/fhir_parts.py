"""What the FHIR API is given: who checks its tokens, and ingest's admission for what comes in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from core.clock import Clock
from core.database import Connection, connect, translated
from core.settings import Settings
from ingest.admission import admit, gateway_names
from ingest.batch import Batch, Refused
from ingest.definitions import Definitions
from ingest.directory import Directory
from ingest.instants import micros
from ingest.message import Message, Understood, understand
from ingest.quota import Quota
from ingest.settling import Fate
from ingest.writer import Writer
from web.fhir.entry import Fhir
from web.fhir.incoming import Mode, Posted, Taken
from web.fhir.tokens import Verifier
from web.tokens import Provider

_ELSE = "Nothing was stored, since another entry of the same transaction cannot be."


def fhir_parts(settings: Settings, clock: Clock, provider: Provider | None) -> Fhir:
    """The FHIR API's parts; without the address that ingest has, it takes nothing in."""
    audience = settings.oidc_audience
    verifier = None if provider is None or audience is None else Verifier(provider, audience)
    if settings.database_url is None:
        return Fhir(verifier)
    url, retention = settings.require_database_url(), timedelta(days=settings.retention_days)
    return Fhir(verifier, Intake(url, clock, retention, Quota.of(settings)).admit)


class _UndoneError(Exception):
    """All or none, and it is none."""


class Intake:
    """Admits Observations as if their gateway had sent them, one request at a time."""

    def __init__(
        self, url: str, clock: Clock, retention: timedelta, quota: Quota | None = None
    ) -> None:
        self._url = url
        self._clock = clock
        self._retention = retention
        self._quota = quota
        self._turn = asyncio.Lock()
        self._last = 0

    async def admit(self, posts: Sequence[Posted], mode: Mode) -> list[Taken]:
        """Admit and store; what became of each.

        Raises:
            DatabaseError: the database is away or refuses; nothing was stored.
        """
        if not posts:
            return []
        async with self._turn:
            connection = await connect(self._url)
            try:
                return await self._admit(connection, posts, mode)
            finally:
                await connection.close()

    async def _admit(
        self, connection: Connection, posts: Sequence[Posted], mode: Mode
    ) -> list[Taken]:
        batch = await self._judged(connection, posts)
        if mode == "all":
            try:
                async with translated(), connection.transaction():
                    taken = await self._store(connection, batch, len(posts))
                    if any(one.refused or one.conflicts for one in taken):
                        raise _UndoneError
                return taken
            except _UndoneError:
                return await self._calls(connection, batch, taken)
        if mode == "calls":
            return await self._calls(connection, batch, [Taken()] * len(posts))
        return await self._store(connection, batch, len(posts))

    async def _judged(self, connection: Connection, posts: Sequence[Posted]) -> Batch:
        messages = [
            Message(f"saimi/v1/{one.gateway}/fhir", one.payload, self._arrival()) for one in posts
        ]
        definitions, directory = Definitions(), Directory()
        understood: list[Understood] = await asyncio.to_thread(
            lambda: [understand(message, definitions) for message in messages]
        )
        now = self._clock.now()
        await directory.load(connection, gateway_names(understood), now)
        batch = admit(understood, directory, micros(now - self._retention))
        return _only_theirs(batch, posts)

    def _arrival(self) -> int:
        """Now, and no two the same."""
        self._last = max(self._last + 1, micros(self._clock.now()))
        return self._last

    async def _store(self, connection: Connection, batch: Batch, size: int) -> list[Taken]:
        writer = Writer(connection, self._quota)
        await writer.prepare()
        written = await writer.write(batch, self._clock.now())
        return _taken(batch, written.fates, size)

    async def _calls(
        self, connection: Connection, batch: Batch, before: Sequence[Taken]
    ) -> list[Taken]:
        """Of what fails together, the calls for help alone, which are stored."""
        calling = set(batch.rows["message"][batch.rows["call"]].tolist())
        kept = Batch(
            batch.messages, batch.records, batch.rows[batch.rows["call"]], digests=batch.digests
        )
        stored = await self._store(connection, kept, len(before)) if calling else list(before)
        return [
            stored[number]
            if number in calling
            else Taken(refused=one.refused or (("transaction", _ELSE),), conflicts=one.conflicts)
            for number, one in enumerate(before)
        ]


def _only_theirs(batch: Batch, posts: Sequence[Posted]) -> Batch:
    """Without readings that the registry says are somebody else's than the Observation does."""
    rows = batch.rows
    expected = np.array([one.subject for one in posts])[rows["message"]]
    wrong = (rows["subject"] != expected) & ~rows["call"]
    for row in rows[wrong]:
        batch.refused.append(
            Refused(
                int(row["message"]), batch.records[int(row["record"])], "not_assigned",
                "The registry says that this device's readings were not this client's then: the "
                "Observation is of the wrong person, the wrong device or the wrong time.",
            )
        )  # fmt: skip
    batch.rows = rows[~wrong]
    return batch


def _taken(
    batch: Batch, fates: np.ndarray[tuple[int], np.dtype[np.int8]], size: int
) -> list[Taken]:
    rows = batch.rows
    found = []
    for number in range(size):
        own = rows["message"] == number
        there = own & ((fates == Fate.COMMITTED) | (fates == Fate.DUPLICATE))
        found.append(
            Taken(
                tuple(
                    (int(row["metric"]), int(row["device"]), int(row["time"]))
                    for row in rows[there]
                ),
                int((own & (fates == Fate.COMMITTED)).sum()),
                int((own & (fates == Fate.CONFLICT)).sum()),
                tuple((one.reason, one.sentence) for one in batch.refused if one.message == number),
            )
        )
    return found
