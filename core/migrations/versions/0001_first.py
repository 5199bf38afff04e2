"""The first schema: registry, telemetry, alerts, audit, ops."""

from core.migrations.steps import hypertable, run_file

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply the SQL; `telemetry.reading` becomes a hypertable where that can be had."""
    run_file(__file__)
    hypertable("telemetry.reading", "time", chunk="7 days")
    run_file(__file__, "reading_indexes")
