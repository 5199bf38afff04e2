"""What the rules for trends say of a client's last days, as sentences beside the charts."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from alerts.assess.trending import METRICS, Trend, Value, trends
from alerts.rules.rule import Rule, RuleError
from alerts.subjects.own_rules import own_rules
from core.catalogue import catalogue
from core.database import Connection, load_queries
from core.record import Record
from web.county_rules import read_county_rules
from web.i18n import Texts
from web.values import value_text

DAYS = timedelta(days=7)
_AHEAD = timedelta(minutes=5)


async def notes(connection: Connection, subject: int, *, now: datetime, text: Texts) -> list[str]:
    """A sentence for each rule that has something to say."""
    queries = load_queries("web")
    rules = (await read_county_rules(connection)).rules
    row = await queries.record_of(connection, subject=subject)
    own: dict[str, Rule] = {}
    if row is not None and row["record"]:
        try:
            own = own_rules(msgspec.convert(row["record"], Record), rules)
        except (RuleError, msgspec.ValidationError):
            own = {}  # the engine says so, as an alert
    values: dict[str, list[Value]] = {}
    names = catalogue().by_id
    rows = queries.trend_values(
        connection,
        subject=subject,
        metrics=[catalogue()[name].id for name in METRICS],
        since=now - DAYS,
        until=now + _AHEAD,
    )
    async for row in rows:
        values.setdefault(names[row["metric"]].name, []).append(Value(row["time"], row["value"]))
    return [_sentence(text, one) for one in trends(values, rules, own, now=now)]


def _sentence(text: Texts, trend: Trend) -> str:
    params = trend.params
    if trend.key == "glucose_high":
        return text.gettext(
            "Blood glucose above %(limit)s in %(count)s of the week's %(of)s readings.",
            limit=value_text(text, "glucose", params["limit"]),
            count=params["count"],
            of=params["of"],
        )
    pressure = [text.number(params[name]) for name in ("systolic", "diastolic")]
    limit = [text.number(params[f"{name}_limit"]) for name in ("systolic", "diastolic")]
    return text.gettext(
        "Mean blood pressure of the last days %(value)s mmHg (home threshold %(limit)s).",
        value="/".join(pressure),
        limit="/".join(limit),
    )
