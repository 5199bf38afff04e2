"""Events: help, smoke, carbon monoxide, fall at any age; a wish for a call for a day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from alerts.finding import LIFE_SAFETY, Finding, Reading, rfc3339
from alerts.subjects.subject import Context, Subject, newest_first
from core.reading import UNKNOWN, State

EVENTS = (*sorted(LIFE_SAFETY), "call_request")
"""Metrics whose value 1 is an event that somebody must answer."""


def assess(subjects: Sequence[Subject], context: Context) -> Iterator[tuple[int, Finding]]:
    """One finding for each kind of event that has not been dealt with, of each origin."""
    for index, subject in enumerate(subjects):
        if not subject.events:
            continue
        groups: dict[tuple[str, str], list[Reading]] = {}
        for event in subject.events:
            if _counts(event, context):
                groups.setdefault((event.metric, _origin(subject, event)), []).append(event)
        for (metric, origin), events in groups.items():
            rule = context.rules[metric]
            if not rule.on:
                continue
            evidence = newest_first(events)
            newest = evidence[0]
            late = context.now - newest.time > context.rules.late_after + context.delay
            yield (
                index,
                Finding(
                    kind=metric,
                    origin=origin,
                    rule=rule.id,
                    severity=rule.severity,
                    pages=rule.severity,
                    key=metric,
                    params={
                        "count": len(events),
                        "newest": rfc3339(newest.time),
                        "late": late,
                        "unknown_device": UNKNOWN in (subject.id, newest.device),
                        **_medicines(subject, metric),
                    },
                    evidence=evidence,
                ),
            )


def _medicines(subject: Subject, metric: str) -> dict[str, list[str]]:
    """With a fall: a blow to the head of somebody on anticoagulants is another matter."""
    taken = subject.client.record.medicines if subject.client else ()
    return {"medicines": ["anticoagulant"]} if metric == "fall" and "anticoagulant" in taken else {}


def _counts(event: Reading, context: Context) -> bool:
    """A life-safety event always does, a doubtful one too; a wish for a call while it is new."""
    if event.metric in LIFE_SAFETY:
        return event.state != State.STRUCK_OUT
    newest = timedelta(hours=context.rules[event.metric].limits["newest_h"])
    return event.state == State.OK and context.now - event.time <= newest


def _origin(subject: Subject, event: Reading) -> str:
    """Calls of nobody known must not hide each other: each device, or each call, is its own."""
    if subject.id != UNKNOWN:
        return ""
    return f"device {event.device}" if event.device != UNKNOWN else rfc3339(event.time)
