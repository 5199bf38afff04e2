"""What a member missed: alerts that called while they did not look, and what became of them.

    GET  /missed?since=…       the page
    GET  /api/missed?since=…   the same as JSON; a phone that was away asks what it did not show

What the member did something about is not among them. Names are shown: every client's look is on
record, as of the list.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from alerts.episodes import listing
from alerts.episodes.listing import Card, Missed
from core.errors import UserError
from web.access import purpose_of, record_looks, shown_with
from web.api import tagged
from web.episodes import episode_json
from web.i18n import Texts, mark
from web.openapi import answers
from web.openapi.operation import Operation, Query, described
from web.pages import page
from web.parts import caller, database, parts, texts_of
from web.session import gather
from web.values import as_time
from web.words import OUTCOMES, SEVERITIES

USUAL = timedelta(hours=12)
"""A shift, roughly: what is asked about where no time is given."""
LONGEST = timedelta(days=7)
MOST = 200
"""Alerts listed; the least urgent are left out."""
_CHOICES = {
    mark("12 hours"): USUAL,
    mark("Day"): timedelta(days=1),
    mark("Week"): LONGEST,
}


def since_asked(request: web.Request, now: datetime) -> datetime:
    """`since` of the query; older than LONGEST it is LONGEST ago.

    Raises:
        UserError: no time with an offset, or one to come.
    """
    given = request.query.get("since")
    if given is None:
        return now - USUAL
    at = as_time(given)
    if at is None or at.tzinfo is None or at > now:
        raise UserError(texts_of(request).gettext("The times of the range cannot be understood."))
    return max(at, now - LONGEST)


async def _found(request: web.Request) -> tuple[datetime, list[Missed]]:
    """Since when, and one alert more than is listed where there are more."""
    member, shared = caller(request), parts(request)
    now = shared.clock.now()
    since = since_asked(request, now)
    async with database(request) as connection:
        await gather(connection)
        found = await listing.missed(
            connection, member=member.id, since=since, now=now, count=MOST + 1
        )
        looks = {(member.id, subject) for one in found[:MOST] for subject in shown_with(one.card)}
        await record_looks(
            connection, looks, what="list", wall=shared.wall(), purpose=purpose_of(member)
        )
    return since, found


def became(card: Card) -> str:
    """What became of an alert: waiting, taken or closed."""
    if card.closed_at is not None:
        return "closed"
    return "waiting" if card.acknowledged_at is None else "taken"


def _said(card: Card, text: Texts) -> str:
    """The same in words."""
    if card.closed_at is not None:
        outcome = text.gettext(OUTCOMES.get(card.outcome or "", "Closed"))
        return text.gettext(
            "%(name)s closed it %(time)s: %(outcome)s",
            name=card.closed_by_name or "Saimi",
            time=text.date_time(card.closed_at),
            outcome=outcome,
        )
    if card.acknowledged_at is not None:
        return text.gettext(
            "%(name)s has it since %(time)s",
            name=card.acknowledged_by_name or "–",
            time=text.date_time(card.acknowledged_at),
        )
    return text.gettext("Still waiting for someone")


async def missed_page(request: web.Request) -> web.Response:
    """GET /missed"""
    text, now = texts_of(request), parts(request).clock.now()
    since, found = await _found(request)
    return page(
        request,
        "missed.html",
        since=since,
        choices=[
            (text.gettext(name), (now - length).isoformat()) for name, length in _CHOICES.items()
        ],
        rows=[
            {
                "episode": episode_json(one.card, text, now),
                "urgency": text.gettext(SEVERITIES[one.card.highest]),
                "called_at": one.called_at,
                "became": became(one.card),
                "said": _said(one.card, text),
            }
            for one in found[:MOST]
        ],
        waiting=sum(became(one.card) == "waiting" for one in found[:MOST]),
        more=len(found) > MOST,
        most=MOST,
    )


@described(
    Operation(
        "What I missed: alerts that called somebody and about which I did nothing",
        answers.Missed,
        query=(
            Query(
                "since",
                f"Not over {LONGEST.days} days ago; else {USUAL.total_seconds() / 3600:.0f} hours.",
                {"type": "string", "format": "date-time"},
            ),
        ),
        tagged=True,
    )
)
async def missed(request: web.Request) -> web.Response:
    """GET /api/missed"""
    text, now = texts_of(request), parts(request).clock.now()
    since, found = await _found(request)
    content: dict[str, Any] = {
        "since": since,
        "time": now,
        "missed": [
            {
                "episode": episode_json(one.card, text, now),
                "called_at": one.called_at,
                "became": became(one.card),
            }
            for one in found[:MOST]
        ],
        "more": len(found) > MOST,
    }
    return tagged(request, content, but="time")


ROUTES = [web.get("/missed", missed_page), web.get("/api/missed", missed)]
