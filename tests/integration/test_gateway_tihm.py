"""TIHM's files: read as they are, or refused in one sentence."""

from __future__ import annotations

import gzip
import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.errors import UserError
from gateway_sim import tihm

ACTIVITY = """patient_id,location_name,date
b9d58,Bathroom,2019-04-01 01:51:16
b9d58,Bathroom,2019-04-01 01:51:16
0697d,Fridge Door,2019-04-01 01:51:17
b9d58,Front Door,2019-11-05 10:00:00
"""
PHYSIOLOGY = """patient_id,date,device_type,value,unit
b9d58,2019-04-01 01:51:16.5,Heart rate,71,beats/min
b9d58,2019-04-02 00:00:00,O/E - muscle mass,n/a,kg
b9d58,2019-04-02 00:00:01,Blood glucose,5.5,mmol/L
"""


@pytest.fixture(params=["plain", "gzip"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    for name, text in (("Activity", ACTIVITY), ("Physiology", PHYSIOLOGY)):
        if request.param == "gzip":
            (tmp_path / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
        else:
            (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def test_every_row_comes_once_in_order_of_time(folder: Path) -> None:
    found = list(tihm.rows(folder))
    assert [(r.patient, r.device, r.metric, r.unit) for r in found] == [
        ("b9d58", "motion-bathroom", "motion", None),
        ("b9d58", "motion-bathroom", "motion", None),
        ("b9d58", "heart-rate", "pulse", "beats/min"),
        ("0697d", "door-fridge", "door", None),
        ("b9d58", "o-e-muscle-mass", "muscle_mass", "kg"),
        ("b9d58", "blood-glucose", "blood_glucose", "mmol/L"),
        ("b9d58", "door-front", "door", None),
    ]
    assert [r.time for r in found] == sorted(r.time for r in found)
    assert math.isnan(found[4].value)
    assert found[4].text == "n/a"
    summer, winter = found[0].time, found[6].time
    assert datetime.fromtimestamp(summer, UTC).isoformat() == "2019-04-01T00:51:16+00:00"
    assert datetime.fromtimestamp(winter, UTC).isoformat() == "2019-11-05T10:00:00+00:00"


def test_a_part_of_the_time(folder: Path) -> None:
    start, end = datetime(2019, 4, 1, 0, 51, 17, tzinfo=UTC), datetime(2019, 4, 1, 23, tzinfo=UTC)
    part = list(tihm.rows(folder, start, end))
    assert [r.device for r in part] == ["door-fridge"]
    survey = tihm.survey(folder, start, end)
    assert (survey.rows, survey.devices) == (1, {"0697d": {("door-fridge", "door")}})
    assert (survey.first, survey.last) == (part[0].time, part[0].time)


def test_the_homes_as_a_registry_document(folder: Path) -> None:
    (folder / "Demographics.csv").write_text(
        'patient_id,age,sex\nb9d58,"(70, 80]",Female\nffff0,"(90, 110]",Male\n'
    )
    document = tihm.document(folder)
    assert [home.gateway for home in document.homes] == ["tihm-0697d", "tihm-b9d58", "tihm-ffff0"]
    home = document.homes[1]
    assert home.clients[0].born.year == 1944
    assert {(d.name, d.kind, d.location) for d in home.devices} == {
        ("motion-bathroom", "motion", "bathroom"),
        ("door-front", "door", "front"),
        ("heart-rate", "cuff", ""),
        ("o-e-muscle-mass", "scale", ""),
        ("blood-glucose", "blood_glucose", ""),
    }
    assert all(device.subject == "tihm-b9d58" for device in home.devices)
    assert document.homes[2].devices == []


def _truncate(folder: Path) -> None:
    whole = gzip.compress(ACTIVITY.encode() * 100)
    (folder / "Activity.csv.gz").write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: (f / "Activity.csv").unlink(), "folder with TIHM's"),
        (lambda f: (f / "Activity.csv").write_text("a,b\n1,2\n"), "first line has to be"),
        (lambda f: (f / "Activity.csv").write_bytes(b"\xff\xfe" * 50), "cannot be read"),
        (
            lambda f: (f / "Activity.csv").write_text(ACTIVITY + "b9d58,Lounge,yesterday\n"),
            "line 6, cannot be read",
        ),
        (lambda f: (f / "Activity.csv").write_text(ACTIVITY + "b9d58,Lounge\n"), "line 6, cannot"),
        (_truncate, "cannot be read"),
    ],
)
def test_a_damaged_folder_is_refused_in_a_sentence(
    tmp_path: Path, damage: Callable[[Path], object], words: str
) -> None:
    (tmp_path / "Activity.csv").write_text(ACTIVITY)
    (tmp_path / "Physiology.csv").write_text(PHYSIOLOGY)
    damage(tmp_path)
    with pytest.raises(UserError, match=words) as caught:
        tihm.survey(tmp_path)
    with pytest.raises(UserError, match=words):
        list(tihm.rows(tmp_path))
    assert "\n" not in str(caught.value)
