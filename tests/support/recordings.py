"""Recorded homes (TIHM) and messages, which are beside the project and never in it."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

from tests.support.parts import missing

_BESIDE = Path(__file__).parents[2].parent / "shared" / "data"


def tihm_folder() -> Path:
    """Where TIHM is: below SAIMI_TEST_DATA, else beside the project; skips the test without it."""
    folder = Path(os.environ.get("SAIMI_TEST_DATA") or _BESIDE) / "tihm"
    if not folder.is_dir():
        missing(f"the recordings of TIHM (not in {folder}; set SAIMI_TEST_DATA)")
    return folder


def payloads_folder() -> Path:
    """Where the recorded payloads are: below SAIMI_TEST_DATA, else beside the project; skips."""
    folder = Path(os.environ.get("SAIMI_TEST_DATA") or _BESIDE) / "payloads"
    if not folder.is_dir():
        missing(f"the recorded payloads (not in {folder}; set SAIMI_TEST_DATA)")
    return folder


def cases(name: str) -> list[dict[str, Any]]:
    """The recorded messages of one file: source, format, topic, payload, expected; skips."""
    with gzip.open(payloads_folder() / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
