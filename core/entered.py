"""Readings that a person enters: admitted by the rules of every reading, scored as every reading.

They carry who entered them (`entered_by`), and are no sign of life from the home's own devices.
Ingest is not asked: nothing comes from a gateway, and whoever enters something must hear at once
whether it was taken.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

from core.catalogue import Metric, catalogue
from core.clock import wall_time
from core.database import NOTE_CHANNEL, Connection, load_queries, translated
from core.errors import NotFoundError, UserError

ENTERABLE = (
    "respiratory_rate",
    "spo2",
    "oxygen_flow",
    "systolic",
    "diastolic",
    "pulse",
    "consciousness",
    "temperature",
    "glucose",
    "weight",
)
"""What is entered by hand: the parameters of NEWS2, and what meters without a line show."""
OLDEST = timedelta(hours=24)
"""Older ones are written into the note: nothing is scored by them any more."""
AHEAD = timedelta(minutes=1)


class EnteredRefusedError(UserError):
    """Nothing was stored: `value` cannot be a value of `metric`."""

    def __init__(self, metric: Metric, value: float) -> None:
        self.metric = metric
        self.value = value
        low, high = metric.possible
        super().__init__(
            f"{metric.name} cannot be {value:g}: it lies between {low:g} and {high:g} "
            f"{metric.unit}. Nothing was stored: look at the figure again."
        )


class EnteredTimeError(UserError):
    """Nothing was stored: the readings are older than OLDEST, or from the future."""

    def __init__(self) -> None:
        super().__init__(
            "Readings are entered within 24 hours, and never ahead of time: write older ones into "
            "the note. Nothing was stored."
        )


def check(values: Mapping[str, float], at: datetime, now: datetime) -> None:
    """Refuse what cannot be; the same limits as for what comes from devices. Pure.

    Raises:
        EnteredRefusedError: a value is impossible, or no code of its metric.
        EnteredTimeError: the time is.
        UserError: nothing is given, or a metric that is not entered by hand.
    """
    if not values:
        raise UserError("Nothing was entered.")
    if not now - OLDEST <= at <= now + AHEAD:
        raise EnteredTimeError
    for name, value in values.items():
        if name not in ENTERABLE:
            raise UserError(f"{name[:64]!r} is not entered by hand.")
        metric = catalogue()[name]
        low, high = metric.possible
        whole = not metric.codes or value == int(value if math.isfinite(value) else 0)
        if not (math.isfinite(value) and low <= value <= high and whole):
            raise EnteredRefusedError(metric, value)


async def enter(
    connection: Connection,
    *,
    subject: int,
    values: Mapping[str, float],
    at: datetime,
    member: int,
    now: datetime,
) -> int:
    """Store what `member` read or counted on a client at `at`; how many readings are new.

    `values` are by metric, in the catalogue's unit. The engine is told in the same transaction.

    Raises:
        EnteredRefusedError, EnteredTimeError, UserError: as for `check`; nothing is stored.
        NotFoundError: there is no such client, or no gateway in their home.
        DatabaseError: the database refuses or is away; nothing is stored.
    """
    check(values, at, now)
    queries = load_queries("core")
    async with translated(), connection.transaction():
        stored: int | None = await queries.enter_readings(
            connection,
            subject=subject,
            member=member,
            at=at,
            now=now,
            wall=wall_time(),
            metrics=[catalogue()[name].id for name in values],
            values=[float(value) for value in values.values()],
        )
        if stored is None:
            raise NotFoundError("There is no such client, or no gateway in their home.")
        if stored:
            await queries.notify_corrected(connection, channel=NOTE_CHANNEL)
        return stored
