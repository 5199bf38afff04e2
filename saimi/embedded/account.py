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
    owner = directory.stat().st_uid if directory.exists() else None
    if os.geteuid() != 0:
        if owner is not None and owner != os.geteuid():
            raise EmbeddedError(
                f"{directory} belongs to user {_user_name(owner)}, who started Saimi there before; "
                f"start it as that user, or choose another --data-dir."
            )
        return None
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
