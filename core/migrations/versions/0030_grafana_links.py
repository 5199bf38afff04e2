"""The web service learns in which of Grafana's organisations an area is seen, to lead there."""

from core.migrations.steps import run_file

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
