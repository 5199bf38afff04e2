"""Writes of a phone, applied once, however often they are sent.

A page gives each action a number of its own and says when it was done; out of reach it keeps the
action and sends it later, and again when no answer came. Headers of the request:

    Idempotency-Key   a UUID, made with the action
    Saimi-Made-At     when it was done, RFC 3339, by the phone's clock
    Saimi-Sent-At     when it is sent, by the same clock

The number is stored with what it became, in the transaction that applies it; asked again, the
answer is the same: applied (with the alert as it stands by now), or refused in the same words. How
long ago something was done is told by the two times, so a phone's clock may be wrong.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from aiohttp import web

from alerts.episodes import listing
from alerts.handling import holding, refused, visit
from core.clock import Clock, ScaledClock
from core.database import Connection, load_queries
from core.entered import EnteredRefusedError, EnteredTimeError
from core.errors import ConflictError, NotFoundError, SaimiError, UserError
from web.api import episode_id, json_answer, whole
from web.errors import not_found
from web.parts import caller, database, parts, texts_of
from web.values import metric_name, value_text
from web.words import OUTCOMES

KEPT = timedelta(days=30)
"""How long an action's number is known; a phone gives up sending long before."""
OLDEST = timedelta(days=7)

Act = Callable[[Connection, datetime | None], Awaitable[int]]
"""Applies the action; is given when it was done, by the shared clock."""


@dataclass(frozen=True)
class Made:
    """How long ago something was done, and how far the phone's clock is ahead of ours."""

    age: timedelta
    ahead: timedelta | None

    def at(self, clock: Clock) -> datetime:
        """When that was, by the shared clock."""
        factor = clock.factor if isinstance(clock, ScaledClock) else 1.0
        return clock.now() - self.age * factor


def made(made_at: datetime | None, sent_at: datetime | None, wall: datetime) -> Made:
    """What two times of a phone's clock say at our wall time. Pure.

    Without the second the phone's clock is believed as far as that is possible.
    """
    if made_at is None:
        return Made(timedelta(0), None if sent_at is None else sent_at - wall)
    age = (sent_at or wall) - made_at
    return Made(min(max(age, timedelta(0)), OLDEST), None if sent_at is None else sent_at - wall)


def made_of(request: web.Request) -> Made:
    """What a request says of when it was made.

    Raises:
        UserError: the times cannot be understood.
    """
    try:
        made_at, sent_at = (
            None if (given := request.headers.get(name)) is None else _time(given)
            for name in ("Saimi-Made-At", "Saimi-Sent-At")
        )
    except (ValueError, OverflowError):
        sentence = texts_of(request).gettext("This request cannot be understood.")
        raise UserError(sentence) from None
    return made(made_at, sent_at, parts(request).wall())


def _time(given: str) -> datetime:
    at = datetime.fromisoformat(given)
    if at.tzinfo is None or not 1970 <= at.year <= 2200:
        raise ValueError(given)
    return at


def key_of(request: web.Request) -> UUID | None:
    """The action's number, if it has one.

    Raises:
        UserError: it is none.
    """
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return None
    try:
        return UUID(given.strip('"'))
    except ValueError:
        sentence = texts_of(request).gettext("This request cannot be understood.")
        raise UserError(sentence) from None


async def apply(request: web.Request, act: Act) -> web.Response:
    """Apply a member's action once, and answer with the alert; its refusal raises.

    Raises:
        ConflictError: it does not go with what others did, in words that say what that was.
        UserError: it cannot be done; NotFoundError: not with this alert.
    """
    key, when = key_of(request), made_of(request)
    made_at = when.at(parts(request).clock)
    async with database(request) as connection:
        if key is None:
            try:
                await act(connection, made_at)
            except (ConflictError, UserError) as error:
                raise await _worded(request, connection, error) from error
            return json_answer(await whole(request, connection))
        refusal, again = await _apply_once(request, connection, key, when, act)
        # A refusal is kept as well: it is raised once that is committed.
        answer = json_answer(None if refusal else await whole(request, connection))
    if refusal is not None:
        raise refusal
    if again:
        answer.headers["Idempotency-Replayed"] = "true"
    return answer


async def _apply_once(
    request: web.Request, connection: Connection, key: UUID, when: Made, act: Act
) -> tuple[SaimiError | None, bool]:
    """Why it is refused, if it is; and whether that was decided before."""
    queries, shared, member = load_queries("web"), parts(request), caller(request).id
    digest = hashlib.sha256(request.path.encode() + b"\n" + await request.read()).digest()
    wall = shared.wall()
    refusal: SaimiError | None = None
    async with connection.transaction():
        await queries.forget_actions(connection, before=wall - KEPT)
        begun = await queries.begin_action(
            connection,
            id=key,
            member=member,
            digest=digest,
            made_at=wall - when.age,
            ahead=when.ahead,
            wall=wall,
        )
        if begun is None:
            # Waited for whoever had the same number in hand.
            found = await queries.action(connection, id=key)
            if found is None or (found["member"], bytes(found["digest"])) != (member, digest):
                sentence = texts_of(request).gettext("This request cannot be understood.")
                raise UserError(sentence)
            if found["sentence"] is not None:
                refusal = _refusal(found["status"], found["sentence"])
            return refusal, True
        try:
            async with connection.transaction():
                await act(connection, when.at(shared.clock))
        except (ConflictError, UserError) as error:
            refusal = await _worded(request, connection, error)
            await queries.refuse_action(
                connection, id=key, status=refusal.http_status, sentence=str(refusal)
            )
    return refusal, False


def _refusal(status: int, sentence: str) -> SaimiError:
    kinds: tuple[type[SaimiError], ...] = (ConflictError, NotFoundError, UserError)
    return next((kind for kind in kinds if kind.http_status == status), UserError)(sentence)


async def _worded(request: web.Request, connection: Connection, error: SaimiError) -> SaimiError:
    """The refusal in the member's language."""
    text = texts_of(request)
    match error:
        case refused.UnseenError():
            return ConflictError(
                text.gettext(
                    "Something new happened meanwhile, so the alert stays open: "
                    "look at it first, then close the alert."
                )
            )
        case holding.NotHeldError():
            return ConflictError(
                text.gettext("You do not have this alert, or not any more: look who has it.")
            )
        case holding.TooLateError():
            return ConflictError(
                text.gettext(
                    "What you did at %(time)s came too late to still hold: take the alert again "
                    "if you go on with it.",
                    time=text.time(error.made_at),
                )
            )
        case ConflictError():
            return ConflictError(await _conflict(request, connection))
        case NotFoundError():
            return NotFoundError(not_found(request))
        case refused.CannotTakeError():
            return UserError(
                text.gettext("The alert cannot be handed over to them: choose another.")
            )
        case visit.NobodyToAskError():
            return UserError(
                text.gettext("No team offers that: choose another, or call the duty desk.")
            )
        case EnteredRefusedError():
            name = error.metric.name
            low, high = error.metric.possible
            return UserError(
                text.gettext(
                    "%(metric)s cannot be %(value)s: it lies between %(low)s and %(high)s. "
                    "Nothing was stored: look at the figure again.",
                    metric=metric_name(text, name),
                    value=value_text(text, name, error.value),
                    low=value_text(text, name, low),
                    high=value_text(text, name, high),
                )
            )
        case EnteredTimeError():
            return UserError(
                text.gettext(
                    "These readings are more than a day old, so nothing is judged by them: write "
                    "them into the note."
                )
            )
    return error


async def _conflict(request: web.Request, connection: Connection) -> str:
    """Who was first, in the member's language."""
    text = texts_of(request)
    card, _ = await listing.episode(
        connection,
        member=caller(request).id,
        now=parts(request).clock.now(),
        episode=episode_id(request),
    )
    if card.closed_at is not None:
        return text.gettext(
            "%(name)s closed this alert at %(time)s (%(outcome)s): there is nothing left to do.",
            name=card.closed_by_name,
            time=text.time(card.closed_at),
            outcome=text.gettext(OUTCOMES[card.outcome]) if card.outcome else "",
        )
    if card.acknowledged_at is not None:
        return text.gettext(
            "%(name)s acknowledged this alert first, at %(time)s: agree who goes on with it.",
            name=card.acknowledged_by_name,
            time=text.time(card.acknowledged_at),
        )
    return text.gettext("Somebody changed this alert meanwhile: look again.")
