"""Hypoglycaemia: level 1 below 3.9, level 2 below 3.0 mmol/L (ADA/EASD), at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alerts.finding import Finding
from alerts.subject import Context, Subject, is_below, shown
from core.reading import Qualifier


def assess(subjects: Sequence[Subject], context: Context) -> Iterator[tuple[int, Finding]]:
    """A finding for the lower of the two levels that holds.

    A meter's LO is level 2 wherever its limit lies: it cannot be told from less than 3.0.
    """
    levels = (
        (2, context.rules["hypoglycaemia_level_2"]),
        (1, context.rules["hypoglycaemia_level_1"]),
    )
    for index, subject in enumerate(subjects):
        reading = subject.latest("glucose") if subject.client is not None else None
        if reading is None:
            continue
        for level, rule in levels:
            low = level == 2 and reading.qualifier == Qualifier.BELOW
            if rule.on and (low or is_below(reading, rule.limits["below"])):
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
