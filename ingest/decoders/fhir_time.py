"""When an Observation was made, as Unix seconds.

A day without a time of day stands for its first moment in Finland, so that it counts to the right
day and never looks fresher than it is; a period for its start, for the same reason. A month or a
year is no time of a reading. Local times without an offset (which FHIR forbids, and programs send)
are Finnish.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

_HOME = ZoneInfo("Europe/Helsinki")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(\.\d{1,12})?(Z|z|[+-]\d\d:\d\d)?", re.ASCII
)


class When(NamedTuple):
    """Unix seconds; None where the observation gives no time at all."""

    seconds: float | None
    unreadable: bool = False
    """A time is given, but it is no moment: a month, a range of several, or explicitly unknown."""


def seconds_of(text: Any) -> float | None:
    """A FHIR dateTime or instant; None where it is no moment of any day."""
    if not isinstance(text, str) or len(text) > 48:
        return None
    text = text.strip()
    try:
        if _DATE.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=_HOME).timestamp()
        match = _MOMENT.fullmatch(text)
        if match is None:
            return None
        day, minute, second, fraction, zone = match.groups()
        leap = second == ":60"
        second = ":59" if leap else second or ":00"
        at = datetime.fromisoformat(f"{day}T{minute}{second}{(zone or '').replace('Z', '+00:00')}")
        if at.tzinfo is None:
            at = at.replace(tzinfo=_HOME)
        return at.timestamp() + (1.0 if leap else float(fraction or 0))
    except (ValueError, OverflowError):
        return None


def when(observation: dict[str, Any]) -> When:
    """The effective time of an observation; its `issued` where it has none."""
    for key in ("effectiveDateTime", "effectiveInstant"):
        if observation.get(key) is not None:
            seconds = seconds_of(observation[key])
            return When(seconds, seconds is None)
    period = observation.get("effectivePeriod")
    if period is not None:
        seconds = _of_period(period)
        return When(seconds, seconds is None)
    timing = observation.get("effectiveTiming")
    if timing is not None:
        seconds = _of_timing(timing)
        return When(seconds, seconds is None)
    if _said_unknown(observation.get("_effectiveDateTime")):
        return When(None, True)
    return When(seconds_of(observation.get("issued")))


def _of_period(period: Any) -> float | None:
    if not isinstance(period, dict):
        return None
    start = seconds_of(period.get("start"))
    return start if start is not None else seconds_of(period.get("end"))


def _of_timing(timing: Any) -> float | None:
    if not isinstance(timing, dict):
        return None
    events = timing.get("event")
    if isinstance(events, list) and events:
        return seconds_of(events[0]) if len(events) == 1 else None
    repeat = timing.get("repeat")
    return _of_period(repeat.get("boundsPeriod")) if isinstance(repeat, dict) else None


def _said_unknown(extended: Any) -> bool:
    extensions = extended.get("extension") if isinstance(extended, dict) else None
    return isinstance(extensions, list) and any(
        isinstance(one, dict) and str(one.get("url")).endswith("/data-absent-reason")
        for one in extensions
    )
