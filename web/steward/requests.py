"""What every form of the desk sends: who is meant, why, and a number by which it counts once."""

from __future__ import annotations

from uuid import UUID, uuid4

from aiohttp import web

from core.errors import UserError
from web.parts import texts_of
from web.steward.filling import Form

LONGEST_WHY = 1000


async def form_of(request: web.Request) -> Form:
    """The form that was sent."""
    sent = await request.post()
    fields: dict[str, list[str]] = {}
    for name in sent:
        fields[name] = [value for value in sent.getall(name) if isinstance(value, str)]
    return Form(fields)


def new_action() -> str:
    """The number of an action that a page may be about to ask for."""
    return str(uuid4())


def action_of(request: web.Request, form: Form) -> UUID:
    """The number under which this counts once.

    Raises:
        UserError: there is none, so it did not come from the page.
    """
    try:
        return UUID(form.one("action"))
    except ValueError:
        sentence = texts_of(request).gettext("This request cannot be understood.")
        raise UserError(sentence) from None


def why_of(request: web.Request, form: Form) -> str:
    """The reason.

    Raises:
        UserError: none was given, or too long a one.
    """
    why = form.one("why")
    if not 3 <= len(why) <= LONGEST_WHY:
        raise UserError(
            texts_of(request).gettext(
                "Say why, in three to a thousand characters: whoever reads the record must "
                "understand it."
            )
        )
    return why
