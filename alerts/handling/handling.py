"""What a person does to an episode: acknowledge it, reach somebody, close it with an outcome.

Each is one transaction: the change, the event that records it, what others are told, the timer, and
the NOTIFY that shows it to everybody. All are conditional on the state of the episode, so that of
two members who act at once one wins and the other is told who was first. Repeating one's own action
changes nothing.

An acknowledgement is a lease: it holds for a time that depends on severity, can be renewed, handed
over and given back, and returns the episode to the queue when it runs out
(alerts.routing.escalating).

`made_at` is when a member did it, by the shared clock, where that was before `now`: on a phone
without connection. What holds is decided by what stands now; the event says when it was done.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

from alerts.delivery.outbox import Message, enqueue
from alerts.finding import LIFE_SAFETY, rfc3339
from alerts.handling.holding import (
    go_on,
    lock,
    record,
    refuse_closed,
    refuse_held_by_another,
    refuse_unless_held,
    take,
    tell,
    urgency,
)
from alerts.handling.refused import (
    MAX_NOTE,
    CannotTakeError,
    ContactNeededError,
    NoteTooLongError,
    UnseenError,
)
from core.database import (
    EPISODE_CHANNEL,
    NOTE_CHANNEL,
    RIGHTS_CHANGED,
    Connection,
    load_queries,
    translated,
)
from core.errors import UserError

Outcome = Literal["real", "false", "technical", "known"]
OUTCOMES: tuple[str, ...] = get_args(Outcome)
How = Literal["face_to_face", "phone", "intercom"]
"""How a person was reached; intercom: the home's own loudspeaker."""
HOWS: tuple[str, ...] = get_args(How)
Whom = Literal["client", "other"]
"""Who was reached: the client, or somebody who is with them."""
WHOMS: tuple[str, ...] = get_args(Whom)
_queries = load_queries("alerts")


async def acknowledge(
    connection: Connection,
    *,
    episode: int,
    member: int,
    now: datetime,
    made_at: datetime | None = None,
) -> int:
    """Take an episode on, or confirm that one has it that was handed over. Returns its version.

    Others who were called are told that somebody has it; the home is, where it called for help.

    Raises:
        NotFoundError: there is none that the member may see.
        AlreadyTakenError: somebody else has it; says who, and since when.
        AlreadyClosedError: it is closed; says by whom and when.
        TooLateError: it was done so long ago that the lease would be over.
    """
    async with translated(), connection.transaction():
        found = await lock(connection, episode=episode, member=member, now=now, made_at=made_at)
        refuse_closed(found)
        refuse_held_by_another(found, member)
        if found["acknowledged_by"] is not None:
            if found["confirmed"]:
                return int(found["version"])
            return await go_on(connection, found, member, now)
        return await take(connection, found, member, now)


async def renew(
    connection: Connection,
    *,
    episode: int,
    member: int,
    now: datetime,
    made_at: datetime | None = None,
) -> int:
    """Go on with an episode for another lease, counted from now. Returns its version.

    Raises:
        NotFoundError, AlreadyClosedError: as for `acknowledge`.
        NotHeldError: the member does not have it.
    """
    async with translated(), connection.transaction():
        found = await lock(connection, episode=episode, member=member, now=now, made_at=made_at)
        refuse_closed(found)
        refuse_unless_held(found, member)
        return await go_on(connection, found, member, now)


async def release(
    connection: Connection,
    *,
    episode: int,
    member: int,
    now: datetime,
    made_at: datetime | None = None,
) -> int:
    """Give an episode back: others are called, at once. Returns its version.

    Raises:
        NotFoundError, AlreadyClosedError: as for `acknowledge`.
        NotHeldError: the member does not have it.
    """
    async with translated(), connection.transaction():
        found = await lock(connection, episode=episode, member=member, now=now, made_at=made_at)
        refuse_closed(found)
        refuse_unless_held(found, member)
        version = await _queries.release(connection, episode=episode, now=now)
        await _queries.begin_round(connection, episodes=[episode], now=now)
        detail = {"round": await _queries.timer_round(connection, episode=episode)}
        await record(connection, found, "released", member, now, detail)
        await _queries.wake(connection, channel=NOTE_CHANNEL)
        return int(version)


async def hand_over(
    connection: Connection,
    *,
    episode: int,
    member: int,
    to: int,
    now: datetime,
    made_at: datetime | None = None,
) -> int:
    """Let another member have an episode; a member has the right if they have it, the desk always.

    The other is called, and may see the client from then on. They have it for a short time only
    until they confirm it (`acknowledge`, `renew`): nobody has what nobody has agreed to.

    Raises:
        NotFoundError, AlreadyClosedError: as for `acknowledge`.
        NotHeldError: the member does not have it, and is not of the desk.
        CannotTakeError: there is no such member, or they do not work with clients.
    """
    async with translated(), connection.transaction():
        found = await lock(connection, episode=episode, member=member, now=now, made_at=made_at)
        refuse_closed(found)
        refuse_unless_held(found, member, or_desk=True)
        if not await _queries.can_take(connection, member=to):
            raise CannotTakeError
        if found["acknowledged_by"] == to:
            return int(found["version"])
        before = found["acknowledged_by"]
        until = now + urgency(found).handover
        version = await _queries.acknowledge(
            connection, episode=episode, member=to, since=now, now=now, until=until
        )
        await _queries.set_lease(connection, episode=episode, until=until)
        number = await _queries.timer_round(connection, episode=episode)
        detail = {"severity": found["severity"], "to": to, "until": rfc3339(until)}
        event = await record(connection, found, "handed_over", member, now, detail)
        text = f"{number}.handed-over-{event}"
        detail = {
            "round": number,
            "step": "handed_over",
            "message": text,
            "severity": found["severity"],
        }
        await record(connection, found, "called", to, now, detail)
        severity = int(found["severity"])
        messages = [Message(episode, text, to, severity, "page")]
        if before not in (None, member):
            messages.append(Message(episode, text, before, severity, "stand_down"))
        await enqueue(connection, messages, now=now)
        if before is None:
            await tell(connection, found, now, besides=(member, to))
        await _queries.notify_rights(connection, channel=EPISODE_CHANNEL, payload=RIGHTS_CHANGED)
        return int(version)


async def contact(
    connection: Connection,
    *,
    episode: int,
    member: int,
    now: datetime,
    how: str,
    whom: str = "client",
    note: str = "",
    made_at: datetime | None = None,
) -> int:
    """Record that a person at the home was reached; it is taken on if nobody has it.

    Args:
        how: one of HOWS. whom: one of WHOMS. note: at most MAX_NOTE characters.

    Raises:
        UserError: no such way, or person; NoteTooLongError.
        NotFoundError, AlreadyClosedError: as for `acknowledge`.
    """
    if how not in HOWS or whom not in WHOMS:
        raise UserError(
            f"A person is reached in one of these ways: {', '.join(HOWS)}; and is one of "
            f"{', '.join(WHOMS)}."
        )
    if len(note) > MAX_NOTE:
        raise NoteTooLongError(len(note))
    async with translated(), connection.transaction():
        found = await lock(connection, episode=episode, member=member, now=now, made_at=made_at)
        refuse_closed(found)
        if found["acknowledged_by"] is None:
            await take(connection, found, member, now)
        version = await _queries.raise_version(connection, episode=episode, now=now)
        detail = {"how": how, "whom": whom, "note": note}
        await record(connection, found, "contacted", member, now, detail)
        return int(version)


async def close(
    connection: Connection,
    *,
    episode: int,
    member: int,
    now: datetime,
    outcome: str,
    note: str = "",
    contact: bool = False,
    seen: int | None = None,
    made_at: datetime | None = None,
) -> int:
    """Close an episode: it is dealt with. Returns its version.

    Args:
        outcome: one of OUTCOMES.
        note: at most MAX_NOTE characters.
        contact: that a person at the home was reached, face to face or by voice, which is recorded
            with it. Help, smoke, carbon monoxide and fall (`Card.needs_contact`) stay open until
            that is recorded, here or before (`contact`; source: clinical reference, "Never
            filtered").
        seen: the newest of its events (`listing.Event.id`) that the member had before them, so
            that a call which comes while they write their note is not closed unseen.

    Raises:
        UserError: no such outcome; NoteTooLongError; ContactNeededError.
        NotFoundError: there is none that the member may see.
        UnseenError: it has got worse, returned or had another event since `seen`.
        AlreadyClosedError: somebody closed it already; says who, when and how.
    """
    if outcome not in OUTCOMES:
        raise UserError(f"An alert is closed as one of {', '.join(OUTCOMES)}: choose one of these.")
    if len(note) > MAX_NOTE:
        raise NoteTooLongError(len(note))
    async with translated(), connection.transaction():
        found = await lock(connection, episode=episode, member=member, now=now, made_at=made_at)
        if found["closed_by"] == member and found["outcome"] == outcome and found["note"] == note:
            return int(found["version"])
        refuse_closed(found)
        reached = found["contact"] is not None
        if found["kind"] in LIFE_SAFETY and not (contact or reached):
            raise ContactNeededError
        # The episode is locked, and the engine locks it to write: nothing comes after this look.
        if seen is not None and await _queries.has_news(connection, episode=episode, seen=seen):
            raise UnseenError
        if contact and not reached:
            await record(connection, found, "contacted", member, now, {"how": "not_said"})
        version = await _queries.close(
            connection, episode=episode, member=member, now=now, outcome=outcome, note=note
        )
        detail = {"outcome": outcome, "note": note, "contact": contact or reached}
        await record(connection, found, "closed", member, now, detail)
        await tell(connection, found, now, besides=(member,))
        await _queries.end_timer(connection, episode=episode)
        return int(version)
