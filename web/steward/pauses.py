"""Pauses of a client, or of the home: set with an end, ended before it.

    POST  /clients/{pseudonym}/pauses                  the client's carers, and the desk
    POST  /clients/{pseudonym}/pauses/{id}/end         the same

What a pause suspends is the engine's to say; help, smoke, carbon monoxide and fall never are.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from core.clock import LOCAL
from core.database import load_queries
from core.errors import NotFoundError, RegistryError, UserError
from core.pauses import end_pause, set_pause
from core.registry import LONGEST_PAUSE, PauseKind
from web.i18n import Texts
from web.parts import caller, database, parts, texts_of
from web.steward.clients import back, client_of, plan_page, refused
from web.steward.filling import Form
from web.steward.requests import action_of, form_of

_KINDS: tuple[PauseKind, ...] = ("hospital", "holiday", "guests")


def stretch(form: Form, text: Texts, now: datetime) -> tuple[PauseKind, datetime, datetime]:
    """Kind, beginning (left empty: now) and end of the pause that was filled in.

    Raises:
        UserError: a field is missing, or they contradict each other; names them.
    """
    kind = next((one for one in _KINDS if one == form.one("kind")), None)
    since, until = (local_time(form.one(name)) for name in ("since", "until"))
    if form.one("since") == "":
        since = now
    if kind is None or since is None or until is None:
        raise UserError(
            text.gettext("A pause needs what it is for, and a day and time at which it ends.")
        )
    if until <= since:
        raise UserError(
            text.gettext(
                "The pause would end %(until)s, before it begins %(since)s: change one of them.",
                until=text.day_and_time(until),
                since=text.day_and_time(since),
            )
        )
    if until <= now:
        raise UserError(
            text.gettext("This pause would be over already: give it an end that is to come.")
        )
    if until - since > LONGEST_PAUSE:
        raise UserError(
            text.gettext(
                "A pause lasts %(days)s days at most: let it end sooner, and set another one then "
                "if it is still needed.",
                days=LONGEST_PAUSE // timedelta(days=1),
            )
        )
    return kind, since, until


def local_time(given: str) -> datetime | None:
    """A day and time of the county's, as a browser's field gives it."""
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        return None
    return at.replace(tzinfo=LOCAL) if at.tzinfo is None else at


async def set_one(request: web.Request) -> web.Response:
    """POST /clients/{pseudonym}/pauses"""
    form, text, member = await form_of(request), texts_of(request), caller(request)
    now = parts(request).clock.now()
    async with database(request) as connection:
        subject = await client_of(request, connection)
        row = await load_queries("web").plan(connection, subject=subject.id)
        if not row["may_pause"]:
            raise refused(request)
        failure = ""
        try:
            kind, since, until = stretch(form, text, now)
            action = action_of(request, form)
            async with connection.transaction():
                # Guests are the home's; who is away is one of those who live there.
                whose = subject.id if kind != "guests" else await _home(connection, subject.id)
                if await _noted(
                    connection, action, whose,
                    {"kind": kind, "since": since.isoformat(), "until": until.isoformat()},
                ):  # fmt: skip
                    await set_pause(
                        connection, subject=whose, kind=kind, since=since, until=until,
                        member=member.id, now=now,
                    )  # fmt: skip
        except RegistryError:
            failure = text.gettext(
                "There is a pause of this kind at that time already: end that one first, or let "
                "the other begin after it."
            )
        except UserError as error:
            failure = str(error)
    if failure:
        return await plan_page(request, pause=form, pause_failure=failure, status=400)
    return back(subject)


async def end_one(request: web.Request) -> web.Response:
    """POST /clients/{pseudonym}/pauses/{id}/end"""
    form, member = await form_of(request), caller(request)
    queries = load_queries("web")
    async with database(request) as connection:
        subject = await client_of(request, connection)
        row = await queries.plan(connection, subject=subject.id)
        if not row["may_pause"]:
            raise refused(request)
        pause = int(request.match_info["id"])
        if await queries.pause_of(connection, pause=pause, subject=subject.id) is None:
            raise NotFoundError("no such pause of this client")
        if await _noted(connection, action_of(request, form), subject.id, {"ended": pause}):
            await end_pause(
                connection, pause=pause, member=member.id, now=parts(request).clock.now()
            )
    return back(subject)


async def _home(connection: Any, subject: int) -> int:
    found: int = await load_queries("web").home_of(connection, subject=subject)
    return found


async def _noted(connection: Any, action: Any, subject: int, detail: dict[str, Any]) -> bool:
    new: bool = await load_queries("web").note_change(
        connection, action=action, what="pause", subject=subject, detail=detail, why=""
    )
    return new


ROUTES = [
    web.post("/clients/{pseudonym}/pauses", set_one),
    web.post(r"/clients/{pseudonym}/pauses/{id:\d{1,9}}/end", end_one),
]
