"""`saimi train` and `saimi evaluate`, as a person and as a program meet them."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.home_days import text_of
from tests.support.commands import saimi
from tests.support.parts import missing
from tests.unit.models.made_homes import made_events

TIHM = Path(__file__).parents[3] / "shared" / "data" / "tihm"
HOURS = ("08:00:10", "12:00:10", "18:00:10")
ACTIVITY = ("patient_id", "location_name", "date")
LABELS = ("patient_id", "date", "type")
Rows = list[dict[str, str]]


def made_rows(seed: int = 1) -> tuple[Rows, Rows]:
    events, labelled = made_events(seed=seed)
    activity = []
    for home, place, day, second in zip(
        events.home, events.place, events.day, events.second, strict=True
    ):
        minutes, seconds = divmod(int(second), 60)
        activity.append(
            {
                "patient_id": events.homes[home],
                "location_name": events.places[place].title(),
                "date": f"{text_of(day)} {minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}",
            }
        )
    labels = [
        {"patient_id": home, "date": f"{text_of(day)} {HOURS[run]}", "type": "Agitation"}
        for home, day, run in sorted(labelled)
    ]
    others = {"patient_id": "h01", "date": "2019-04-03 10:00:00", "type": "Blood pressure"}
    return activity, [*labels, others, {**labels[0], "date": "2031-01-01 12:00:00"}]


def table(path: Path, columns: tuple[str, ...], rows: Rows) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    content = text.getvalue().encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plain")
    activity, labels = made_rows()
    table(folder / "Activity.csv", ACTIVITY, activity)
    table(folder / "Labels.csv", LABELS, labels)
    return folder


@pytest.fixture(scope="module")
def model(plain: Path) -> Path:
    out = plain.parent / "trained" / "m"
    done = saimi("train", plain, "--out", out, "--json")
    assert done.status == 0, done.err
    assert done.report["labels_without_home_day"] == 1
    return out


def read(model: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in model.iterdir()}


def test_train_ends_with_the_figures_of_homes_kept_apart(plain: Path, tmp_path: Path) -> None:
    done = saimi("train", plain, "--out", tmp_path / "m")
    assert done.status == 0, done.err
    assert "AUROC" in done.out
    assert "alerts a home-week" in done.out
    assert "card.md" in done.err
    assert "Model card" in (tmp_path / "m" / "card.md").read_text()


def test_gzip_other_columns_and_other_order_give_the_same_bytes(
    model: Path, tmp_path: Path
) -> None:
    activity, labels = made_rows()
    for rows in (activity, labels):
        for row in rows:
            row["note"] = "x, y"
    table(tmp_path / "Activity.csv.gz", ("date", "note", *ACTIVITY[:2]), activity[::-1])
    table(tmp_path / "Labels.csv.gz", ("type", "note", *LABELS[:2]), labels[::-1])
    done = saimi("train", tmp_path, "--out", tmp_path / "m")
    assert done.status == 0, done.err
    assert read(tmp_path / "m") == read(model)


def test_evaluate_says_how_it_did_on_others(model: Path, tmp_path: Path) -> None:
    activity, labels = made_rows(seed=2)
    table(tmp_path / "Activity.csv", ACTIVITY, activity)
    table(tmp_path / "Labels.csv", LABELS, labels)
    done = saimi(
        *("evaluate", tmp_path, "--model", model, "--from", "2019-04-08"),
        *("--days", tmp_path / "days.jsonl", "--json"),
    )
    assert done.status == 0, done.err
    report = done.report
    days = {(row["patient_id"], row["date"][:10]) for row in activity}
    counted = {key for key in days if key[1] >= "2019-04-08"}
    labelled = {(r["patient_id"], r["date"][:10]) for r in labels if r["type"] == "Agitation"}
    assert report["home_days"] == len(counted) < len(days)
    assert report["positive"] == len(counted & labelled)
    assert report["auroc"] > 0.8
    for figure in (
        "average_precision",
        "sensitivity_at_specificity_0_80",
        "sensitivity_at_specificity_0_90",
    ):
        low, high = report["intervals"][figure]
        assert low <= report[figure] <= high
    lines = [json.loads(line) for line in (tmp_path / "days.jsonl").read_text().splitlines()]
    assert {(line["home"], line["date"]) for line in lines} == counted
    assert {(line["home"], line["date"]) for line in lines if line["label"]} == counted & labelled
    alerts = [line for line in lines if line["alert"]]
    assert report["alerts_per_home_week"] == pytest.approx(7 * len(alerts) / len(lines))
    assert all(line["reasons"] for line in alerts)


def only(home: str | None = None, label: str | None = None) -> Callable[[Rows], Rows]:
    return lambda rows: [
        row
        for row in rows
        if (home is None or row["patient_id"] == home) and (label is None or "type" not in row)
    ]


@pytest.mark.parametrize(
    ("keep", "positive", "words"),
    [
        (only(home="h00"), True, "one home only"),
        (only(home="h00", label="none"), False, "AUROC"),
        (only(label="none"), False, "AUROC"),
    ],
)
def test_one_home_and_one_class(
    model: Path, tmp_path: Path, keep: Callable[[Rows], Rows], positive: bool, words: str
) -> None:
    activity, labels = made_rows(seed=2)
    table(tmp_path / "Activity.csv", ACTIVITY, keep(activity))
    table(tmp_path / "Labels.csv", LABELS, keep(labels))
    done = saimi("evaluate", tmp_path, "--model", model, "--json")
    assert done.status == 0, done.err
    assert (done.report["auroc"] is not None) == positive
    assert words in done.report["note"]
    assert done.report["intervals"]["auroc"] is None
    if not positive:
        refused = saimi("train", tmp_path, "--out", tmp_path / "m")
        assert refused.status == 2
        assert "at least two homes" in refused.err
        assert not (tmp_path / "m").exists()


def one_sentence(text: str) -> bool:
    return text.startswith("saimi: ") and text.count("\n") == 1 and "Traceback" not in text


def spoil(name: str, row: str, at: int = 2) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        lines = (folder / name).read_text().splitlines()
        lines[at] = row
        (folder / name).write_text("\n".join(lines) + "\n")

    return change


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: (f / "Labels.csv").unlink(), "Labels.csv"),
        (lambda f: (f / "Activity.csv").unlink(), "Activity.csv"),
        (spoil("Activity.csv", "h01,Kitchen,2019-04-31 10:00:00"), "Activity.csv, line 3"),
        (spoil("Activity.csv", "h01,Kitchen,2019-04-30"), "Activity.csv, line 3"),
        (spoil("Activity.csv", "h01,Kitchen,2019-04-30 24:00:00"), "Activity.csv, line 3"),
        (spoil("Activity.csv", "h01,Kitchen,2019-04-30 10:00:nan"), "Activity.csv, line 3"),
        (spoil("Activity.csv", "h01,Kitchen"), "Activity.csv, line 3"),
        (spoil("Activity.csv", ",Kitchen,2019-04-30 10:00:00"), "Activity.csv, line 3"),
        (spoil("Activity.csv", '"' + "x" * 200_000), "Activity.csv, line"),
        (spoil("Activity.csv", "date,who,where", at=0), "first line has to be"),
        (spoil("Labels.csv", "h01,yesterday,Agitation"), "Labels.csv, line 3"),
        (lambda f: (f / "Activity.csv").write_text(",".join(ACTIVITY) + "\n"), "no home-day"),
        (lambda f: (f / "Activity.csv").write_bytes(b"\xff" * 100), "Activity.csv"),
        (lambda f: (f / "Activity.csv.gz").write_bytes(b"\x1f\x8b" + b"x" * 50), "cannot be read"),
    ],
)
def test_a_broken_folder_is_refused_in_a_sentence(
    model: Path, plain: Path, tmp_path: Path, damage: Callable[[Path], object], words: str
) -> None:
    for name in ("Activity.csv", "Labels.csv"):
        (tmp_path / name).write_bytes((plain / name).read_bytes())
    damage(tmp_path)
    done = saimi("evaluate", tmp_path, "--model", model, "--json")
    assert done.status == 2
    assert words in done.err
    assert one_sentence(done.err), done.err
    assert done.out == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from", "soon"), "--from soon is no time"),
        (("--from", "2030-01-01"), "no home-day from 2030-01-01 on"),
        (("--model", "nowhere"), "cannot be read"),
    ],
)
def test_a_mistaken_call_is_refused_in_a_sentence(
    model: Path, plain: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = saimi("evaluate", plain, "--model", model, *arguments, "--json")
    assert done.status == 2
    assert words in done.err
    assert one_sentence(done.err)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    if not TIHM.exists():
        missing("recorded homes (put the folder shared/data beside the repository)")
    out = tmp_path_factory.mktemp("tihm") / "m"
    done = saimi("train", TIHM, "--out", out, "--json", within=600.0)
    assert done.status == 0, done.err
    return out, done.report


@pytest.mark.timeout(600)
def test_agitation_in_recorded_homes_is_told(recorded: tuple[Path, Any]) -> None:
    _, report = recorded
    assert (report["homes"], report["home_days"], report["positive"]) == (39, 1607, 79)
    assert report["figures"]["auroc"] > 0.92
    assert report["figures"]["sensitivity_at_specificity_0_90"] > 0.7
    assert report["at_limit"]["alerts_per_home_week"] <= 0.5


@pytest.mark.timeout(600)
def test_recorded_homes_are_all_scored(recorded: tuple[Path, Any]) -> None:
    model, _ = recorded
    done = saimi("evaluate", TIHM, "--model", model, "--from", "2019-06-01", "--json")
    assert done.status == 0, done.err
    assert (done.report["home_days"], done.report["positive"]) == (493, 30)
