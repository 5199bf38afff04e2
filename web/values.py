"""Values and names as people read them."""

from __future__ import annotations

from datetime import datetime

from core.catalogue import Metric, catalogue
from web.i18n import Texts
from web.words import CODES, METRICS, UNITS

_SPACE = "\N{NO-BREAK SPACE}"


def value_text(
    text: Texts, metric: str, value: float | None, qualifier: int = 0, *, unit: bool = True
) -> str:
    """A value as people read it: "88 %", "< 1,1 mmol/l", "kutsui apua"."""
    if value is None:
        return "–"
    entry = catalogue().get(metric)
    if entry is None:
        return text.number(value, 1)
    if entry.codes:
        return _code(text, entry, value)
    sign = {-1: "< ", 0: "", 1: "> "}.get(qualifier, "")
    name = UNITS.get(entry.unit, entry.unit) if unit else ""
    number = f"{sign}{text.number(value, entry.decimals)}"
    return f"{number}{_SPACE}{name}" if name else number


def _code(text: Texts, metric: Metric, value: float) -> str:
    index = int(value)
    if value != index or not 0 <= index < len(metric.codes):
        return text.number(value, 1)
    return text.gettext(CODES[metric.codes[index]])


def metric_name(text: Texts, metric: str) -> str:
    """What a metric is called."""
    return text.gettext(METRICS[metric]) if metric in METRICS else metric


def as_time(value: object) -> datetime | None:
    """An RFC 3339 time out of JSON."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None
