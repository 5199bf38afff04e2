"""What the phone keeps for when it is out of reach, and what it reports afterwards.

    GET  /sw.js               the service worker; its scope is all of Saimi
    GET  /shell/{list|alert}  pages without anybody's data, filled in from what is kept
    GET  /api/kept            ?have=ID:VERSION,… -> {"time", "episodes": [all of the queue],
                              "alerts": {id: {"version", "html", "door_code"}; null: as the phone
                              has it}, "most": bound}; codes of the member's own alerts only
    GET  /api/session/key     {"key", "seconds"}: what is kept is encrypted with, and for how long
    POST /api/looks           {"looks": [{"episode", "at", "what"?}, …]}: looked at out of reach;
                              with the headers of web.actions

The key is made from the session's token: it is stored nowhere here, another session has another
one, and nobody can have it back once the session has ended. What is handed out to be kept is on
record as "kept"; that it was looked at, as "episode" with `offline` and the phone's times.
"""

from __future__ import annotations

import base64
import hmac
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from aiohttp import web
from msgspec import Meta

from alerts.episodes import listing
from core.database import load_queries
from core.errors import UserError
from web.access import purpose_of, record_looks, shown_with
from web.actions import OLDEST, key_of, made, made_of
from web.api import json_answer
from web.at_hand import code_of
from web.episodes import episode_json
from web.openapi import answers
from web.openapi.operation import Operation, Query, described
from web.pages import DIALOGS, episode_values
from web.parts import caller, database, language, parts, texts_of
from web.rendering import STATIC, static_prefix
from web.session import LONGEST, gather

MOST = 40
"""Alerts whose cards are kept: those the member has, then the most urgent."""
MOST_LISTED = 300
MOST_LOOKS = 500
_HAVE = Query(
    "have", "What the phone has already.", {
        "type": "string", "pattern": r"^([0-9]{1,18}:[0-9]{1,18}(,[0-9]{1,18}:[0-9]{1,18})*)?$",
        "example": "17:3,21:1",
    },
)  # fmt: skip


async def worker(_request: web.Request) -> web.Response:
    """GET /sw.js"""
    assets = sorted(
        f"{static_prefix()}/{path.relative_to(STATIC).as_posix()}"
        for path in STATIC.rglob("*")
        if path.is_file() and path.suffix in (".js", ".css", ".svg", ".png", ".webmanifest")
    )
    head = f"const STATIC = {static_prefix()!r};\nconst ASSETS = {assets!r};\n"
    source = (STATIC / "js" / "sw.js").read_text(encoding="utf-8")
    return web.Response(text=head + source, content_type="text/javascript")


async def shell(request: web.Request) -> web.Response:
    """GET /shell/{name}"""
    name = request.match_info["name"]
    values: dict[str, Any] = {"shell": True, **(DIALOGS if name == "alert" else {})}
    html = parts(request).pages.render(
        "alerts.html" if name == "list" else "shell_alert.html",
        language(request),
        caller=None,
        here="/",
        **values,
    )
    return web.Response(text=html, content_type="text/html")


@described(Operation("The key of what a phone keeps", answers.SessionKey))
async def session_key(request: web.Request) -> web.Response:
    """GET /api/session/key"""
    key = hmac.digest(caller(request).token.encode(), b"kept on the phone", "sha256")
    return json_answer(
        {
            "key": base64.b64encode(key).decode(),
            "member": caller(request).username,
            "seconds": int(LONGEST.total_seconds()),
        }
    )


def _have(request: web.Request) -> dict[int, int]:
    """Which versions of which alerts the phone has already."""
    try:
        pairs = [one.split(":") for one in request.query.get("have", "").split(",") if one]
        return {int(ident): int(version) for ident, version in pairs[: 4 * MOST]}
    except ValueError:
        sentence = texts_of(request).gettext("This request cannot be understood.")
        raise UserError(sentence) from None


@described(
    Operation("What a phone keeps to be read without a network", answers.Kept, query=(_HAVE,))
)
async def kept(request: web.Request) -> web.Response:
    """GET /api/kept"""
    member, shared, text = caller(request), parts(request), texts_of(request)
    now, have = shared.clock.now(), _have(request)
    alerts: dict[int, Any] = {}
    async with database(request) as connection:
        await gather(connection)
        cards = await listing.open_episodes(connection, member=member.id, now=now)
        mine = sorted(cards, key=lambda card: (card.acknowledged_by != member.id, card.urgency))
        for known in mine[:MOST]:
            if have.get(known.id) == known.version:
                alerts[known.id] = None
                continue
            card, events = await listing.episode(
                connection, member=member.id, now=now, episode=known.id
            )
            values = await episode_values(request, connection, card, events)
            html = shared.pages.render(
                "episode_renewed.html", member.language, caller=member, **values
            )
            held = card.acknowledged_by == member.id
            code = await code_of(connection, card) if held else ""
            alerts[card.id] = {"version": card.version, "html": html, "door_code": code}
            await record_looks(
                connection,
                [(member.id, subject) for subject in shown_with(card)],
                what="kept",
                wall=shared.wall(),
                detail={"episode": card.id},
                purpose=purpose_of(member),
            )
    listed = [episode_json(card, text, now) for card in cards[:MOST_LISTED]]
    return json_answer({"time": now, "episodes": listed, "alerts": alerts, "most": MOST})


class _Look(msgspec.Struct, forbid_unknown_fields=True):
    episode: Annotated[int, Meta(ge=1, lt=2**62)]
    at: Annotated[datetime, Meta(tz=True)]
    """By the phone's clock."""
    what: Literal["episode", "door_code"] = "episode"


class _Looks(msgspec.Struct, forbid_unknown_fields=True):
    looks: Annotated[list[_Look], Meta(max_length=MOST_LOOKS)]


@described(Operation("Looks made out of reach", answers.Recorded, _Looks))
async def looks(request: web.Request) -> web.Response:
    """POST /api/looks: each batch counts once, however often it comes."""
    member, shared, queries = caller(request), parts(request), load_queries("web")
    try:
        told = msgspec.json.decode(await request.read(), type=_Looks).looks
    except msgspec.MsgspecError:
        sentence = texts_of(request).gettext("This request cannot be understood.")
        raise UserError(sentence) from None
    batch, when, wall = key_of(request), made_of(request), shared.wall()
    sent_at = wall if when.ahead is None else wall + when.ahead
    async with database(request) as connection:
        if batch is not None and not await _first(connection, batch, request, wall):
            return json_answer({"recorded": 0})
        recorded = 0
        for one in told:
            # Only what was handed out to be kept can have been looked at.
            subjects = queries.kept_subjects(connection, episode=one.episode, since=wall - OLDEST)
            pairs = [(member.id, row["subject"]) async for row in subjects]
            looked = made(one.at, sent_at, wall)
            detail: dict[str, object] = {
                "episode": one.episode,
                "offline": True,
                "at": (wall - looked.age).isoformat(timespec="seconds"),
            }
            if when.ahead is not None and abs(when.ahead) > timedelta(seconds=30):
                detail["phone_ahead_s"] = round(when.ahead.total_seconds())
            await record_looks(
                connection,
                pairs,
                what=one.what,
                wall=wall,
                detail=detail,
                purpose=purpose_of(member),
            )
            recorded += bool(pairs)
    return json_answer({"recorded": recorded})


async def _first(connection: Any, batch: UUID, request: web.Request, wall: datetime) -> bool:
    begun = await load_queries("web").begin_action(
        connection,
        id=batch,
        member=caller(request).id,
        digest=b"",
        made_at=wall,
        ahead=None,
        wall=wall,
    )
    return begun is not None


ROUTES = [
    web.get("/sw.js", worker),
    web.get("/shell/{name:list|alert}", shell),
    web.get("/api/kept", kept),
    web.get("/api/session/key", session_key),
    web.post("/api/looks", looks),
]
