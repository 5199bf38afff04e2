"""`saimi replay`: every recorded row is committed, a duplicate, a conflict, or rejected."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from tests.support.commands import saimi
from tests.support.recordings import tihm_folder

FIRST, LAST = "2019-05-01", "2019-05-05"
"""Some 35,000 rows."""


def rows_between(folder: Path, first: str, last: str) -> list[tuple[str, ...]]:
    """The files' own rows, read without Saimi: patient, device or place, date, value."""
    found: list[tuple[str, ...]] = []
    for name, columns in (
        ("Activity", ("patient_id", "location_name", "date")),
        ("Physiology", ("patient_id", "device_type", "date", "value")),
    ):
        with gzip.open(folder / f"{name}.csv.gz", "rt", newline="") as text:
            found += [
                tuple(row[column] for column in columns)
                for row in csv.DictReader(text)
                if first <= row["date"] < last
            ]
    return found


def test_every_row_is_accounted_for_and_a_second_replay_adds_nothing(tmp_path: Path) -> None:
    folder = tihm_folder()
    rows = rows_between(folder, FIRST, LAST)
    options = ("--format", "tihm", "--from", FIRST, "--to", LAST, "--json")

    first = saimi("replay", folder, *options, "--data-dir", tmp_path / "data", within=120)
    assert first.status == 0, first.err
    report = first.report
    assert report["rows"] == len(rows) > 20_000
    assert report["adds_up"] is True
    assert report["unreceipted"] == 0
    keys = {row[:3] for row in rows}
    rejected = sum(report["rejected"].values())
    assert report["committed"] + rejected == len(keys)
    assert report["duplicates"] + report["conflicts"] == len(rows) - len(keys)
    assert report["peak_memory_mb"]["replay"] < 150

    second = saimi("replay", folder, *options, "--data-dir", tmp_path / "data", within=120)
    assert second.status == 0, second.err
    assert second.report["committed"] == 0
    assert second.report["adds_up"] is True
    assert second.report["duplicates"] >= report["committed"]


@pytest.mark.timeout(600)
def test_the_whole_dataset() -> None:
    done = saimi(
        "replay", tihm_folder(), "--format", "tihm", "--speed", "max", "--json", within=500
    )
    assert done.status == 0, done.err
    report = done.report
    assert report["rows"] == 630_416
    assert report["homes"] == 45
    assert report["adds_up"] is True


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--format", "tihm"), "Activity.csv"),
        (("--format", "tihm", "--from", "spring"), "spring"),
        (("--format", "tihm", "--speed", "0"), "--speed 0"),
        (("--format", "other"), "other"),
    ],
)
def test_a_mistake_is_one_sentence(options: tuple[str, ...], words: str, tmp_path: Path) -> None:
    done = saimi("replay", tmp_path, *options, "--json")
    assert done.status == 2
    assert words in done.err
    assert "Traceback" not in done.err
    assert list(tmp_path.iterdir()) == []
