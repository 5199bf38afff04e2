"""What is truly the matter with whom and when, as labels: what detectors are measured against."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from gateway_sim.county import County
from gateway_sim.ledger import TruthLabel
from gateway_sim.plan import Plan


def labels(
    county: County, plan: Plan, start: datetime | None = None, end: datetime | None = None
) -> list[TruthLabel]:
    """All labels of a plan, in order of time.

    With bounds, of illnesses that touch them, each with all its moments, and of events within.
    """
    low = float("-inf") if start is None else start.timestamp()
    high = float("inf") if end is None else end.timestamp()
    found = []
    for illness in plan.illnesses:
        if illness.onset >= high or illness.ends <= low:
            continue
        client = county.residents[illness.person].reference
        gateway = county.home_of[illness.person].gateway
        for what, moment in illness.labels():
            at = datetime.fromtimestamp(moment, UTC)
            found.append(TruthLabel(client, gateway, illness.kind, what, at))
    for event in plan.events:
        if not low <= event.reading.time < high:
            continue
        home = county.homes[event.home]
        model = next(model for model in home.devices if model.name == event.reading.device)
        client = home.residents[model.resident or 0].reference
        at = datetime.fromtimestamp(event.reading.time, UTC)
        found.append(TruthLabel(client, home.gateway, event.reading.metric, "event", at))
    return sorted(found, key=lambda label: (label.time, label.client, label.kind, label.what))


class Course(NamedTuple):
    """One illness, or what only looks like one, from its beginning to its end; Unix seconds."""

    gateway: str
    client: str
    kind: str
    onset: float
    crisis: float
    """NaN: it has none."""
    recovered: float


def courses(labels: Iterable[TruthLabel]) -> list[Course]:
    """The courses that labels, in order of time, tell of; one that has no end is left out."""
    open_: dict[tuple[str, str, str], Course] = {}
    found = []
    for label in labels:
        who, at = (label.gateway, label.client, label.kind), label.time.timestamp()
        if label.what == "onset":
            open_[who] = Course(*who, at, math.nan, math.nan)
        elif label.what == "crisis" and who in open_:
            open_[who] = open_[who]._replace(crisis=at)
        elif label.what == "recovered" and who in open_:
            found.append(open_.pop(who)._replace(recovered=at))
    return found
