"""Changes of rules or models that were proposed, each with the report that speaks for it."""

from core.migrations.steps import run_file

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
