"""Workers of ingest: who uses which session at the broker; and when a gateway's state was said."""

from core.migrations.steps import run_file

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
