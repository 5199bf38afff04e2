"""Making a PostgreSQL cluster: initdb, its one login with a password, its one database."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from pathlib import Path

from core.errors import EmbeddedError
from saimi.embedded.account import Account
from saimi.embedded.installation import Installation
from saimi.embedded.ports import LOOPBACK

USER = "saimi"
DATABASE = "saimi"
# The only way in; see pg_hba.conf in PostgreSQL's documentation.
_HOST_RULE = f"host all all {LOOPBACK}/32 scram-sha-256\n"
_TIMEOUT_S = 120


def create_cluster(
    cluster: Path, password_file: Path, installation: Installation, account: Account | None
) -> None:
    """Make `cluster`, and `password_file` readable by us alone.

    The work is done in a scratch directory beside it, renamed when complete: a kill leaves nothing
    half made. Raises EmbeddedError if a program fails or the disk is full.
    """
    scratch = cluster.with_name(f"{cluster.name}.new")
    try:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700)
        if account is not None:
            os.chown(scratch, account.uid, account.gid)
        password = _fill(scratch, installation, account)
        _write_private(password_file, password)
        scratch.rename(cluster)
    except OSError as error:
        raise EmbeddedError(
            f"A new database could not be made in {cluster.parent} ({error.strerror or error}); "
            f"make room there, or choose another --data-dir."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise EmbeddedError(
            f"A new database was not made in {cluster.parent} within {_TIMEOUT_S} s; choose a "
            f"--data-dir on a faster disk."
        ) from error


def server_environment() -> dict[str, str]:
    """Return the environment of PostgreSQL's programs.

    Not our own: PGPORT, PGOPTIONS and the like would change the server, and secrets in it are
    none of its business.
    """
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _fill(scratch: Path, installation: Installation, account: Account | None) -> str:
    inside, launched_as = installation.inside(scratch), installation.launched_as(account)
    # "trust" only lets initdb go on without a password file; the server has not run when the
    # rule and the password take its place.
    initdb = [*installation.command("initdb", account), "-D", inside, "-U", USER]
    initdb += ["--auth=trust", "--encoding=UTF8", "--data-checksums"]
    _run([*initdb, *_locale(installation.major)], scratch, launched_as, "")
    (scratch / "pg_hba.conf").write_text(_HOST_RULE)
    password = secrets.token_urlsafe(24)
    single = [*installation.command("postgres", account), "--single", "-D", inside]
    single += ["-c", "password_encryption=scram-sha-256", "-c", "log_min_messages=warning"]
    statements = f"ALTER USER {USER} PASSWORD '{password}';\nCREATE DATABASE {DATABASE};\n"
    _run([*single, "postgres"], scratch, launched_as, statements)
    return password


def _locale(major: int) -> list[str]:
    # Sorting by code point does not depend on the machine's C library, whose updates silently
    # break indexes. Names are sorted for people in their own language where they are shown.
    if major >= 17:
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=C"]


def _run(command: list[str], directory: Path, account: Account | None, text: str) -> None:
    done = subprocess.run(
        command,
        cwd=directory,
        env=server_environment(),
        input=text,
        text=True,
        capture_output=True,
        timeout=_TIMEOUT_S,
        check=False,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    # Single-user mode goes on after a failed statement and ends with status 0.
    if done.returncode != 0 or "ERROR:" in done.stderr:
        words = " ".join(done.stderr.split())[-300:]
        raise EmbeddedError(
            f"A new database could not be made in {directory.parent}: {words!r}; check that there "
            f"is room on the disk, or choose another --data-dir."
        )


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
