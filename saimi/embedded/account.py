"""Which operating-system account a server runs under.

PostgreSQL refuses to run as root, and the broker has no need to. As an ordinary user the servers
are simply ours; as root they run under an unprivileged account of the machine.

The directories above the data directory are often closed to that account (/root, a `mktemp -d`).
Therefore every server is started with its own directory as working directory and names it
`/proc/self/cwd`: the kernel follows that link without looking at the directories above, so nobody
has to open /root for others.
"""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from core.errors import EmbeddedError

_WORKING_DIRECTORY = Path("/proc/self/cwd")


@dataclass(frozen=True)
class Account:
    """An unprivileged account: its name and numeric ids."""

    name: str
    uid: int
    gid: int


def account_for(directory: Path, preferred: tuple[str, ...]) -> Account | None:
    """Return the account for a server whose files are in `directory`, or None to stay who we are.

    An existing directory keeps its owner, so that installing another package on the machine
    never makes old data unreadable. `preferred` are account names, best first.
    Raises EmbeddedError if we may not run a server on that directory.
    """
    require_ours(directory)
    if os.geteuid() != 0:
        return None
    owner = directory.stat().st_uid if directory.exists() else None
    if owner:
        return _account(pwd.getpwuid(owner))
    for name in preferred:
        try:
            return _account(pwd.getpwnam(name))
        except KeyError:
            continue
    raise EmbeddedError(
        f"Running as root, but the machine has none of the accounts {', '.join(preferred)} to run "
        f"a server under; start Saimi as an ordinary user."
    )


def require_ours(directory: Path) -> None:
    """Raise EmbeddedError if `directory` is there and we may not run a server on it."""
    try:
        owner = directory.stat().st_uid
    except FileNotFoundError:
        return
    except PermissionError as error:
        raise EmbeddedError(
            f"{directory} cannot be entered by user {_user_name(os.geteuid())}; start Saimi as the "
            f"user who started it there before, or choose another --data-dir."
        ) from error
    if os.geteuid() not in (0, owner):
        raise EmbeddedError(
            f"{directory} belongs to user {_user_name(owner)}, who started Saimi there before; "
            f"start it as that user, or choose another --data-dir."
        )


def own_directory(directory: Path) -> str:
    """Return the name by which a server started in `directory` knows that directory."""
    return str(_WORKING_DIRECTORY if _WORKING_DIRECTORY.is_dir() else directory)


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
