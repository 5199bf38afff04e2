"""Findings of one kind and origin, as one: the worst speaks, the others stand beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.finding import Finding, Reading, rfc3339

KEEP_EVIDENCE = 20
"""Readings shown with an episode; the events keep them all."""

Key = tuple[str, str]
"""Kind and origin: with the subject, what tells episodes apart."""


@dataclass(frozen=True, slots=True)
class Joined:
    """The findings of one key, as one."""

    key: Key
    severity: int
    pages: int
    summary: dict[str, Any]
    evidence: tuple[Reading, ...]
    points: Mapping[str, list[int]]


def join(findings: Iterable[Finding]) -> dict[Key, Joined]:
    """Findings by key: the worst one speaks, the others are named beside it."""
    by_key: dict[Key, list[Finding]] = {}
    for finding in findings:
        by_key.setdefault((finding.kind, finding.origin), []).append(finding)
    return {key: _join(key, found) for key, found in by_key.items()}


def _join(key: Key, findings: list[Finding]) -> Joined:
    ranked = sorted(findings, key=lambda finding: (finding.severity, finding.pages), reverse=True)
    worst, *others = ranked
    readings: dict[tuple[int, str, datetime], Reading] = {}
    for finding in ranked:
        for reading in finding.evidence:
            readings.setdefault((reading.device, reading.metric, reading.time), reading)
    evidence = sorted(readings.values(), key=lambda reading: reading.time, reverse=True)
    pages = max(finding.pages for finding in findings)
    summary = worst.summary()
    if pages:
        summary.pop("inhibited_by", None)  # not all of it is explained
    beside = [{**other.summary(), "severity": other.severity} for other in others]
    return Joined(
        key=key,
        severity=worst.severity,
        pages=pages,
        summary={**summary, "others": beside},
        evidence=tuple(evidence),
        points=worst.points,
    )


def evidence_keys(evidence: Sequence[Reading]) -> list[tuple[str, str, float]]:
    """What tells whether evidence is the same as what is stored."""
    return [(reading.metric, rfc3339(reading.time), reading.value) for reading in evidence][
        :KEEP_EVIDENCE
    ]
