"""Users and their rights: role, teams (and by them areas), identity, whether they may log in.

GET   /desk/members          for administrators, who see no client
GET   /desk/members/{id}     one, with what was changed
POST  /desk/members/{id}     set it; who is disabled is logged out at once
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from core.database import load_queries
from core.errors import NotFoundError, UserError
from web.i18n import Texts
from web.pages import page
from web.parts import caller, database, texts_of
from web.steward.filling import Form
from web.steward.requests import action_of, form_of, new_action, why_of
from web.steward.wording import ROLES, named

_SHOWN = 2_000
_HISTORY = 50


async def listed(request: web.Request) -> web.Response:
    """GET /desk/members"""
    _only_administrators(request)
    queries = load_queries("web")
    async with database(request) as connection:
        rows = [dict(row) async for row in queries.members_seen(connection, count=_SHOWN)]
        teams = {row["id"]: row["name"] async for row in queries.teams_with_areas(connection)}
    return page(request, "steward/members.html", rows=rows, teams=teams, roles=ROLES)


async def show(request: web.Request) -> web.Response:
    """GET /desk/members/{id}"""
    _only_administrators(request)
    return await _member_page(request)


async def change(request: web.Request) -> web.Response:
    """POST /desk/members/{id}"""
    _only_administrators(request)
    form, text = await form_of(request), texts_of(request)
    number, failure, status = int(request.match_info["id"]), "", 400
    async with database(request) as connection:
        try:
            done = await load_queries("web").change_rights(
                connection,
                action=action_of(request, form),
                member=number,
                was=form.one("was"),
                wanted=wanted(form, text),
                why=why_of(request, form),
            )
        except UserError as error:
            done, failure = "", str(error)
    if done == "refused":
        raise NotFoundError("no such member, or oneself")
    if done == "taken":
        failure = text.gettext("This identity is another member's: nothing was changed.")
    elif done == "conflict":
        failure, status = (
            text.gettext(
                "Somebody changed this member's rights while you had them open: nothing of yours "
                "was changed. Here is how they are now."
            ),
            409,
        )
    if failure:
        return await _member_page(request, failure=failure, status=status)
    return web.Response(status=303, headers={"Location": f"/desk/members/{number}"})


def wanted(form: Form, text: Texts) -> dict[str, Any]:
    """The rights that were filled in, as the database takes them.

    Raises:
        UserError: there is no such role, or the identity is too long.
    """
    role, identity = form.one("role"), form.one("identity")
    if role not in ROLES or len(identity) > 256:
        raise UserError(text.gettext("Choose a role; an identity has 256 characters at most."))
    teams = sorted({int(one) for one in form.ticked("teams") if one.isascii() and one.isdigit()})
    return {
        "role": role,
        "identity": identity or None,
        "active": form.one("active") == "yes",
        "teams": teams,
    }


def _only_administrators(request: web.Request) -> None:
    if caller(request).role != "administrator":
        raise NotFoundError("for administrators")


async def _member_page(
    request: web.Request, *, failure: str = "", status: int = 200
) -> web.Response:
    text, queries, number = texts_of(request), load_queries("web"), int(request.match_info["id"])
    async with database(request) as connection:
        member = await queries.member_seen(connection, member=number)
        if member is None:
            raise NotFoundError("no such member")
        teams = [dict(row) async for row in queries.teams_with_areas(connection)]
        rows = queries.rights_changes(connection, member=number, count=_HISTORY)
        changes = [dict(row) async for row in rows]
    names = {team["id"]: team["name"] for team in teams}
    for one in changes:
        one["said"] = differences(text, one["detail"]["before"], one["detail"]["after"], names)
    answer = page(
        request,
        "steward/member.html",
        here="/desk/members",
        member=member,
        teams=teams,
        roles=ROLES,
        changes=changes,
        action=new_action(),
        failure=failure,
        own=member["id"] == caller(request).id,
    )
    answer.set_status(status)
    return answer


def differences(
    text: Texts, before: dict[str, Any], after: dict[str, Any], teams: dict[int, str]
) -> list[str]:
    """In what a member's rights differ, a sentence each."""
    shown = [
        {
            text.gettext("Role"): named(text, ROLES, one["role"]),
            text.gettext("Teams"): text.listing(
                teams.get(team, str(team)) for team in one["teams"]
            ),
            text.gettext("Identity at the county's login"): one["identity"] or "",
            text.gettext("May log in"): text.gettext("yes")
            if one["active"]
            else text.gettext("no"),
        }
        for one in (before, after)
    ]
    nothing = text.gettext("nothing")
    return [
        f"{label}: {was or nothing} → {shown[1][label] or nothing}"
        for label, was in shown[0].items()
        if was != shown[1][label]
    ]


ROUTES = [
    web.get("/desk/members", listed),
    web.get(r"/desk/members/{id:\d{1,9}}", show),
    web.post(r"/desk/members/{id:\d{1,9}}", change),
]
