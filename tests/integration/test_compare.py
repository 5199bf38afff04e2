"""`saimi compare`: simulated homes beside TIHM's, as a person would run it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import gateway_sim
from tests.support.commands import saimi
from tests.support.recordings import tihm_folder

FEW = ("--format", "tihm", "--homes", "8", "--days", "7")
PACKAGE = Path(gateway_sim.__file__).parent


def test_the_routine_that_ships_is_nearer_to_recorded_homes_than_the_guess() -> None:
    done = saimi("compare", tihm_folder(), *FEW, "--json")
    assert done.status == 0, done.err
    report = done.report
    assert report["homes"] == {"fit": 22, "apart": 16, "simulated": 8}
    named = {one["name"] for one in report["statistics"]}
    assert {"kitchen: hours of the day", "night (0 to 6): events", "next place"} <= named
    times = [one["value"] / one["yardstick"] for one in report["statistics"]]
    assert all(0.0 <= one < math.inf for one in times)
    assert report["score"] == pytest.approx(sum(times) / len(times))

    done = saimi("compare", tihm_folder(), *FEW, "--routine", PACKAGE / "day.guess.toml")
    assert done.status == 0, done.err
    assert "kitchen: events a day" in done.out
    words, _, guess = done.out.strip().splitlines()[-1].rpartition(" ")
    assert words.endswith("by 16 homes kept apart:")
    assert report["score"] < 0.8 * float(guess)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--format", "tihm"), "Activity.csv"),
        (("--format", "saimi"), "--format tihm"),
        (("--format", "tihm", "--homes", "3"), "greater than or equal to 4"),
        (("--format", "tihm", "--routine", "none.toml"), "There is no routine 'none.toml'"),
        (("--format", "tihm", "--routine", "bad.toml"), "bad.toml, line 3: night_rises"),
        (("--format", "tihm", "--routine", "broken.toml"), "at line 2"),
    ],
)
def test_a_mistake_is_one_sentence(options: tuple[str, ...], words: str, tmp_path: Path) -> None:
    shipped = (PACKAGE / "day.toml").read_text().splitlines()
    kept = [line for line in shipped if line and not line.startswith(("#", "night_rises"))]
    (tmp_path / "bad.toml").write_text("\n".join([*kept[:2], "night_rises = -3", *kept[2:]]))
    (tmp_path / "broken.toml").write_text("a = 1\nb = = 2\n")
    done = saimi("compare", tmp_path, *options, cwd=tmp_path)
    assert done.status == 2
    assert words in done.err
    assert "Traceback" not in done.err
