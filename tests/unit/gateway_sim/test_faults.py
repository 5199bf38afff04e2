"""Fault files, and the sentences that say what is wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import UserError
from gateway_sim.columns import channels
from gateway_sim.devices import KINDS
from gateway_sim.faults import load_faults, shipped_faults
from gateway_sim.faulty import KIND_OF

GOOD = """name = "mine"
description = "…"
hours = 48

[gateways]
space = 500

[[fault]]
kind = "power_cut"
from_hours = 2
until_hours = 5
areas = ["imatra"]

[[fault]]
kind = "drift"
from_hours = 4
devices = ["thermometer"]
makers = ["Bornex"]
metrics = ["temperature"]
per_day = 0.4

[[fault]]
kind = "limits"
from_hours = 5
devices = ["glucometer"]
low = 1.1
high = 33.3

[[fault]]
kind = "battery"
from_hours = 6
empty_hours = 30
"""


def test_the_shipped_ones_can_be_read() -> None:
    assert shipped_faults() == ["calm", "maker", "storm"]
    for name in shipped_faults():
        assert load_faults(name).name == name


def test_what_kinds_of_device_tell_is_what_homes_have() -> None:
    told = {(KIND_OF[channel.device], channel.metric) for channel in channels()}
    assert told <= {(kind, metric) for kind, metrics in KINDS.items() for metric in metrics}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"power_cut"', '"plague"', ["line 9", "plague"]),
        ('"imatra"', '"atlantis"', ["line 12", "fault[0].areas", "atlantis"]),
        ('["thermometer"]', '["toaster"]', ["line 17", "fault[1].devices", "toaster"]),
        ('"Bornex"', '"Acme"', ["line 18", "fault[1].makers", "Acme"]),
        ('["temperature"]', '["weight"]', ["line 19", "fault[1].metrics", "weight"]),
        ("per_day = 0.4", "per_day = inf", ["line 20", "per_day"]),
        ("per_day = 0.4", "per_day = nan", ["line 20", "per_day"]),
        ("until_hours = 5", "until_hours = 49", ["line 11", "fault[0].until_hours", "48 hours"]),
        ("until_hours = 5", "until_hours = 1", ["line 10", "fault[0].from_hours"]),
        ("from_hours = 2", "from_hours = -2", ["line 10", "fault[0].from_hours"]),
        ("low = 1.1", "low = 50", ["line 26", "fault[2].low"]),
        ("empty_hours = 30", "empty_hours = 3", ["line 32", "fault[3].empty_hours"]),
        ("space = 500", "space = 0", ["line 6", "gateways.space"]),
        ("from_hours = 5", "from_hours = 5\nshare = 2", ["line 25", "fault[2].share"]),
        ("from_hours = 5", "from_hours = 5\ncolour = 2", ["line 25", "colour"]),
    ],
)
def test_a_mistake_is_named_with_file_line_and_key(
    tmp_path: Path, old: str, new: str, words: list[str]
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    load_faults(path)
    assert GOOD.count(old) == 1
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(UserError) as caught:
        load_faults(path)
    sentence = str(caught.value)
    assert "\n" not in sentence
    for word in [str(path), *words]:
        assert word in sentence


def test_a_fault_that_begins_after_the_run(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    load_faults(path, 6.5)
    with pytest.raises(UserError, match=r"line 31: fault\[3\]\.from_hours .* ends after 6 hours"):
        load_faults(path, 6.0)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(UserError, match="'friday': name one of calm, maker, storm"):
        load_faults("friday")
