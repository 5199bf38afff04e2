"""Twelve weeks of a home in which the last four have less movement by day and more at night."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from core.clock import LOCAL
from ingest.aggregates import bring_up_to_date
from tests.integration.web_support import County
from web.reports.decline import DAYS, LATELY


async def twelve_weeks(place: County) -> None:
    """Aino's, until yesterday; her weight falls by a tenth of a kilogram a week."""
    now = place.clock.now()
    today = now.astimezone(LOCAL).date()
    moved: list[tuple[datetime, float]] = []
    weighed: list[tuple[datetime, float]] = []
    for ago in range(DAYS, 0, -1):
        day = today - timedelta(days=ago)
        late = ago <= 7 * LATELY
        for hour, times in ((8, 6 if late else 9), (13, 5 if late else 11), (3, 3 if late else 1)):
            begins = datetime.combine(day, time(hour), tzinfo=LOCAL)
            moved += [(begins + timedelta(minutes=5 * n), 1.0) for n in range(times)]
        if ago % 7 == 1:
            weighed.append((datetime.combine(day, time(9), tzinfo=LOCAL), 60.0 + ago / 70))
    aino = await place.subject("aino")
    await place.put(await place.home("aino"), "motion-kitchen", "motion", moved)
    await place.put(aino, "monitor-1", "weight", weighed)
    await place.connection.execute(
        "INSERT INTO telemetry.touched (touched_at, since, until) VALUES ($1, $2, $1)",
        now,
        moved[0][0],
    )
    await bring_up_to_date(place.connection, now)
