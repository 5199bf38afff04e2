"""Parts of the machine that a test needs and that may be missing.

A test without its part is skipped and named at the end of the run; where CI=true the same is a
failure, because there nothing may be missing.
"""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest

_MISSING: list[str] = []


def missing(reason: str) -> NoReturn:
    """Skip the test for want of a part; in CI fail it. `reason` is one sentence with the cure."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"missing on this machine: {reason}", pytrace=False)
    pytest.skip(f"missing on this machine: {reason}")


def program(*names: str, cure: str) -> str:
    """Return the path of the first of `names` on the PATH (or in the system folders)."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    for name in names:
        if (found := shutil.which(name, path=path)) is not None:
            return found
    missing(f"{names[0]} ({cure})")
