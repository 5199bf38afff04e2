"""One look at one subject: its assessment -> what changes, what is kept, when to look next.

Pure, so that the worker (alerts.worker.batch) and the backtest (alerts.backtest) do the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog

from alerts.assess.assess import fail
from alerts.episodes.episode import Change, Episode, Step
from alerts.episodes.episodes import step
from alerts.rules.shipped import Rules
from alerts.subjects.subject import SLOW, Assessment, Context, Subject
from alerts.worker.state import State

_WAIT = {"doses": "missed_dose", "doors": "door"}
"""Rules of alerts.assess that ask to be looked at again, and their kind."""
_log = structlog.get_logger()


def look(
    subject: Subject,
    assessment: Assessment,
    state: State,
    episodes: Sequence[Episode],
    context: Context,
    *,
    present: bool,
) -> list[Change]:
    """Bring a subject's episodes up to date; `state` and `assessment` take on what follows.

    Most looks find nothing, of subjects of whom nothing is remembered: they end at once.

    Args:
        episodes: open ones, and those closed while their evidence can still be valid.
        present: the newest readings were looked at, not the events of history alone.
    """
    if _is_calm(subject, assessment, state, episodes):
        return []
    try:
        return _step(subject, assessment, state, episodes, context, present=present)
    except Exception as error:
        _log.exception("episodes failed", subject=subject.id)
        fail(assessment, "episodes", error, context)
        return only_technical(assessment, state, episodes, context)


def _is_calm(
    subject: Subject, assessment: Assessment, state: State, episodes: Sequence[Episode]
) -> bool:
    return not (
        assessment.findings
        or episodes
        or state.quiet
        or state.beyond
        or state.awaited
        or subject.slow
        or subject.devices is not None
    )


def only_technical(
    assessment: Assessment, state: State, episodes: Sequence[Episode], context: Context
) -> list[Change]:
    """The changes where nothing else of a subject can be trusted to work."""
    return step(
        context.now,
        [finding for finding in assessment.findings if finding.kind == "technical"],
        open_episodes=[
            one for one in episodes if one.kind == "technical" and one.closed_at is None
        ],
        closed_episodes=[one for one in _last_closed(episodes) if one.kind == "technical"],
        quiet=state.quiet_by_key(),
        valid=frozenset(),
        rules=context.rules,
    ).changes


def next_look(
    state: State, assessment: Assessment, *, due_at: datetime | None, present: bool
) -> datetime | None:
    """When to look again even if nothing arrives; `due_at` is what was asked for before."""
    asked = [*assessment.due.values()]
    if state.silence_at is not None:
        asked.append(state.silence_at)
    if not present and due_at:
        asked.append(due_at)
    return min(asked, default=None)


def listens(state: State, episodes: Sequence[Episode], *, is_due: bool, now: datetime) -> bool:
    """Whether to look at a subject's devices: when it is time, or while one of them is silent."""
    if state.silence_at is None:
        return is_due
    return state.silence_at <= now or any(
        one.kind == "silence" and one.closed_at is None and one.cleared_at is None
        for one in episodes
    )


def _step(
    subject: Subject,
    assessment: Assessment,
    state: State,
    episodes: Sequence[Episode],
    context: Context,
    *,
    present: bool,
) -> list[Change]:
    outcome = step(
        context.now,
        assessment.findings,
        open_episodes=[one for one in episodes if one.closed_at is None],
        closed_episodes=_last_closed(episodes),
        quiet=state.quiet_by_key(),
        valid=subject.newest.keys() | subject.slow.keys(),
        rules=context.rules.adjusted(subject.rules),
        beyond=state.beyond,
        unseen=_unseen(subject, assessment, context.rules, present=present),
    )
    state.remember(outcome)
    state.awaited = _awaited(subject, assessment, state, outcome, episodes)
    for at in outcome.due:
        assessment.look_again("episodes", at)
    if subject.devices is not None:
        state.silence_at = assessment.due.get("silence")
        state.heard = {str(device.id): device.heard_at for device in subject.devices}
    return outcome.changes


def _awaited(
    subject: Subject,
    assessment: Assessment,
    state: State,
    outcome: Step,
    episodes: Sequence[Episode],
) -> frozenset[str]:
    """Metrics that are read only where they are new, and for which something waits now.

    For a repeat, for a window to end, for a limit to last, or for an open alert to clear.
    """
    if not subject.slow and not state.awaited:
        return frozenset()
    standing = {one.key for one in episodes if one.closed_at is None and one.cleared_at is None}
    kinds = {kind for kind, origin in outcome.quiet if (kind, origin) in standing}
    kinds |= {name.split(" ")[0] for name in outcome.beyond}
    kinds |= {name.split(" ")[1] for name in assessment.due if name.startswith("repeat ")}
    kinds |= {_WAIT[name] for name in assessment.due if name in _WAIT}
    return frozenset(
        metric
        for metric, kind in SLOW.items()
        if (kind in kinds if metric in subject.slow else metric in state.awaited)
    )


def _unseen(
    subject: Subject, assessment: Assessment, rules: Rules, *, present: bool
) -> frozenset[str]:
    """Kinds of which the absence of findings means nothing this time."""
    if present and not assessment.failed:
        silence = frozenset({"silence"}) if subject.devices is None else frozenset()
        return silence | subject.unseen
    lasting = frozenset(kind for kind, one in rules.behaviours.items() if one.lasting)
    return lasting - {"technical"} if present else lasting


def _last_closed(episodes: Sequence[Episode]) -> list[Episode]:
    closed = [(one.closed_at, one.id, one) for one in episodes if one.closed_at is not None]
    return list({one.key: one for _, _, one in sorted(closed, key=lambda c: c[:2])}.values())
