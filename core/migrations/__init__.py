"""Alembic's scripts; the SQL itself is in `versions/*.sql`."""
