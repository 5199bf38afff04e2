"""The paper for a visit: a client's trends beside an earlier period, laid out to be printed.

    GET  /clients/{pseudonym}/visit?from&to&with   as /api/comparison takes them; else 30 days

What is printed, or kept as PDF by the browser, is on record as a look of its own kind.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from aiohttp import web

from core.clock import LOCAL
from web.access import purpose_of, record_looks
from web.episodes import age
from web.pages import page
from web.parts import caller, database, parts, texts_of
from web.trend_notes import notes
from web.trends.asked import earlier_range, time_range
from web.trends.comparing import CHOICES
from web.trends.readings import metrics_of
from web.trends.subject import find_subject

_LATELY = timedelta(days=1)
"""What is worth noticing is of the last days: it belongs on paper only if these are."""


async def visit(request: web.Request) -> web.Response:
    """GET /clients/{pseudonym}/visit"""
    member, shared, text = caller(request), parts(request), texts_of(request)
    now = shared.clock.now()
    since, until = time_range(request, default=timedelta(days=30))
    begins, _ends = earlier_range(request, since, until)
    beside = request.query.get("with", CHOICES[0])
    async with database(request) as connection:
        subject = await find_subject(connection, request.match_info["pseudonym"])
        if subject.kind != "client":
            raise web.HTTPNotFound
        await record_looks(
            connection,
            [(member.id, subject.id)],
            what="trends",
            wall=shared.wall(),
            detail={
                "format": "print",
                "from": since.isoformat(),
                "to": until.isoformat(),
                "earlier": begins.isoformat(),
            },
            purpose=purpose_of(member),
        )
        metrics = await metrics_of(connection, subject, since=begins, until=until)
        late = until >= now - _LATELY
        said = await notes(connection, subject.id, now=now, text=text) if late else []
    asked = {"from": since.isoformat(), "to": until.isoformat(), "with": beside}
    return page(
        request,
        "visit.html",
        subject=subject,
        age=age(subject.born, now.astimezone(LOCAL).date()),
        metrics=metrics,
        notes=said,
        since=since,
        until=until,
        beside=beside,
        query=urlencode(asked),
        now=now,
    )


ROUTES = [web.get("/clients/{pseudonym}/visit", visit)]
