"""What findings may do to episodes now: after their rule's duration, inhibition and hysteresis.

Between what rules find and the episodes' state machine, for one subject at one moment. Pure.

  - A rule that must last (`raise` with for_min) finds something for that long before it pages.
  - A rule that inhibits kinds takes the page from findings of these kinds that are no more severe,
    while it speaks itself: by a finding that pages, or by an open episode that it made and that has
    not cleared. What is never filtered is never inhibited.
  - A finding whose value has come back over the limit, but not over `lower` or `clear` yet, keeps
    what its rule raised.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from alerts.episodes.joining import Key
from alerts.finding import Finding, Severity
from alerts.rules.rule import Rule, Rules


class Standing(Protocol):
    """What is asked of an open episode."""

    @property
    def key(self) -> Key: ...
    @property
    def severity(self) -> int: ...
    @property
    def cleared_at(self) -> datetime | None: ...
    @property
    def summary(self) -> Mapping[str, Any]: ...


@dataclass(slots=True)
class Held:
    """Findings as they count now."""

    findings: list[Finding] = field(default_factory=list)
    """What is beyond the limit at which its rule raises."""
    keeps: dict[Key, int] = field(default_factory=dict)
    """The severity below which hysteresis does not let an episode fall."""
    beyond: dict[str, datetime] = field(default_factory=dict)
    """Since when rules that must last have found what they find; by kind, origin and rule."""
    due: list[datetime] = field(default_factory=list)


def hold(
    now: datetime,
    findings: Iterable[Finding],
    *,
    standing: Mapping[Key, Standing],
    beyond: Mapping[str, datetime],
    rules: Rules,
    unseen: Set[str],
) -> Held:
    """Findings as they count now.

    Args:
        standing: the subject's open episodes.
        beyond: what the last step returned.
        unseen: kinds that were not looked at this time: what must last goes on lasting.
    """
    held = Held()
    if beyond:
        held.beyond = {name: at for name, at in beyond.items() if name.split(" ")[0] in unseen}
    for finding in findings:
        if finding.hold != "raise":
            _keep(finding, held)
            continue
        rule = rules.rules.get(finding.rule)
        if rule is not None and rule.raises.lasting > timedelta(0):
            finding = _lasting(now, finding, rule.raises.lasting, beyond, held)
        held.findings.append(finding)
    if held.findings:
        _inhibit(held, standing.values(), rules)
    return held


def _keep(finding: Finding, held: Held) -> None:
    severity = finding.severity if finding.hold == "lower" else int(Severity.REVIEW)
    key = (finding.kind, finding.origin)
    held.keeps[key] = max(severity, held.keeps.get(key, 0))


def _lasting(
    now: datetime, finding: Finding, lasting: timedelta, beyond: Mapping[str, datetime], held: Held
) -> Finding:
    name = f"{finding.kind} {finding.rule} {finding.origin}"
    first = finding.evidence[0].time if finding.evidence else now
    since = min(beyond.get(name, first), now)
    held.beyond[name] = since
    if now - since >= lasting:
        return finding
    held.due.append(since + lasting)
    return replace(finding, pages=0)


def _inhibit(held: Held, standing: Iterable[Standing], rules: Rules) -> None:
    speaking: list[tuple[Rule, int]] = [
        (rules[finding.rule], finding.pages)
        for finding in held.findings
        if finding.pages and finding.rule in rules.rules
    ]
    for episode in standing:
        rule = rules.rules.get(str(episode.summary.get("rule")))
        if rule is not None and episode.cleared_at is None:
            speaking.append((rule, episode.severity))
    limits: dict[str, int] = {}
    for rule, severity in speaking:
        for kind in rule.inhibits:
            limits[kind] = max(severity, limits.get(kind, 0))
    if not limits:
        return
    held.findings = [
        replace(finding, pages=0)
        if finding.severity <= limits.get(finding.kind, 0) and not _unstoppable(finding, rules)
        else finding
        for finding in held.findings
    ]


def _unstoppable(finding: Finding, rules: Rules) -> bool:
    rule = rules.rules.get(finding.rule)
    return rule is None or rule.never_filtered


def kept(keeps: Mapping[Key, int], episode: Standing) -> int:
    """The severity that hysteresis keeps an open episode at; 0: it keeps nothing."""
    if episode.cleared_at is not None:
        return 0
    return min(keeps.get(episode.key, 0), episode.severity)
