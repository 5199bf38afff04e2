"""What a member does with an alert: every write of the phone. Each is applied once (web.actions).

POST /api/episodes/{id}/acknowledge      I take it -> the episode, as all of these
POST /api/episodes/{id}/renew            I go on with it
POST /api/episodes/{id}/release          I give it back; others are called
POST /api/episodes/{id}/hand-over        {"to": username}
POST /api/episodes/{id}/on-way           {"minutes"?}
POST /api/episodes/{id}/arrived
POST /api/episodes/{id}/contact          {"how", "whom"?, "note"?}: a person was reached
                                         (alerts.handling.handling.HOWS, WHOMS)
POST /api/episodes/{id}/not-reached      {"how", "note"?} (alerts.handling.visit.TRIED)
POST /api/episodes/{id}/note             {"note"}
POST /api/episodes/{id}/ask              {"service", "note"}: another profession
POST /api/episodes/{id}/remote-visit     the client's link was opened
POST /api/episodes/{id}/readings         {"values": {metric: value}, "client"?: pseudonym}
POST /api/episodes/{id}/alone            {"minutes"}: the desk is told unless ended in time
POST /api/episodes/{id}/alone-ended
POST /api/episodes/{id}/close            {"outcome", "note"?, "contact"?, "seen"?}
                                         (seen: id of the newest event that the member knows)
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar

import msgspec
from aiohttp import web

from alerts.episodes import listing
from alerts.handling import alone, handling, refused, visit
from core import entered
from core.database import Connection, load_queries
from core.errors import NotFoundError, UserError
from web.actions import apply
from web.api import episode_id, whose
from web.i18n import Texts
from web.openapi import answers
from web.openapi.operation import Handler, Operation, described
from web.parts import caller, parts, texts_of
from web.words import OUTCOMES

_T = TypeVar("_T")
_H = TypeVar("_H", bound=Handler)


def _action(summary: str, body: Any = None) -> Callable[[_H], _H]:
    return described(Operation(summary, answers.WholeEpisode, body, action=True))


@_action("I take it")
async def acknowledge(request: web.Request) -> web.Response:
    """POST /api/episodes/{id}/acknowledge"""

    async def act(connection: Connection, made_at: datetime | None) -> int:
        return await handling.acknowledge(connection, made_at=made_at, **whose(request))

    return await apply(request, act)


@_action("I go on with it")
async def renew(request: web.Request) -> web.Response:
    """POST /api/episodes/{id}/renew"""

    async def act(connection: Connection, made_at: datetime | None) -> int:
        return await handling.renew(connection, made_at=made_at, **whose(request))

    return await apply(request, act)


@_action("I give it back; others are called")
async def release(request: web.Request) -> web.Response:
    """POST /api/episodes/{id}/release"""

    async def act(connection: Connection, made_at: datetime | None) -> int:
        return await handling.release(connection, made_at=made_at, **whose(request))

    return await apply(request, act)


class _HandingOver(msgspec.Struct, forbid_unknown_fields=True):
    to: str


@_action("It is handed over", _HandingOver)
async def hand_over(request: web.Request) -> web.Response:
    """POST /api/episodes/{id}/hand-over"""
    wanted = await _body(request, _HandingOver)

    async def act(connection: Connection, made_at: datetime | None) -> int:
        to = await load_queries("alerts").member_named(connection, username=wanted.to)
        return await handling.hand_over(connection, to=to or 0, made_at=made_at, **whose(request))

    return await apply(request, act)


class _OnWay(msgspec.Struct, forbid_unknown_fields=True):
    minutes: Annotated[int, msgspec.Meta(ge=0, le=visit.MAX_MINUTES)] | None = None


@_action("I am on my way", _OnWay)
async def on_way(request: web.Request) -> web.Response:
    """POST /api/episodes/{id}/on-way"""
    given = await _body(request, _OnWay)

    async def act(connection: Connection, made_at: datetime | None) -> int:
        return await visit.on_way(
            connection, minutes=given.minutes, made_at=made_at, **whose(request)
        )

    return await apply(request, act)


@_action("I am there")
async def arrived(request: web.Request) -> web.Response:
    """POST /api/episodes/{id}/arrived"""

    async def act(connection: Connection, made_at: datetime | None) -> int:
        return await visit.arrived(connection, made_at=made_at, **whose(request))

    return await apply(request, act)


class _Contact(msgspec.Struct, forbid_unknown_fields=True):
    how: handling.How
    whom: handling.Whom = "client"
    note: str = ""


@_action("A person was reached", _Contact)
async def contact(request: web.Request) -> web.Response:
    """POST /api/episodes/{id}/contact"""
    given = await _body(request, _Contact)
    note = _note(request, given.note)

    async def act(connection: Connection, made_at: datetime | None) -> int:
        return await handling.contact(
            connection,
            how=given.how,
            whom=given.whom,
            note=note,
            made_at=made_at,
            **whose(request),
        )

    return await apply(request, act)


class _Tried(msgspec.Struct, forbid_unknown_fields=True):
    how: visit.Tried
    note: str = ""


@_action("Nobody was reached", _Tried)
async def not_reached(request: web.Request) -> web.Response:
    """POST /api/episodes/{id}/not-reached"""
    given = await _body(request, _Tried)
    note = _note(request, given.note)

    async def act(connection: Connection, made_at: datetime | None) -> int:
        return await visit.not_reached(
            connection, how=given.how, note=note, made_at=made_at, **whose(request)
        )

    return await apply(request, act)


class _Note(msgspec.Struct, forbid_unknown_fields=True):
    note: str


@_action("A note", _Note)
async def note(request: web.Request) -> web.Response:
    """POST /api/episodes/{id}/note"""
    written = _note(request, (await _body(request, _Note)).note)
    if not written:
        raise UserError(texts_of(request).gettext("Write something first."))

    async def act(connection: Connection, made_at: datetime | None) -> int:
        return await visit.note(connection, note=written, made_at=made_at, **whose(request))

    return await apply(request, act)


class _Asking(msgspec.Struct, forbid_unknown_fields=True):
    service: Annotated[str, msgspec.Meta(max_length=200)]
    note: str


@_action("Another profession is asked", _Asking)
async def ask(request: web.Request) -> web.Response:
    """POST /api/episodes/{id}/ask"""
    given = await _body(request, _Asking)
    question = _note(request, given.note)
    if not question:
        raise UserError(texts_of(request).gettext("Write something first."))

    async def act(connection: Connection, made_at: datetime | None) -> int:
        return await visit.ask(
            connection, service=given.service, note=question, made_at=made_at, **whose(request)
        )

    return await apply(request, act)


@_action("The client's link was opened")
async def remote_visit(request: web.Request) -> web.Response:
    """POST /api/episodes/{id}/remote-visit"""

    async def act(connection: Connection, made_at: datetime | None) -> int:
        return await visit.remote_visit(connection, made_at=made_at, **whose(request))

    return await apply(request, act)


class _Readings(msgspec.Struct, forbid_unknown_fields=True):
    values: Annotated[
        dict[str, float],
        msgspec.Meta(
            min_length=1,
            extra_json_schema={"propertyNames": {"enum": sorted(entered.ENTERABLE)}},
        ),
    ]
    client: str | None = None


@_action("Readings entered at the door", _Readings)
async def readings(request: web.Request) -> web.Response:
    """POST /api/episodes/{id}/readings"""
    given = await _body(request, _Readings)
    if not given.values.keys() <= set(entered.ENTERABLE):
        raise UserError(texts_of(request).gettext("This request cannot be understood."))

    async def act(connection: Connection, made_at: datetime | None) -> int:
        now = parts(request).clock.now()
        member = caller(request).id
        card, _ = await listing.episode(
            connection, member=member, now=now, episode=episode_id(request)
        )
        people = [
            one for one in card.people if given.client is None or one.pseudonym == given.client
        ]
        if len(people) != 1:
            raise NotFoundError("It is not told which client was measured.")
        await entered.enter(
            connection,
            subject=people[0].subject,
            values=given.values,
            at=made_at or now,
            member=member,
            now=now,
        )
        told = [{"metric": name, "value": value} for name, value in given.values.items()]
        return await visit.observed(connection, readings=told, made_at=made_at, **whose(request))

    return await apply(request, act)


class _Alone(msgspec.Struct, forbid_unknown_fields=True):
    minutes: Annotated[int, msgspec.Meta(ge=5, le=240)]


@_action("The desk is told unless I say in time that I am out", _Alone)
async def alone_started(request: web.Request) -> web.Response:
    """POST /api/episodes/{id}/alone"""
    given = await _body(request, _Alone)

    async def act(connection: Connection, made_at: datetime | None) -> int:
        return await alone.start(
            connection,
            length=timedelta(minutes=given.minutes),
            made_at=made_at,
            **whose(request),
        )

    return await apply(request, act)


@_action("I am out")
async def alone_ended(request: web.Request) -> web.Response:
    """POST /api/episodes/{id}/alone-ended"""

    async def act(connection: Connection, made_at: datetime | None) -> int:
        return await alone.end(connection, made_at=made_at, **whose(request))

    return await apply(request, act)


class _Closing(msgspec.Struct, forbid_unknown_fields=True):
    # Refused below, where the sentence can say what is to be done.
    outcome: Annotated[str, msgspec.Meta(extra_json_schema={"enum": sorted(OUTCOMES)})]
    note: str = ""
    contact: bool = False
    seen: Annotated[int, msgspec.Meta(ge=0, lt=2**62)] | None = None


@_action("It is dealt with", _Closing)
async def close(request: web.Request) -> web.Response:
    """POST /api/episodes/{id}/close"""
    text = texts_of(request)
    closing = await _body(request, _Closing)
    if closing.outcome not in OUTCOMES:
        raise UserError(text.gettext("Choose an outcome first."))
    written = _note(request, closing.note)

    async def act(connection: Connection, made_at: datetime | None) -> int:
        if not closing.contact:
            card, _ = await listing.episode(connection, **whose(request))
            if card.needs_contact and card.closed_at is None:
                raise UserError(text.gettext("Say first that a person was reached."))
        return await handling.close(
            connection,
            outcome=closing.outcome,
            note=written,
            contact=closing.contact,
            seen=closing.seen,
            made_at=made_at,
            **whose(request),
        )

    return await apply(request, act)


async def _body(request: web.Request, form: type[_T]) -> _T:
    try:
        return msgspec.json.decode(await request.read() or b"{}", type=form)
    except msgspec.MsgspecError:
        raise UserError(texts_of(request).gettext("This request cannot be understood.")) from None


def _note(request: web.Request, given: str) -> str:
    """A note as it is stored.

    Raises:
        UserError: it is too long.
    """
    note = given.strip()
    _refuse_long(texts_of(request), note)
    return note


def _refuse_long(text: Texts, note: str) -> None:
    if len(note) > refused.MAX_NOTE:
        raise UserError(
            text.ngettext(
                "The note is %(n)s character too long, so nothing was changed: shorten it.",
                "The note is %(n)s characters too long, so nothing was changed: shorten it.",
                len(note) - refused.MAX_NOTE,
            )
        )


ROUTES = [
    web.post("/api/episodes/{id}/acknowledge", acknowledge),
    web.post("/api/episodes/{id}/renew", renew),
    web.post("/api/episodes/{id}/release", release),
    web.post("/api/episodes/{id}/hand-over", hand_over),
    web.post("/api/episodes/{id}/on-way", on_way),
    web.post("/api/episodes/{id}/arrived", arrived),
    web.post("/api/episodes/{id}/contact", contact),
    web.post("/api/episodes/{id}/not-reached", not_reached),
    web.post("/api/episodes/{id}/note", note),
    web.post("/api/episodes/{id}/ask", ask),
    web.post("/api/episodes/{id}/remote-visit", remote_visit),
    web.post("/api/episodes/{id}/readings", readings),
    web.post("/api/episodes/{id}/alone", alone_started),
    web.post("/api/episodes/{id}/alone-ended", alone_ended),
    web.post("/api/episodes/{id}/close", close),
]
