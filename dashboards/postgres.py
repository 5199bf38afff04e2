"""Grafana's PostgreSQL data source: its query and annotation, which the SDK has no types for.

The shapes are those of Grafana 11's `grafana-postgresql-datasource` plug-in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from grafana_foundation_sdk.cog import builder, variants
from grafana_foundation_sdk.models import dashboard

DATASOURCE_UID = "saimi"
DATASOURCE_TYPE = "grafana-postgresql-datasource"


def datasource() -> dashboard.DataSourceRef:
    """The one data source all panels use; provisioned beside the dashboards."""
    return dashboard.DataSourceRef(type_val=DATASOURCE_TYPE, uid=DATASOURCE_UID)


@dataclass
class SqlQuery(variants.Dataquery):
    """One query of a panel, as written by hand (`rawQuery`)."""

    raw_sql: str
    format: Literal["time_series", "table"]
    ref_id: str = "A"

    def to_json(self) -> dict[str, object]:
        """The JSON that Grafana stores."""
        return {
            "refId": self.ref_id,
            "datasource": datasource(),
            "editorMode": "code",
            "format": self.format,
            "rawQuery": True,
            "rawSql": self.raw_sql,
        }


@dataclass
class Sql(builder.Builder[variants.Dataquery]):
    """Builder of an `SqlQuery`, for `with_target`."""

    raw_sql: str
    format: Literal["time_series", "table"]

    def build(self) -> variants.Dataquery:
        """The query."""
        return SqlQuery(self.raw_sql, self.format)


class SqlAnnotationQuery(dashboard.AnnotationQuery):
    """An annotation whose marks come from SQL: columns time, timeend, text, tags."""

    def __init__(self, name: str, raw_sql: str) -> None:
        super().__init__(
            name=name, datasource=datasource(), enable=True, icon_color="orange", hide=False
        )
        self.raw_sql = raw_sql

    def to_json(self) -> dict[str, object]:
        """The JSON that Grafana stores."""
        return {**super().to_json(), "rawQuery": self.raw_sql}


@dataclass
class SqlAnnotation(builder.Builder[dashboard.AnnotationQuery]):
    """Builder of an `SqlAnnotationQuery`."""

    name: str
    raw_sql: str

    def build(self) -> dashboard.AnnotationQuery:
        """The annotation."""
        return SqlAnnotationQuery(self.name, self.raw_sql)


def fill(text: str, words: Mapping[str, str]) -> str:
    """Put titles into column aliases: `${name}` becomes `words[name]`, other names stay Grafana's.

    Double quotes cannot occur in an alias, so they are doubled as SQL wants it.
    """
    return re.sub(
        r"\$\{(\w+)\}",
        lambda found: words.get(found[1], found[0]).replace('"', '""'),
        text,
    )


def as_grafana_sends_it(
    raw_sql: str, *, start: datetime, end: datetime, interval_ms: int, variables: Mapping[str, str]
) -> str:
    """Replace Grafana's macros and variables as its back end does, to run a panel's SQL without it.

    Source: Grafana documentation, PostgreSQL data source, "Macros" and "Variable syntax".
    """
    sql = re.sub(
        r"\$__timeFilter\(([^)]*)\)",
        lambda found: f"{found[1]} BETWEEN '{start.isoformat()}' AND '{end.isoformat()}'",
        raw_sql,
    )
    sql = sql.replace("$__interval_ms", str(interval_ms))
    for name, value in variables.items():
        quoted = value.replace("'", "''")
        sql = sql.replace(f"${{{name}:sqlstring}}", f"'{quoted}'")
    return sql
