"""At which revision a database is. Every command and every worker asks before it begins, so this
asks one quick question and leaves alone the libraries that `core.migrate` needs to change it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.database import connect, load_queries, translated
from core.errors import SchemaBehindError, SchemaError

MIGRATIONS = Path(__file__).with_name("migrations")
REVISIONS = sorted(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
"""Of this code, the newest last: a file's name begins with its revision."""


@dataclass(frozen=True)
class SchemaStatus:
    """At which revision a database is, and at which this code is; None is an empty database."""

    database: str | None
    code: str = REVISIONS[-1]

    @property
    def current(self) -> bool:
        return self.database == self.code

    @property
    def newer(self) -> bool:
        """It was used by a Saimi that knows more revisions than this one."""
        return self.database is not None and self.database not in REVISIONS

    def refuse_newer(self) -> None:
        """
        Raises:
            SchemaError: it was used by a newer Saimi.
        """
        if self.newer:
            raise SchemaError(
                f"This database has schema {self.database}, which this version of Saimi (schema "
                f"{self.code}) does not know: it was used by a newer Saimi. Nothing was changed; "
                "start that version, or use another database."
            )


async def status(url: str) -> SchemaStatus:
    """At which schema revision the database is.

    Raises:
        DatabaseUnavailableError: it does not answer.
    """
    queries = load_queries("core")
    async with translated():
        connection = await connect(url)
        try:
            if not await queries.has_version(connection):
                return SchemaStatus(None)
            return SchemaStatus(await queries.version(connection))
        finally:
            await connection.close(timeout=5)


async def require_current(url: str) -> None:
    """Refuse to work on a database of another version.

    Raises:
        SchemaBehindError: it has no schema, or an older one.
        SchemaError: it was used by a newer Saimi.
        DatabaseUnavailableError: it does not answer.
    """
    found = await status(url)
    found.refuse_newer()
    if not found.current:
        raise SchemaBehindError(
            f"The database is at schema {found.database or 'none'}, this Saimi needs {found.code}: "
            "run `saimi db migrate` with this version first."
        )
