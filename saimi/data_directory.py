"""The directory in which `saimi up` keeps everything; one `saimi up` at a time.

data/
    lock, children.lock     held while a Saimi runs here
    running.json            addresses for other commands (see `addresses`)
    county.json             which county is played here
    logins.json             passwords of the demo's logins; readable by us alone
    postgres/ broker/ gateways/ logs/
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from core.errors import EmbeddedError, UserError

_CHILDREN_S = 20.0
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that reads like something else


class DataDirectory:
    """The data directory, locked from `acquire` on.

    Two locks, since the services of a killed `saimi up` live a moment longer than it does: `lock`
    is ours alone, `children.lock` is inherited by every child and free when the last one is gone.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._held: list[int] = []

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    async def acquire(self) -> Self:
        """Take it, creating it on first use.

        Raises:
            EmbeddedError: another `saimi up` runs here, or it cannot be written.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            own, children = (
                os.open(self.path / name, os.O_RDWR | os.O_CREAT, 0o600)
                for name in ("lock", "children.lock")
            )
        except OSError as error:
            raise EmbeddedError(
                f"The data directory {self.path} cannot be used ({error.strerror}): choose another "
                "with --data-dir."
            ) from error
        self._held = [own, children]
        if not _lock(own):
            self.release()
            raise EmbeddedError(
                f"Another Saimi is already running on the data directory {self.path}: stop it "
                "first, or choose another with --data-dir."
            )
        deadline = time.monotonic() + _CHILDREN_S
        while not _lock(children):
            if time.monotonic() > deadline:
                self.release()
                raise EmbeddedError(
                    f"Services of an earlier Saimi still run on {self.path}: end them (they hold "
                    f"{self.path / 'children.lock'}), or choose another directory with --data-dir."
                )
            await asyncio.sleep(0.05)
        os.set_inheritable(children, True)
        return self

    @property
    def inherited(self) -> tuple[int, ...]:
        """File descriptors that every child process has to inherit."""
        return tuple(self._held[1:])

    def release(self) -> None:
        """Let it go; harmless when it is not held."""
        for descriptor in self._held:
            os.close(descriptor)
        self._held = []

    async def __aenter__(self) -> Self:
        return await self.acquire()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def read(self, name: str) -> dict[str, str]:
        """One of the small JSON files here; empty if it is not there.

        Raises:
            UserError: it is there and not readable.
        """
        path = self.path / name
        try:
            return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError) as error:
            raise UserError(
                f"{path} cannot be read ({error}): restore it, or choose another --data-dir."
            ) from error

    def write(self, name: str, content: dict[str, str]) -> None:
        """Replace one of the small JSON files; complete or not at all, readable by us alone."""
        path = self.path / f"{name}.new"
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(content)))
            file.flush()
            os.fsync(file.fileno())
        path.replace(self.path / name)


def new_password() -> str:
    """60 random bits in groups, for reading off a terminal and typing on a phone."""
    letters = [secrets.choice(_ALPHABET) for _ in range(12)]
    return "-".join("".join(letters[n : n + 4]) for n in (0, 4, 8))


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
