"""The dashboard of operations: workers, what waits, what was rejected, what is missing; with a
Prometheus also rates and lags over time."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus, timeseries
from grafana_foundation_sdk.models import dashboard

from dashboards.drawing import bars, board, columns, figures, lines, rows
from dashboards.postgres import Sql
from dashboards.queries import fill, queries
from dashboards.texts import Language, texts

OPERATIONS_UID = "saimi-operations"
PROMETHEUS_UID = "saimi-prometheus"

EXPRESSIONS = {
    "lag": (
        "s",
        "histogram_quantile(0.95, sum by (le) (rate(saimi_ingest_lag_seconds_bucket[5m])))",
    ),
    "latency": (
        "s",
        "histogram_quantile(0.95, sum by (le) (rate(saimi_ingest_latency_seconds_bucket[5m])))",
    ),
    "rate": ("cps", "sum by (outcome) (rate(saimi_ingest_readings_total[5m]))"),
    "rejected_rate": ("cps", "sum by (reason) (rate(saimi_ingest_rejected_total[5m]))"),
    "backlog": ("s", "max(saimi_ingest_backlog_age_seconds)"),
    "heartbeats": ("s", "max by (service) (saimi_heartbeat_age_seconds)"),
}
"""By title: unit and PromQL; what the metrics mean is in docs/operations.md."""


def operations_dashboard(
    language: Language = "fi", *, with_prometheus: bool = False
) -> dashboard.Dashboard:
    """The dashboard in one language."""
    words, sql = texts(language), queries("operations")

    def of(name: str) -> str:
        return fill(sql[name], words)

    made = (
        board(words["operations_title"], OPERATIONS_UID, words["operations_description"], "service")
        .refresh("30s")
        .time("now-30d", "now")
        .with_panel(figures(words["received"], of("received")))
        .with_panel(columns(rows(words["workers"], of("workers"), span=12), {words["age"]: "s"}))
        .with_panel(
            columns(rows(words["waiting_work"], of("waiting"), span=12), {words["age"]: "s"})
        )
        .with_panel(
            bars(words["rejected_day"], [Sql(of("rejected_by_day"), "time_series")], stacked=True)
        )
        .with_panel(
            lines(words["messages"], [Sql(of("completeness_by_day"), "time_series")])
            .unit("percent")
            .max(100)
        )
        .with_panel(rows(words["gateways"], of("gateways"), span=24))
    )
    if with_prometheus:
        made.with_row(builders.Row("Prometheus"))
        for name, (unit, expression) in EXPRESSIONS.items():
            made.with_panel(_measured(words[name], unit, expression))
    return made.build()


def _measured(title: str, unit: str, expression: str) -> timeseries.Panel:
    source = dashboard.DataSourceRef(type_val="prometheus", uid=PROMETHEUS_UID)
    query = prometheus.Dataquery().expr(expression).range().ref_id("A")
    return lines(title, [query], source=source).unit(unit)
