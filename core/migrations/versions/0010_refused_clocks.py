"""Clocks of devices: how many readings were refused for them."""

from core.migrations.steps import run_file

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    run_file(__file__)
