"""`saimi simulate --out`: the same command has the same bytes, killed or not."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway_sim.files_read import Recording
from tests.support.commands import saimi
from tests.support.waiting import wait_for

RUN = ("simulate", "--homes", "9000", "--hours", "0.2", "--seed", "7", "--scenario", "quiet")


def test_a_run_that_is_killed_is_finished_by_the_same_command(tmp_path: Path) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    first = subprocess.Popen(
        [sys.executable, "-P", "-m", "saimi", *RUN, "--speed", "max", "--out", str(killed)],
        stdout=subprocess.DEVNULL,
    )
    try:
        noted = killed / "unfinished.json"

        def begun() -> bool:
            return noted.exists() and b"part-00000.parquet" in noted.read_bytes()

        wait_for(begun, within=60, what="the first of five parts")
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert not (killed / "manifest.json").exists()
    refused = saimi("simulate", "--homes", "2", "--hours", "1", "--out", killed)
    assert refused.status == 2
    assert "unfinished simulation of other parameters" in refused.err

    second = saimi(*RUN, "--speed", "max", "--out", killed, "--json", within=60)
    assert second.status == 0, second.err
    report = second.report
    assert report["made"] < report["readings"]
    third = saimi(*RUN, "--out", whole, "--json", within=60)
    assert third.report["manifest_sha256"] == report["manifest_sha256"]
    assert third.report["made"] == report["readings"]
    assert Recording(whole).damaged() == Recording(killed).damaged() == []
    assert report["readings_per_s"] > 0
    assert 0 < report["peak_memory_mb"] < 2000


def test_a_run_with_faults_has_them_in_its_readings_and_its_truth(tmp_path: Path) -> None:
    done = saimi(
        "simulate", "--homes", "40", "--days", "5", "--seed", "7", "--faults", "maker",
        "--out", tmp_path / "sick", "--json",
    )  # fmt: skip
    assert done.status == 0, done.err
    recording = Recording(tmp_path / "sick")
    assert recording.manifest.faults.name == "maker"
    met = {(one.gateway, one.device) for one in recording.faults() if one.kind == "clock_jump"}
    assert met
    late = {
        (home.gateway, device)
        for home in recording.homes()
        for (device, _), series in home.series.items()
        if set(series.ahead.tolist()) == {0, 3_600_000}
    }
    assert late <= met
    assert late


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "Say how much"),
        (("--hours", "1", "--speed", "2"), "leave --speed X"),
        (("--hours", "1", "--ledger", "x"), "leave --ledger"),
        (("--hours", "1", "--history", "2"), "leave --history"),
        (("--hours", "1", "--credentials", "x"), "leave --connections"),
        (("--hours", "1", "--connections", "2"), "leave --connections"),
        (("--hours", "1", "--scenario", "mixed"), "which keep no past"),
        (("--hours", "1", "--faults", "rain"), "rain"),
        (("--hours", "1", "--faults", "maker"), "the run ends after 1 hours"),
        (("--hours", "1", "--speed", "fast"), "--speed fast"),
        (("--hours", "1", "--from", "spring"), "--from spring"),
        (("--hours", "1", "--from", "1999-12-31"), "between the years"),
        (("--days", "36525", "--from", "2026-01-01"), "between the years"),
        (("--days", "36525", "--from", "9999-01-01"), "calendar"),
        (("--hours", "1", "--vitals-every", "often"), "--vitals-every often"),
        (("--hours", "1", "--vitals-every", "0"), "every 0 seconds"),
        (("--hours", "1", "--vitals-every", "nan"), "every nan seconds"),
        (("--hours", "1", "--scenario", "sunny"), "sunny"),
        (("--hours", "1", "--homes", "0"), "homes"),
        (("--hours", "nan"), "hours"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(
    options: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    done = saimi("simulate", "--out", "files", *options, cwd=tmp_path)
    assert done.status == 2
    assert done.out == ""
    assert words in done.err
    assert "Traceback" not in done.err
    assert list(tmp_path.iterdir()) == []
