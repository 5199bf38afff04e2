"""Findings and episodes -> what changes. Pure: the state machine of one subject's episodes.

An episode joins the findings of one kind and origin over time. It is open until a person closes
it; apart from that it can be cleared (the readings are back in order), and acknowledged.

Lasting kinds (a score, a limit, a silence):
  - A finding that may page opens an episode. More than that raises it: `rose`. Before, alerts.
    standing has taken the page from what must last longer first, or is inhibited.
  - Milder findings must last as long as the rule's `lower` says before it falls (to the worst seen
    meanwhile), none as long as its `clear` says before it clears. They count only while the
    readings that made the episode have valid successors: a score that falls because a value went
    missing is no recovery.
  - A cleared episode whose finding comes back has `returned`; it is still the same episode. So has
    one that a higher cause explained (`updated`), once that cause is over and the finding is not.
  - After a person closed it, the same condition needs newer evidence to open another one (silence
    has none: that it goes on is enough), and one of: it is worse than what was closed; it had gone
    away for as long as `clear` says; `again_after` is over. So closing a "known" score of 5 is not
    undone by the next minute's pack, and a mistaken closing does not last.
  - Where the person recorded that it was nothing new (`alerts.episodes.remembered`), only what is
    worse opens another one until `known_for` is over, even if it had gone away meanwhile.

Events (help, smoke, carbon monoxide, fall, a wish for a call):
  - The first opens an episode, further ones `updated` it with new evidence; nothing clears it.
  - After closing, the next event opens another one, whatever was closed.

An acknowledgement says that somebody has it. What they did not know of takes it away: a severity
above the one acknowledged, what had cleared and returned, or another life-safety event (not one
with which the same device repeats itself within `repeat_within`). Then everybody is called again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.episodes.episode import Change, Episode, Quiet, Step, What, stored_keys, unexplained
from alerts.episodes.joining import Joined, Key, evidence_keys, join
from alerts.episodes.remembered import is_known, says_more
from alerts.episodes.standing import hold, kept
from alerts.finding import LIFE_SAFETY, Finding, rfc3339
from alerts.rules.rule import Behaviour, Rules


def step(
    now: datetime,
    findings: Iterable[Finding],
    *,
    open_episodes: Iterable[Episode],
    closed_episodes: Iterable[Episode],
    quiet: Mapping[Key, Quiet],
    valid: Set[str],
    rules: Rules,
    beyond: Mapping[str, datetime] | None = None,
    unseen: Set[str] = frozenset(),
) -> Step:
    """Bring the episodes of one subject up to date.

    Args:
        open_episodes: at most one a key.
        closed_episodes: the last closed one of each key, as far back as any reading stays valid.
        quiet, beyond: what the last step returned.
        valid: metrics of which the subject has a valid reading now.
        rules: as they hold for this subject.
        unseen: kinds that were not looked at (fully) this time, so that no finding means nothing.
    """
    standing = {episode.key: episode for episode in open_episodes}
    held = hold(now, findings, standing=standing, beyond=beyond or {}, rules=rules, unseen=unseen)
    outcome = Step(beyond=held.beyond, due=held.due)
    joined = join(held.findings)
    closed = {episode.key: episode for episode in closed_episodes}
    for key in sorted(joined.keys() | standing.keys() | closed.keys()):
        behaviour = rules.behaviours[key[0]]
        found, current, before = joined.get(key), standing.get(key), closed.get(key)
        if found is None and key[0] in unseen:
            if key in quiet:
                outcome.quiet[key] = quiet[key]
            continue
        machine = _Machine(now, behaviour, rules, quiet.get(key), valid, unseen, outcome)
        if not behaviour.lasting:
            if found is not None:
                machine.event(found, current)
        elif current is not None:
            machine.standing(current, found, kept(held.keeps, current))
        elif found is not None or key not in held.keeps:
            machine.absent(key, found, before)
    return outcome


@dataclass(slots=True)
class _Machine:
    """One key of one subject at one moment."""

    now: datetime
    behaviour: Behaviour
    rules: Rules
    quiet: Quiet | None
    valid: Set[str]
    unseen: Set[str]
    outcome: Step

    def event(self, found: Joined, current: Episode | None) -> None:
        if current is None:
            self._open(found)
            return
        count = int(current.summary["params"].get("count", 0)) + len(found.evidence)
        params = {**found.summary["params"], "count": count}
        self.outcome.changes.append(
            Change(
                what="updated",
                key=found.key,
                episode=current,
                severity=max(current.severity, found.severity),
                highest=max(current.highest, found.severity),
                cleared_at=None,
                summary={**found.summary, "params": params},
                joined=found,
                ends_acknowledgement=current.acknowledged_severity is not None
                and found.key[0] in LIFE_SAFETY
                and not self._repeats(found, current),
            )
        )

    def standing(self, current: Episode, found: Joined | None, kept: int) -> None:
        severity = max(found.severity if found else 0, kept)
        pages = found.pages if found else 0
        if current.cleared_at is not None:
            if found is not None and pages:
                self._raise("returned", current, found)
        elif found is not None and self._explained(current, found):
            pass
        elif found is not None and pages > current.severity:
            self._raise("rose", current, found)
        elif severity >= current.severity:
            # Held by hysteresis only, it still says what raised it.
            self._refresh(current, found if found and found.severity >= severity else None)
        elif self._comparable(current):
            self._lower(current, found, severity)
        else:
            self._refresh(current, found)

    def _explained(self, current: Episode, found: Joined) -> bool:
        """Whether a higher cause has begun or ceased to explain the episode; then that is said.

        Whoever has it keeps it, unless it comes back worse than they know.
        """
        was, now = current.summary.get("inhibited_by"), found.summary.get("inhibited_by")
        if now and not was:
            self._change("updated", current, found, current.severity)
            # Its evidence is what it was: only why it stands is new.
            self.outcome.changes[-1] = replace(self.outcome.changes[-1], joined=None)
        elif was and not now and found.pages:
            known = current.acknowledged_severity
            ends = known is not None and found.pages > known
            self._change("returned", current, found, found.pages, ends_acknowledgement=ends)
        else:
            return False
        return True

    def absent(self, key: Key, found: Joined | None, before: Episode | None) -> None:
        """Nothing of this key is open; `before` is what a person closed last."""
        if found is None:
            if before is not None and self._comparable(before):
                quiet = self.quiet
                rule = str(before.summary.get("rule", ""))
                self._keep(key, quiet if quiet and quiet.peak == 0 else Quiet(self.now, 0, rule))
            return
        if not found.pages:
            return
        if before is None or before.closed_at is None:
            self._open(found)
        elif self._newer(found, before):
            gone = before.cleared_at is not None or (
                self.quiet is not None
                and self.now - self.quiet.since >= self._lasting(self.quiet, before.kind)
            )
            again = before.closed_at + self.behaviour.again_after
            known = before.closed_at + self.behaviour.known_for
            worse = found.pages > before.severity
            if worse or (found.pages == before.severity and says_more(found, before)):
                self._open(found)
            elif self.now < known and is_known(found, before):
                self.outcome.due.append(known)
            elif gone or self.now >= again:
                self._open(found)
            else:
                self.outcome.due.append(again)

    def _lower(self, current: Episode, found: Joined | None, severity: int) -> None:
        quiet = self.quiet or Quiet(self.now, severity, str(current.summary.get("rule", "")))
        quiet = Quiet(quiet.since, max(quiet.peak, severity), quiet.rule)
        until = quiet.since + self._lasting(quiet, current.kind)
        if self.now < until:
            self._keep(current.key, quiet)
            self.outcome.due.append(until)
            self._refresh(current, found)
        elif quiet.peak == 0:
            self._change("cleared", current, None, current.severity, cleared_at=self.now)
        else:
            self._change("fell", current, found, quiet.peak)
            speaks = found.summary if found else current.summary
            quiet = Quiet(self.now, severity, str(speaks.get("rule", "")))
            self._keep(current.key, quiet)
            self.outcome.due.append(self.now + self._lasting(quiet, current.kind))

    def _lasting(self, quiet: Quiet, kind: str) -> timedelta:
        """How long findings must have been so much milder before that counts."""
        rules = self.rules
        return (rules.lowers_after if quiet.peak else rules.clears_after)(quiet.rule, kind)

    def _keep(self, key: Key, quiet: Quiet) -> None:
        self.outcome.quiet[key] = quiet

    def _open(self, found: Joined) -> None:
        self.outcome.changes.append(
            Change(
                what="opened",
                key=found.key,
                episode=None,
                severity=found.pages,
                highest=found.pages,
                cleared_at=None,
                summary=found.summary,
                joined=found,
            )
        )

    def _raise(self, what: What, current: Episode, found: Joined) -> None:
        known = current.acknowledged_severity
        ends = known is not None and (what == "returned" or found.pages > known)
        self._change(what, current, found, found.pages, ends_acknowledgement=ends)

    def _refresh(self, current: Episode, found: Joined | None) -> None:
        if found is not None and (
            dict(current.summary) != found.summary
            or evidence_keys(found.evidence) != stored_keys(current)
        ):
            self._change("refreshed", current, found, current.severity)

    def _change(
        self,
        what: What,
        current: Episode,
        found: Joined | None,
        severity: int,
        *,
        cleared_at: datetime | None = None,
        ends_acknowledgement: bool = False,
    ) -> None:
        self.outcome.changes.append(
            Change(
                what=what,
                key=current.key,
                episode=current,
                severity=severity,
                highest=max(current.highest, severity),
                cleared_at=cleared_at,
                summary=found.summary if found else unexplained(current.summary),
                joined=found,
                ends_acknowledgement=ends_acknowledgement,
            )
        )

    def _comparable(self, episode: Episode) -> bool:
        """Whether what made the episode was measured again, so that its absence means something.

        Readings that gave no points to a score are not asked for.
        """
        if episode.kind in self.unseen:
            return False
        if episode.kind in ("silence", "technical"):
            return True
        return all(
            entry["metric"] in self.valid
            for entry in episode.evidence
            if entry.get("points", (1, 1))[1] > 0
        )

    def _newer(self, found: Joined, before: Episode) -> bool:
        """Whether there is evidence that the person who closed it did not have."""
        if found.key[0] == "silence" or not found.evidence or not before.evidence:
            return True
        return rfc3339(found.evidence[0].time) > str(before.evidence[0]["time"])

    def _repeats(self, found: Joined, current: Episode) -> bool:
        """Whether all new events are devices repeating what they have just said."""
        known = [
            (entry["device_id"], datetime.fromisoformat(entry["time"]))
            for entry in current.evidence
        ]
        return all(
            any(
                event.device == device and abs(event.time - time) <= self.behaviour.repeat_within
                for device, time in known
            )
            for event in found.evidence
        )
