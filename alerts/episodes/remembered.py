"""What a person recorded of an alert is remembered: the same does not call again for a while.

Somebody went, or called, and recorded that it was false, technical or known already. For as long as
`known_for` of its kind says, the same is not told again unless it is worse:

  - a higher severity;
  - of what a model tells: other reasons than those that were looked at, or odds several times as
    high.

What is told from hearing nothing is the same only while it is the same silence: a sign of life ends
it, and what falls silent after that is new. Kinds in which something is never filtered have no such
time (alerts.rules.checks).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from alerts.episodes.joining import Joined
from alerts.finding import rfc3339

DISMISSED = frozenset({"false", "technical", "known"})
"""Outcomes that say that it was nothing new, or nothing at all."""
UNHEARD = frozenset({"inactivity", "silence"})
"""Kinds that one silence makes: it began at a moment, and goes on."""
_ODDS = 3.0
"""So many times the odds of what was closed are worse."""
_WEIGHTY = 1.0
"""Log odds from which a reason is one to look at again for."""


class Closed(Protocol):
    """What is asked of a closed episode."""

    @property
    def kind(self) -> str: ...
    @property
    def summary(self) -> Mapping[str, Any]: ...
    @property
    def evidence(self) -> Sequence[Mapping[str, Any]]: ...
    @property
    def closed_at(self) -> datetime | None: ...
    @property
    def outcome(self) -> str | None: ...


def is_known(found: Joined, before: Closed) -> bool:
    """Whether somebody looked at this very thing, and recorded that it was nothing new."""
    if before.outcome not in DISMISSED or before.closed_at is None:
        return False
    if before.kind not in UNHEARD:
        return True
    since = found.summary["params"].get("since")
    if since is None and found.evidence:
        since = rfc3339(found.evidence[0].time)
    return since is None or str(since) <= rfc3339(before.closed_at)


def says_more(found: Joined, before: Closed) -> bool:
    """Whether a model says more, at the same severity, than what was closed said."""
    now, then = found.summary["params"], before.summary.get("params", {})
    if "probability" not in now or "probability" not in then:
        return False
    if _odds(now["probability"]) >= _ODDS * _odds(then["probability"]):
        return True
    return not _reasons(now["reasons"], _WEIGHTY) <= _reasons(then["reasons"])


def _odds(probability: float) -> float:
    return probability / max(1.0 - probability, 1e-3)


def _reasons(told: Iterable[Mapping[str, Any]], weight: float = 0.0) -> set[tuple[str, str]]:
    """What each reason of some weight is about, and which way it lies."""
    return {
        (one["key"], str(one.get("metric") or one.get("measure") or ""))
        for one in told
        if one["weight"] >= weight
    }
