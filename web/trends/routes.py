"""What the page of trends and its scripts ask for; every answer is a look that is on record.

    GET  /api/readings?subject&metrics&from&to&points   columns for charts
    GET  /api/activity?subject&from&to                  movement by place
    GET  /api/comparison?subject&metrics&from&to&with   an earlier period, and what changed
    GET  /clients/{pseudonym}/readings.csv?from&to&metrics   readings as a file

Times are RFC 3339 with an offset; a range is at most LONGEST. Who may see whom is the database's to
say. Errors are one sentence, as everywhere.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from core.catalogue import catalogue
from core.database import Connection
from core.errors import UserError
from core.fitting import fitting
from web.access import purpose_of, record_looks
from web.api import tagged
from web.openapi import answers
from web.openapi.operation import Operation, Query, described
from web.parts import caller, database, parts, texts_of
from web.trends.activity import activity
from web.trends.bands import bands
from web.trends.comparing import CHOICES, NotEarlierError, earlier, moved, places, signs
from web.trends.export import MOST_ROWS, csv_of, rows_of
from web.trends.readings import LONGEST, MOST_POINTS, POINTS, readings
from web.trends.subject import Subject, find_subject

_EXPORTED = tuple(one.name for one in catalogue() if one.kind in ("vital", "body", "context"))
_FILE_WITHIN_S = 120.0
"""Who takes longer to take a file holds a connection of the database that others wait for."""
_TIME = {"type": "string", "format": "date-time"}
_SUBJECT = Query("subject", "The client's pseudonym.", {"type": "string"}, required=True)
_METRICS = Query(
    "metrics", "Names from the catalogue, with commas.", {"type": "string"}, required=True
)
_POINTS = Query(
    "points", f"Most points of a chart; never over {MOST_POINTS}.", {
        "type": "integer", "minimum": 0, "maximum": 999_999, "default": POINTS,
    },
)  # fmt: skip
_WITH = Query(
    "with",
    "The earlier period: `before` (just before), `year` (52 weeks earlier), or the date on which it"
    " begins; it is as long, and begins at the same hour of the county's day.",
    {"type": "string", "default": CHOICES[0]},
)
_RANGE = (
    Query("from", f"Not more than {LONGEST.days} days before `to`; else a day.", _TIME),
    Query("to", "Else now.", _TIME),
)


def time_range(request: web.Request, *, default: timedelta) -> tuple[datetime, datetime]:
    """`from` and `to` of the query, RFC 3339.

    Raises:
        UserError: not times, backwards, or longer than LONGEST.
    """
    text = texts_of(request)
    now = parts(request).clock.now()
    try:
        until = _time(request.query.get("to")) or now
        since = _time(request.query.get("from")) or until - default
    except (ValueError, OverflowError):
        raise UserError(text.gettext("The times of the range cannot be understood.")) from None
    if not since < until:
        raise UserError(text.gettext("The range ends before it begins: swap its ends."))
    if until - since > LONGEST:
        raise UserError(
            text.ngettext(
                "The range is too long: at most %(n)s day can be shown.",
                "The range is too long: at most %(n)s days can be shown.",
                LONGEST.days,
            )
        )
    return since, until


def earlier_range(
    request: web.Request, since: datetime, until: datetime
) -> tuple[datetime, datetime]:
    """The period to compare with, by `with` of the query.

    Raises:
        UserError: it names no period, or one that is not earlier.
    """
    text = texts_of(request)
    try:
        return earlier(since, until, request.query.get("with", CHOICES[0]))
    except NotEarlierError:
        raise UserError(
            text.gettext("The period to compare with must begin on an earlier day.")
        ) from None
    except (ValueError, OverflowError):
        raise UserError(text.gettext("The times of the range cannot be understood.")) from None


def points_asked(request: web.Request) -> int:
    """`points` of the query, as many as a chart may have.

    Raises:
        UserError: no number.
    """
    given = request.query.get("points", str(POINTS))
    if not (given.isascii() and given.isdigit() and len(given) < 7):
        raise UserError(texts_of(request).gettext("This request cannot be understood."))
    return max(2, min(int(given), MOST_POINTS))


def _time(given: str | None) -> datetime | None:
    if given is None:
        return None
    at = datetime.fromisoformat(given)
    if at.tzinfo is None or not 1970 <= at.year <= 2200:
        raise ValueError(given)
    return at


def metrics_asked(request: web.Request, *, default: str = "") -> list[str]:
    """`metrics` of the query, each once.

    Raises:
        UserError: none, or one that is not in the catalogue.
    """
    given = request.query.get("metrics", default).split(",")
    metrics = list(dict.fromkeys(name for name in given if name))
    if not metrics or any(catalogue().get(name) is None for name in metrics):
        raise UserError(texts_of(request).gettext("There is no such measurement."))
    return metrics


async def _charted(
    request: web.Request,
    connection: Connection,
    pseudonym: str,
    since: datetime,
    until: datetime,
    what: dict[str, object],
) -> Subject:
    """Whose chart is asked for, the look being on record."""
    member, shared = caller(request), parts(request)
    subject = await find_subject(connection, pseudonym)
    await record_looks(
        connection,
        [(member.id, subject.id)],
        what="trends",
        wall=shared.wall(),
        detail={**what, "from": since.isoformat(), "to": until.isoformat()},
        purpose=purpose_of(member),
    )
    return subject


def _subject(request: web.Request) -> str:
    return request.query.get("subject", "")


@described(
    Operation(
        "Readings as columns for a chart",
        answers.Readings,
        query=(_SUBJECT, _METRICS, *_RANGE, _POINTS),
        tagged=True,
    )
)
async def chart_readings(request: web.Request) -> web.Response:
    """GET /api/readings"""
    text = texts_of(request)
    since, until = time_range(request, default=timedelta(days=1))
    metrics = metrics_asked(request)
    async with database(request) as connection:
        subject = await _charted(
            request, connection, _subject(request), since, until, {"metrics": metrics}
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
        answers.ActivityStrip | answers.ActivityRaster,
        query=(_SUBJECT, *_RANGE),
        tagged=True,
    )
)
async def chart_activity(request: web.Request) -> web.Response:
    """GET /api/activity"""
    since, until = time_range(request, default=timedelta(days=1))
    async with database(request) as connection:
        subject = await _charted(
            request, connection, _subject(request), since, until, {"activity": True}
        )
        found = await activity(
            connection, subject, since=since, until=until, text=texts_of(request)
        )
    return tagged(request, {"from": since, "to": until, **found})


@described(
    Operation(
        "An earlier period beside a range, and what changed",
        answers.Comparison,
        query=(_SUBJECT, _METRICS, *_RANGE, _WITH, _POINTS),
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
        subject = await _charted(
            request, connection, _subject(request), since, until,
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
        subject = await _charted(
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
    web.get("/api/comparison", chart_comparison),
    web.get("/clients/{pseudonym}/readings.csv", readings_csv),
]
