"""How long a client's data is kept: duties by class, holds, and what is erased when none stands.

    GET  /desk/retention                       clients whose care has ended, or whose data is held
    GET  /desk/retention/{pseudonym}           one client: until when each class must be kept
    POST /desk/retention/{pseudonym}/hold      keep everything until further notice, or let it go
    POST /desk/retention/{pseudonym}/erase     erase a class; with `record` all of the client

For the desk. The database finds out whether a duty or a hold stands (0040_retention.sql); who is
meant is said twice, as with devices: by the page, and by the year of birth.
"""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, datetime
from typing import Any

from aiohttp import web

from core.database import load_queries
from core.errors import ConflictError, NotFoundError, UserError
from web.access import record_looks
from web.i18n import Texts, mark
from web.pages import page
from web.parts import caller, database, parts, texts_of
from web.steward.clients import client_of
from web.steward.requests import action_of, form_of, new_action, why_of
from web.trends import Subject

CLASSES: dict[str, str] = {
    "contact": mark("Next of kin, phone, door code"),
    "derived": mark("What the engine and the models remember"),
    "readings": mark("Readings and their sums"),
    "record": mark("Everything: who the client was, alerts, what was done, who looked"),
}
"""Classes of record, the least first."""
SOURCES: dict[str, str] = {
    "contact": mark("Of no use after the care; no duty to keep it."),
    "derived": mark("No duty to keep it."),
    "readings": mark("Saimi's own: what an alert rests on is copied into the alert."),
    "record": mark("Client documents and the log of their use, by the county's archive plan."),
}
_SHOWN = 200
_HISTORY = 50


async def listed(request: web.Request) -> web.Response:
    """GET /desk/retention"""
    _only_the_desk(request)
    member, queries = caller(request), load_queries("web")
    async with database(request) as connection:
        rows = [dict(row) async for row in queries.past_clients(connection, count=_SHOWN + 1)]
        found = [await client_named(connection, row["pseudonym"]) for row in rows[:_SHOWN]]
        await record_looks(
            connection,
            {(member.id, subject) for subject in found},
            what="retention",
            wall=parts(request).wall(),
            purpose="desk",
        )
    return page(
        request,
        "steward/retention.html",
        here="/desk/retention",
        rows=[{**row, "ended": _finite(row["ended"])} for row in rows[:_SHOWN]],
        more=len(rows) > _SHOWN,
        most=_SHOWN,
    )


async def client_named(connection: Any, pseudonym: str) -> int:
    """The number of a client whom the caller sees."""
    row = await load_queries("web").subject_of(connection, pseudonym=pseudonym)
    return int(row["id"])


async def show(request: web.Request) -> web.Response:
    """GET /desk/retention/{pseudonym}"""
    _only_the_desk(request)
    return await _page(request)


async def hold(request: web.Request) -> web.Response:
    """POST /desk/retention/{pseudonym}/hold"""
    _only_the_desk(request)
    form = await form_of(request)
    try:
        action, why = action_of(request, form), why_of(request, form)
    except UserError as error:
        return await _page(request, failure=str(error), status=400)
    async with database(request) as connection:
        subject = await client_of(request, connection)
        await load_queries("web").set_hold(
            connection, action=action, subject=subject.id, holding=form.one("end") != "yes", why=why
        )
    return _back(subject)


async def erase(request: web.Request) -> web.Response:
    """POST /desk/retention/{pseudonym}/erase"""
    _only_the_desk(request)
    form, text = await form_of(request), texts_of(request)
    chosen = form.one("class")
    try:
        action, why = action_of(request, form), why_of(request, form)
        if chosen not in CLASSES:
            raise UserError(text.gettext("Choose what is to be erased."))
        async with database(request) as connection:
            subject = await client_of(request, connection)
            if form.one("confirmed") != str(subject.born.year):
                raise UserError(
                    text.gettext(
                        "The year of birth is not this client's, so nothing was erased: look "
                        "whether you are on the right page."
                    )
                )
            done = await load_queries("web").erase(
                connection, action=action, subject=subject.id, of_class=chosen, why=why
            )
            _refuse(done, text)
    except UserError as error:
        status = 409 if isinstance(error, ConflictError) else 400
        return await _page(request, failure=str(error), status=status)
    if chosen == "record":
        return web.Response(status=303, headers={"Location": "/desk/retention"})
    return _back(subject)


def _refuse(done: str, text: Texts) -> None:
    """
    Raises:
        ConflictError: a hold or a duty stands.
        NotFoundError: it is not the caller's to do.
    """
    if done == "held":
        raise ConflictError(
            text.gettext("This client's data is held, so nothing was erased: end the hold first.")
        )
    if done == "duty":
        raise ConflictError(
            text.gettext("This must be kept still, so nothing was erased: see until when below.")
        )
    if done == "refused":
        raise NotFoundError("not the desk, or no such client")


async def _page(request: web.Request, *, failure: str = "", status: int = 200) -> web.Response:
    member, queries = caller(request), load_queries("web")
    async with database(request) as connection:
        subject = await client_of(request, connection)
        await record_looks(
            connection,
            [(member.id, subject.id)],
            what="retention",
            wall=parts(request).wall(),
            purpose="desk",
        )
        classes = [dict(one) async for one in queries.retention_of(connection, subject=subject.id)]
        held = await queries.hold_of(connection, subject=subject.id)
        changes = [
            dict(one)
            async for one in queries.retention_changes(
                connection, subject=subject.id, count=_HISTORY
            )
        ]
    for one in classes:
        one["duty_until"] = _finite(one["duty_until"])
    answer = page(
        request,
        "steward/retained.html",
        here="/desk/retention",
        subject=subject,
        classes=classes,
        names=CLASSES,
        sources=SOURCES,
        ended=_finite(held["ended"]),
        never=held["ended"] is not None and held["ended"].year == MINYEAR,
        hold=held if held["held"] else None,
        changes=changes,
        failure=failure,
        hold_action=new_action(),
        erase_action=new_action(),
    )
    answer.set_status(status)
    return answer


def _finite(at: datetime | None) -> datetime | None:
    """A time; None where it is infinity, which the driver gives as the first or last there is."""
    return None if at is None or at.year in (MINYEAR, MAXYEAR) else at


def _back(subject: Subject) -> web.Response:
    """To the page, so that loading it again sends nothing again."""
    return web.Response(status=303, headers={"Location": f"/desk/retention/{subject.pseudonym}"})


def _only_the_desk(request: web.Request) -> None:
    if caller(request).role != "coordinator":
        raise NotFoundError("for the desk")


ROUTES = [
    web.get("/desk/retention", listed),
    web.get("/desk/retention/{pseudonym}", show),
    web.post("/desk/retention/{pseudonym}/hold", hold),
    web.post("/desk/retention/{pseudonym}/erase", erase),
]
