"""What is to be said to people outside: written with what it tells of, sent later.

`enqueue` is part of the caller's transaction, so a message is there exactly when the episode, the
escalation or the acknowledgement that it tells of is. `alerts.delivery.delivering` sends it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from alerts.finding import rfc3339
from core.database import EPISODE_CHANNEL, OUTBOX_CHANNEL, Connection, load_queries

What = Literal["page", "reminder", "stand_down", "help_coming", "call_coming", "alone"]
"""Look now; look at last; somebody else has it; to the home: somebody is coming, or will ring; to
the desk: a member who is alone in a home has not said in time that they are out."""
TO_HOME = ("help_coming", "call_coming")
Channel = Literal["webpush", "sms", "email", "chat", "home"]
CHANNELS: tuple[str, ...] = get_args(Channel)
HOME: Channel = "home"
"""The client's own gateway; its messages are to no member."""
DESK = None
"""The member of a message to the county's desk."""

_queries = load_queries("alerts")


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one recipient; it is known by (episode, step, member, channel)."""

    episode: int
    step: str
    """What makes it another one than the last to the same recipient: "opened", "escalated-2"."""
    member: int | None
    """None: the desk; with channel `home`, the client's home."""
    severity: int
    """alerts.finding.Severity: chooses channels, urgency and how long others wait for it."""
    what: What
    channel: Channel | None = None
    """None: as the recipient's settings and the severity say."""
    expires_at: datetime | None = None
    """Of no use to anybody from then on; None: until the episode is dealt with."""
    due_at: datetime | None = None
    """Not before; None: at once."""

    def __post_init__(self) -> None:
        if self.channel == HOME and self.what not in TO_HOME:
            raise ValueError(f"a home is not told {self.what!r}: it is told {' or '.join(TO_HOME)}")


async def enqueue(
    connection: Connection, messages: Iterable[Message], *, now: datetime
) -> list[int]:
    """Write messages in the caller's transaction; the ids of those that were not there yet.

    A message that is there already, sent or not, is left as it is.
    """
    rows = [
        {
            "episode": message.episode,
            "step": message.step,
            "member": message.member,
            "channel": message.channel or "",
            "severity": int(message.severity),
            "what": message.what,
            "due_at": None if message.due_at is None else rfc3339(message.due_at),
            "expires_at": None if message.expires_at is None else rfc3339(message.expires_at),
        }
        for message in messages
    ]
    if not rows:
        return []
    ids = [row["id"] async for row in _queries.enqueue(connection, rows=rows, now=now)]
    if ids:
        await _queries.wake(connection, channel=OUTBOX_CHANNEL)
    return ids


async def cancel(
    connection: Connection,
    episode: int,
    *,
    wall: datetime,
    what: Collection[What] = ("page", "reminder"),
    member: int | None = None,
) -> int:
    """Take back what waits about an episode, of one member or of all; how many that were.

    What is out stays out; what is on its way just now is not tried again. Pages about an episode
    that was closed or acknowledged after they were written need no call: the delivering worker
    drops them itself.
    """
    rows = _queries.cancel(connection, episode=episode, what=list(what), member=member, wall=wall)
    return len([row async for row in rows])


async def seen_by(connection: Connection, *, episode: int, member: int, wall: datetime) -> bool:
    """Note that a member looks at an episode they were told of; whether that was news."""
    rows = _queries.seen_by(connection, episode=episode, member=member, wall=wall)
    return bool([row async for row in rows])


async def confirm(connection: Connection, key: UUID, *, seen: bool, wall: datetime) -> bool:
    """Note what a device says of the message `key`: it arrived, or was opened.

    Whether that was news; False also for a key that nobody knows.
    """
    episodes = [
        row["episode"] async for row in _queries.confirm(connection, key=key, seen=seen, wall=wall)
    ]
    if episodes:
        await _queries.notify(connection, channel=EPISODE_CHANNEL, ids=episodes)
    return bool(episodes)
