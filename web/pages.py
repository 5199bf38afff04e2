"""The pages: the live list, one alert, the clients, one client's trends."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from alerts.delivery import outbox
from alerts.episodes import listing
from alerts.episodes.listing import Card, Event
from alerts.finding import LIFE_SAFETY
from alerts.handling import refused
from core.clock import LOCAL
from core.database import Connection, load_queries
from web.access import purpose_of, record_looks, shown_with
from web.api import episode_id
from web.at_hand import at_hand
from web.break_glass import open_until
from web.emergency import prepared
from web.episodes import age, episode_json
from web.grafana import grafana_link
from web.history import event_json
from web.i18n import Texts
from web.news2 import breakdown
from web.own_words import own_words
from web.parts import caller, database, parts, texts_of
from web.sentences import named, needs_text
from web.session import gather
from web.trend_notes import notes
from web.trends import bands, find_subject, metrics_of
from web.values import as_time, value_text
from web.words import DEVICES, OUTCOME_HELP, OUTCOMES, RECORDS

_JUST_NOW = timedelta(minutes=1)
"""Younger than this is said to be now, as on the live list."""
CLIENTS = 200
"""Clients listed at a time; beyond that people search."""


def page(request: web.Request, name: str, **values: object) -> web.Response:
    """A page for the member who asked."""
    member = caller(request)
    values.setdefault("here", request.path)
    html = parts(request).pages.render(name, member.language, caller=member, **values)
    return web.Response(text=html, content_type="text/html")


async def alerts(request: web.Request) -> web.Response:
    """GET /: the live list; everything in it comes over the stream."""
    return page(request, "alerts.html")


async def episode(request: web.Request) -> web.Response:
    """GET /episodes/{id}: one alert."""
    return page(request, "episode.html", **await _episode(request))


async def episode_part(request: web.Request) -> web.Response:
    """GET /episodes/{id}/part: what of that page changes, for a page that is open."""
    return page(request, "episode_renewed.html", **await _episode(request))


async def _episode(request: web.Request) -> dict[str, Any]:
    member, shared = caller(request), parts(request)
    now = shared.clock.now()
    async with database(request) as connection:
        card, events = await listing.episode(
            connection, member=member.id, now=now, episode=episode_id(request)
        )
        await record_looks(
            connection,
            [(member.id, subject) for subject in shown_with(card)],
            what="episode",
            wall=shared.wall(),
            detail={"episode": card.id},
            purpose=purpose_of(member),
        )
        await outbox.seen_by(connection, episode=card.id, member=member.id, wall=shared.wall())
        return await episode_values(request, connection, card, events)


async def episode_values(
    request: web.Request, connection: Connection, card: Card, events: Sequence[Event]
) -> dict[str, Any]:
    """What the page of an alert is written from; the caller has put the look on record."""
    text, now = texts_of(request), parts(request).clock.now()
    limits = await _limits(connection, card)
    content = episode_json(card, text, now)
    evidence = [_evidence(one, text, limits) for one in content["evidence"]]
    member = caller(request)
    call = await prepared(connection, card, events, member.display_name, now)
    return {
        "card": card,
        "content": content,
        "people": [
            {
                "person": person,
                "age": age(person.born, now.astimezone(LOCAL).date()),
                "needs": needs_text(text, card.summary, person.subject),
            }
            for person in card.people
        ],
        "evidence": evidence,
        "breakdown": breakdown(card, evidence, text),
        "hand": await at_hand(
            connection, card, events, limits, member=member.id, text=text, now=now
        ),
        "call": {"number": call["number"], "script": call["script"][member.language]},
        "events": [event_json(event, card.kind, text) for event in reversed(events)],
        "chart_metrics": _chart_metrics(card),
        "grafana": grafana_link(
            card.pseudonym if card.subject_kind == "client" else None,
            card.opened_at - timedelta(days=1),
            max(card.opened_at + timedelta(hours=2), _trigger_time(card)),
        ),
        "chart_until": max(card.opened_at + timedelta(hours=2), _trigger_time(card)),
        "glass": await open_until(connection, card.subject),
        "own_words": await own_words(connection, card, text),
        "now": now,
        **DIALOGS,
        "here": f"/episodes/{card.id}",
    }


DIALOGS: dict[str, Any] = {
    "outcomes": OUTCOMES,
    "outcome_help": OUTCOME_HELP,
    "max_note": refused.MAX_NOTE,
    "records": RECORDS,
}
"""What the dialogs of an alert's page are written from, whichever alert it is."""


async def _limits(connection: Connection, card: Card) -> dict[str, dict[str, Any]]:
    if card.subject_kind != "client":
        return {}
    subject = await find_subject(connection, card.pseudonym)
    return await bands(connection, subject)


def _evidence(
    one: dict[str, Any], text: Texts, limits: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    band = limits.get(str(one["metric"]))
    at = as_time(one["time"])
    span = ""
    if band is not None:
        low, high = (
            None if band[end] is None else value_text(text, one["metric"], band[end], unit=False)
            for end in ("low", "high")
        )
        span = f"{low}–{high}" if low and high else (f"≥ {low}" if low else f"≤ {high}")
    return {
        **one,
        "device": _device(str(one["device"]), text),
        "at": at,
        "band": span,
        "own": band is not None and band["own"],
        "missing": False,
    }


def _device(name: str, text: Texts) -> str:
    """A device as people know it; what somebody entered, or asked for on a page, came from none."""
    kind = name.partition("-")[0]
    return named(text, DEVICES, kind) if re.fullmatch(r"(entered|own)-\d+", name) else name


def _chart_metrics(card: Card) -> list[str]:
    """The measurements worth drawing behind this alert; the trigger's first."""
    names = [str(one.get("metric")) for one in card.evidence]
    drawn = [name for name in dict.fromkeys(names) if name not in ("consciousness", "oxygen_flow")]
    is_event = card.kind in LIFE_SAFETY
    return drawn if card.subject_kind == "client" and not is_event else []


def _trigger_time(card: Card) -> datetime:
    at = as_time(card.evidence[0]["time"]) if card.evidence else None
    return (at or card.opened_at) + timedelta(hours=1)


async def clients(request: web.Request) -> web.Response:
    """GET /clients: whom I may see."""
    member, shared, text = caller(request), parts(request), texts_of(request)
    now = shared.clock.now()
    search = request.query.get("q", "").strip()[:100]
    async with database(request) as connection:
        await gather(connection)
        rows = [
            row
            async for row in load_queries("web").clients(
                connection, search=search, count=CLIENTS + 1
            )
        ]
        shown = rows[:CLIENTS]
        await record_looks(
            connection,
            {(member.id, row["subject"]) for row in shown},
            what="list",
            wall=shared.wall(),
            purpose=purpose_of(member),
        )
    today = now.astimezone(LOCAL).date()
    return page(
        request,
        "clients.html",
        rows=[
            {
                **row,
                "age": age(row["born"], today),
                "heard_now": row["heard_at"] is not None and now - row["heard_at"] < _JUST_NOW,
                "heard": None if row["heard_at"] is None else text.duration(now - row["heard_at"]),
            }
            for row in shown
        ],
        more=len(rows) > CLIENTS,
        most=CLIENTS,
        search=search,
    )


async def trends(request: web.Request) -> web.Response:
    """GET /clients/{pseudonym}/trends"""
    member, shared = caller(request), parts(request)
    now = shared.clock.now()
    async with database(request) as connection:
        subject = await find_subject(connection, request.match_info["pseudonym"])
        if subject.kind != "client":
            raise web.HTTPNotFound
        await record_looks(
            connection,
            [(member.id, subject.id)],
            what="trends",
            wall=shared.wall(),
            purpose=purpose_of(member),
        )
        metrics = await metrics_of(
            connection, subject, since=now - timedelta(days=366), until=now + timedelta(minutes=1)
        )
        glass = await open_until(connection, subject.id)
        said = await notes(connection, subject.id, now=now, text=texts_of(request))
    return page(
        request,
        "trends.html",
        subject=subject,
        glass=glass,
        age=age(subject.born, now.astimezone(LOCAL).date()),
        metrics=metrics,
        notes=said,
        grafana=grafana_link(subject.pseudonym, now - timedelta(days=7), now),
        now=now,
    )


ROUTES = [
    web.get("/", alerts),
    web.get("/episodes/{id}", episode),
    web.get("/episodes/{id}/part", episode_part),
    web.get("/clients", clients),
    web.get("/clients/{pseudonym}/trends", trends),
]
