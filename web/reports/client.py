"""A client's report of twelve weeks, for an assessment of needs.

    GET /clients/{pseudonym}/report       as a page
    GET /clients/{pseudonym}/report.pdf   the same on paper

Both are on record as looks at the client's trends, as a report.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from aiohttp import web

from core.catalogue import catalogue
from core.clock import LOCAL
from core.database import load_queries
from core.errors import NotFoundError
from web.access import purpose_of, record_looks
from web.episodes import age
from web.pages import page
from web.parts import caller, database, language, parts, texts_of
from web.reports.client_words import measure_rows, measured_rows, plotted, said
from web.reports.decline import DAYS, LATELY, WEEKS, weeks_of
from web.reports.paper import as_pdf
from web.reports.words import made_at
from web.trends.readings import metrics_of, readings
from web.trends.subject import find_subject
from web.words import KINDS

_AMBIENT = ("motion", "door")
_THIRDS = 3
_THIRD_DAYS = DAYS // _THIRDS


def _midnight(now: datetime, days_ago: int) -> datetime:
    """The midnight that began today, or so many days earlier, in the county."""
    day = now.astimezone(LOCAL).date() - timedelta(days=days_ago)
    return datetime.combine(day, time(), tzinfo=LOCAL)


async def _written(request: web.Request, form: str) -> dict[str, Any]:
    """What the report is written from; the look is on record with it."""
    member, shared, text = caller(request), parts(request), texts_of(request)
    queries, now = load_queries("web"), parts(request).clock.now()
    since, until = _midnight(now, DAYS), _midnight(now, 0)
    async with database(request) as connection:
        subject = await find_subject(connection, request.match_info["pseudonym"])
        if subject.kind != "client":
            raise NotFoundError("a report is about a client")
        await record_looks(
            connection,
            [(member.id, subject.id)],
            what="trends",
            wall=shared.wall(),
            detail={
                "format": form,
                "report": "functional",
                "from": since.isoformat(),
                "to": until.isoformat(),
            },
            purpose=purpose_of(member),
        )
        counts: dict[str, list[int]] = {}
        rows = queries.activity_by_hour(
            connection,
            subjects=(await queries.with_home(connection, subject=subject.id))["subjects"],
            since=since,
            until=until,
            first=since.date(),
            metrics=[catalogue()[name].id for name in _AMBIENT],
        )
        async for row in rows:
            hours = counts.setdefault(row["place"], [0] * 24 * DAYS)
            for at, count in zip(row["at"], row["counts"], strict=True):
                hours[at] += count
        metrics = await metrics_of(connection, subject, since=since, until=until)
        thirds = [
            await readings(
                connection,
                subject,
                metrics,
                since=_midnight(now, _THIRD_DAYS * (left + 1)),
                until=_midnight(now, _THIRD_DAYS * left),
                points=_THIRD_DAYS,
                text=text,
            )
            for left in reversed(range(_THIRDS))
        ]
        alerts = [
            row
            async for row in queries.alerts_by_kind(
                connection, subject=subject.id, since=since, until=now,
                lately=_midnight(now, 7 * LATELY),
            )
        ]  # fmt: skip
    weeks = weeks_of(counts)
    vitals = measured_rows(text, metrics, thirds)
    return {
        "subject": subject,
        "age": age(subject.born, now.astimezone(LOCAL).date()),
        "since": since,
        "last": (until - timedelta(days=1)).date(),
        "said": said(text, weeks, vitals, alerts),
        "plots": plotted(text, weeks, since.date()),
        "measures": measure_rows(text, weeks),
        "vitals": vitals,
        "alerts": alerts,
        "kinds": KINDS,
        "weeks": weeks,
        "all_days": DAYS,
        "count_weeks": WEEKS,
        "made": made_at(text, now),
    }


async def on_screen(request: web.Request) -> web.Response:
    """GET /clients/{pseudonym}/report"""
    return page(request, "reports/client.html", **await _written(request, "page"))


async def on_paper(request: web.Request) -> web.Response:
    """GET /clients/{pseudonym}/report.pdf"""
    values = await _written(request, "pdf")
    html = parts(request).pages.render("reports/client_paper.html", language(request), **values)
    return web.Response(
        body=await as_pdf(html),
        content_type="application/pdf",
        headers={
            "Content-Disposition": 'attachment; filename="saimi-'
            f'{values["subject"].pseudonym}.pdf"',
            "Cache-Control": "no-store",
        },
    )


ROUTES = [
    web.get("/clients/{pseudonym}/report", on_screen),
    web.get("/clients/{pseudonym}/report.pdf", on_paper),
]
