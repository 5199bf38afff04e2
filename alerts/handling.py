"""What a person does to an episode: acknowledge it, close it with an outcome.

Each is one transaction: the change, the event that records it, and the NOTIFY that shows it to
everybody else. Both are conditional on the state of the episode, so that of two members who act at
once one wins and the other is told who was first. Repeating one's own action changes nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, get_args

from alerts.finding import LIFE_SAFETY
from alerts.listing import NOT_FOUND
from core.clock import LOCAL, wall_time
from core.database import EPISODE_CHANNEL, Connection, load_queries, translated
from core.errors import ConflictError, NotFoundError, UserError

Outcome = Literal["real", "false", "technical", "known"]
OUTCOMES: tuple[str, ...] = get_args(Outcome)
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
    """Take an episode on: others see who has it. Returns its version.

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
            return int(found["version"])
        detail = {"severity": found["severity"]}
        version = await _queries.acknowledge(connection, episode=episode, member=member, now=now)
        await _record(connection, episode, "acknowledged", member, now, detail)
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
        contact: that a person at the home was reached, face to face or by voice. Help, smoke,
            carbon monoxide and fall (`Card.needs_contact`) stay open until that is recorded
            (source: clinical reference, "Never filtered").
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
        if found["kind"] in LIFE_SAFETY and not contact:
            raise ContactNeededError
        # The episode is locked, and the engine locks it to write: nothing comes after this look.
        if seen is not None and await _queries.has_news(connection, episode=episode, seen=seen):
            raise UnseenError
        version = await _queries.close(
            connection, episode=episode, member=member, now=now, outcome=outcome, note=note
        )
        detail = {"outcome": outcome, "note": note, "contact": contact}
        await _record(connection, episode, "closed", member, now, detail)
        return int(version)


async def _lock(connection: Connection, *, episode: int, member: int, now: datetime) -> Any:
    found = await _queries.lock_for_member(connection, episode=episode, member=member, now=now)
    if found is None:
        raise NotFoundError(NOT_FOUND)
    return found


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
) -> None:
    await _queries.record_event(
        connection,
        episode=episode,
        at=now,
        wall_at=wall_time(),
        what=what,
        member=member,
        detail=detail,
    )
    await _queries.notify(connection, channel=EPISODE_CHANNEL, ids=[episode])


def _clock_time(moment: datetime) -> str:
    return moment.astimezone(LOCAL).strftime("%H:%M")
