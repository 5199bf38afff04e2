"""A list as long as on the worst night, and what its page has to do for it."""

from __future__ import annotations

from datetime import timedelta

from playwright.async_api import Page

from core.clock import wall_time
from tests.integration.web_support import County

ALERTS = 2000


async def open_many(place: County, count: int = ALERTS) -> list[int]:
    """Open alerts of one client, all severities, one a second; their numbers as they opened."""
    first = await place.open(await place.subject("aino"), severity=4)
    now = place.clock.now()
    rows = await place.connection.fetch(
        "INSERT INTO alerts.episode (subject, kind, origin, severity, highest, opened_at,"
        " changed_at, summary, evidence)"
        " SELECT e.subject, e.kind, 'many-' || n, 1 + n % 4, 1 + n % 4, $3::timestamptz"
        " - n * interval '1 second', $3, e.summary, e.evidence"
        " FROM alerts.episode e, generate_series(2, $2::int) n WHERE e.id = $1 RETURNING id",
        first, count, now - timedelta(minutes=5),
    )  # fmt: skip
    return [first, *(row["id"] for row in rows)]


async def set_severity(place: County, episode: int, severity: int) -> float:
    """Let an alert become as urgent as this; when it was committed, in seconds since 1970."""
    await place.connection.execute(
        "UPDATE alerts.episode SET severity = $2, version = version + 1 WHERE id = $1",
        episode, severity,
    )  # fmt: skip
    committed = wall_time().timestamp()
    await place.notify(episode)
    return committed


async def few_are_drawn(page: Page, most: int = 40) -> None:
    """Wait until the browser draws few cards; it skips the others until they come near."""
    await page.wait_for_function(
        """(most) => [...document.querySelectorAll(".card-name")]
          .filter((one) => one.checkVisibility({ contentVisibilityAuto: true })).length < most""",
        arg=most,
    )
