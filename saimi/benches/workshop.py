"""Where a measurement takes place: a folder that is removed afterwards, a database and a broker."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from core.settings import Settings
from saimi.console import Progress, progress
from saimi.data_directory import DataDirectory
from saimi.parts import Parts
from saimi.supervisor import Service, saimi_command


@dataclass(frozen=True)
class Workshop:
    """The parts: those of the settings, else embedded ones."""

    directory: DataDirectory
    parts: Parts
    bar: Progress

    def say(self, what: str, done: int, total: int) -> None:
        """Show what is being done, and how far it is."""
        self.bar.describe(what)
        self.bar.reach(done, total)

    def service(
        self, name: str, *options: str, environment: Mapping[str, str], log: str | None = None
    ) -> Service:
        """A service of Saimi's, not started yet."""
        return Service(
            log or name,
            saimi_command(name, *options),
            environment=environment,
            logs=self.directory.logs,
            inherited=self.directory.inherited,
        )


@asynccontextmanager
async def workshop(settings: Settings, first: str) -> AsyncIterator[Workshop]:
    """Start what is embedded; `first` is what the progress bar says meanwhile.

    Raises:
        SaimiError: a part is away or does not start.
    """
    with tempfile.TemporaryDirectory(prefix="saimi-") as folder:
        async with (
            DataDirectory(Path(folder)) as directory,
            Parts(directory.path, settings) as parts,
        ):
            with progress(first) as bar:
                yield Workshop(directory, parts, bar)
