"""Whose a device is: what waits for an owner, saying whose it is, ending that. For coordinators.

    GET   /desk/devices                  what waits: unknown and unassigned devices, held readings
    GET   /desk/devices/new              a device that a gateway tells of and nobody registered
    POST  /desk/devices/new
    GET   /desk/devices/{id}             one, with whose it was when
    POST  /desk/devices/{id}/assign      first shows what would change; then, confirmed, does it
    POST  /desk/devices/{id}/end         from now on it is nobody's

Who is meant is said twice: chosen by name, and confirmed by their year of birth. What ingest kept
of readings that were nobody's is tried again by its upkeep (`telemetry.retry`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from core.database import Connection, load_queries
from core.errors import ConflictError, NotFoundError, UserError
from web.access import purpose_of, record_looks
from web.i18n import Texts
from web.pages import page
from web.parts import caller, database, parts, texts_of
from web.steward.filling import Form
from web.steward.pauses import local_time
from web.steward.requests import action_of, form_of, new_action, why_of
from web.values import metric_name
from web.words import DEVICES

_SHOWN = 200
"""Rows of each list."""


@dataclass(frozen=True)
class Wish:
    """Whose a device is to be, as it was filled in."""

    owner: dict[str, Any]
    user_index: int
    since: datetime
    why: str


def owner_text(text: Texts, owner: Any) -> str:
    """A client as people here know them, with the year of birth; or the home."""
    if owner["born"] is None:
        return text.gettext("the home itself")
    name = f"{owner['given_name']} {owner['family_name']}"
    return text.gettext("%(name)s, born %(year)s", name=name, year=owner["born"].year)


async def waiting(request: web.Request) -> web.Response:
    """GET /desk/devices"""
    only_desk(request)
    text, queries = texts_of(request), load_queries("web")
    async with database(request) as connection:
        lists = {
            "refused": [
                dict(row) async for row in queries.devices_waiting(connection, count=_SHOWN)
            ],
            "held": [dict(row) async for row in queries.held_waiting(connection, count=_SHOWN)],
            "idle": [
                dict(row)
                async for row in queries.devices_unassigned(
                    connection, now=parts(request).clock.now(), count=_SHOWN
                )
            ],
        }
    for rows in lists.values():
        for row in rows:
            named = [metric_name(text, one) for one in row.get("metrics", ()) if one]
            row["measures"] = text.listing(named)
    return page(request, "steward/devices.html", kinds=DEVICES, most=_SHOWN, **lists)


async def show(request: web.Request) -> web.Response:
    """GET /desk/devices/{id}"""
    only_desk(request)
    return await _device_page(request, Form({}))


async def assign(request: web.Request) -> web.Response:
    """POST /desk/devices/{id}/assign"""
    only_desk(request)
    form, text = await form_of(request), texts_of(request)
    number = int(request.match_info["id"])
    async with database(request) as connection:
        try:
            wish = await _wish(request, connection, number, form)
            if form.one("step") != "confirm":
                done = "ask"
            else:
                _confirmed(text, wish.owner, form)
                done = await load_queries("web").assign_device(
                    connection,
                    action=action_of(request, form),
                    device=number,
                    user_index=wish.user_index,
                    subject=wish.owner["id"],
                    since=wish.since,
                    was=form.one("was"),
                    why=wish.why,
                )
        except UserError as error:
            done, failure = "", str(error)
    if done == "":
        return await _device_page(request, form, failure=failure, status=400)
    if done == "ask":
        return await _device_page(request, form, wish=wish)
    return _answer(request, done, number)


async def end(request: web.Request) -> web.Response:
    """POST /desk/devices/{id}/end"""
    only_desk(request)
    form = await form_of(request)
    number = int(request.match_info["id"])
    async with database(request) as connection:
        try:
            done = await load_queries("web").end_assignment(
                connection,
                action=action_of(request, form),
                device=number,
                user_index=_index(texts_of(request), form),
                was=form.one("was"),
                why=why_of(request, form),
            )
        except UserError as error:
            done, failure = "", str(error)
    if done == "":
        return await _device_page(request, form, failure=failure, status=400)
    return _answer(request, done, number)


async def new(request: web.Request) -> web.Response:
    """GET /desk/devices/new?gateway=NUMBER&name=NAME"""
    only_desk(request)
    given = {name: [request.query.get(name, "")] for name in ("gateway", "name")}
    return await _new_page(request, Form(given))


async def add(request: web.Request) -> web.Response:
    """POST /desk/devices/new"""
    only_desk(request)
    form, text = await form_of(request), texts_of(request)
    name, kind, place = (form.one(one) for one in ("name", "kind", "location"))
    try:
        action, why = action_of(request, form), why_of(request, form)
        if not 1 <= len(name) <= 64 or not 1 <= len(kind) <= 200 or len(place) > 200:
            raise UserError(text.gettext("A device needs its name and what kind of device it is."))
    except UserError as error:
        return await _new_page(request, form, failure=str(error))
    async with database(request) as connection:
        number = await load_queries("web").add_device(
            connection, action=action, gateway=_gateway(form), name=name, kind=kind, location=place,
            why=why,
        )  # fmt: skip
    if number is None:
        raise NotFoundError("no such gateway")
    return web.Response(status=303, headers={"Location": f"/desk/devices/{number}"})


def only_desk(request: web.Request) -> None:
    """Refuse whoever is no coordinator, as if there were nothing; the database holds it too.

    Raises:
        NotFoundError: it is somebody else.
    """
    if caller(request).role != "coordinator":
        raise NotFoundError("for the desk")


def _answer(request: web.Request, done: str, number: int) -> web.Response:
    if done == "refused":
        raise NotFoundError("no such device, owner or assignment")
    if done == "conflict":
        raise ConflictError(
            texts_of(request).gettext(
                "Somebody changed whose this device is while you had it open: nothing was "
                "changed. Go back, reload the page and look again."
            )
        )
    return web.Response(status=303, headers={"Location": f"/desk/devices/{number}"})


async def _wish(request: web.Request, connection: Connection, device: int, form: Form) -> Wish:
    text, now = texts_of(request), parts(request).clock.now()
    owners = [dict(row) async for row in load_queries("web").owners_of(connection, device=device)]
    owner = next((one for one in owners if one["pseudonym"] == form.one("owner")), None)
    if owner is None:
        raise UserError(text.gettext("Choose whose the device is."))
    since = now if form.one("since") == "" else local_time(form.one("since"))
    if since is None or since > now:
        raise UserError(text.gettext("The day and time must be such, and not ahead of now."))
    return Wish(owner, _index(text, form), since, why_of(request, form))


def _index(text: Texts, form: Form) -> int:
    given = form.one("user_index") or "0"
    if not given.isascii() or not given.isdigit() or not 0 <= int(given) <= 32_767:
        raise UserError(text.gettext("The user index is a number from 0 to 32767."))
    return int(given)


def _confirmed(text: Texts, owner: dict[str, Any], form: Form) -> None:
    """Whoever is meant was meant."""
    if owner["born"] is None:
        if form.one("confirmed") == "home":
            return
        raise UserError(text.gettext("Confirm that the device is the home's."))
    if form.one("confirmed") != str(owner["born"].year):
        raise UserError(
            text.gettext(
                "You chose %(owner)s, but confirmed with the year %(year)s: nothing was changed. "
                "Make sure who is meant.",
                owner=owner_text(text, owner),
                year=form.one("confirmed")[:20] or "–",
            )
        )


def _gateway(form: Form) -> int:
    given = form.one("gateway")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0


async def _new_page(request: web.Request, form: Form, *, failure: str = "") -> web.Response:
    queries = load_queries("web")
    async with database(request) as connection:
        gateway = await queries.gateway_of(connection, gateway=_gateway(form))
        kinds = [row["kind"] async for row in queries.device_kinds(connection)]
    if gateway is None or gateway["id"] == 0:
        raise NotFoundError("no such gateway")
    answer = page(
        request,
        "steward/new_device.html",
        here="/desk/devices",
        gateway=gateway,
        form=form,
        kinds=sorted({*kinds, *DEVICES} - {"entered", "own"}),
        names=DEVICES,
        action=new_action(),
        failure=failure,
    )
    answer.set_status(400 if failure else 200)
    return answer


async def _device_page(
    request: web.Request,
    form: Form,
    *,
    wish: Wish | None = None,
    failure: str = "",
    status: int = 200,
) -> web.Response:
    member, shared, text = caller(request), parts(request), texts_of(request)
    number, queries = int(request.match_info["id"]), load_queries("web")
    async with database(request) as connection:
        device = await queries.device_of(connection, device=number)
        if device is None:
            raise NotFoundError("no such device")
        owners = [dict(row) async for row in queries.owners_of(connection, device=number)]
        history = [dict(row) async for row in queries.assignments_of(connection, device=number)]
        seen = {one["id"] for one in owners} | {one["subject"] for one in history}
        await record_looks(
            connection, [(member.id, one) for one in seen], what="device", wall=shared.wall(),
            purpose=purpose_of(member),
        )  # fmt: skip
        moved = [] if wish is None else await _moved(connection, number, wish, history, text)
    for one in (*owners, *history):
        one["text"] = owner_text(text, one)
    answer = page(
        request,
        "steward/device.html",
        here="/desk/devices",
        device=device,
        owners=owners,
        history=history,
        form=form,
        wish=wish,
        wanted=None if wish is None else owner_text(text, wish.owner),
        moved=moved,
        was=form.one("was") or device["digest"],
        kinds=DEVICES,
        action=new_action(),
        failure=failure,
    )
    answer.set_status(status)
    return answer


async def _moved(
    connection: Connection, device: int, wish: Wish, history: list[dict[str, Any]], text: Texts
) -> list[str]:
    """Which stored readings would go to the new owner, a sentence for each of whose they are."""
    shared = wish.user_index > 0 or any(one["user_index"] > 0 for one in history)
    counts: dict[str, int] = {}
    rows = load_queries("web").readings_since(connection, device=device, since=wish.since)
    async for row in rows:
        if row["subject"] == wish.owner["id"]:
            continue
        if shared and (row["subject"] != 0 or row["user_index"] != wish.user_index):
            continue
        whose = text.gettext("nobody known") if row["subject"] == 0 else owner_text(text, row)
        counts[whose] = counts.get(whose, 0) + row["readings"]
    return [
        text.ngettext(
            "%(n)s stored reading of %(whose)s goes to them.",
            "%(n)s stored readings of %(whose)s go to them.",
            count,
            whose=whose,
        )
        for whose, count in counts.items()
    ]


ROUTES = [
    web.get("/desk/devices", waiting),
    web.get("/desk/devices/new", new),
    web.post("/desk/devices/new", add),
    web.get(r"/desk/devices/{id:\d{1,9}}", show),
    web.post(r"/desk/devices/{id:\d{1,9}}/assign", assign),
    web.post(r"/desk/devices/{id:\d{1,9}}/end", end),
]
