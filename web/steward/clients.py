"""A client's plan: own limits, oxygen, conditions, agreed limits of care; its history; pauses.

    GET   /clients/{pseudonym}/plan                    whoever sees the client
    POST  /clients/{pseudonym}/plan                    clinicians in whose care the client is

Pauses are on the same page (web.steward.pauses).
The database decides who may (0033_changes.sql). A change says from what it was made; where that is
no longer so, it is shown what others did meanwhile, and nothing is lost of what was filled in.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from alerts.rules.forms import FORMS
from core.clock import LOCAL
from core.database import load_queries
from core.errors import UserError
from core.record import CONDITIONS
from web.access import purpose_of, record_looks
from web.break_glass import open_until
from web.county_rules import read_county_rules
from web.episodes import age
from web.errors import ForbiddenError
from web.i18n import Texts
from web.pages import page
from web.parts import caller, database, parts, texts_of
from web.steward.differences import differences
from web.steward.filling import LEVELS, Filling, Form, changeable
from web.steward.plan import Plan, read_plan, unit_of, written
from web.steward.requests import action_of, form_of, new_action, why_of
from web.steward.showing import merged, number_text, shown
from web.steward.wording import KNOWN_CONDITIONS, LIMITS, MEDICINES, RULES
from web.steward.wording import LEVELS as LEVEL_NAMES
from web.trends import Subject, find_subject
from web.words import CARE_LIMITS, METRICS, PAUSES, UNITS

_HISTORY = 50
"""Changes and pauses shown, the newest."""


async def show(request: web.Request) -> web.Response:
    """GET /clients/{pseudonym}/plan"""
    return await plan_page(request)


async def change(request: web.Request) -> web.Response:
    """POST /clients/{pseudonym}/plan"""
    form, text, member = await form_of(request), texts_of(request), caller(request)
    async with database(request) as connection:
        subject = await client_of(request, connection)
        row = await load_queries("web").plan(connection, subject=subject.id)
        if not row["may_plan"]:
            raise refused(request)
        before, failure, status = read_plan(row["plan"]), "", 400
        try:
            action, why = action_of(request, form), why_of(request, form)
            rules = (await read_county_rules(connection)).rules
            after = Filling(form, text, rules, member.display_name).plan(before)
        except UserError as error:
            failure = str(error)
        else:
            done = await load_queries("web").change_plan(
                connection,
                action=action,
                subject=subject.id,
                was=form.one("was"),
                plan=written(after),
                why=why,
            )
            if done == "refused":
                raise refused(request)
            if done == "conflict":
                form = await _merged(connection, subject.id, form, before, text)
                failure = text.gettext(
                    "Somebody changed this plan while you had it open, so nothing of yours was "
                    "saved yet: look at the newest change below. The form holds theirs and yours "
                    "together; save it again if that is right."
                )
                status = 409
    if failure:
        return await plan_page(request, form=form, failure=failure, status=status)
    return back(subject)


async def _merged(connection: Any, subject: int, form: Form, now: Plan, text: Texts) -> Form:
    """The form with what others changed meanwhile wherever it was not changed itself."""
    seen = await load_queries("web").plan_seen(connection, subject=subject, was=form.one("was"))
    return form if seen is None else merged(form, shown(read_plan(seen), text), shown(now, text))


def refused(request: web.Request) -> ForbiddenError:
    """Seeing is not deciding."""
    return ForbiddenError(
        texts_of(request).gettext("This is not yours to change: nothing was changed.")
    )


def back(subject: Subject) -> web.Response:
    """To the page, so that loading it again sends nothing again."""
    return web.Response(status=303, headers={"Location": f"/clients/{subject.pseudonym}/plan"})


async def client_of(request: web.Request, connection: Any) -> Subject:
    """The client whom the path names, of those whom the caller sees.

    Raises:
        NotFoundError: there is none such.
    """
    subject = await find_subject(connection, request.match_info["pseudonym"])
    if subject.kind != "client":
        raise web.HTTPNotFound
    return subject


async def plan_page(
    request: web.Request,
    *,
    form: Form | None = None,
    pause: Form | None = None,
    failure: str = "",
    pause_failure: str = "",
    status: int = 200,
) -> web.Response:
    """The page; with a form that was refused, as it was filled in."""
    member, shared, text = caller(request), parts(request), texts_of(request)
    now = shared.clock.now()
    queries = load_queries("web")
    async with database(request) as connection:
        subject = await client_of(request, connection)
        await record_looks(
            connection,
            [(member.id, subject.id)],
            what="plan",
            wall=shared.wall(),
            purpose=purpose_of(member),
        )
        row = await queries.plan(connection, subject=subject.id)
        changes = [
            dict(one)
            async for one in queries.plan_changes(connection, subject=subject.id, count=_HISTORY)
        ]
        pauses = [
            dict(one)
            async for one in queries.pauses_of(
                connection, subject=subject.id, now=now, count=_HISTORY
            )
        ]
        glass = await open_until(connection, subject.id)
        rules = (await read_county_rules(connection)).rules
    plan = read_plan(row["plan"])
    for one in changes:
        before, after = (read_plan(one["detail"][key]) for key in ("before", "after"))
        one["said"] = differences(text, before, after)
    for one in pauses:
        one["action"] = new_action()
    filled = shown(plan, text) if form is None else form
    today = now.astimezone(LOCAL).date()
    answer = page(
        request,
        "steward/plan.html",
        here=f"/clients/{subject.pseudonym}/plan",
        subject=subject,
        age=age(subject.born, today),
        glass=glass,
        plan=plan,
        care_due=_care_due(plan, today),
        filled=filled,
        other_conditions=[one for one in filled.lines("conditions") if one not in CONDITIONS],
        metrics=[
            (metric, UNITS.get(unit_of(metric), unit_of(metric))) for metric in plan.metrics()
        ],
        known_conditions=CONDITIONS,
        rules=[(name, rule, _limits_of(name)) for name, rule in changeable(rules)],
        own={one.rule: one for one in plan.record.rules},
        digest=form.one("was") if form is not None and status == 400 else row["digest"],
        may_plan=row["may_plan"],
        may_pause=row["may_pause"],
        action=new_action(),
        pause_action=new_action(),
        pause=pause or Form({}),
        pause_kinds=PAUSES,
        pauses=pauses,
        changes=changes,
        failure=failure,
        pause_failure=pause_failure,
        tables={
            "rules": RULES,
            "limits": LIMITS,
            "levels": LEVEL_NAMES,
            "medicines": MEDICINES,
            "care": CARE_LIMITS,
            "conditions": KNOWN_CONDITIONS,
        },
        metric_names=METRICS,
        number_text=number_text,
    )
    answer.set_status(status)
    return answer


def _care_due(plan: Plan, today: Any) -> bool:
    care = plan.record.care_limits
    return care is not None and care.review_on <= today


def _limits_of(name: str) -> list[tuple[str, str]]:
    """(level, limit) of a rule, in the order in which they are shown."""
    form = FORMS[name]
    return [
        (level, limit)
        for level in LEVELS
        for limit in (form.limits if level == "limits" else form.crossed)
    ]


ROUTES = [
    web.get("/clients/{pseudonym}/plan", show),
    web.post("/clients/{pseudonym}/plan", change),
]
