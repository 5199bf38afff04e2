"""Areas are seen by the teams that drive to them, Saimi itself by its operators."""

from core.migrations.steps import run_file

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
