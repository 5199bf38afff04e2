"""A member writes down what the client says afterwards: most clients have no login of their own.

    GET, POST /episodes/{id}/word    of an alert in which somebody was in touch, or that was closed

Whoever sees the alert may; who wrote it stands with it (0036_own_view.sql).
"""

from __future__ import annotations

from aiohttp import web

from alerts.episodes import listing
from core.database import load_queries
from core.errors import ConflictError, UserError
from web.access import purpose_of, record_looks, shown_with
from web.api import episode_id
from web.own.cases import LONGEST
from web.own_words import ANSWERS
from web.pages import page
from web.parts import caller, database, parts, texts_of
from web.steward.filling import Form
from web.steward.requests import action_of, form_of, new_action


async def show(request: web.Request) -> web.Response:
    """GET /episodes/{id}/word"""
    return await _page(request, Form({}))


async def write(request: web.Request) -> web.Response:
    """POST /episodes/{id}/word"""
    form, text, member = await form_of(request), texts_of(request), caller(request)
    answer, words = form.one("answer"), form.one("words")
    try:
        if answer not in ANSWERS:
            raise UserError(text.gettext("Choose what the client said."))
        if len(words) > LONGEST:
            raise UserError(text.gettext("That is too long to be taken: shorten it."))
        async with database(request) as connection:
            # Whoever may not see it is told that there is none.
            await listing.episode(
                connection,
                member=member.id,
                now=parts(request).clock.now(),
                episode=episode_id(request),
            )
            said = await load_queries("web").say_afterwards(
                connection,
                action=action_of(request, form),
                episode=episode_id(request),
                answer=answer,
                words=words,
            )
            if not said:
                raise ConflictError(
                    text.gettext(
                        "The client can say how it went once somebody was in touch with them."
                    )
                )
    except UserError as error:
        return await _page(request, form, failure=str(error), status=error.http_status)
    return web.Response(status=303, headers={"Location": f"/episodes/{episode_id(request)}"})


async def _page(
    request: web.Request, form: Form, *, failure: str = "", status: int = 200
) -> web.Response:
    member, shared = caller(request), parts(request)
    async with database(request) as connection:
        card, _ = await listing.episode(
            connection, member=member.id, now=shared.clock.now(), episode=episode_id(request)
        )
        await record_looks(
            connection,
            [(member.id, subject) for subject in shown_with(card)],
            what="episode",
            wall=shared.wall(),
            detail={"episode": card.id},
            purpose=purpose_of(member),
        )
    answer = page(
        request,
        "own/word.html",
        here=f"/episodes/{card.id}/word",
        card=card,
        answers=ANSWERS,
        longest=LONGEST,
        filled=form,
        action=new_action(),
        failure=failure,
    )
    answer.set_status(status)
    return answer


ROUTES = [
    web.get(r"/episodes/{id:\d{1,18}}/word", show),
    web.post(r"/episodes/{id:\d{1,18}}/word", write),
]
