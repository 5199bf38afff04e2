"""What a person does to an episode: acknowledge it, reach somebody, close it with an outcome.

Each is one transaction: the change, the event that records it, what others are told, the timer, and
the NOTIFY that shows it to everybody. All are conditional on the state of the episode, so that of
two members who act at once one wins and the other is told who was first. Repeating one's own action
changes nothing.

An acknowledgement is a lease: it holds for a time that depends on severity, can be renewed, handed
over and given back, and returns the episode to the queue when it runs out (alerts.escalating).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal, get_args

from alerts.escalation import pages_as
from alerts.finding import LIFE_SAFETY, rfc3339
from alerts.listing import NOT_FOUND
from alerts.outbox import HOME, Message, enqueue
from alerts.routing_values import Urgency, shipped_values
from core.clock import LOCAL, wall_time
from core.database import (
    EPISODE_CHANNEL,
    NOTE_CHANNEL,
    RIGHTS_CHANGED,
    Connection,
    load_queries,
    translated,
)
from core.errors import ConflictError, NotFoundError, UserError

Outcome = Literal["real", "false", "technical", "known"]
OUTCOMES: tuple[str, ...] = get_args(Outcome)
How = Literal["face_to_face", "phone", "intercom"]
"""How a person was reached; intercom: the home's own loudspeaker."""
HOWS: tuple[str, ...] = get_args(How)
Whom = Literal["client", "other"]
"""Who was reached: the client, or somebody who is with them."""
WHOMS: tuple[str, ...] = get_args(Whom)
MAX_NOTE = 2000
"""Longest note, in characters."""

_queries = load_queries("alerts")


class AlreadyTakenError(ConflictError):
    """Somebody else has acknowledged it; `name`, `at` for a sentence in the reader's language."""

    def __init__(self, name: str, at: datetime) -> None:
        self.name = name
        self.at = at
        super().__init__(
            f"{name} took this alert at {_clock_time(at)}: agree with them who goes on with it."
        )


class AlreadyClosedError(ConflictError):
    """It is closed; `name`, `at` and `outcome` for a sentence in the reader's language."""

    def __init__(self, name: str, at: datetime, outcome: str) -> None:
        self.name = name
        self.at = at
        self.outcome = outcome
        super().__init__(
            f'{name} closed this alert as "{outcome}" at {_clock_time(at)}: nothing more is to be '
            "done with it."
        )


class ContactNeededError(UserError):
    """A life-safety episode cannot be closed before contact with a person is recorded."""

    def __init__(self) -> None:
        super().__init__(
            "A help call, smoke, carbon monoxide or fall alert stays open until a person was "
            "reached: make contact, record it, then close the alert."
        )


class NotHeldError(ConflictError):
    """Nothing was changed; the member does not have the episode (any more)."""

    def __init__(self) -> None:
        super().__init__(
            "You do not have this alert, or not any more: look who has it, or acknowledge it."
        )


class CannotTakeError(UserError):
    """Nothing was changed; an episode cannot be handed over to that member."""

    def __init__(self) -> None:
        super().__init__(
            "The alert cannot be handed over to them: choose another member who may work with "
            "clients."
        )


class UnseenError(ConflictError):
    """Nothing was changed; the episode got worse, returned or had another event meanwhile."""

    def __init__(self) -> None:
        super().__init__(
            "Something new happened while this alert was being closed, so it stays open: look at "
            "what is new, then close the alert again."
        )


class NoteTooLongError(UserError):
    """Nothing was changed; the note has `excess` characters too many."""

    def __init__(self, length: int) -> None:
        self.excess = length - MAX_NOTE
        super().__init__(
            f"The note is {length} characters long, {self.excess} too many: nothing was changed; "
            "shorten it and close the alert again."
        )


async def acknowledge(connection: Connection, *, episode: int, member: int, now: datetime) -> int:
    """Take an episode on, or confirm that one has it that was handed over. Returns its version.

    Others who were called are told that somebody has it; the home is, where it called for help.

    Raises:
        NotFoundError: there is none that the member may see.
        AlreadyTakenError: somebody else has it; says who, and since when.
        AlreadyClosedError: it is closed; says by whom and when.
    """
    async with translated(), connection.transaction():
        found = await _lock(connection, episode=episode, member=member, now=now)
        _refuse_closed(found)
        if found["acknowledged_by"] is not None and found["acknowledged_by"] != member:
            raise AlreadyTakenError(found["acknowledged_by_name"], found["acknowledged_at"])
        if found["acknowledged_by"] is not None:
            if found["confirmed"]:
                return int(found["version"])
            return await _go_on(connection, found, member, now)
        return await _take(connection, found, member, now)


async def renew(connection: Connection, *, episode: int, member: int, now: datetime) -> int:
    """Go on with an episode for another lease, counted from now. Returns its version.

    Raises:
        NotFoundError, AlreadyClosedError: as for `acknowledge`.
        NotHeldError: the member does not have it.
    """
    async with translated(), connection.transaction():
        found = await _lock(connection, episode=episode, member=member, now=now)
        _refuse_closed(found)
        if found["acknowledged_by"] != member:
            raise NotHeldError
        return await _go_on(connection, found, member, now)


async def release(connection: Connection, *, episode: int, member: int, now: datetime) -> int:
    """Give an episode back: others are called, at once. Returns its version.

    Raises:
        NotFoundError, AlreadyClosedError: as for `acknowledge`.
        NotHeldError: the member does not have it.
    """
    async with translated(), connection.transaction():
        found = await _lock(connection, episode=episode, member=member, now=now)
        _refuse_closed(found)
        if found["acknowledged_by"] != member:
            raise NotHeldError
        version = await _queries.release(connection, episode=episode, now=now)
        await _queries.begin_round(connection, episodes=[episode], now=now)
        detail = {"round": await _queries.timer_round(connection, episode=episode)}
        await _record(connection, episode, "released", member, now, detail)
        await _queries.wake(connection, channel=NOTE_CHANNEL)
        return int(version)


async def hand_over(
    connection: Connection, *, episode: int, member: int, to: int, now: datetime
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
        found = await _lock(connection, episode=episode, member=member, now=now)
        _refuse_closed(found)
        if found["acknowledged_by"] != member and found["role"] != "coordinator":
            raise NotHeldError
        if not await _queries.can_take(connection, member=to):
            raise CannotTakeError
        if found["acknowledged_by"] == to:
            return int(found["version"])
        before = found["acknowledged_by"]
        until = now + _urgency(found).handover
        version = await _queries.acknowledge(
            connection, episode=episode, member=to, since=now, now=now, until=until
        )
        await _queries.set_lease(connection, episode=episode, until=until)
        number = await _queries.timer_round(connection, episode=episode)
        detail = {"severity": found["severity"], "to": to, "until": rfc3339(until)}
        event = await _record(connection, episode, "handed_over", member, now, detail)
        text = f"{number}.handed-over-{event}"
        detail = {
            "round": number,
            "step": "handed_over",
            "message": text,
            "severity": found["severity"],
        }
        await _record(connection, episode, "called", to, now, detail)
        severity = int(found["severity"])
        messages = [Message(episode, text, to, severity, "page")]
        if before not in (None, member):
            messages.append(Message(episode, text, before, severity, "stand_down"))
        await enqueue(connection, messages, now=now)
        if before is None:
            await _tell(connection, found, now, besides=(member, to))
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
        found = await _lock(connection, episode=episode, member=member, now=now)
        _refuse_closed(found)
        if found["acknowledged_by"] is None:
            await _take(connection, found, member, now)
        version = await _queries.raise_version(connection, episode=episode, now=now)
        detail = {"how": how, "whom": whom, "note": note}
        await _record(connection, episode, "contacted", member, now, detail)
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
        found = await _lock(connection, episode=episode, member=member, now=now)
        if found["closed_by"] == member and found["outcome"] == outcome and found["note"] == note:
            return int(found["version"])
        _refuse_closed(found)
        reached = found["contact"] is not None
        if found["kind"] in LIFE_SAFETY and not (contact or reached):
            raise ContactNeededError
        # The episode is locked, and the engine locks it to write: nothing comes after this look.
        if seen is not None and await _queries.has_news(connection, episode=episode, seen=seen):
            raise UnseenError
        if contact and not reached:
            await _record(connection, episode, "contacted", member, now, {"how": "not_said"})
        version = await _queries.close(
            connection, episode=episode, member=member, now=now, outcome=outcome, note=note
        )
        detail = {"outcome": outcome, "note": note, "contact": contact or reached}
        await _record(connection, episode, "closed", member, now, detail)
        await _tell(connection, found, now, besides=(member,))
        await _queries.end_timer(connection, episode=episode)
        return int(version)


async def _take(connection: Connection, found: Any, member: int, now: datetime) -> int:
    """Acknowledge what nobody has, and tell those who were called, and the home."""
    version = await _lease(connection, found, member, now, "acknowledged")
    await _tell(connection, found, now, besides=(member,))
    await _tell_home(connection, found, now)
    return version


async def _go_on(connection: Connection, found: Any, member: int, now: datetime) -> int:
    """Renew what one has; who confirms what was handed over is somebody who is coming."""
    version = await _lease(connection, found, member, now, "renewed")
    await _tell_home(connection, found, now)
    return version


async def _tell_home(connection: Connection, found: Any, now: datetime) -> None:
    """Tell the home that called for help that somebody is coming; once a round."""
    if found["kind"] in LIFE_SAFETY:
        number = await _queries.timer_round(connection, episode=found["id"])
        coming = Message(
            found["id"], f"{number}.help-coming", None, int(found["severity"]), "help_coming", HOME
        )
        await enqueue(connection, [coming], now=now)


async def _lease(connection: Connection, found: Any, member: int, now: datetime, what: str) -> int:
    episode = found["id"]
    until = now + _urgency(found).lease
    since = found["acknowledged_at"] if what == "renewed" else now
    version = await _queries.acknowledge(
        connection, episode=episode, member=member, since=since, now=now, until=until
    )
    await _queries.set_lease(connection, episode=episode, until=until)
    detail = {"severity": found["severity"], "until": rfc3339(until)}
    await _record(connection, episode, what, member, now, detail)
    return int(version)


def _urgency(found: Any) -> Urgency:
    severity = pages_as(found["severity"], cleared=found["cleared_at"] is not None)
    return shipped_values().of(severity)


async def _tell(
    connection: Connection, found: Any, now: datetime, *, besides: Iterable[int]
) -> None:
    """Tell those who were called about it in this round that somebody has it."""
    others = [
        row async for row in _queries.called_besides(
            connection, episode=found["id"], besides=list(besides)
        )
    ]  # fmt: skip
    await enqueue(
        connection,
        [
            Message(
                found["id"], f"{row['round']}.stood-down", row["member"], int(found["severity"]),
                "stand_down",
            )
            for row in others
        ],
        now=now,
    )  # fmt: skip


async def _lock(connection: Connection, *, episode: int, member: int, now: datetime) -> Any:
    found = await _queries.lock_for_member(connection, episode=episode, member=member, now=now)
    if found is None:
        raise NotFoundError(NOT_FOUND)
    # Read after the wait for the lock: what others did meanwhile counts.
    standing = await _queries.standing(connection, episode=episode)
    return {**found, **standing}


def _refuse_closed(found: Any) -> None:
    if found["closed_at"] is not None:
        raise AlreadyClosedError(found["closed_by_name"], found["closed_at"], found["outcome"])


async def _record(
    connection: Connection,
    episode: int,
    what: str,
    member: int,
    now: datetime,
    detail: dict[str, Any],
) -> int:
    event: int = await _queries.record_event(
        connection,
        episode=episode,
        at=now,
        wall_at=wall_time(),
        what=what,
        member=member,
        detail=detail,
    )
    await _queries.notify(connection, channel=EPISODE_CHANNEL, ids=[episode])
    return event


def _clock_time(moment: datetime) -> str:
    return moment.astimezone(LOCAL).strftime("%H:%M")
