"""What is wrong, and whether that is to be said now. Pure: times are handed in.

An outage begins when something is wrong for a while, be it on and off, and ends when all has been
well for a while: one page, a reminder every so often, one all-clear. Whatever else goes wrong
meanwhile is part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import msgspec

ALWAYS = frozenset({"alerts", "ingest"})
"""Services without which Saimi is none; others are missed once they have been heard of."""
WATCHED = frozenset({"alerts", "ingest", "web", "deliver"})


class Trouble(NamedTuple):
    """One thing that is wrong."""

    what: Literal["database", "silent", "behind"]
    """The database does not answer; a service is silent; notes are not assessed."""
    service: str = ""
    since: datetime | None = None
    """When the service was last alive, or the oldest note was written; None: never."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When something counts; wall time."""

    silent_after: timedelta = timedelta(seconds=60)
    behind_after: timedelta = timedelta(seconds=120)
    patience: timedelta = timedelta(seconds=15)
    """How long something must be wrong before it is said: a restart is none."""
    steady: timedelta = timedelta(seconds=30)
    """How long all must be well before that is said."""
    again_after: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the database said."""

    beats: Mapping[str, datetime]
    """By service: when any process of it was last alive."""
    oldest_note: datetime | None


def troubles(
    seen: Seen | None, *, now: datetime, watching_since: datetime, limits: Limits
) -> list[Trouble]:
    """What is wrong; `seen` is None where the database did not answer.

    Nobody is missed for what was before anybody watched: all may be starting at once.
    """
    if seen is None:
        return [Trouble("database")]
    found = []
    for service in sorted(WATCHED & (ALWAYS | seen.beats.keys())):
        beat = seen.beats.get(service)
        if now - max(beat or watching_since, watching_since) > limits.silent_after:
            found.append(Trouble("silent", service, beat))
    oldest = seen.oldest_note
    if oldest is not None and now - max(oldest, watching_since) > limits.behind_after:
        found.append(Trouble("behind", since=oldest))
    return found


class Watch(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is remembered from one look to the next, also over a restart."""

    wrong_since: datetime | None = None
    well_since: datetime | None = None
    """After something was wrong: since when nothing has been."""
    page: int = 0
    """Pages of this outage so far; above 0: it was said."""
    paged_at: datetime | None = None


Say = Literal["page", "all_clear"]


def watching_since(watch: Watch, *, now: datetime, limits: Limits) -> datetime:
    """From when on services are missed, by a watchdog that starts and remembers `watch`.

    Where an outage was on when it was killed, that is before the outage, so that what was wrong is
    wrong still: given time to start again, it would seem well for long enough for an all-clear.
    """
    if watch.wrong_since is None:
        return now
    return watch.wrong_since - max(limits.silent_after, limits.behind_after)


def judge(
    watch: Watch, wrong: list[Trouble], *, now: datetime, limits: Limits
) -> tuple[Watch, Say | None]:
    """After a look: what is remembered, and what is to be said."""
    if wrong:
        since = watch.wrong_since or now
        due = (
            now - since >= limits.patience
            if watch.paged_at is None
            else now - watch.paged_at >= limits.again_after
        )
        if due:
            return Watch(since, None, watch.page + 1, now), "page"
        return Watch(since, None, watch.page, watch.paged_at), None
    if watch.wrong_since is None:
        return Watch(), None
    well = watch.well_since or now
    if now - well >= limits.steady:
        return Watch(), "all_clear" if watch.page else None
    return Watch(watch.wrong_since, well, watch.page, watch.paged_at), None
