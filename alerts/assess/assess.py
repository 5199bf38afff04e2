"""Readings and facts -> findings: every rule in one table, applied to a whole batch.

A rule that fails fails alone: it is applied again to one subject at a time, and a subject of whom
it still fails gets a finding that says so. Everybody else, and the other rules, go on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from alerts.assess import (
    blood_pressure,
    doses,
    glucose,
    news,
    record_rules,
    respiratory,
    surroundings,
    thresholds,
    weight,
)
from alerts.assess.repeating import asked_again
from alerts.finding import Finding
from alerts.silence import causes, outside, pauses, silence
from alerts.subjects import events
from alerts.subjects.subject import Assess, Assessment, Context, Subject

RULES: dict[str, Assess] = {
    "events": events.assess,
    "news2": news.assess,
    "limits": thresholds.assess,
    "meters": thresholds.assess_meters,
    "glucose": glucose.assess,
    "blood_pressure": blood_pressure.assess,
    "weight": weight.assess,
    "respiratory": respiratory.assess,
    "rooms": surroundings.assess_rooms,
    "doors": surroundings.assess_doors,
    "doses": doses.assess,
    "record": record_rules.assess,
    "silence": silence.assess,
    "pauses": pauses.assess,
    "channels": outside.assess,
}
"""What is applied, in this order."""

RETRY = timedelta(minutes=5)
"""When a subject is looked at again after a rule failed."""

_log = structlog.get_logger()


def assess(
    subjects: Sequence[Subject], context: Context, rules: Mapping[str, Assess] | None = None
) -> list[Assessment]:
    """Apply every rule to every subject; one assessment each, in the same order."""
    assessments = [Assessment() for _ in subjects]
    for name, rule in (RULES if rules is None else rules).items():
        try:
            said = list(rule(subjects, context))
        except Exception:
            said = _one_at_a_time(name, rule, subjects, context, assessments)
        for index, verdict in said:
            if isinstance(verdict, Finding):
                _take(assessments[index], rule, subjects[index], verdict, context)
            else:
                assessments[index].look_again(name, verdict)
    for subject, assessment in zip(subjects, assessments, strict=True):
        if not assessment.findings:
            continue
        pauses.suspend(subject, assessment)
        causes.inhibit(subject, assessment, context)
        record_rules.restrict(subject, assessment, context)
    return assessments


def _take(
    assessment: Assessment, assess: Assess, subject: Subject, finding: Finding, context: Context
) -> None:
    """Add a finding, once it is confirmed where its rule asks for that."""
    rule = context.rule(subject, finding.rule)
    if rule.confirm_within is not None:
        try:
            finding, again = asked_again(assess, rule, subject, finding, context)
        except Exception as error:  # then it counts as it is
            _log.exception("repeat failed", rule=rule.id, subject=subject.id)
            fail(assessment, rule.id, error, context)
        else:
            if again is not None:
                assessment.look_again(f"repeat {finding.kind} {finding.origin}", again)
    assessment.findings.append(finding)


def _one_at_a_time(
    name: str,
    rule: Assess,
    subjects: Sequence[Subject],
    context: Context,
    assessments: Sequence[Assessment],
) -> list[tuple[int, Finding | datetime]]:
    said: list[tuple[int, Finding | datetime]] = []
    for index, subject in enumerate(subjects):
        try:
            said.extend((index, verdict) for _, verdict in rule([subject], context))
        except Exception as error:
            _log.exception("rule failed", rule=name, subject=subject.id)
            fail(assessments[index], name, error, context)
    return said


def fail(assessment: Assessment, name: str, error: Exception, context: Context) -> None:
    """Say in an assessment that something could not be applied, and look again later."""
    assessment.findings.append(_failed(name, error, context))
    assessment.look_again("retry", context.now + RETRY)
    assessment.failed = True


def _failed(name: str, error: Exception, context: Context) -> Finding:
    rule = context.rules["assessment_failed"]
    return Finding(
        kind=rule.kind,
        origin=name,
        rule=rule.id,
        severity=rule.severity,
        pages=rule.severity,
        key="assessment_failed",
        params={"rule": name, "error": type(error).__name__},
    )
