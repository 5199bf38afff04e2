"""The rota is changed at the desk: a shift added, taken out, or served by another. Each change has
a reason, is on record, and is in force at once.

GET   /desk/rota/teams/{id}     a team's fortnight
POST  /desk/rota/teams/{id}     add a shift
GET   /desk/rota/shifts/{id}    one shift
POST  /desk/rota/shifts/{id}    another serves it or a part of it, or nobody
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from alerts.routing.rota import in_utc
from core.clock import LOCAL
from core.database import Connection, load_queries
from core.errors import NotFoundError, UserError
from web.desk.duty_board import read_duty
from web.desk.now import only_desk
from web.i18n import Texts
from web.pages import page
from web.parts import database, parts, texts_of
from web.steward.filling import Form
from web.steward.requests import action_of, form_of, new_action, why_of

_LONGEST = timedelta(days=2)
_NOBODY = "nobody"
_YEARS = range(2000, 2200)


async def show_team(request: web.Request) -> web.Response:
    """GET /desk/rota/teams/{id}"""
    only_desk(request)
    return await _team_page(request, _number(request))


async def add(request: web.Request) -> web.Response:
    """POST /desk/rota/teams/{id}"""
    only_desk(request)
    form, text, team = await form_of(request), texts_of(request), _number(request)
    failure = ""
    async with database(request) as connection:
        try:
            since, until = _times(form, text)
            if until - since > _LONGEST:
                raise UserError(
                    text.gettext(
                        "A shift of more than two days is not one: look at the times again."
                    )
                )
            done = await _change(
                request, connection, form, team=team, serving=_member(form, text),
                since=since, until=until,
            )  # fmt: skip
        except UserError as error:
            done, failure = "", str(error)
    if done in ("done", "again"):
        return _back()
    return await _team_page(request, team, form=form, failure=failure, status=400)


async def show_shift(request: web.Request) -> web.Response:
    """GET /desk/rota/shifts/{id}"""
    only_desk(request)
    return await _shift_page(request)


async def change(request: web.Request) -> web.Response:
    """POST /desk/rota/shifts/{id}"""
    only_desk(request)
    form, text, queries = await form_of(request), texts_of(request), load_queries("web")
    team, failure = _posted_team(form), ""
    async with database(request) as connection:
        shift = await queries.shift_of(connection, shift=_number(request))
        try:
            if shift is None:
                # Changed meanwhile; or by this very form, sent twice.
                known = await queries.rota_changed_by(connection, action=action_of(request, form))
                done = "again" if known else "conflict"
            else:
                team = shift["team"]
                since, until = _times(form, text)
                _check_within(shift, since, until, text)
                done = await _change(
                    request, connection, form, team=team, relieved=shift["member"],
                    serving=None if form.one("serving") == _NOBODY else _member(form, text),
                    since=max(since, shift["start"]),
                    until=min(until, shift["end"]),
                )  # fmt: skip
        except UserError as error:
            done, failure = "", str(error)
    if done in ("done", "again"):
        return _back()
    if done == "conflict":
        failure = text.gettext(
            "Somebody changed this shift while you had it open: nothing of yours was changed. Here "
            "is how it is now."
        )
        return await _team_page(request, team, failure=failure, status=409)
    return await _shift_page(request, form=form, failure=failure, status=400)


async def _change(
    request: web.Request,
    connection: Connection,
    form: Form,
    *,
    team: int,
    since: datetime,
    until: datetime,
    serving: int | None,
    relieved: int | None = None,
) -> str:
    """Ask for it: done, again or conflict.

    Raises:
        UserError: it is over, or whoever shall serve cannot.
    """
    text = texts_of(request)
    done: str = await load_queries("web").change_rota(
        connection,
        action=action_of(request, form),
        team=team,
        relieved=relieved,
        serving=serving,
        since=since,
        until=until,
        why=why_of(request, form),
    )
    if done == "over":
        raise UserError(text.gettext("That time is over: what was served stays on record."))
    if done == "refused":
        raise UserError(
            text.gettext(
                "This cannot be: whoever serves must be somebody else whose login is open, and the "
                "time at most 31 days long and within 400 days."
            )
        )
    return done


def _times(form: Form, text: Texts) -> tuple[datetime, datetime]:
    since, until = (_time(form.one(name), text) for name in ("since", "until"))
    if since >= until:
        raise UserError(text.gettext("It must end after it begins."))
    return since, until


def _time(given: str, text: Texts) -> datetime:
    """A time of the county's clocks, as a browser's field sends it, in UTC."""
    local = None
    with suppress(ValueError):
        local = datetime.fromisoformat(given[:32])
    if local is None or local.year not in _YEARS or local.tzinfo is not None:
        raise UserError(text.gettext("Give a day and a time for the beginning and for the end."))
    return in_utc(local)


def _check_within(shift: Mapping[str, Any], since: datetime, until: datetime, text: Texts) -> None:
    minute = timedelta(minutes=1)  # A browser's field has no seconds.
    if since <= shift["start"] - minute or until >= shift["end"] + minute:
        raise UserError(
            text.gettext(
                "The shift is from %(start)s to %(end)s: choose a time within it.",
                start=text.date_time(shift["start"]),
                end=text.date_time(shift["end"]),
            )
        )


def _member(form: Form, text: Texts) -> int:
    """Who shall serve; nobody is a choice too, and never what is left unchosen."""
    serving = _as_number(form.one("serving"))
    if serving is None:
        raise UserError(text.gettext("Choose who serves."))
    return serving


def _posted_team(form: Form) -> int:
    return _as_number(form.one("team")) or 0


def _as_number(given: str) -> int | None:
    return int(given) if given.isascii() and given.isdigit() and len(given) <= 9 else None


def _field(at: datetime) -> str:
    """As a browser's field has it."""
    return f"{at.astimezone(LOCAL):%Y-%m-%dT%H:%M}"


async def _team_page(
    request: web.Request, team: int, *, form: Form | None = None, failure: str = "",
    status: int = 200,
) -> web.Response:  # fmt: skip
    queries, now = load_queries("web"), parts(request).clock.now()
    async with database(request) as connection:
        row = await queries.rota_team(connection, team=team)
        if row is None:
            raise NotFoundError("no such team")
        found = await read_duty(connection, now)
        members = [dict(one) async for one in queries.who_can_serve(connection, team=team)]
    duty = found.duties[team]
    first = duty.gaps[0] if duty.gaps and not duty.empty else None
    start = first.start if first else now
    fields = {
        "since": [_field(start)],
        "until": [_field(min(first.end, start + _LONGEST) if first else now + timedelta(hours=8))],
    }
    answer = page(
        request, "desk/rota_team.html", here="/desk/rota", team=row, duty=duty, members=members,
        filled=form or Form(fields), action=new_action(), failure=failure, now=now,
    )  # fmt: skip
    answer.set_status(status)
    return answer


async def _shift_page(
    request: web.Request, *, form: Form | None = None, failure: str = "", status: int = 200
) -> web.Response:
    queries, now = load_queries("web"), parts(request).clock.now()
    async with database(request) as connection:
        shift = await queries.shift_of(connection, shift=_number(request))
        if shift is None:
            raise NotFoundError("no such shift")
        rows = queries.who_can_serve(connection, team=shift["team"])
        members = [dict(one) async for one in rows if one["id"] != shift["member"]]
    fields = {
        "since": [_field(max(shift["start"], now))],
        "until": [_field(shift["end"])],
        "serving": [""],
    }
    answer = page(
        request, "desk/rota_shift.html", here="/desk/rota", shift=shift, members=members,
        filled=form or Form(fields), action=new_action(), failure=failure, now=now,
    )  # fmt: skip
    answer.set_status(status)
    return answer


def _back() -> web.Response:
    return web.Response(status=303, headers={"Location": "/desk/rota"})


def _number(request: web.Request) -> int:
    return int(request.match_info["id"])


ROUTES = [
    web.get(r"/desk/rota/teams/{id:\d{1,9}}", show_team),
    web.post(r"/desk/rota/teams/{id:\d{1,9}}", add),
    web.get(r"/desk/rota/shifts/{id:\d{1,9}}", show_shift),
    web.post(r"/desk/rota/shifts/{id:\d{1,9}}", change),
]
