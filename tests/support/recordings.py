"""The recorded homes of TIHM, which are beside the project and never in it."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.parts import missing

_BESIDE = Path(__file__).parents[2].parent / "shared" / "data"


def tihm_folder() -> Path:
    """Where TIHM is: below SAIMI_TEST_DATA, else beside the project; skips the test without it."""
    folder = Path(os.environ.get("SAIMI_TEST_DATA") or _BESIDE) / "tihm"
    if not folder.is_dir():
        missing(f"the recordings of TIHM (not in {folder}; set SAIMI_TEST_DATA)")
    return folder
