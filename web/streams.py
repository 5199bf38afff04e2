"""One open page: what it may see, and the events that wait to be sent to it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count

import msgspec
import structlog

from alerts.episodes.listing import Card
from web.episodes import episode_json
from web.i18n import Language, texts
from web.session import Caller

log = structlog.get_logger()

QUEUE = 256
"""Events a page may be behind before it is cut off."""


@dataclass(frozen=True)
class Event:
    """One server-sent event."""

    name: str
    data: str


@dataclass(eq=False)
class Stream:
    """One open page."""

    caller: Caller
    number: int = field(default_factory=count().__next__, init=False)
    """The later a page was opened, the higher."""
    only: int | None = None
    """The one episode this page is about; None: all of them."""
    visible: set[int] = field(default_factory=set)
    """Of the subjects that alerts were about since it was opened, those that its member may see."""
    queue: asyncio.Queue[Event | None] = field(default_factory=lambda: asyncio.Queue(QUEUE))
    over: bool = False
    """Nothing more is sent to it."""
    looked: set[int] = field(default_factory=set)
    """Subjects whose name this page has shown; each is put on record once a page."""

    def sees(self, card: Card) -> Card | None:
        """What of an episode this page is given."""
        if self.only is not None and card.id != self.only:
            return None
        return card.seen_by(self.visible)

    def put(self, event: Event) -> None:
        """Queue an event; a page too far behind is cut off."""
        if self.over:
            return
        try:
            self.queue.put_nowait(event)
        except asyncio.QueueFull:
            log.warning("page cut off: too slow", member=self.caller.id)
            self.end()

    def end(self, last: Event | None = None) -> None:
        """Let the stream end now, whatever is still queued; `last` is sent before."""
        self.over = True
        while not self.queue.empty():
            self.queue.get_nowait()
        if last is not None:
            self.queue.put_nowait(last)
        self.queue.put_nowait(None)


def encoded(value: object) -> str:
    """A value as JSON text."""
    return msgspec.json.encode(value).decode()


class Renderer:
    """Writes each episode once for each language and each view of who lives there."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._done: dict[tuple[int, Language, tuple[int, ...]], str] = {}

    def __call__(self, card: Card, language: Language) -> str:
        key = (card.id, language, tuple(person.subject for person in card.people))
        if key not in self._done:
            self._done[key] = self._write(card, language)
        return self._done[key]

    def _write(self, card: Card, language: Language) -> str:
        text = texts(language)
        try:
            return encoded(episode_json(card, text, self._now))
        except Exception:
            # One alert that nobody can put into words must not hide all the others, nor itself.
            log.exception("alert shown without its readings", episode=card.id)
            return encoded(episode_json(replace(card, summary={}, evidence=[]), text, self._now))
