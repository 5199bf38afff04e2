"""The NEWS2 table of an alert: every parameter of the chart, the missing ones too."""

from __future__ import annotations

from typing import Any

from alerts.episodes.listing import Card
from web.i18n import Texts
from web.words import NEWS2, OXYGEN

_NOTHING: dict[str, Any] = {"text": "", "at": None, "device": "", "band": "", "own": False}


def breakdown(card: Card, evidence: list[dict[str, Any]], text: Texts) -> list[dict[str, Any]]:
    """One row for each of the chart's seven parameters; none where NEWS2 is not the reason.

    A row has the keys of the reading behind it (`evidence`, as the page shows it) and `points`
    (text; empty where not known), `highest` (of them) and `missing`.
    """
    if card.summary.get("key") != "news2":
        return []
    params = card.summary.get("params") or {}
    points: dict[str, list[int]] = params.get("points") or {}
    missing = set(params.get("missing") or ())
    newest: dict[str, dict[str, Any]] = {}
    for one in evidence:
        newest.setdefault(str(one["metric"]), one)
    rows = []
    for name, label in NEWS2.items():
        given = points.get(name)
        row = dict(newest.get("oxygen_flow" if name == "oxygen" else name) or _NOTHING)
        row["label"] = text.gettext(label)
        if name == "oxygen" and name not in missing:
            row["text"] = text.gettext(OXYGEN.get(str(params.get("oxygen")), OXYGEN["unknown"]))
        row["missing"] = name in missing or given is None
        row["points"] = "" if given is None else _points(given)
        row["highest"] = 0 if given is None else int(given[1])
        rows.append(row)
    return rows


def _points(given: list[int]) -> str:
    return str(given[0]) if given[0] == given[1] else f"{given[0]}–{given[1]}"
