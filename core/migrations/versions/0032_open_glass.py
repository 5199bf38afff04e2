"""Whether a client is seen only because the glass was broken."""

from core.migrations.steps import run_file

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
