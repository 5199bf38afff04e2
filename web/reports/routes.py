"""The county's monthly report, for the county's desk.

    GET /desk/reports                    the last whole month
    GET /desk/reports/{month}            a month as a page: 2026-10
    GET /desk/reports/{month}/file.pdf   the same on paper
    GET /desk/reports/{month}/file.csv   the alerts that its figures are counted from, a row each

It names no client, so no look is put on record; the database gives figures to the desk alone.
"""

from __future__ import annotations

import csv
import io
from typing import Any

from aiohttp import web

from core.clock import LOCAL
from core.database import load_queries
from core.errors import NotFoundError
from web.pages import page
from web.parts import caller, database, language, parts, texts_of
from web.reports.county import FEWEST, county_month
from web.reports.month import Month, as_month, month_of
from web.reports.paper import as_pdf
from web.reports.words import made_at, month_name, percent, pictures, summary, waited
from web.words import KINDS, SEVERITIES

_COLUMNS = (
    "id", "area", "kind", "highest", "calls", "opened_at", "acknowledge_s", "contact_s", "close_s",
    "closed_at", "outcome", "pages", "night_pages",
)  # fmt: skip


async def last_month(request: web.Request) -> web.Response:
    """GET /desk/reports"""
    _only_desk(request)
    month = month_of(parts(request).clock.now()).moved(-1)
    return page(request, "reports/county.html", **await _written(request, month))


async def one_month(request: web.Request) -> web.Response:
    """GET /desk/reports/{month}"""
    return page(request, "reports/county.html", **await _written(request, _month(request)))


async def on_paper(request: web.Request) -> web.Response:
    """GET /desk/reports/{month}/file.pdf"""
    month = _month(request)
    values = await _written(request, month)
    html = parts(request).pages.render("reports/paper.html", language(request), **values)
    return _file(await as_pdf(html), f"saimi-{month}.pdf", "application/pdf")


async def as_rows(request: web.Request) -> web.Response:
    """GET /desk/reports/{month}/file.csv"""
    month = _month(request)
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(_COLUMNS)
    async with database(request) as connection:
        rows = load_queries("web").counted_alerts(
            connection, since=month.begins, until=min(month.ends, parts(request).clock.now())
        )
        async for row in rows:
            writer.writerow([_cell(row[name]) for name in _COLUMNS])
    return _file(written.getvalue().encode(), f"saimi-{month}.csv", "text/csv")


def _cell(value: Any) -> Any:
    return value.astimezone(LOCAL).isoformat() if hasattr(value, "astimezone") else value


def _file(content: bytes, name: str, kind: str) -> web.Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=content, content_type=kind, headers=headers)


def _only_desk(request: web.Request) -> None:
    if caller(request).role != "coordinator":
        raise NotFoundError("for the desk")


def _month(request: web.Request) -> Month:
    """The month that is asked for, by somebody who may.

    Raises:
        NotFoundError: it has not begun, or the caller is not of the desk.
    """
    _only_desk(request)
    month = as_month(request.match_info["month"], parts(request).clock.now())
    if month is None:
        raise NotFoundError("no such month")
    return month


async def _written(request: web.Request, month: Month) -> dict[str, Any]:
    """What the report is written from, as a page and on paper."""
    text, now = texts_of(request), parts(request).clock.now()
    async with database(request) as connection:
        county = await county_month(connection, month, now=now)
    after = month.moved(1)
    return {
        "county": county,
        "month": month,
        "titled": month_name(text, month),
        "before": month.moved(-1),
        "after": after if after <= month_of(now) else None,
        "said": summary(text, county),
        "pictures": pictures(text, county),
        "made": made_at(text, now),
        "percent": lambda share: percent(text, share),
        "waited": lambda seconds: waited(text, seconds),
        "kinds": KINDS,
        "severities": {str(level): name for level, name in SEVERITIES.items()},
        "fewest": FEWEST,
    }


ROUTES = [
    web.get("/desk/reports", last_month),
    web.get(r"/desk/reports/{month:\d{4}-\d{2}}", one_month),
    web.get(r"/desk/reports/{month:\d{4}-\d{2}}/file.pdf", on_paper),
    web.get(r"/desk/reports/{month:\d{4}-\d{2}}/file.csv", as_rows),
]
