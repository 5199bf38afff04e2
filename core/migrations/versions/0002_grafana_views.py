"""Views for Grafana: readings and alerts by pseudonym."""

from core.migrations.steps import run_file

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
