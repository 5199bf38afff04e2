"""Enrolled gateways: credentials, announced devices."""

from core.migrations.steps import run_file

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
