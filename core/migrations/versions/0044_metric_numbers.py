"""Grafana's views show a metric's number, by which its readings alone are read."""

from core.migrations.steps import run_file

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
