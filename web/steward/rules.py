"""Changes of the county's rules: proposed with their backtest, decided by somebody else. The desk.

    GET   /desk/rules           what waits, what is in force, what was decided
    GET   /desk/rules/{id}      one proposal, its report beside it
    POST  /desk/rules/{id}      accept it, refuse it; withdraw one's own

`saimi rules propose` brings a proposal in, and so does asking for one (web.steward.asking). The
database decides who may (0037_rule_decisions.sql); the engine goes by what was accepted within a
second (alerts.rules.in_force).
"""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from alerts.backtest.report import ChangeReport
from alerts.rules.changes import changes
from alerts.rules.editing import may_be_asked
from alerts.rules.in_force import decided_rules
from alerts.rules.rule import RuleError, Rules
from core.database import Connection, load_queries
from core.errors import NotFoundError, UserError
from web.access import purpose_of, record_looks
from web.county_rules import CountyRules, read_county_rules
from web.i18n import Texts
from web.pages import page
from web.parts import caller, database, parts, texts_of
from web.steward.asking import is_judged, requests
from web.steward.devices import only_desk
from web.steward.judgement import judgement
from web.steward.requests import action_of, form_of, new_action, why_of
from web.steward.rule_differences import RuleChange, rule_differences, rule_rows
from web.steward.wording import DECISIONS
from web.words import SEVERITIES

_SHOWN = 200


async def listed(request: web.Request) -> web.Response:
    """GET /desk/rules"""
    only_desk(request)
    text = texts_of(request)
    async with database(request) as connection:
        rows = [
            dict(row) async for row in load_queries("web").proposals_seen(connection, count=_SHOWN)
        ]
        county = await read_county_rules(connection)
        shared = parts(request)
        asked = await requests(connection, text, now=shared.clock.now(), count=_SHOWN)
        judged = await is_judged(connection, shared.wall())
    return page(
        request,
        "steward/rules.html",
        requests=asked,
        judged=judged,
        askable={name for name, rule in county.rules.rules.items() if may_be_asked(rule)},
        waiting=[row for row in rows if row["outcome"] is None],
        decided=[row for row in rows if row["outcome"] is not None],
        county=county,
        rules=rule_rows(text, county.rules),
        decisions=DECISIONS,
        severities=SEVERITIES,
        most=_SHOWN,
    )


async def show(request: web.Request) -> web.Response:
    """GET /desk/rules/{id}"""
    only_desk(request)
    return await _proposal_page(request)


async def decide(request: web.Request) -> web.Response:
    """POST /desk/rules/{id}"""
    only_desk(request)
    form, text, number = await form_of(request), texts_of(request), _number(request)
    outcome, failure, status = form.one("outcome"), "", 400
    queries = load_queries("web")
    async with database(request) as connection:
        row = await queries.proposal_seen(connection, proposal=number)
        if row is None:
            raise NotFoundError("no such proposal")
        county = await read_county_rules(connection)
        try:
            action, why = action_of(request, form), why_of(request, form)
            if outcome not in DECISIONS:
                raise UserError(text.gettext("This request cannot be understood."))
            if outcome == "accepted" and (obstacle := _obstacle(text, dict(row), county)):
                raise UserError(obstacle)
            done = await queries.decide_rules(
                connection, action=action, proposal=number, outcome=outcome,
                in_force=0 if county.decided is None else county.decided.proposal, why=why,
            )  # fmt: skip
        except UserError as error:
            done, failure = "", str(error)
    if done in ("refused", "decided", "conflict", "file"):
        failure, status = _refusals(text)[done], 403 if done == "refused" else 409
    if failure:
        return await _proposal_page(request, failure=failure, status=status, why=form.one("why"))
    return web.Response(status=303, headers={"Location": f"/desk/rules/{number}"})


def _refusals(text: Texts) -> dict[str, str]:
    return {
        "refused": text.gettext(
            "Who proposes a change does not decide on it, and only they can withdraw it: nothing "
            "was changed."
        ),
        "decided": text.gettext("Somebody has decided on this meanwhile: nothing was changed."),
        "conflict": text.gettext(
            "Other rules came into force meanwhile: nothing was changed. Look at this again."
        ),
        "file": text.gettext(
            "The engine goes by a rule file of the operators, which would stay in force: nothing "
            "was changed."
        ),
    }


def _obstacle(text: Texts, row: dict[str, Any], county: CountyRules) -> str:
    """Why a proposal cannot come into force as things stand; '': it can, or was decided on."""
    if row["outcome"] is not None:
        return ""
    if county.file is not None:
        return text.gettext(
            "The operators have named a rule file (%(file)s), which is in force before anything "
            "that is accepted here: ask them to take it away first.",
            file=county.file,
        )
    try:
        rules = _rules(row["id"], row["rules"])
    except RuleError as error:
        return text.gettext("This version of Saimi cannot use these rules: %(why)s", why=str(error))
    if changes(rules, county.rules) != list(row["changes"]):
        return text.gettext(
            "Other rules have come into force since this was judged, so it would change more than "
            "its report says: have it proposed again."
        )
    return ""


def _rules(number: int, text: str) -> Rules:
    return decided_rules(text, f"proposal {number}")


async def _proposal_page(
    request: web.Request, *, failure: str = "", status: int = 200, why: str = ""
) -> web.Response:
    text, number = texts_of(request), _number(request)
    async with database(request) as connection:
        row = await load_queries("web").proposal_seen(connection, proposal=number)
        if row is None:
            raise NotFoundError("no such proposal")
        county = await read_county_rules(connection)
        report = msgspec.convert(row["report"], ChangeReport, strict=False)
        told = judgement(text, report)
        await _looked(request, connection, number, {one.client for one in told.episodes})
    row = dict(row)
    answer = page(
        request,
        "steward/proposal.html",
        here="/desk/rules",
        one=row,
        differences=_differences(text, row),
        judged=told,
        decisions=DECISIONS,
        severities=SEVERITIES,
        obstacle=_obstacle(text, row, county),
        own=row["member"] == caller(request).id,
        action=new_action(),
        failure=failure,
        why=why,
    )
    answer.set_status(status)
    return answer


def _differences(text: Texts, row: dict[str, Any]) -> list[RuleChange]:
    """As it was judged; of a file that this version no longer reads, what was written then."""
    try:
        before = _rules(row["id"], row["judged_against"] or "")
        return rule_differences(text, before, _rules(row["id"], row["rules"]))
    except RuleError:
        return [RuleChange(line, ()) for line in row["changes"]]


async def _looked(
    request: web.Request, connection: Connection, number: int, pseudonyms: set[str]
) -> None:
    """The report names alerts of clients: that is a look at their data."""
    member = caller(request)
    rows = load_queries("web").subjects_named(connection, pseudonyms=sorted(pseudonyms))
    await record_looks(
        connection,
        [(member.id, row["id"]) async for row in rows],
        what="rule_proposal",
        wall=parts(request).wall(),
        detail={"proposal": number},
        purpose=purpose_of(member),
    )


def _number(request: web.Request) -> int:
    return int(request.match_info["id"])


ROUTES = [
    web.get("/desk/rules", listed),
    web.get(r"/desk/rules/{id:\d{1,9}}", show),
    web.post(r"/desk/rules/{id:\d{1,9}}", decide),
]
