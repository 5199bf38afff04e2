"""Whom to call, how soon and by what: viewed, and changed with a reason on record. The desk.

    GET   /desk/routing                    areas and teams, what happens at each severity, history
    GET   /desk/routing/severity/{name}    times and channels of one severity
    POST  /desk/routing/severity/{name}
    GET   /desk/routing/county             who is called first, working hours, other teams
    POST  /desk/routing/county

Teams are in web.steward.teams. The engine and delivery go by a change within a second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from alerts.finding import Severity
from alerts.routing.rota import DAYS
from core.database import load_queries
from core.errors import UserError
from web.i18n import Texts
from web.pages import page
from web.parts import database, texts_of
from web.steward.devices import only_desk
from web.steward.filling import Form
from web.steward.requests import action_of, form_of, new_action, why_of
from web.steward.routing_differences import DAY_NAMES, routing_differences, team_differences, told
from web.steward.routing_document import (
    KINDS,
    MINUTES,
    Routing,
    read_in_force,
    with_county,
    with_severity,
)
from web.steward.showing import number_text
from web.words import CHANNELS, SERVICES, SEVERITIES, service_name

_HISTORY = 50
_NAMES = {severity.name.lower(): severity for severity in reversed(Severity)}
Change = Callable[[Form, Texts, Mapping[str, Any]], dict[str, Any]]


async def overview(request: web.Request) -> web.Response:
    """GET /desk/routing"""
    only_desk(request)
    text, queries = texts_of(request), load_queries("web")
    async with database(request) as connection:
        routing = await read_in_force(connection)
        areas = {row["id"]: row["name"] async for row in queries.areas_named(connection)}
        teams = [dict(row) async for row in queries.teams_routed(connection)]
        rows = queries.routing_changes(connection, count=_HISTORY)
        changes = [dict(row) async for row in rows]
    for team in teams:
        team["does"] = service_name(text, team["service"])
        team["drives"] = sorted(areas.get(one, "?") for one in team["routing"]["areas"])
    for one in changes:
        before, after = one["detail"]["before"], one["detail"]["after"]
        one["said"] = (
            routing_differences(text, before, after)
            if one["what"] == "routing"
            else team_differences(text, before, after, areas)
        )
    return page(
        request,
        "steward/routing.html",
        routing=routing,
        service=service_name(text, routing.values.service),
        days=[text.gettext(DAY_NAMES[day]) for day in routing.values.working_hours.days],
        severities=[
            (name, one, text.gettext(SEVERITIES[one]),
             told(text, routing.values.of(one), routing.policy.of(one)))
            for name, one in _NAMES.items()
        ],
        areas=[
            (name, [team for team in teams if number in team["routing"]["areas"]])
            for number, name in areas.items()
        ],
        teams=teams,
        changes=changes,
    )  # fmt: skip


async def show_severity(request: web.Request) -> web.Response:
    """GET /desk/routing/severity/{name}"""
    only_desk(request)
    return await _severity_page(request)


async def change_severity(request: web.Request) -> web.Response:
    """POST /desk/routing/severity/{name}"""
    name = _severity(request)

    def change(form: Form, text: Texts, document: Mapping[str, Any]) -> dict[str, Any]:
        return with_severity(form, text, document, name)

    return await _change(request, change, _severity_page)


async def show_county(request: web.Request) -> web.Response:
    """GET /desk/routing/county"""
    only_desk(request)
    return await _county_page(request)


async def change_county(request: web.Request) -> web.Response:
    """POST /desk/routing/county"""
    return await _change(request, with_county, _county_page)


async def _change(request: web.Request, change: Change, show: Any) -> web.Response:
    only_desk(request)
    form, text, failure = await form_of(request), texts_of(request), ""
    async with database(request) as connection:
        routing = await read_in_force(connection)
        document = routing.document()
        try:
            done = await load_queries("web").change_routing(
                connection,
                action=action_of(request, form),
                seen=_seen(form),
                wanted=change(form, text, document),
                was=document,
                why=why_of(request, form),
            )
        except UserError as error:
            done, failure = "", str(error)
    if failure:
        return await _shown(show, request, form, failure, 400)
    if done == "conflict":
        failure = text.gettext(
            "Somebody changed the routing while you had it open: nothing of yours was changed. "
            "Here is how it is now."
        )
        return await _shown(show, request, None, failure, 409)
    return web.Response(status=303, headers={"Location": "/desk/routing"})


async def _shown(
    show: Any, request: web.Request, form: Form | None, failure: str, status: int
) -> web.Response:
    answer: web.Response = await show(request, form=form, failure=failure)
    answer.set_status(status)
    return answer


async def _severity_page(
    request: web.Request, *, form: Form | None = None, failure: str = ""
) -> web.Response:
    name, text = _severity(request), texts_of(request)
    routing = await _routing(request)
    document = routing.document()
    urgency, way = document["severity"][name], document["channels"][name]
    fields = {key: [number_text(urgency[key], text)] for key in MINUTES}
    fields |= {f"kind.{place}": [kind] for place, kind in enumerate(way["kinds"], 1)}
    fields |= {
        "pages": [urgency["pages"]],
        "at_once": [str(way["at_once"])],
        "quiet": ["yes" if way["quiet"] else "no"],
    }
    return page(
        request,
        "steward/severity.html",
        here="/desk/routing",
        level=name,
        severity=_NAMES[name],
        word=text.gettext(SEVERITIES[_NAMES[name]]),
        waits=_NAMES[name] < Severity.URGENT,
        filled=form or Form(fields),
        minutes=MINUTES,
        kinds=[(kind, text.gettext(CHANNELS[kind])) for kind in KINDS],
        seen=routing.number,
        action=new_action(),
        failure=failure,
    )


async def _county_page(
    request: web.Request, *, form: Form | None = None, failure: str = ""
) -> web.Response:
    text, routing = texts_of(request), await _routing(request)
    hours, near = routing.values.working_hours, routing.values.neighbours
    fields: dict[str, list[str]] = {
        "service": [routing.values.service],
        "days": list(hours.days),
        "start": [hours.start],
        "end": [hours.end],
        "most": [str(near.most)],
        "within_min": [number_text(near.within_min, text)],
    }
    services = dict.fromkeys([*SERVICES, routing.values.service])
    return page(
        request,
        "steward/county_routing.html",
        here="/desk/routing",
        filled=form or Form(fields),
        services=[(one, service_name(text, one)) for one in services],
        days=[(day, text.gettext(DAY_NAMES[day])) for day in DAYS],
        seen=routing.number,
        action=new_action(),
        failure=failure,
    )


async def _routing(request: web.Request) -> Routing:
    async with database(request) as connection:
        return await read_in_force(connection)


def _severity(request: web.Request) -> str:
    return request.match_info["name"]


def _seen(form: Form) -> int:
    given = form.one("seen")
    return int(given) if given.isascii() and given.isdigit() and len(given) <= 9 else -1


_PATH = "/desk/routing/severity/{name:emergency|urgent|attention|review}"
ROUTES = [
    web.get("/desk/routing", overview),
    web.get(_PATH, show_severity),
    web.post(_PATH, change_severity),
    web.get("/desk/routing/county", show_county),
    web.post("/desk/routing/county", change_county),
]
