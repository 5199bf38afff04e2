"""What the identity provider calls a member."""

from core.migrations.steps import run_file

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
