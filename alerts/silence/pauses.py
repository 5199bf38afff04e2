"""Pauses: what is not expected for a time pages nobody, and a sign of life then is asked about.

    hospital, holiday   suspend whatever is found in values, silence or routine of the client; signs
                        of life meanwhile (a value measured on them; movement in a home that
                        everybody has left) ask "home early?"
    guests              suspend what is told from the home's routine

Suspended findings keep a standing episode standing and open none; when the pause ends, everything
is looked at again. Help, smoke, carbon monoxide, fall and a wish for a call are never suspended,
nor is a fault of our own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from alerts.finding import LIFE_SAFETY, Finding, Severity, rfc3339
from alerts.silence.causes import inhibited
from alerts.subjects.subject import AWAY, Assessment, Context, Pause, Subject, newest_first
from core.catalogue import catalogue

MOVEMENT = ("motion", "door", "bed", "presence")
"""Metrics of a home whose value above 0 says that somebody is in it."""
MEASURED = tuple(metric.name for metric in catalogue() if metric.kind in ("vital", "body"))
"""Metrics that somebody must be there for."""
NEVER = LIFE_SAFETY | {"call_request", "technical", "home_early"}
"""Kinds that no pause suspends."""
ROUTINE = frozenset({"routine", "inactivity"})
"""Kinds that guests suspend: told from what the home is usually like."""


class Known(NamedTuple):
    """A pause that is on or to come, as registered for one subject of a home."""

    whose: int
    kind: str
    since: datetime
    until: datetime


def bearing(
    subject: int, kind: str, known: Sequence[Known], *, residents: int, now: datetime
) -> tuple[tuple[Pause, ...], datetime | None]:
    """The pauses that are on for a subject, and when the next one begins.

    A home is left where it is paused itself, or where each of its residents is away: from when
    the last one went to when the first comes back.
    """
    on = [pause for pause in known if pause.since <= now < pause.until]
    ahead = min((pause.since for pause in known if pause.since > now), default=None)
    if kind != "home":
        return tuple(Pause(one.kind, one.since, one.until) for one in on), ahead
    found = [
        Pause(one.kind, one.since, one.until)
        for one in on
        if one.whose == subject or one.kind not in AWAY
    ]
    longest: dict[int, Known] = {}
    for one in on:
        if one.kind in AWAY and one.whose != subject:
            other = longest.get(one.whose)
            longest[one.whose] = one if other is None or one.until > other.until else other
    if residents and len(longest) == residents:
        first = min(longest.values(), key=lambda one: one.until)
        found.append(Pause(first.kind, max(one.since for one in longest.values()), first.until))
    return tuple(found), ahead


def assess(
    subjects: Sequence[Subject], context: Context
) -> Iterator[tuple[int, Finding | datetime]]:
    """ "Home early?", and when a pause begins or ends."""
    rule = context.rules["home_early"]
    grace = timedelta(minutes=rule.limits["grace_min"])
    for index, subject in enumerate(subjects):
        if not subject.pauses and subject.next_pause is None:
            continue
        ends: Iterable[datetime] = (pause.until for pause in subject.pauses)
        moments = [*ends, *([subject.next_pause] if subject.next_pause else [])]
        if moments:
            # The instant itself is no longer paused; the sum is for whoever rounds.
            yield index, min(moments) + timedelta(milliseconds=1)
        away = subject.away
        if away is None or not rule.on:
            continue
        signs = newest_first(sign for sign in subject.signs if sign.time > away.since + grace)
        if signs:
            newest = signs[0]
            yield (
                index,
                Finding(
                    kind=rule.kind,
                    rule=rule.id,
                    severity=rule.severity,
                    pages=rule.severity if context.timely(newest) else 0,
                    key="home_early",
                    params={
                        "pause": away.kind,
                        "until": rfc3339(away.until),
                        "metric": newest.metric,
                        "newest": rfc3339(newest.time),
                        "held": False,
                    },
                ),
            )


def suspend(subject: Subject, assessment: Assessment) -> None:
    """Let the findings that a pause suspends open and raise nothing.

    Where the worst of them would have been an emergency, and there are signs of life, "home
    early?" says so and is urgent: a pause that somebody forgot must not hide a dying client.
    """
    if not subject.pauses:
        return
    away = subject.away
    worst = 0
    for number, finding in enumerate(assessment.findings):
        suspended = away is not None or finding.kind in ROUTINE
        if finding.pages and suspended and finding.kind not in NEVER:
            worst = max(worst, finding.pages)
            assessment.findings[number] = inhibited(finding, "pause")
    if worst < Severity.EMERGENCY:
        return
    for number, finding in enumerate(assessment.findings):
        if finding.kind == "home_early" and finding.pages:
            urgent = max(finding.severity, int(Severity.URGENT))
            assessment.findings[number] = replace(
                finding,
                severity=urgent,
                pages=urgent,
                params={**finding.params, "held": True},
            )
