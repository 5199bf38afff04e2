"""Hypoglycaemia: level 1 below 3.9, level 2 below 3.0 mmol/L (ADA/EASD), at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alerts.finding import Finding, Reading
from alerts.rules import Rule
from alerts.subject import Context, Subject, is_below, shown
from core.reading import Qualifier


def assess(subjects: Sequence[Subject], context: Context) -> Iterator[tuple[int, Finding]]:
    """A finding for the lower of the two levels that holds.

    A meter's LO is level 2 wherever its limit lies: it cannot be told from less than 3.0. Besides
    the newest value every one counts that is recent enough to page: a low one is not unsaid by a
    better one that came in the same message.
    """
    levels = (
        (2, context.rules["hypoglycaemia_level_2"]),
        (1, context.rules["hypoglycaemia_level_1"]),
    )
    for index, subject in enumerate(subjects):
        if subject.client is None:
            continue
        newest = subject.newest.get("glucose", [])
        recent = context.now - context.rules.late_after
        readings = [one for one in newest if one is newest[0] or one.time >= recent]
        for level, rule in levels:
            reading = next((one for one in readings if _is_low(one, level, rule)), None)
            if rule.on and reading is not None:
                yield (
                    index,
                    Finding(
                        kind="glucose",
                        rule=rule.id,
                        severity=rule.severity,
                        pages=rule.severity if context.timely(reading) else 0,
                        key="hypoglycaemia",
                        params={
                            "value": shown(reading),
                            "limit": rule.limits["below"],
                            "level": level,
                            "qualifier": reading.qualifier,
                        },
                        evidence=(reading,),
                    ),
                )
                break


def _is_low(reading: Reading, level: int, rule: Rule) -> bool:
    unmeasurable = level == 2 and reading.qualifier == Qualifier.BELOW
    return unmeasurable or is_below(reading, rule.limits["below"])
