"""The desk sees which gateways an outage has silenced."""

from core.migrations.steps import run_file

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
