"""A client asks for a call, sees what becomes of it, and says afterwards how it went.

    POST /own/call    "please call me", with a few words if they like
    POST /own/word    how it went: {episode, answer, words}
    GET  /own/part    the same part of the page as it is now, for a page that is open

A wish for a call is a reading like that of a button at home, so it becomes an alert, is routed and
escalated as any other. Its receipt is on the page as soon as it is stored, before any alert is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from aiohttp import web

from core.database import load_queries
from core.errors import UserError
from web.errors import not_found
from web.own.session import Own, own_database, refuse_strangers
from web.own.wording import KINDS
from web.own_words import ANSWERS
from web.parts import parts

LONGEST = 1000
"""Of a client's words, in characters."""
_SHOWN = timedelta(days=7)


@dataclass(frozen=True)
class Case:
    """A call of the client's, and what became of it."""

    id: int | None
    """The alert's number; None: there is none yet."""
    kind: str
    asked_at: datetime
    taken_by: str | None = None
    acknowledged_at: datetime | None = None
    contacted_at: datetime | None = None
    closed_at: datetime | None = None
    answer: str | None = None
    words: str | None = None

    @property
    def action(self) -> UUID:
        """The number under which the client's word about it counts once."""
        return uuid5(NAMESPACE_URL, f"saimi:own-word:{self.id}")

    @property
    def can_tell(self) -> bool:
        """Whether the client can say how it went."""
        return self.answer is None and (self.contacted_at or self.closed_at) is not None


def with_receipt(cases: Sequence[Case], wishes: Sequence[datetime], now: datetime) -> list[Case]:
    """The cases, before them a wish that is stored and that no alert has taken up yet. Pure.

    Both newest first. A wish older than a day is none any more: the engine hears it no longer.
    """
    calls = [one for one in cases if one.kind == "call_request"]
    for wish in wishes[:1]:
        taken_up = any(
            one.asked_at >= wish or one.closed_at is None or one.closed_at >= wish for one in calls
        )
        if not taken_up and now - wish < timedelta(days=1):
            return [Case(None, "call_request", wish), *cases]
    return list(cases)


async def cases_of(own: Own, now: datetime) -> list[Case]:
    """What the client asked for within a week, and what is still open."""
    queries, since = load_queries("web"), now - _SHOWN
    cases = []
    async for row in queries.own_cases(own.connection, since=since):
        values = dict(row)
        cases.append(Case(asked_at=values.pop("opened_at"), **values))
    wishes = [row["at"] async for row in queries.own_wishes(own.connection, since=since)]
    return with_receipt(cases, wishes, now)


async def part_values(request: web.Request, own: Own) -> dict[str, Any]:
    """What the part of the page about calls is written from."""
    cases = await cases_of(own, parts(request).clock.now())
    return {
        "cases": cases,
        "waits": any(one.closed_at is None for one in cases),
        "own": own,
        "longest": LONGEST,
        "kinds": KINDS,
        "answers": ANSWERS,
        "call_action": str(uuid4()),
    }


async def part(request: web.Request) -> web.Response:
    """GET /own/part"""
    async with own_database(request) as own:
        values = await part_values(request, own)
    html = parts(request).pages.render("own/cases.html", own.language, **values)
    return web.Response(text=html, content_type="text/html")


async def ask(request: web.Request) -> web.Response:
    """POST /own/call"""
    form = await request.post()
    async with own_database(request) as own:
        refuse_strangers(own, form)
        await load_queries("web").ask_for_call(
            own.connection, action=_action(own, form), words=_words(own, form)
        )
    return _back()


async def say(request: web.Request) -> web.Response:
    """POST /own/word"""
    form = await request.post()
    async with own_database(request) as own:
        refuse_strangers(own, form)
        answer, number = str(form.get("answer", "")), str(form.get("episode", ""))
        if answer not in ANSWERS or not (number.isascii() and number.isdigit()):
            raise UserError(own.text.gettext("This request cannot be understood."))
        said = await load_queries("web").say_afterwards(
            own.connection,
            action=_action(own, form),
            episode=int(number[:18]),
            answer=answer,
            words=_words(own, form),
        )
        if not said:
            raise UserError(not_found(request))
    return _back()


def _action(own: Own, form: Any) -> UUID:
    try:
        return UUID(str(form.get("action", "")))
    except ValueError:
        raise UserError(own.text.gettext("This request cannot be understood.")) from None


def _words(own: Own, form: Any) -> str:
    words = str(form.get("words", "")).replace("\r\n", "\n").replace("\0", "").strip()
    if len(words) > LONGEST:
        raise UserError(own.text.gettext("That is too long to be taken: shorten it."))
    return words


def _back() -> web.Response:
    """To the page, so that loading it again sends nothing again."""
    return web.Response(status=303, headers={"Location": "/own#calls"})


ROUTES = [
    web.post("/own/call", ask),
    web.post("/own/word", say),
    web.get("/own/part", part),
]
