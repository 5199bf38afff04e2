"""The panels' SQL by name, with titles and the choice of the fitting aggregate filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from core.catalogue import catalogue
from core.fitting import HOURS_FOR, RAW_FOR

Board = Literal["client", "team", "county", "operations"]

_LENGTH = "($__timeTo()::timestamptz - $__timeFrom()::timestamptz)"
_RAW, _HOURS = (f"INTERVAL '{longest.days} days'" for longest in (RAW_FOR, HOURS_FOR))
RANGES = {
    "raw": f"{_LENGTH} <= {_RAW}",
    "hourly": f"{_LENGTH} > {_RAW} AND {_LENGTH} <= {_HOURS}",
    "daily": f"{_LENGTH} > {_HOURS}",
}
"""Of these one holds; the planner knows before it begins and drops the other branches."""

# Parameters of NEWS2, as the metrics behind them: hours of validity and most points.
PARAMETERS = {
    "respiratory_rate": (12, 3),
    "spo2": (12, 3),
    "oxygen_flow": (24, 2),
    "systolic": (24, 3),
    "pulse": (12, 3),
    "consciousness": (24, 3),
    "temperature": (12, 3),
}


@cache
def queries(board: Board) -> dict[str, str]:
    """The queries of one dashboard. Not loaded as our own are: `${x:y}` is Grafana's syntax."""
    path = Path(__file__).with_name("panels") / f"{board}.sql"
    parts = re.split(r"^-- name: (\w+)\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = {
        name: _without_comments(sql).strip().removesuffix(";")
        for name, sql in zip(parts[1::2], parts[2::2], strict=True)
    }
    shared = {name: found[name] for name in ("scores", "of_team") if name in found}
    return {name: _put(sql, shared | _FRAGMENTS) for name, sql in found.items()}


def fill(text: str, words: Mapping[str, str]) -> str:
    """Put titles into column aliases: `${name}` becomes `words[name]`, other names stay Grafana's.

    A double quote in a title is doubled, as SQL wants it in an alias.
    """
    return _put(text, {name: word.replace('"', '""') for name, word in words.items()})


def _put(text: str, parts: Mapping[str, str]) -> str:
    before = ""
    while before != text:
        before = text
        text = re.sub(r"\$\{(\w+)\}", lambda found: parts.get(found[1], found[0]), text)
    return text


def _without_comments(sql: str) -> str:
    return re.sub(r"^ *--.*\n", "", sql, flags=re.MULTILINE)


def _points(metric: str, oxygen: str) -> str:
    return f"grafana.news2_points('{metric}', k.{metric}, k.scale, {oxygen})"


def _sum(*, most: bool) -> str:
    terms = []
    for metric, (_, highest) in PARAMETERS.items():
        # Where it is not known whether there is oxygen, SpO2 on scale 2 may score as on oxygen.
        oxygen = "k.oxygen_flow IS NULL OR k.oxygen_flow > 0" if most else "k.oxygen_flow > 0"
        missing = highest if most else 0
        terms.append(
            f"CASE WHEN k.{metric} IS NULL THEN {missing} ELSE {_points(metric, oxygen)} END"
        )
    return "\n           + ".join(terms)


def _ids(*metrics: str) -> str:
    return ", ".join(str(catalogue()[metric].id) for metric in metrics)


_BESIDES = [metric for metric in PARAMETERS if metric != "oxygen_flow"]
_FRAGMENTS = {
    **RANGES,
    "parameter_ids": _ids(*PARAMETERS),
    "movement_ids": _ids("motion", "door"),
    "bed_id": _ids("bed"),
    "newest": ",\n           ".join(
        f"max(CASE WHEN g.metric = '{metric}' "
        f"THEN ARRAY[extract(epoch FROM g.time)::double precision, g.value] END) OVER w AS {metric}"
        for metric in PARAMETERS
    ),
    "valid": ",\n           ".join(
        f"CASE WHEN n.at - n.{metric}[1] <= {hours * 3600} THEN n.{metric}[2] END AS {metric}"
        for metric, (hours, _) in PARAMETERS.items()
    ),
    "values": ", ".join(f"v.{metric}" for metric in _BESIDES),
    "low": _sum(most=False),
    "high": _sum(most=True),
    "missing": ", ".join(
        f'(k.{metric} IS NOT NULL)::integer AS "${{{metric}}}"' for metric in PARAMETERS
    ),
    "hours": ",\n       ".join(
        f'sum(fired) FILTER (WHERE hour = {hour})::double precision AS "{hour:02}"'
        for hour in range(24)
    ),
}
