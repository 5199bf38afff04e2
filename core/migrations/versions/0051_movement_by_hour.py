"""A year of a room's movement is read from an index, not from as many pages as it has hours."""

from core.migrations.steps import has_community, run_file

revision = "0051"
down_revision = "0050"


def upgrade() -> None:
    """Where hours are a table of our own; continuous aggregates stay as they are."""
    if not has_community():
        run_file(__file__)
