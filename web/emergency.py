"""The prepared call to 112, for whoever may see the alert; each look is on record.

    GET /api/episodes/{id}/emergency-call
    {"number", "where": {address, municipality, latitude, longitude, access},
     "script": {fi, sv, en: [{part, title, text}, …]}, "language": the member's}

A person calls; Saimi only says what to read aloud.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web

from alerts.episodes import listing
from alerts.episodes.listing import Card, Event
from alerts.finding import LIFE_SAFETY, Severity
from alerts.routing.emergency_call import Person, Situation, Wording, emergency_call
from alerts.routing.travel import Place
from core.clock import LOCAL
from core.database import Connection, load_queries
from web.access import purpose_of, record_looks, shown_with
from web.api import episode_id, json_answer
from web.episodes import age, evidence_json
from web.i18n import LANGUAGES, Texts, texts
from web.openapi import answers
from web.openapi.operation import Operation, described
from web.parts import caller, database, parts
from web.sentences import sentence
from web.values import as_time
from web.words import SEVERITIES

_TOLD = 6
"""Values read aloud; more than that nobody writes down."""


@described(Operation("A call to 112, to read aloud", answers.EmergencyCall))
async def call(request: web.Request) -> web.Response:
    """GET /api/episodes/{id}/emergency-call"""
    member, shared = caller(request), parts(request)
    now = shared.clock.now()
    async with database(request) as connection:
        card, events = await listing.episode(
            connection, member=member.id, now=now, episode=episode_id(request)
        )
        await record_looks(
            connection,
            [(member.id, subject) for subject in shown_with(card)],
            what="emergency_call",
            wall=shared.wall(),
            detail={"episode": card.id},
            purpose=purpose_of(member),
        )
        call = await prepared(connection, card, events, member.display_name, now)
    return json_answer({**call, "language": member.language})


async def prepared(
    connection: Connection, card: Card, events: Sequence[Event], who_calls: str, now: datetime
) -> dict[str, Any]:
    """The call about an alert, in every language; the caller has put the look on record."""
    home = await load_queries("alerts").emergency_home(connection, episode=card.id)
    people = await _people(connection, card, now.astimezone(LOCAL).date())
    place = None
    if home is not None and home["latitude"] is not None and home["longitude"] is not None:
        place = Place(home["latitude"], home["longitude"])
    situation = Situation(
        caller=who_calls,
        people=people,
        address=card.address or "",
        municipality=card.area_name or "",
        place=place,
        access=card.access or "",
        access_allowed=card.kind in LIFE_SAFETY or card.severity == Severity.EMERGENCY,
        reached=card.contacted_at is not None,
        coming=card.acknowledged_by_name,
        coming_in=_coming_in(card, events),
    )
    wordings: dict[str, Wording] = {
        language: _wording(card, texts(language), now) for language in LANGUAGES
    }
    return emergency_call(situation, wordings)


async def _people(connection: Connection, card: Card, today: Any) -> tuple[Person, ...]:
    rows = {
        row["subject"]: row
        async for row in load_queries("alerts").emergency_people(
            connection, subjects=[person.subject for person in card.people]
        )
    }
    return tuple(
        Person(
            name=f"{person.given_name} {person.family_name}",
            age=age(person.born, today),
            conditions=tuple(rows[person.subject]["conditions"]),
            oxygen_prescribed=rows[person.subject]["oxygen_prescribed"],
            limits_of_care=person.limits_of_care,
        )
        for person in card.people
        if person.subject in rows
    )


def _coming_in(card: Card, events: Sequence[Event]) -> int | None:
    """How far away whoever has it was when they were called."""
    ways = [
        event.detail.get("travel_min")
        for event in events
        if event.what == "called" and event.member == card.acknowledged_by is not None
    ]
    return msgspec.convert(ways[-1], int | None) if ways else None


def _wording(card: Card, text: Texts, now: Any) -> Wording:
    told = [evidence_json(text, one) for one in card.evidence[:_TOLD]]
    measured = []
    for one in told:
        at = as_time(one.get("time"))
        when = "" if at is None else f" ({text.moment(at, now)})"
        measured.append(f"{one['label']} {one['text']}{when}")
    return Wording(
        happened=sentence(text, card.kind, card.summary),
        time=text.moment(card.opened_at, now),
        urgency=text.gettext(SEVERITIES[card.severity]),
        measured=tuple(measured) if card.kind not in LIFE_SAFETY else (),
    )


ROUTES = [web.get("/api/episodes/{id}/emergency-call", call)]
