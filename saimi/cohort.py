"""What is usual in a county, from its own readings in the database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

import asyncpg
import msgspec
import numpy as np

from alerts.learned.learned import AMBIENT, news, place_of
from core.catalogue import catalogue
from core.database import load_queries, translated
from core.errors import ModelError
from models.county import County, Record
from models.fitting import fit
from models.signs import METRICS
from saimi.simulated_homes import local_time

DAY = timedelta(days=1)
_queries = load_queries("saimi")
_SIGNS = [catalogue()[name].id for name in METRICS]
_ROOMS = [catalogue()[name].id for name in AMBIENT]


async def learn_cohort(
    connection: asyncpg.Connection,
    *,
    now: datetime,
    days: int,
    most: int,
    illness: County | None,
    reached: Callable[[int, int], None],
) -> County:
    """Learn what is usual from the last `days` of at most `most` clients and homes for two.

    Args:
        illness: where the model of deterioration and its limits are taken from, as they are; its
            evidence is in spreads of what is usual, whoever's that is.

    Raises:
        ModelError: there is too little.
        DatabaseError: the database does not do what is asked.
    """
    since = now - days * DAY
    async with translated():
        found = _queries.cohort_subjects(connection, since=since, until=now, most=most)
        kinds = {row["id"]: row["kind"] async for row in found}
        place = {subject: number for number, subject in enumerate(kinds)}
        parts = []
        for day in range(days):
            since_, until = since + day * DAY, since + (day + 1) * DAY
            these = list(kinds)
            signs = _queries.cohort_signs(
                connection, subjects=these, metrics=_SIGNS, since=since_, until=until
            )
            rows = [
                (place[row["subject"]], row["metric"], -1, row["time"], row["value"])
                async for row in signs
            ]
            rooms = _queries.cohort_rooms(
                connection, subjects=these, metrics=_ROOMS, since=since_, until=until
            )
            rows += [
                (place[row["subject"]], row["metric"], place_of(row["kind"], row["location"]),
                 row["time"], row["value"])
                async for row in rooms
            ]  # fmt: skip
            # A day at a time as numbers: months of many clients as objects would fill the memory.
            parts.append(np.array(rows, dtype=np.float64).reshape(-1, 5))
            reached(day + 1, days)
    columns = np.concatenate(parts)
    if not len(columns):
        raise ModelError(f"A cohort cannot be learned here: nothing was measured in {days} days.")
    subject, metric, of = columns[:, :3].astype(np.int64).T
    time, value = columns[:, 3], columns[:, 4]
    together = np.array([kind == "home" for kind in kinds.values()])
    new = news(subject, metric, of, time, value, time, offset=0.0)
    following = fit(
        replace(new.measured, local=local_time(new.measured.time)),
        replace(new.happened, local=local_time(new.happened.time)),
        together,
    )
    record = Record(
        clients=int((~together).sum()),
        homes=int(together.sum()),
        readings=len(columns),
        days=float(days),
        digest=sha256(columns.tobytes()).hexdigest(),
    )
    if illness is None:
        return County(following, None, 1.0, 1.0, record)
    record = msgspec.structs.replace(
        illness.record,
        clients=record.clients,
        homes=record.homes,
        readings=record.readings,
        days=record.days,
        digest=sha256(f"{record.digest} {illness.record.digest}".encode()).hexdigest(),
    )
    return County(following, illness.deterioration, illness.limit, illness.urgent, record)
