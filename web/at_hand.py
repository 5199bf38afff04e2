"""What a team member must have at hand: before they drive, at the door, and inside.

Hazards, key and way; oxygen and agreed limits of care; whom to call when nobody answers; what
happened on earlier visits; how far the visit has come, and the timer of who is alone.

    POST /api/episodes/{id}/door-code   {"code"}: for whoever has the open alert; each look is on
                                        record
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
from aiohttp import web

from alerts.episodes import listing
from alerts.episodes.listing import Card, Event
from alerts.handling import alone
from core.clock import LOCAL
from core.database import Connection, load_queries
from core.errors import ConflictError, NotFoundError
from core.record import Contact, Record
from web.access import purpose_of, record_looks, shown_with
from web.api import episode_id, json_answer
from web.i18n import Texts
from web.openapi import answers
from web.openapi.operation import Operation, described
from web.parts import caller, database, parts, texts_of
from web.sentences import named
from web.values import value_text
from web.words import CARE_LIMITS, HAZARDS, KINDS, OUTCOMES, ROLES

MOST_VISITS = 5
_STEPS = ("acknowledged", "handed_over", "renewed", "on_way", "arrived")
_ENDS = ("released", "lapsed")


@dataclass(frozen=True)
class PersonAtHand:
    """One client of the alert."""

    oxygen: str
    """What is prescribed and aimed at, in words; empty: nothing is known."""
    limits: tuple[str, ...]
    """Limits of care that hold today."""
    review_due: bool
    """They were agreed, and their review is due: they hold no more."""
    contacts: tuple[tuple[str, Contact], ...]
    remote_visit: str | None
    conditions: tuple[str, ...]
    usual_cognition: str


@dataclass(frozen=True)
class Visit:
    """How an earlier alert ended."""

    id: int
    kind: str
    at: datetime
    by: str
    outcome: str
    note: str


@dataclass(frozen=True)
class AtHand:
    """What the page of an alert shows besides the alert."""

    hazards: tuple[str, ...]
    map: str | None
    """A geo: link (RFC 5870), which opens the phone's own map."""
    has_code: bool
    travel_min: int | None
    people: dict[int, PersonAtHand]
    visits: tuple[Visit, ...]
    step: str
    """"", acknowledged, on_way or arrived: how far whoever has it has come."""
    alone: alone.Alone | None
    """The caller's own timer."""


def step_of(events: Sequence[Event]) -> str:
    """How far a visit has come, by the alert's events, oldest first. Pure."""
    for event in reversed(events):
        if event.what in _ENDS or (event.detail.get("acknowledgement_ended")):
            return ""
        if event.what in _STEPS:
            return event.what if event.what in ("on_way", "arrived") else _before(events, event)
    return ""


def _before(events: Sequence[Event], one: Event) -> str:
    """Going on with it changes nothing of how far somebody has come; taking it begins anew."""
    if one.what != "renewed":
        return "acknowledged"
    earlier = [event for event in events if event.id < one.id]
    return step_of(earlier) or "acknowledged"


async def at_hand(
    connection: Connection,
    card: Card,
    events: Sequence[Event],
    bands: dict[str, dict[str, Any]],
    *,
    member: int,
    text: Texts,
    now: datetime,
) -> AtHand:
    """Everything at hand of an alert; `card` only as the member may see it."""
    queries, today = load_queries("web"), now.astimezone(LOCAL).date()
    subjects = [person.subject for person in card.people]
    home = await queries.at_hand_home(connection, subject=card.subject)
    people = {
        row["subject"]: _person(row, bands if len(subjects) == 1 else {}, today, text)
        async for row in queries.at_hand_people(connection, subjects=subjects)
    }
    visits = tuple(
        [
            Visit(
                row["id"],
                named(text, KINDS, row["kind"]),
                row["closed_at"],
                row["by"] or "",
                named(text, OUTCOMES, row["outcome"] or ""),
                row["note"],
            )
            async for row in queries.recent_visits(
                connection,
                subjects=[card.subject, *subjects],
                episode=card.id,
                most=MOST_VISITS,
            )
        ]
    )
    ways = [
        event.detail.get("travel_min")
        for event in events
        if event.what == "called" and event.member == member
    ]
    return AtHand(
        hazards=tuple(text.gettext(HAZARDS[one]) for one in home["hazards"] if one in HAZARDS)
        if home
        else (),
        map=_map(home) if home else None,
        has_code=bool(home and home["has_code"]),
        travel_min=next((way for way in reversed(ways) if way is not None), None),
        people=people,
        visits=visits,
        step=step_of(events) if card.acknowledged_at is not None else "",
        alone=await alone.running(connection, member),
    )


def _map(home: Any) -> str | None:
    if home["latitude"] is None or home["longitude"] is None:
        return None
    place = f"{home['latitude']:.6f},{home['longitude']:.6f}"
    return f"geo:{place}?q={place}"


def _person(row: Any, bands: dict[str, dict[str, Any]], today: date, text: Texts) -> PersonAtHand:
    try:
        record = msgspec.json.decode(row["record"], type=Record)
    except msgspec.ValidationError:
        record = Record()  # Written by another version: what can be shown is shown.
    care, holding = record.care_limits, record.care_agreed(today)
    return PersonAtHand(
        oxygen=_oxygen(row["oxygen_prescribed"], record, bands.get("spo2"), text),
        limits=tuple(text.gettext(CARE_LIMITS[one]) for one in holding),
        review_due=care is not None and not holding and today >= care.review_on,
        contacts=tuple((text.gettext(ROLES[one.role]), one) for one in record.contacts),
        remote_visit=record.remote_visit,
        conditions=tuple(row["conditions"]),
        usual_cognition=record.usual_cognition,
    )


def _oxygen(
    prescribed: bool | None, record: Record, band: dict[str, Any] | None, text: Texts
) -> str:
    parts_: list[str] = []
    if record.oxygen_flow is not None:
        parts_.append(value_text(text, "oxygen_flow", record.oxygen_flow))
    elif prescribed:
        parts_.append(text.gettext("prescribed"))
    if band is not None and band["own"]:
        low, high = band["low"], band["high"]
        if low is not None and high is not None:
            span = f"{text.number(low)}–{value_text(text, 'spo2', high)}"
        else:
            sign = "≥" if low is not None else "≤"
            span = f"{sign} {value_text(text, 'spo2', low if low is not None else high)}"
        parts_.append(text.gettext("target %(range)s", range=span))
    return ", ".join(parts_)


@described(Operation("The door code, for whoever has it", answers.DoorCode, refusals=(409,)))
async def door_code(request: web.Request) -> web.Response:
    """POST /api/episodes/{id}/door-code"""
    member, shared, text = caller(request), parts(request), texts_of(request)
    async with database(request) as connection:
        card, _ = await listing.episode(
            connection, member=member.id, now=shared.clock.now(), episode=episode_id(request)
        )
        if card.closed_at is not None or card.acknowledged_by != member.id:
            raise ConflictError(
                text.gettext("The door code is shown to whoever has the open alert: take it first.")
            )
        code = await code_of(connection, card)
        if not code:
            raise NotFoundError("The home has no door code.")
        await record_looks(
            connection,
            [(member.id, subject) for subject in shown_with(card)],
            what="door_code",
            wall=shared.wall(),
            detail={"episode": card.id},
            purpose=purpose_of(member),
        )
    return json_answer({"code": code})


async def code_of(connection: Connection, card: Card) -> str:
    """The door code of the alert's home; empty: there is none."""
    return str(await load_queries("web").door_code(connection, subject=card.subject) or "")


ROUTES = [web.post("/api/episodes/{id}/door-code", door_code)]
