"""A Debian with TimescaleDB in a folder: the edition that the machine's own C library cannot load.

`make test` puts it there (scripts/timescaledb-root); several test runs share it, each with data
of its own inside.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from saimi.embedded.account import Account
from saimi.embedded.installation import Installation
from tests.support.parts import missing

_CURE = "run `make test` as root on Debian"


def chroot_folder() -> Path:
    """Where the folder is: SAIMI_TIMESCALEDB_ROOT, else below the user's cache."""
    if given := os.environ.get("SAIMI_TIMESCALEDB_ROOT"):
        return Path(given)
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "saimi" / "timescaledb-trixie"


@dataclass(frozen=True)
class ChrootInstallation(Installation):
    """Programs inside `root`, run with chroot(8), which replaces itself by the program."""

    root: Path

    def account(self, directory: Path) -> Account | None:
        for line in (self.root / "etc" / "passwd").read_text().splitlines():
            name, _, uid, gid, *_ = line.split(":")
            if name == "postgres":
                return Account(name, int(uid), int(gid))
        raise AssertionError(f"{self.root} has no account postgres")

    def launched_as(self, account: Account | None) -> Account | None:
        return None  # chroot(8) needs root and then becomes postgres itself

    def command(self, program: str, account: Account | None) -> list[str]:
        enter = ["/usr/sbin/chroot", "--userspec=postgres:postgres", str(self.root)]
        return [*enter, f"{self.programs}/{program}"]

    def inside(self, directory: Path) -> str:
        return f"/{directory.relative_to(self.root)}"


def find_chroot() -> ChrootInstallation:
    """Return the installation in the folder; skips the test where there is none."""
    root = chroot_folder()
    if os.geteuid() != 0:
        missing(f"TimescaleDB (only root can enter {root}; {_CURE})")
    for programs in sorted(root.glob("usr/lib/postgresql/*/bin"), reverse=True):
        major = int(programs.parent.name)
        control = root / f"usr/share/postgresql/{major}/extension/timescaledb.control"
        if control.is_file():
            inside = Path("/") / programs.relative_to(root)
            return ChrootInstallation(inside, major, timescaledb=True, root=root)
    missing(f"TimescaleDB (not in {root}; {_CURE})")


@contextmanager
def data_folder(installation: ChrootInstallation, name: str) -> Iterator[Path]:
    """A new folder inside the chroot, open for the server's account, removed afterwards."""
    folder = installation.root / "var" / "lib" / "saimi-tests" / uuid.uuid4().hex
    directory = folder / name
    # Open to all: in here is no /proc through which the server could reach a closed one.
    directory.mkdir(parents=True)
    try:
        yield directory
    finally:
        shutil.rmtree(folder, ignore_errors=True)
