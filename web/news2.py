"""The NEWS2 table of an alert: every parameter of the chart, the missing ones too."""

from __future__ import annotations

from typing import Any

from alerts.listing import Card
from web.i18n import Texts
from web.sentences import value_text
from web.words import NEWS2, OXYGEN


def breakdown(card: Card, text: Texts) -> list[dict[str, Any]]:
    """One row a parameter: {name, value, points (text), highest: the points, missing}; or none."""
    if card.summary.get("key") != "news2":
        return []
    params = card.summary.get("params") or {}
    points: dict[str, list[int]] = params.get("points") or {}
    missing = set(params.get("missing") or ())
    newest: dict[str, dict[str, Any]] = {}
    for one in card.evidence:
        newest.setdefault(str(one.get("metric")), one)
    rows = []
    for name, label in NEWS2.items():
        given = points.get(name)
        reading = newest.get("oxygen_flow" if name == "oxygen" else name)
        value = ""
        if name == "oxygen" and name not in missing:
            value = text.gettext(OXYGEN.get(str(params.get("oxygen")), OXYGEN["unknown"]))
        elif reading is not None:
            value = value_text(
                text, str(reading["metric"]), reading["value"], reading.get("qualifier") or 0
            )
        rows.append(
            {
                "name": text.gettext(label),
                "value": value,
                "missing": name in missing or given is None,
                "points": "" if given is None else _points(given),
                "highest": 0 if given is None else int(given[1]),
            }
        )
    return rows


def _points(given: list[int]) -> str:
    return str(given[0]) if given[0] == given[1] else f"{given[0]}–{given[1]}"
