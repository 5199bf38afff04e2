"""What the page of trends and its scripts ask for; every answer is a look that is on record.

GET  /api/readings?subject&metrics&from&to&points   columns for charts
GET  /api/activity?subject&from&to                  movement by place
GET  /api/course?subject&from&to&points             NEWS2, nights, devices, alerts and visits
GET  /api/comparison?subject&metrics&from&to&with   an earlier period, and what changed
GET  /clients/{pseudonym}/readings.csv?from&to&metrics   readings as a file
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from aiohttp import web

from core.catalogue import catalogue
from core.database import load_queries
from core.errors import UserError
from core.fitting import fitting
from web.api import tagged
from web.openapi import charts
from web.openapi.operation import Operation, described
from web.parts import database, texts_of
from web.trends.activity import activity
from web.trends.asked import (
    METRICS,
    POINTS_ASKED,
    RANGE,
    SUBJECT,
    WITH,
    charted,
    earlier_range,
    metrics_asked,
    points_asked,
    subject_asked,
    time_range,
)
from web.trends.bands import bands
from web.trends.comparing import moved, places, signs
from web.trends.export import MOST_ROWS, csv_of, rows_of
from web.trends.heard import arrived, heard
from web.trends.marks import marks
from web.trends.nights import nights
from web.trends.readings import readings, week_means
from web.trends.score import score

_EXPORTED = tuple(one.name for one in catalogue() if one.kind in ("vital", "body", "context"))
_FILE_WITHIN_S = 120.0
"""Who takes longer to take a file holds a connection of the database that others wait for."""


@described(
    Operation(
        "Readings as columns for a chart",
        charts.Readings,
        query=(SUBJECT, METRICS, *RANGE, POINTS_ASKED),
        tagged=True,
    )
)
async def chart_readings(request: web.Request) -> web.Response:
    """GET /api/readings"""
    text = texts_of(request)
    since, until = time_range(request, default=timedelta(days=1))
    metrics = metrics_asked(request)
    async with database(request) as connection:
        subject = await charted(
            request, connection, subject_asked(request), since, until, {"metrics": metrics}
        )
        series = await readings(
            connection,
            subject,
            metrics,
            since=since,
            until=until,
            points=points_asked(request),
            text=text,
        )
        limits = await bands(connection, subject)
    content = {
        "from": since,
        "to": until,
        "resolution": fitting(until - since),
        "series": series,
    }
    return tagged(request, content | {"bands": {m: limits[m] for m in series if m in limits}})


@described(
    Operation(
        "Movement by place",
        charts.ActivityStrip | charts.ActivityRaster,
        query=(SUBJECT, *RANGE),
        tagged=True,
    )
)
async def chart_activity(request: web.Request) -> web.Response:
    """GET /api/activity"""
    since, until = time_range(request, default=timedelta(days=1))
    async with database(request) as connection:
        subject = await charted(
            request, connection, subject_asked(request), since, until, {"activity": True}
        )
        found = await activity(
            connection, subject, since=since, until=until, text=texts_of(request)
        )
    return tagged(request, {"from": since, "to": until, **found})


@described(
    Operation(
        "NEWS2 over time, nights, devices heard, and what happened meanwhile",
        charts.Course,
        query=(SUBJECT, *RANGE, POINTS_ASKED),
        tagged=True,
    )
)
async def chart_course(request: web.Request) -> web.Response:
    """GET /api/course"""
    text, points = texts_of(request), points_asked(request)
    since, until = time_range(request, default=timedelta(days=1))
    queries = load_queries("web")
    async with database(request) as connection:
        subject = await charted(
            request, connection, subject_asked(request), since, until, {"course": True}
        )
        subjects = (await queries.with_home(connection, subject=subject.id))["subjects"]
        asked: dict[str, Any] = {"since": since, "until": until}
        content = {
            "from": since,
            "to": until,
            "resolution": fitting(until - since),
            "score": await score(connection, subject, points=points, text=text, **asked),
            "nights": await nights(connection, subjects, **asked),
            "heard": await heard(connection, subjects, text=text, **asked),
            "arrived": await arrived(connection, subject, **asked),
            "week_means": await week_means(connection, subject, **asked),
            "marks": await marks(connection, subject, subjects, text=text, **asked),
        }
    return tagged(request, content)


@described(
    Operation(
        "An earlier period beside a range, and what changed",
        charts.Comparison,
        query=(SUBJECT, METRICS, *RANGE, WITH, POINTS_ASKED),
        tagged=True,
    )
)
async def chart_comparison(request: web.Request) -> web.Response:
    """GET /api/comparison"""
    text, points = texts_of(request), points_asked(request)
    since, until = time_range(request, default=timedelta(days=1))
    begins, ends = earlier_range(request, since, until)
    metrics = metrics_asked(request)
    series, moves = [], []
    async with database(request) as connection:
        subject = await charted(
            request, connection, subject_asked(request), since, until,
            {"metrics": metrics, "activity": True, "earlier": begins.isoformat()},
        )  # fmt: skip
        for start, end in ((since, until), (begins, ends)):
            asked: dict[str, Any] = {"since": start, "until": end, "text": text}
            series.append(await readings(connection, subject, metrics, points=points, **asked))
            moves.append(moved(await activity(connection, subject, **asked), end))
    return tagged(
        request,
        {
            "from": since,
            "to": until,
            "earlier_from": begins,
            "earlier_to": ends,
            "resolution": fitting(until - since),
            "series": series[1],
            "signs": signs(*series),
            "places": places(*moves),
        },
    )


async def readings_csv(request: web.Request) -> web.StreamResponse:
    """GET /clients/{pseudonym}/readings.csv"""
    since, until = time_range(request, default=timedelta(days=30))
    metrics = metrics_asked(request, default=",".join(_EXPORTED))
    pseudonym = request.match_info["pseudonym"]
    # On record before the first byte leaves: who hangs up half-way has seen half.
    async with database(request) as connection:
        subject = await charted(
            request, connection, pseudonym, since, until, {"metrics": metrics, "format": "csv"}
        )
        asked: dict[str, Any] = {"since": since, "until": until}
        if await rows_of(connection, subject, metrics, **asked) > MOST_ROWS:
            raise UserError(
                texts_of(request).gettext(
                    "There are too many readings for one file: choose a shorter time."
                )
            )
    name = f"saimi-{since:%Y%m%d}-{until:%Y%m%d}.csv"
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{name}"',
        }
    )
    async with asyncio.timeout(_FILE_WITHIN_S), database(request) as connection:
        await response.prepare(request)
        async for piece in csv_of(connection, subject, metrics, **asked):
            await response.write(piece)
    await response.write_eof()
    return response


ROUTES = [
    web.get("/api/readings", chart_readings),
    web.get("/api/activity", chart_activity),
    web.get("/api/course", chart_course),
    web.get("/api/comparison", chart_comparison),
    web.get("/clients/{pseudonym}/readings.csv", readings_csv),
]
