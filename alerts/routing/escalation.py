"""What a timer does when it is due: call the next, remind the desk, or wait. Pure.

Calling goes in rounds. A round begins when an episode opens, gets worse or comes back, and when an
acknowledgement ends without the episode being closed; it is over when somebody acknowledges or
closes. In a round everybody is called once, step by step as `alerts.routing` orders them at that
moment, so that a shift that ends or a member who takes on an emergency meanwhile is heeded.
Between two steps those called last are waited for: longer where a channel took the call, longer
still where somebody has looked. Once all are called the desk is reminded, for as long as it takes.

An episode that has cleared waits for a person to close it, as a review does, whatever it was.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from alerts.finding import Severity
from alerts.routing.routing import Step
from alerts.routing.values import Values


class Called(NamedTuple):
    """Somebody who was called in this round."""

    member: int | None
    """None: the desk."""
    at: datetime
    reached: bool = False
    """A channel took it, or a page of theirs is open."""
    seen: bool = False
    """They have looked at it."""


@dataclass(frozen=True, slots=True)
class Action:
    """What is to be done now, and when to look again."""

    due_at: datetime
    step: Step | None = None
    recipients: tuple[int | None, ...] = field(default=())
    """Whom to call: those of the step who were not called in this round yet."""
    remind: bool = False
    """Remind the desk."""


def pages_as(severity: int, *, cleared: bool) -> int:
    """The severity that an episode pages with."""
    return Severity.REVIEW if cleared else severity


def act(
    now: datetime,
    severity: int,
    steps: Sequence[Step],
    called: Sequence[Called],
    values: Values,
    *,
    reminded_at: datetime | None = None,
    declined: Set[int] = frozenset(),
) -> Action:
    """What to do about an episode that nobody has acknowledged.

    Args:
        severity: as `pages_as` says.
        steps: as `alerts.routing.routing.route` says now.
        called: in this round.
        reminded_at: when the desk was reminded last in this round.
        declined: members who gave it back; they are not called about it again in this round.
    """
    urgency = values.of(severity)
    if urgency.pages == "working_hours":
        begin = values.working_hours.next(now)
        if begin > now:
            return Action(begin)
    if called:
        last = max(one.at for one in called)
        latest = [one for one in called if one.at == last]
        patience = urgency.patience(
            reached=any(one.reached for one in latest), seen=any(one.seen for one in latest)
        )
        if now < last + patience:
            return Action(last + patience)
    known = {one.member for one in called} | declined
    for step in steps:
        recipients = tuple(one for one in step.recipients if one not in known)
        if recipients:
            first = urgency.patience(reached=False, seen=False)
            return Action(now + first, step, recipients)
    since = reminded_at or max((one.at for one in called), default=now)
    if now < since + urgency.remind:
        return Action(since + urgency.remind)
    return Action(now + urgency.remind, remind=True)
