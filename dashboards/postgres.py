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

Format = Literal["time_series", "table"]


def datasource() -> dashboard.DataSourceRef:
    """The data source all panels with SQL use; each organisation has its own of this uid."""
    return dashboard.DataSourceRef(type_val=DATASOURCE_TYPE, uid=DATASOURCE_UID)


@dataclass
class SqlQuery(variants.Dataquery):
    """One query of a panel, as written by hand (`rawQuery`)."""

    raw_sql: str
    format: Format
    ref_id: str

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
    """Builder of an `SqlQuery`, for `with_target`; `ref_id` tells a panel's queries apart."""

    raw_sql: str
    format: Format
    ref_id: str = "A"

    def build(self) -> variants.Dataquery:
        """The query."""
        return SqlQuery(self.raw_sql, self.format, self.ref_id)


class SqlAnnotationQuery(dashboard.AnnotationQuery):
    """An annotation whose marks come from SQL: columns time, timeend, text, tags."""

    def __init__(self, name: str, raw_sql: str, colour: str) -> None:
        super().__init__(
            name=name, datasource=datasource(), enable=True, icon_color=colour, hide=False
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
    colour: str

    def build(self) -> dashboard.AnnotationQuery:
        """The annotation."""
        return SqlAnnotationQuery(self.name, self.raw_sql, self.colour)


def as_grafana_sends_it(
    raw_sql: str,
    *,
    start: datetime,
    end: datetime,
    interval_ms: int,
    variables: Mapping[str, str | list[str]],
) -> str:
    """Replace Grafana's macros and variables as its back end does, to run a panel's SQL without it.

    Source: Grafana documentation, PostgreSQL data source, "Macros" and "Variable syntax".
    """
    first, last = (f"'{at.isoformat()}'" for at in (start, end))
    sql = re.sub(
        r"\$__timeFilter\(((?:[^()]|\([^()]*\))*)\)",
        lambda found: f"{found[1]} BETWEEN {first} AND {last}",
        raw_sql,
    )
    sql = sql.replace("$__timeFrom()", first).replace("$__timeTo()", last)
    sql = sql.replace("$__interval_ms", str(interval_ms))
    for name, value in variables.items():
        values = [value] if isinstance(value, str) else value
        quoted = ",".join("'" + one.replace("'", "''") + "'" for one in values)
        sql = sql.replace(f"${{{name}:sqlstring}}", quoted)
    return sql
