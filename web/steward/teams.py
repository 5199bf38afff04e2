"""What a team does, and where: area and service say which team is called. The desk.

GET   /desk/routing/teams/{id}
POST  /desk/routing/teams/{id}    its members see clients of these areas who are in their care
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from core.database import load_queries
from core.errors import NotFoundError, UserError
from web.i18n import Texts
from web.pages import page
from web.parts import database, texts_of
from web.steward.devices import only_desk
from web.steward.filling import Form
from web.steward.requests import action_of, form_of, new_action, why_of
from web.words import SERVICES, service_name


async def show(request: web.Request) -> web.Response:
    """GET /desk/routing/teams/{id}"""
    only_desk(request)
    return await _team_page(request)


async def change(request: web.Request) -> web.Response:
    """POST /desk/routing/teams/{id}"""
    only_desk(request)
    form, text, failure = await form_of(request), texts_of(request), ""
    async with database(request) as connection:
        try:
            done = await load_queries("web").change_team(
                connection,
                action=action_of(request, form),
                team=_number(request),
                was=form.one("was"),
                wanted=_wanted(form, text),
                why=why_of(request, form),
            )
        except UserError as error:
            done, failure = "", str(error)
    if done == "refused":
        raise NotFoundError("no such team")
    if failure:
        return await _team_page(request, form=form, failure=failure, status=400)
    if done == "conflict":
        failure = text.gettext(
            "Somebody changed this team while you had it open: nothing of yours was changed. Here "
            "is how it is now."
        )
        return await _team_page(request, failure=failure, status=409)
    return web.Response(status=303, headers={"Location": "/desk/routing"})


def _wanted(form: Form, text: Texts) -> dict[str, Any]:
    service = form.one("service")
    if not 1 <= len(service) <= 200:
        raise UserError(text.gettext("Choose what the team does."))
    base = form.one("base")
    return {
        "service": service,
        "areas": [int(one) for one in form.ticked("areas") if _is_number(one)],
        "base": int(base) if _is_number(base) else None,
    }


def _is_number(given: str) -> bool:
    return given.isascii() and given.isdigit() and len(given) <= 9


async def _team_page(
    request: web.Request, *, form: Form | None = None, failure: str = "", status: int = 200
) -> web.Response:
    text, queries = texts_of(request), load_queries("web")
    async with database(request) as connection:
        team = await queries.team_routed(connection, team=_number(request))
        if team is None:
            raise NotFoundError("no such team")
        areas = [dict(row) async for row in queries.areas_named(connection)]
    fields = {
        "service": [team["service"]],
        "areas": [str(one) for one in team["routing"]["areas"]],
        "base": [str(team["base"] or "")],
    }
    services = dict.fromkeys([*SERVICES, team["service"]])
    answer = page(
        request,
        "steward/team.html",
        here="/desk/routing",
        team=team,
        areas=areas,
        services=[(one, service_name(text, one)) for one in services],
        filled=form or Form(fields),
        was=team["digest"] if form is None else form.one("was"),
        action=new_action(),
        failure=failure,
    )
    answer.set_status(status)
    return answer


def _number(request: web.Request) -> int:
    return int(request.match_info["id"])


ROUTES = [
    web.get(r"/desk/routing/teams/{id:\d{1,9}}", show),
    web.post(r"/desk/routing/teams/{id:\d{1,9}}", change),
]
