"""What a service does before its database is there: it waits, and says for what."""

from __future__ import annotations

import asyncio

from core.errors import DatabaseAccessError, DatabaseUnavailableError, SchemaBehindError
from core.outage import Outage
from core.schema import require_current

_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 2.0


class Awaited:
    """A database that a starting service needs."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._outage = Outage("waiting for the database", "the database is there")
        self.begun = False
        """The service is at its work; to be set by whoever lets it begin."""

    @property
    def missing(self) -> str | None:
        """Why the service is not at its work yet, in one sentence; None: it is."""
        return None if self.begun else self._outage.why or "The service has not started yet."

    async def wait(self, stop: asyncio.Event) -> bool:
        """Wait, however long it takes, until the database answers and has this version's schema;
        False if `stop` was set before.

        Raises:
            DatabaseAccessError: it refuses our user; waiting does not change that.
            SchemaError: it was used by a newer Saimi; neither does it change that.
            SettingsError: the address is none.
        """
        pause = _FIRST_PAUSE_S
        while not stop.is_set():
            try:
                await require_current(self._url)
            except DatabaseAccessError:
                raise
            except (DatabaseUnavailableError, SchemaBehindError) as error:
                self._outage.without(str(error))
            else:
                self._outage.over()
                return True
            try:
                async with asyncio.timeout(pause):
                    await stop.wait()
            except TimeoutError:
                pause = min(2 * pause, _LONGEST_PAUSE_S)
        return False
