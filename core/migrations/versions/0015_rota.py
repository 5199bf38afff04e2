"""The rota, and where areas and teams are."""

from core.migrations.steps import run_file

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
