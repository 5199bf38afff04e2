"""Hourly and daily aggregates and the queue of what is to be brought up to date."""

from core.migrations.steps import has_community, run_file

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Tables of our own; continuous aggregates where the database has them."""
    run_file(__file__)
    if has_community():
        run_file(__file__, "community")
    else:
        run_file(__file__, "tables")
    run_file(__file__, "views")
