"""Every query that a dashboard sends, for those who run them without a Grafana."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.models import dashboard

from dashboards.boards import as_json


@dataclass(frozen=True)
class Panel:
    """One query of a dashboard."""

    title: str
    kind: str
    """Type of the panel; `variable` or `annotation` for these."""
    format: str
    sql: str
    ref: str = "A"


def panels(board: dashboard.Dashboard) -> Iterator[Panel]:
    """Every SQL query of a dashboard: of panels, variables and annotations."""
    document: dict[str, Any] = json.loads(as_json(board))
    for panel in document["panels"]:
        for target in panel.get("targets", ()):
            if "rawSql" in target:
                yield Panel(
                    panel["title"],
                    panel["type"],
                    target["format"],
                    target["rawSql"],
                    target["refId"],
                )
    for one in document.get("templating", {}).get("list", ()):
        yield Panel(one["name"], "variable", "table", one["query"])
    for one in document.get("annotations", {}).get("list", ()):
        yield Panel(one["name"], "annotation", "table", one["rawQuery"])
