"""Scenario files, and the sentences that say what is wrong with one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.errors import UserError
from gateway_sim.county import County
from gateway_sim.illness import Illnesses
from gateway_sim.plan import keep_plan, make_plan
from gateway_sim.scenario import load_scenario, shipped_scenarios

START = datetime(2026, 1, 15, 9, tzinfo=UTC)
GOOD = """name = "mine"
description = "…"
hours = 72

[[illness]]
kind = "infection"
client = 1
severity = 0.5
at_minutes = 5

[[event]]
metric = "help"
client = 1
at_minutes = 7

[[wave]]
kind = "influenza"
share = 0.25
from_hours = -10
peak_hours = 20
until_hours = 60
areas = ["imatra"]
"""


def test_the_shipped_ones_can_be_read() -> None:
    assert shipped_scenarios() == ["demo", "harmless", "heat", "influenza", "mixed", "quiet"]
    for name in shipped_scenarios():
        assert load_scenario(name).name == name


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"infection"', '"plague"', ["line 6", "illness[0].kind", "plague"]),
        ("severity = 0.5", "severity = 5", ["line 8", "illness[0].severity"]),
        (
            "client = 1\nat_minutes = 7",
            "client = 0\nat_minutes = 7",
            ["line 13", "event[0].client"],
        ),
        ('"help"', '"pulse"', ["line 12", "event[0].metric", "pulse"]),
        ('"influenza"', '"plague"', ["line 17", "wave[0].kind", "plague"]),
        ("peak_hours = 20", "peak_hours = 90", ["line 20", "wave[0].peak_hours"]),
        ('"imatra"', '"atlantis"', ["line 22", "wave[0].areas", "atlantis"]),
        ('areas = ["imatra"]', 'conditions = ["gout"]', ["line 22", "wave[0].conditions", "gout"]),
        ("share = 0.25", "share = 25", ["line 18", "wave[0].share"]),
        ("\nhours = 72", '\nhours = "two"', ["line 3", "hours"]),
        ("\nhours = 72", "\nhours = 72\ncolour = 3", ["line 4", "colour"]),
        ("at_minutes = 7", "at_minutes = 4321", ["line 14", "event[0].at_minutes", "72 hours"]),
        ("at_minutes = 7", "at_minutes = -1", ["line 14", "event[0].at_minutes"]),
        ("until_hours = 60", "until_hours = 73", ["line 21", "wave[0].until_hours", "72 hours"]),
        ('"imatra"', "7", ["line 22", "wave[0].areas[0]"]),
        ("at_minutes = 7", "at_minute = 7", ["line 14", "at_minute"]),
        ("\nhours = 72", "\nhours 72", ["line 3"]),
    ],
)
def test_a_mistake_is_named_with_file_line_and_key(
    tmp_path: Path, old: str, new: str, words: list[str]
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(UserError) as caught:
        load_scenario(path)
    sentence = str(caught.value)
    assert "\n" not in sentence
    for word in [str(path), *words]:
        assert word in sentence


def test_a_scenario_that_is_not_there() -> None:
    with pytest.raises(
        UserError, match="'wednesday': name one of demo, harmless, heat, influenza, mixed, quiet"
    ):
        load_scenario("wednesday")


def test_numbers_of_clients_start_over_where_there_are_fewer() -> None:
    plan = make_plan(County(7, 1), load_scenario("demo"), START)
    assert {highlight.client for highlight in plan.highlights} == {"asiakas-000001-1"}
    assert [highlight.what for highlight in plan.highlights] == ["infection", "help"]


def test_a_wave_meets_a_share_of_those_it_may_meet(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    county = County(7, 1500)
    ill = [one for one in make_plan(county, load_scenario(path), START).illnesses
           if one.kind == "influenza"]  # fmt: skip
    assert {county.home_of[one.person].area for one in ill} == {"imatra"}
    there = sum(len(home.residents) for home in county.homes if home.area == "imatra")
    assert 0.2 < len(ill) / there < 0.3
    hours = [(one.onset - START.timestamp()) / 3600 for one in ill]
    assert -10 <= min(hours) < max(hours) <= 60
    near, far = (sum(abs(hour - middle) < 8 for hour in hours) for middle in (20, 50))
    assert near > far


def test_a_plan_goes_on_when_started_again_and_begins_anew_when_over(tmp_path: Path) -> None:
    county, demo = County(7, 3), load_scenario("demo")
    first = keep_plan(county, demo, tmp_path, START)
    assert first == make_plan(county, demo, START)
    assert keep_plan(county, demo, tmp_path, START + timedelta(hours=11)) == first
    assert keep_plan(county, load_scenario("quiet"), tmp_path, START).illnesses == Illnesses()
    later = START + timedelta(hours=13)
    assert keep_plan(county, demo, tmp_path, later).start == later
    (tmp_path / "plan.json").write_bytes(b'{"seed":7,"ho')
    assert keep_plan(county, demo, tmp_path, later).start == later
