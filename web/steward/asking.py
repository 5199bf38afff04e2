"""Asking for other numbers of a rule: history is replayed by them, and a proposal comes of it.

    GET   /desk/rules/ask/{rule}    its numbers, and what they are called
    POST  /desk/rules/ask/{rule}    have other ones judged (saimi.judging)

Nothing is in force by asking: what comes of it is decided on like any proposal (web.steward.rules).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from alerts.rules.editing import Number, edited, may_be_asked, numbers_of, written_of
from alerts.rules.in_force import shipped_text
from alerts.rules.rule import RuleError
from core.database import Connection, load_queries
from core.errors import NotFoundError, UserError
from web.county_rules import CountyRules, read_county_rules
from web.i18n import Texts, mark
from web.pages import page
from web.parts import database, texts_of
from web.steward.devices import only_desk
from web.steward.filling import Form, number_of
from web.steward.requests import action_of, form_of, new_action, why_of
from web.steward.rule_differences import rule_rows
from web.steward.showing import number_text
from web.steward.wording import LEVELS, LIMITS, RULES, named
from web.words import SEVERITIES

DAYS = (7, 14, 28, 56, 84)
"""How far back history is replayed; the third is offered first."""
LATELY = timedelta(days=7)
"""As long it is said that a request ended without a proposal."""
_AWAY = timedelta(minutes=1)
"""A judge that was not heard for longer is not there."""
MINUTES: dict[str, str] = {
    "for_min": mark("for minutes"),
    "confirm_within_min": mark("waits for a repeat reading, minutes"),
}
FAILURES: dict[str, str] = {
    "other_rules": mark("Other rules came into force after it was asked: ask for it anew."),
    "no_readings": mark("Of that time there are no readings that could be replayed: ask for less."),
    "unusable": mark("This version of Saimi cannot use these rules."),
    "failed": mark("The replay failed: the operators find why in the log of saimi judge."),
}
"""Why no proposal came of a request, as the database keeps it."""


@dataclass(frozen=True)
class Field:
    """A number on the page; `holds`: what is in force where nothing is filled in."""

    number: Number
    label: str
    value: str
    holds: str


@dataclass(frozen=True)
class Request:
    """A request that waits, or that no proposal came of."""

    rule: str
    by: str
    asked_at: datetime
    days: int
    why: str
    failure: str
    """In words; "": it waits."""


async def requests(
    connection: Connection, text: Texts, *, now: datetime, count: int
) -> list[Request]:
    """What waits for a judge, and what lately ended without a proposal."""
    rows = load_queries("web").requests_seen(connection, count=count, since=now - LATELY)
    return [
        Request(
            named(text, RULES, row["rule"]), row["by"], row["asked_at"], row["days"], row["why"],
            "" if row["failure"] is None else named(text, FAILURES, row["failure"]),
        )
        async for row in rows
    ]  # fmt: skip


async def is_judged(connection: Connection, wall: datetime) -> bool:
    """Whether a judge is at work."""
    heard = await load_queries("web").judge_heard(connection)
    return heard is not None and wall - heard < _AWAY


async def show(request: web.Request) -> web.Response:
    """GET /desk/rules/ask/{rule}"""
    only_desk(request)
    async with database(request) as connection:
        county = await read_county_rules(connection)
    return _form_page(request, county)


async def ask(request: web.Request) -> web.Response:
    """POST /desk/rules/ask/{rule}"""
    only_desk(request)
    form, text, rule = await form_of(request), texts_of(request), request.match_info["rule"]
    failure, status, done = "", 400, ""
    async with database(request) as connection:
        county = await read_county_rules(connection)
        _known(county, rule)
        try:
            action, why = action_of(request, form), why_of(request, form)
            written = text_in_force(county)
            done = await load_queries("web").ask_rules(
                connection,
                action=action,
                rule=rule,
                rules=_asked(form, text, county, rule, written),
                judged_against=written,
                in_force=0 if county.decided is None else county.decided.proposal,
                days=_days(form, text),
                why=why,
            )
        except RuleError as error:
            failure = text.gettext("These numbers do not go together: %(why)s", why=str(error))
        except UserError as error:
            failure = str(error)
    if done in ("refused", "conflict", "file", "many"):
        failure, status = _refusals(text)[done], 403 if done == "refused" else 409
    if failure:
        answer = _form_page(request, county, form=form, failure=failure)
        answer.set_status(status)
        return answer
    return web.Response(status=303, headers={"Location": "/desk/rules"})


def text_in_force(county: CountyRules) -> str:
    """The rule file that the desk's rules are from."""
    return shipped_text() if county.decided is None else county.decided.text


def _refusals(text: Texts) -> dict[str, str]:
    return {
        "refused": text.gettext("Only the duty desk may ask for this: nothing was changed."),
        "conflict": text.gettext(
            "Other rules came into force meanwhile: nothing was changed. Look at this again."
        ),
        "file": text.gettext(
            "The engine goes by a rule file of the operators, which would stay in force: nothing "
            "was changed."
        ),
        "many": text.gettext(
            "Ten requests wait to be judged already: wait until one of them is done."
        ),
    }


def _known(county: CountyRules, rule: str) -> None:
    found = county.rules.rules.get(rule)
    if found is None or not may_be_asked(found):
        raise NotFoundError("no rule whose numbers can be asked for")


def _days(form: Form, text: Texts) -> int:
    given = form.one("days")
    if given not in map(str, DAYS):
        raise UserError(text.gettext("This request cannot be understood."))
    return int(given)


def _label(text: Texts, one: Number) -> str:
    name = text.gettext(MINUTES[one.name]) if one.name in MINUTES else named(text, LIMITS, one.name)
    return f"{text.gettext(LEVELS[one.place])}: {name}" if one.place in LEVELS else name


def _asked(form: Form, text: Texts, county: CountyRules, rule: str, written: str) -> str:
    """The file with the numbers of the form.

    Raises:
        UserError: a number is missing or makes no sense, or none is another; names it.
    """
    wanted: dict[str, float | None] = {}
    for one in numbers_of(county.rules[rule], written_of(written, rule)):
        label = _label(text, one)
        value = number_of(form, text, one.key, label, one.least, one.most)
        if value is None and one.needed:
            raise UserError(text.gettext("%(field)s must be filled in.", field=label))
        if value != one.written:
            wanted[one.key] = value
    if not wanted:
        raise UserError(text.gettext("These are the numbers in force: change one of them."))
    return edited(written, county.rules, rule, wanted)


def _form_page(
    request: web.Request, county: CountyRules, *, form: Form | None = None, failure: str = ""
) -> web.Response:
    text, rule = texts_of(request), request.match_info["rule"]
    _known(county, rule)
    numbers = numbers_of(county.rules[rule], written_of(text_in_force(county), rule))
    [row] = [one for one in rule_rows(text, county.rules) if one.id == rule]
    fields = [
        Field(
            one,
            _label(text, one),
            number_text(one.written, text) if form is None else form.one(one.key),
            number_text(one.holds, text) or "–",
        )
        for one in numbers
    ]
    values: dict[str, Any] = {
        "here": "/desk/rules",
        "rule": row,
        "severities": SEVERITIES,
        "fields": fields,
        "days": DAYS,
        "chosen": str(DAYS[2]) if form is None else form.one("days"),
        "why": "" if form is None else form.one("why"),
        "file": county.file,
        "action": new_action(),
        "failure": failure,
    }
    return page(request, "steward/ask_rule.html", **values)


ROUTES = [
    web.get(r"/desk/rules/ask/{rule:[a-z0-9_]{1,40}}", show),
    web.post(r"/desk/rules/ask/{rule:[a-z0-9_]{1,40}}", ask),
]
