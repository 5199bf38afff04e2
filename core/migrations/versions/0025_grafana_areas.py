"""Grafana by area: who a database role is, what it may see; figures for the county."""

from core.migrations.steps import run_file

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Views of clients by role, then figures that name no client."""
    run_file(__file__)
    run_file(__file__, "figures")
    run_file(__file__, "service")
