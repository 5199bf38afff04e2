"""A simulation's files: the same bytes however they are made, whole or refused, and all there."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from core.catalogue import catalogue
from core.errors import UserError
from gateway_sim.columns import channels
from gateway_sim.faults import NO_FAULTS, AnyFault, FaultFile, load_faults, shipped_faults
from gateway_sim.faulty import Faulty
from gateway_sim.files_format import Manifest, read_manifest
from gateway_sim.files_read import Recording
from gateway_sim.files_write import StoppedError, county_of, planned, write_files
from gateway_sim.hearing import Hearing
from gateway_sim.labelling import labels
from gateway_sim.plan import make_plan
from gateway_sim.production import Production
from gateway_sim.scenario import load_scenario

# The night in which the clock goes back, 4 to 3 o'clock: 25 hours a day.
AUTUMN = datetime(2026, 10, 24, 12, tzinfo=UTC)


def run(
    *,
    homes: int = 7,
    hours: float = 3,
    every: float | None = 60.0,
    per_part: int = 3,
    seed: int = 7,
    scenario: str = "demo",
    faults: FaultFile = NO_FAULTS,
) -> Manifest:
    return planned(
        seed=seed,
        homes=homes,
        scenario=load_scenario(scenario),
        start=AUTUMN,
        end=AUTUMN + timedelta(hours=hours),
        vitals_every_s=every,
        faults=faults,
        homes_per_part=per_part,
    )


def contents(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def test_the_same_run_has_the_same_bytes_whatever_is_made_at_once(tmp_path: Path) -> None:
    write_files(tmp_path / "a", run())
    write_files(tmp_path / "b", run(), homes_at_once=1)
    write_files(tmp_path / "c", run(), homes_at_once=2)
    write_files(tmp_path / "other", run(seed=8))
    whole = contents(tmp_path / "a")
    assert set(whole) == {
        "manifest.json", "homes.parquet", "clients.parquet", "devices.parquet", "labels.parquet",
        "faults.parquet",
        *(f"readings/part-0000{n}.parquet" for n in range(3)),
    }  # fmt: skip
    assert contents(tmp_path / "b") == whole
    assert contents(tmp_path / "c") == whole
    assert contents(tmp_path / "other") != whole


def test_a_home_is_the_same_however_many_there_are_and_however_they_are_cut(
    tmp_path: Path,
) -> None:
    write_files(tmp_path / "few", run(homes=4, per_part=2, scenario="quiet"))
    write_files(tmp_path / "many", run(homes=6, per_part=5, scenario="quiet"))
    few = {home.gateway: home.series for home in Recording(tmp_path / "few").homes()}
    many = {home.gateway: home.series for home in Recording(tmp_path / "many").homes()}
    assert (len(few), len(many)) == (4, 6)
    for gateway, series in few.items():
        assert series.keys() == many[gateway].keys()
        for name, one in series.items():
            assert np.array_equal(one.time, many[gateway][name].time)
            assert np.array_equal(one.value, many[gateway][name].value)


@pytest.mark.parametrize("every", [None, 60.0, 7.5])
def test_what_devices_say_is_in_the_files(tmp_path: Path, every: float | None) -> None:
    manifest = write_files(tmp_path, run(hours=26, every=every)).manifest
    county = county_of(manifest)
    plan = make_plan(county, manifest.scenario, manifest.start)
    made = Production(county, plan).columns(
        manifest.start.timestamp() - 0.0005, manifest.end.timestamp() - 0.0005, every=every
    )
    said = defaultdict(list)
    for home, channel, time, value in zip(
        made.home.tolist(), made.channel.tolist(), made.time.tolist(), made.value.tolist(),
        strict=True,
    ):  # fmt: skip
        said[county.homes[home].gateway, *channels()[channel]].append((time, value))
    recording = Recording(tmp_path)
    kept = {
        (home.gateway, *name): list(zip(s.time.tolist(), s.value.tolist(), strict=True))
        for home in recording.homes(most_rows=500)
        for name, s in home.series.items()
    }
    assert kept == {name: sorted(several) for name, several in said.items()}
    assert manifest.readings == len(made) == sum(map(len, kept.values()))
    known = {(d["gateway"], d["device"]) for d in recording.table("devices").to_pylist()}
    assert {(gateway, device) for gateway, device, _ in kept} <= known
    worn = sum(len(several) for (_, device, _), several in kept.items() if "monitor" in device)
    people = len(recording.table("clients"))
    assert worn == (0 if every is None else people * 6 * 26 * 3600 / every)
    by_hand = any("oximeter" in device for _, device, _ in kept)
    assert by_hand == (every is None)


def of_all_kinds() -> FaultFile:
    """Every kind of fault within a day and a bit; several of them meet the same device."""
    path = Path(__file__).with_name("all_kinds.toml")
    file = load_faults(path)
    assert {fault.kind for fault in file.fault} == {
        kind.__struct_config__.tag for kind in get_args(AnyFault)
    }
    return file


@pytest.mark.parametrize("name", ["all_kinds", *shipped_faults()])
def test_what_gateways_hear_is_in_the_files(tmp_path: Path, name: str) -> None:
    """Another way round: live gateways hear it bit by bit, files are written block by block."""
    faults = of_all_kinds() if name == "all_kinds" else load_faults(name)
    manifest = write_files(tmp_path, run(hours=40, every=600.0, faults=faults)).manifest
    county = county_of(manifest)
    faulty = Faulty(county, faults, manifest.start)
    hearing = Hearing(Production(county, make_plan(county, manifest.scenario, AUTUMN)), faulty)
    heard = Counter(
        (county.homes[home].gateway, *reading)
        for home, readings in hearing.between(
            manifest.start.timestamp() - 0.0005, manifest.end.timestamp() - 0.0005, 600.0
        ).items()
        for reading in readings
    )
    recording = Recording(tmp_path)
    kept: Counter[tuple[str, float, str, str, float, int]] = Counter()
    for home in recording.homes(most_rows=500):
        for (device, metric), s in home.series.items():
            assert (np.diff(s.time - s.ahead) >= 0).all()
            for time, value, qualifier in zip(
                (s.time / 1000.0).tolist(), s.value.tolist(), s.qualifier.tolist(), strict=True
            ):
                kept[home.gateway, time, device, metric, value, qualifier] += 1
    assert kept == heard
    assert manifest.readings == kept.total() > 1000
    moments = [time for rows in recording.slices() for time in rows.measured.tolist()]
    assert moments == sorted(moments)
    begin, end = AUTUMN.timestamp(), AUTUMN.timestamp() + 40 * 3600
    truth = {fault for fault in faulty.truth() if fault.start < end and fault.end >= begin}
    assert set(recording.faults()) == truth
    assert truth


def test_a_part_of_a_run_goes_by_when_it_was_measured(tmp_path: Path) -> None:
    write_files(tmp_path, run(hours=40, every=600.0, faults=of_all_kinds()))
    recording = Recording(tmp_path)
    start, end = AUTUMN + timedelta(hours=7), AUTUMN + timedelta(hours=21)
    low, high = start.timestamp() * 1000, end.timestamp() * 1000
    whole = np.concatenate([rows.measured for rows in recording.blocks()])
    wanted = np.sort(whole[(whole >= low) & (whole < high)])
    for several in (recording.blocks(start, end), recording.slices(start, end)):
        found = list(several)
        assert np.array_equal(np.sort(np.concatenate([r.measured for r in found])), wanted)
        assert any((r.time != r.measured).any() for r in found)
    assert recording.extent(start, end) == (len(wanted), wanted[0], wanted[-1])


def test_a_file_reads_as_documented(tmp_path: Path) -> None:
    write_files(tmp_path, run())
    table = pq.read_table(tmp_path / "readings" / "part-00001.parquet")
    rows = table.to_pylist()
    assert {row["gateway"] for row in rows} == {"gw-000004", "gw-000005", "gw-000006"}
    assert all(row["unit"] == catalogue()[row["metric"]].unit for row in rows)
    end = AUTUMN + timedelta(hours=3)
    assert all(AUTUMN <= row["time"] < end and row["qualifier"] == 0 for row in rows)
    groups = pq.ParquetFile(tmp_path / "readings" / "part-00001.parquet").metadata
    assert groups.num_row_groups == len(list(read_manifest(tmp_path / "manifest.json").slices()))


def test_reading_by_slice_and_by_block_gives_every_row_once(tmp_path: Path) -> None:
    manifest = write_files(tmp_path, run(homes=5, hours=20, every=600.0, per_part=2)).manifest
    recording = Recording(tmp_path)
    slices = list(recording.slices())
    assert sum(map(len, slices)) == manifest.readings
    times = np.concatenate([rows.time for rows in slices])
    assert np.all(np.diff(times) >= 0)
    blocks = list(recording.blocks())
    assert sum(map(len, blocks)) == manifest.readings
    for rows in blocks:
        homes = rows.gateway.codes
        assert len(set(homes.tolist())) == 1 + np.count_nonzero(np.diff(homes))
    low, high = AUTUMN + timedelta(hours=5), AUTUMN + timedelta(hours=8.5)
    part = np.concatenate([rows.time for rows in recording.slices(low, high)])
    inside = (times >= low.timestamp() * 1000) & (times < high.timestamp() * 1000)
    assert np.array_equal(part, times[inside])
    assert sum(len(rows) for rows in recording.blocks(low, high)) == len(part)


def test_the_night_with_an_hour_more_has_its_readings(tmp_path: Path) -> None:
    manifest = write_files(tmp_path, run(hours=36)).manifest
    pulses = [
        series.time
        for home in Recording(tmp_path).homes()
        for (device, metric), series in home.series.items()
        if (device, metric) == ("monitor-1", "pulse")
    ]
    assert len(pulses) == manifest.homes
    for times in pulses:
        assert np.array_equal(np.unique(np.diff(times)), [60_000])
        assert len(times) == 36 * 60


def test_labels_are_those_of_the_plan(tmp_path: Path) -> None:
    manifest = write_files(tmp_path, run(hours=12)).manifest
    county = county_of(manifest)
    plan = make_plan(county, manifest.scenario, manifest.start)
    kept = Recording(tmp_path).labels()
    expected = labels(county, plan, manifest.start, manifest.end)
    assert [(t.client, t.kind, t.what) for t in kept] == [
        (t.client, t.kind, t.what) for t in expected
    ]
    for one, other in zip(kept, expected, strict=True):
        assert abs(one.time - other.time) < timedelta(milliseconds=1)
    assert {"onset", "first_sign", "crisis", "recovered", "event"} >= {t.what for t in kept}
    assert {"onset", "event"} <= {t.what for t in kept}


def stop_after(calls: int) -> Callable[[], bool]:
    left = iter(range(calls))
    return lambda: next(left, None) is None


def test_a_run_that_was_stopped_says_so_and_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    write_files(tmp_path / "whole", run())
    manifest, broken = run(), tmp_path / "broken"
    slices = len(list(manifest.slices()))
    with pytest.raises(StoppedError, match="is not whole"):
        write_files(broken, manifest, stopped=stop_after(slices))
    with pytest.raises(UserError, match="is not finished"):
        Recording(broken)
    done = [file.name for file in read_manifest(broken / "unfinished.json").files]
    assert [name for name in done if "part" in name] == ["readings/part-00000.parquet"]
    first = broken / "readings" / "part-00000.parquet"
    before = first.stat().st_mtime_ns
    written = write_files(broken, manifest)
    kept = read_manifest(broken / "manifest.json").readings - written.made
    assert kept == pq.ParquetFile(first).metadata.num_rows
    assert first.stat().st_mtime_ns == before
    assert contents(broken) == contents(tmp_path / "whole")


def test_a_part_that_was_damaged_is_made_again(tmp_path: Path) -> None:
    write_files(tmp_path / "whole", run())
    broken = tmp_path / "broken"
    with pytest.raises(StoppedError):
        write_files(broken, run(), stopped=stop_after(len(list(run().slices()))))
    (broken / "readings" / "part-00000.parquet").write_bytes(b"PAR1")
    write_files(broken, run())
    assert contents(broken) == contents(tmp_path / "whole")


def test_damage_is_found(tmp_path: Path) -> None:
    write_files(tmp_path, run())
    assert Recording(tmp_path).damaged() == []
    (tmp_path / "labels.parquet").unlink()
    part = tmp_path / "readings" / "part-00002.parquet"
    part.write_bytes(part.read_bytes()[:-40])
    assert Recording(tmp_path).damaged() == ["labels.parquet", "readings/part-00002.parquet"]


def _occupied(directory: Path) -> None:
    directory.mkdir()
    (directory / "letter.txt").write_text("mine")


def _finished(directory: Path) -> None:
    write_files(directory, run(homes=1, hours=0.1))


def _begun_otherwise(directory: Path) -> None:
    with pytest.raises(StoppedError):
        write_files(directory, run(seed=99), stopped=lambda: True)


def _a_file(directory: Path) -> None:
    directory.write_text("a file")


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (_occupied, "is not empty"),
        (_finished, "holds a simulation already"),
        (_begun_otherwise, "of other parameters"),
        (_a_file, "cannot be written to"),
    ],
)
def test_what_is_there_is_left_alone(
    tmp_path: Path, prepare: Callable[[Path], None], words: str
) -> None:
    directory = tmp_path / "out"
    prepare(directory)
    before = contents(directory)
    with pytest.raises(UserError, match=words) as caught:
        write_files(directory, run())
    assert "\n" not in str(caught.value)
    assert contents(directory) == before


def test_two_do_not_write_the_same(tmp_path: Path) -> None:
    def second() -> bool:
        with pytest.raises(UserError, match="by another simulator"):
            write_files(tmp_path, run())
        return False

    write_files(tmp_path, run(homes=1, hours=0.1), stopped=second)


def test_a_full_disk_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patched:
        patched.setattr("gateway_sim.files_write.os.fsync", full)
        with pytest.raises(Exception, match="No space left on device"):
            write_files(tmp_path / "out", run())
    write_files(tmp_path / "out", run())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"end": AUTUMN}, "it has to last"),
        ({"start": datetime(1999, 1, 1, tzinfo=UTC)}, "between the years"),
        ({"end": datetime(2101, 1, 1, tzinfo=UTC)}, "between the years"),
        ({"vitals_every_s": 0.5}, "every 0.5 seconds"),
    ],
)
def test_impossible_runs_are_refused(change: dict[str, object], words: str) -> None:
    given: dict[str, object] = {
        "seed": 7, "homes": 1, "scenario": load_scenario("quiet"), "start": AUTUMN,
        "end": AUTUMN + timedelta(hours=1), "vitals_every_s": None,
    }  # fmt: skip
    with pytest.raises(UserError, match=words):
        planned(**(given | change))  # type: ignore[arg-type] # as the command line gives them


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{}", "of format None"),
        (b"[1]", "no manifest"),
        (b'{"format": "saimi-simulation", "version": 1}', "version 1"),
        (b'{"format": "saimi-simulation", "version": 2}', "no manifest"),
        (b"\xff", "no manifest"),
    ],
)
def test_another_manifest_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(UserError, match=words):
        Recording(tmp_path)


def test_the_manifest_is_json_for_others_too(tmp_path: Path) -> None:
    write_files(tmp_path, run())
    told = msgspec.json.decode((tmp_path / "manifest.json").read_bytes())
    assert (told["format"], told["version"], told["seed"]) == ("saimi-simulation", 2, 7)
    assert told["start"] == "2026-10-24T12:00:00Z"
    parts = [file for file in told["files"] if file["name"].startswith("readings/")]
    assert told["readings"] == sum(file["rows"] for file in parts)
