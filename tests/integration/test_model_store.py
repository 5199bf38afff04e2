"""A saved model comes back as it was, or is refused in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from core.errors import ModelError
from models import store
from models.store import load, save
from models.training import Trained, train
from tests.unit.models.made_homes import made_days


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(*made_days(), 0.5)


@pytest.fixture
def folder(tmp_path: Path, trained: Trained) -> Path:
    save(tmp_path / "m", trained)
    return tmp_path / "m"


def test_it_comes_back_as_it_was(folder: Path, trained: Trained) -> None:
    back = load(folder)
    assert back.model.state() == trained.model.state()
    assert (back.calibration, back.limit, back.record) == (
        trained.calibration,
        trained.limit,
        trained.record,
    )
    days, _ = made_days(seed=3)
    assert back.score(days)[0].tobytes() == trained.score(days)[0].tobytes()


def test_the_card_is_for_people(folder: Path, trained: Trained) -> None:
    card = (folder / "card.md").read_text()
    assert "Not for clinical use" in card
    assert "Scientific Data 2023, CC BY 4.0" in card
    assert f"{trained.record.figures['auroc']:.3f}" in card
    assert max(map(len, card.splitlines())) <= 110


def test_the_same_training_gives_the_same_bytes(folder: Path) -> None:
    again = folder.with_name("again")
    save(again, train(*made_days(), 0.5))
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["card.md", "manifest.json", "model.json"]
    assert all((folder / name).read_bytes() == (again / name).read_bytes() for name in names)


def test_a_model_is_replaced_and_nothing_else_is(folder: Path, trained: Trained) -> None:
    save(folder, trained)
    load(folder)
    assert [path.name for path in folder.parent.iterdir()] == ["m"]
    other = folder.with_name("thesis")
    other.mkdir()
    (other / "chapter.txt").write_text("two years of work")
    with pytest.raises(ModelError, match="is no saved model"):
        save(other, trained)
    assert (other / "chapter.txt").exists()


def edit(folder: Path, change: Callable[[dict[str, Any]], object], *, seal: bool = False) -> None:
    """Change the manifest; with a seal that fits, as another version would have written it."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_bytes())
    change(manifest)
    if seal:
        manifest["seal"] = store._seal(manifest)
    path.write_text(json.dumps(manifest))


def edit_values(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the values, with hashes that fit."""
    path = folder / "model.json"
    values = json.loads(path.read_bytes())
    change(values)
    path.write_text(json.dumps(values))
    digest = sha256(path.read_bytes()).hexdigest()
    edit(folder, lambda m: m["files"].update({"model.json": digest}), seal=True)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: edit(f, lambda m: m.update(format=2), seal=True), "another version"),
        (lambda f: edit(f, lambda m: m.update(model="sleep"), seal=True), "another version"),
        (
            lambda f: edit(f, lambda m: m["features"].reverse(), seal=True),
            "another list of features",
        ),
        (lambda f: edit(f, lambda m: m["features"].pop(), seal=True), "another list of features"),
        (lambda f: edit(f, lambda m: m.update(training_sha256="0")), "changed after training"),
        (lambda f: edit(f, lambda m: m.update(features_sha256="0"), seal=True), "changed after"),
        (lambda f: edit(f, lambda m: m.update(extra=1), seal=True), "no model's manifest"),
        (lambda f: edit(f, lambda m: m.pop("seal")), "no model's manifest"),
        (lambda f: (f / "manifest.json").write_text("[" * 100_000), "no model's manifest"),
        (lambda f: (f / "manifest.json").write_text("[1]"), "no model's manifest"),
        (lambda f: (f / "manifest.json").write_bytes(b"\xff\x00"), "no model's manifest"),
        (lambda f: (f / "manifest.json").unlink(), "cannot be read"),
        (lambda f: (f / "model.json").unlink(), "cannot be read"),
        (lambda f: (f / "model.json").write_text("{}"), "model.json was changed after"),
        (lambda f: (f / "model.json").write_bytes(b" " * 2_000_000), "larger than any"),
        (lambda f: (f / "card.md").write_text("Perfect."), "card.md was changed after"),
        (lambda f: edit_values(f, lambda v: v.pop("limit")), "does not hold a model"),
        (lambda f: edit_values(f, lambda v: v.update(limit=0)), "does not hold a model"),
        (lambda f: edit_values(f, lambda v: v["model"].pop("mean")), "does not hold a model"),
        (lambda f: edit_values(f, lambda v: v["model"]["mean"].pop()), "does not hold a model"),
        (
            lambda f: edit_values(f, lambda v: v["model"]["windows"][0].append(3)),
            "does not hold a model",
        ),
        (
            lambda f: edit_values(f, lambda v: v["model"].update(intercept="high")),
            "does not hold a model",
        ),
        (
            lambda f: edit_values(f, lambda v: v["model"].update(intercept=float("nan"))),
            "does not hold a model",
        ),
    ],
)
def test_what_is_not_what_it_says_is_refused(
    folder: Path, damage: Callable[[Path], object], words: str
) -> None:
    damage(folder)
    with pytest.raises(ModelError, match=words) as caught:
        load(folder)
    assert "\n" not in str(caught.value)
    assert str(caught.value).count(". ") == 0
