"""Who acts for which team and who cares for whom, each said once in a view."""

from core.migrations.steps import run_file

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
