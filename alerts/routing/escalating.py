"""Timers of open episodes, in the alert worker's transaction: calls, reminders, ends of leases.

A timer is claimed with its episode (`FOR UPDATE SKIP LOCKED`), and what follows (the event, the
message in the outbox, the next time) is committed with it, so that each step is taken once whatever
dies when, by any number of workers. Members change timers too, always holding the episode.

Whatever goes wrong in routing, the desk is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog

from alerts.delivery.outbox import Message, enqueue
from alerts.episodes.episode import Change
from alerts.finding import rfc3339
from alerts.routing.escalation import Action, act, pages_as
from alerts.routing.facts import Facts, Timer, load_facts
from alerts.routing.routing import Step, desk_alone, route
from alerts.routing.values import Values
from core.clock import wall_time
from core.database import EPISODE_CHANNEL, RIGHTS_CHANGED, Connection, load_queries

MOST = 500
"""Timers taken at once."""
_queries = load_queries("alerts")
_log = structlog.get_logger()


@dataclass(slots=True)
class _Outcome:
    """What is to be written."""

    timers: list[dict[str, Any]] = field(default_factory=list)
    lapsed: list[int] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    rights: bool = False
    """Somebody was called who may see the client from now on."""


async def begin(
    connection: Connection,
    changes: Sequence[tuple[int, Change]],
    ids: Sequence[int],
    *,
    now: datetime,
) -> None:
    """Begin a round for each episode that somebody must be called about anew.

    Args:
        changes: as written; `ids`: of their episodes, in the same order.
    """
    fresh = [
        episode
        for episode, (_, change) in zip(ids, changes, strict=True)
        if change.what == "opened" or (_calls_anew(change) and not _is_held(change))
    ]
    if fresh:
        await _queries.begin_round(connection, episodes=sorted(set(fresh)), now=now)


def _calls_anew(change: Change) -> bool:
    return change.what in ("rose", "returned") or change.ends_acknowledgement


def _is_held(change: Change) -> bool:
    return (
        change.episode is not None
        and change.episode.acknowledged_by is not None
        and not change.ends_acknowledgement
    )


async def run_due(connection: Connection, *, now: datetime, values: Values) -> int:
    """Do what timers ask that are due; how many those were.

    Where that fails the desk is called about all of them, and where not even that can be written
    they stay due: episodes are never held up by it.
    """
    rows = [row async for row in _queries.claim_timers(connection, now=now, most=MOST)]
    for blindly in (False, True) if rows else ():
        try:
            async with connection.transaction():
                await _work(connection, rows, now, values, blindly=blindly)
        except Exception:
            if connection.is_closed():
                raise
            _log.exception("timers failed", timers=len(rows), blindly=blindly)
        else:
            return len(rows)
    return 0


async def _work(
    connection: Connection, rows: Sequence[Any], now: datetime, values: Values, *, blindly: bool
) -> None:
    timers = [
        Timer(
            episode=row["episode"],
            round=row["round"],
            calls=row["calls"],
            reminders=row["reminders"],
            reminded_at=row["reminded_at"],
            severity=pages_as(row["severity"], cleared=row["cleared"]),
            held_by=row["acknowledged_by"],
            held_since=row["acknowledged_at"],
            held_until=row["acknowledged_until"],
        )
        for row in rows
    ]
    outcome = _Outcome()
    waiting = [one for one in timers if not _holds(one, now, values, outcome)]
    facts = await load_facts(connection, waiting, now) if waiting and not blindly else None
    for timer in waiting:
        _decide(timer, facts, now, values, outcome)
    await _write(connection, outcome, now)


def _holds(timer: Timer, now: datetime, values: Values, outcome: _Outcome) -> bool:
    """Whether somebody still has it; where their lease has run out, a new round begins."""
    if timer.held_since is None:
        return False
    until = timer.held_until or timer.held_since + values.of(timer.severity).lease
    if now < until:
        outcome.timers.append(_row(timer, until))
        return True
    outcome.lapsed.append(timer.episode)
    outcome.events.append(
        {
            "episode": timer.episode,
            "what": "lapsed",
            "detail": {"by": timer.held_by, "at": rfc3339(timer.held_since)},
        }
    )
    timer.round += 1
    timer.calls, timer.reminders, timer.reminded_at = 0, 0, None
    return False


def _decide(
    timer: Timer, facts: Facts | None, now: datetime, values: Values, outcome: _Outcome
) -> None:
    if facts is None:
        action = _blindly(timer, now, values)
    else:
        try:
            action = act(
                now,
                timer.severity,
                route(facts.cases[timer.episode], facts.teams, facts.duties, values),
                facts.called[timer.episode],
                values,
                reminded_at=timer.reminded_at,
                declined=facts.declined[timer.episode],
            )
        except Exception:
            _log.exception("routing failed; the desk is called", episode=timer.episode)
            action = _blindly(timer, now, values)
    if action.step is not None:
        _call(timer, action, action.step, outcome)
    if action.remind:
        timer.reminders += 1
        timer.reminded_at = now
        step = f"{timer.round}.reminder-{timer.reminders}"
        outcome.messages.append(Message(timer.episode, step, None, timer.severity, "reminder"))
    outcome.timers.append(_row(timer, action.due_at))


def _blindly(timer: Timer, now: datetime, values: Values) -> Action:
    """Where nothing can be told: the desk, once, and then again and again."""
    urgency = values.of(timer.severity)
    if timer.calls:
        return Action(now + urgency.remind, remind=True)
    return Action(now + urgency.remind, desk_alone("routing_failed")[0], (None,))


def _call(timer: Timer, action: Action, step: Step, outcome: _Outcome) -> None:
    timer.calls += 1
    text = f"{timer.round}.{timer.calls}-{step.name}"
    way = step.travel or {}
    for member in action.recipients:
        detail: dict[str, Any] = {
            "round": timer.round,
            "step": step.name if member is not None else "desk",
            "message": text,
            "severity": timer.severity,
        }
        if member is None:
            detail["reasons"] = list(step.reasons)
        elif member in way:
            detail["travel_min"] = way[member]
        outcome.events.append(
            {"episode": timer.episode, "what": "called", "member": member, "detail": detail}
        )
        outcome.messages.append(Message(timer.episode, text, member, timer.severity, "page"))
    outcome.rights |= step.name == "neighbour"


def _row(timer: Timer, due_at: datetime) -> dict[str, Any]:
    return {
        "episode": timer.episode,
        "round": timer.round,
        "calls": timer.calls,
        "reminders": timer.reminders,
        "reminded_at": None if timer.reminded_at is None else rfc3339(timer.reminded_at),
        "due_at": rfc3339(due_at),
    }


async def _write(connection: Connection, outcome: _Outcome, now: datetime) -> None:
    if outcome.lapsed:
        await _queries.lapse(connection, episodes=outcome.lapsed, now=now)
    if outcome.events:
        await _queries.record_calls(connection, rows=outcome.events, now=now, wall=wall_time())
        changed = sorted({event["episode"] for event in outcome.events})
        await _queries.raise_versions(connection, episodes=changed)
        await _queries.notify(connection, channel=EPISODE_CHANNEL, ids=changed)
    await enqueue(connection, outcome.messages, now=now)
    await _queries.set_timers(connection, rows=outcome.timers)
    if outcome.rights:
        await _queries.notify_rights(connection, channel=EPISODE_CHANNEL, payload=RIGHTS_CHANGED)
