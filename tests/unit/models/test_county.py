"""A county's model: what it learns from illnesses, its limits, and what it refuses at load."""

from __future__ import annotations

import json
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelError
from models.county import County, Record, load, save
from models.deterioration import Deterioration
from models.evidence import FEATURES, evidence
from models.following import Facts, Memory
from models.illness_judging import judge
from models.illness_training import Table, train
from models.illnesses import Illness, Looks, false_alerts, labels, limit_for, starts, warnings
from models.readings import DAY
from models.rooms import Happened
from models.signs import METRICS, Measured
from tests.unit.models.made_county import made_county, made_following

HOUR = 3600.0
PULSE = FEATURES.index("pulse_above_now")
NONE = np.zeros(0, dtype=np.int64)


def looks(clients: int, days: int) -> Looks:
    """Everybody, four times a day."""
    subject = np.repeat(np.arange(clients), 4 * days)
    time = np.tile(np.arange(4 * days) * DAY / 4, clients)
    return Looks(subject, time, subject)


def table(clients: int = 40, days: int = 60, seed: int = 1) -> Table:
    """Every second client is ill for four days, whose pulse rises by 6 spreads."""
    rng = np.random.default_rng(seed)
    rows = looks(clients, days)
    seen = np.zeros((len(rows.time), len(FEATURES)), dtype=np.float32)
    seen[:, PULSE] = np.maximum(rng.normal(size=len(seen)), 0.0)
    ill = []
    for who in range(0, clients, 2):
        onset = (20 + who % 20) * DAY
        crisis = onset + 4 * DAY
        ill.append(Illness(who, "fever", True, onset, onset + DAY, crisis, crisis + 3 * DAY))
        of = (rows.subject == who) & (rows.time >= onset) & (rows.time <= crisis)
        seen[of, PULSE] += 6.0 * (rows.time[of] - onset) / (4 * DAY)
    return Table(rows, seen, tuple(ill))


def record() -> Record:
    return Record(clients=40, homes=40, readings=1, days=60.0, digest="0" * 64)


@cache
def trained() -> County:
    return train(made_following(), table(), record(), 1.0)


def test_it_learns_what_tells_of_illness_and_keeps_its_promise_on_others() -> None:
    county = trained()
    assert county.deterioration is not None
    weights = county.deterioration.coefficients
    assert np.argmax(weights) == PULSE
    assert county.record.false_at_limit is not None
    assert county.record.false_at_limit <= 1.0
    report = judge(county, table(seed=2))
    assert report.model.false_per_100_client_days <= 2.0
    assert report.model.share >= 0.9
    assert report.urgent.caught <= report.model.caught
    assert report.plain.caught == 0


def test_more_of_anything_never_lowers_a_risk() -> None:
    rng = np.random.default_rng(3)
    rows = np.abs(rng.normal(size=(400, len(FEATURES))))
    ill = rows[:, 0] > rows[:, 1]
    model = Deterioration.fit(rows, ill, np.ones(400))
    assert (model.coefficients >= 0).all()
    assert model.coefficients[1] < 1e-3 < model.coefficients[0]


def test_labels() -> None:
    rows = looks(2, 20)
    one = Illness(0, "fever", True, 5 * DAY, 6 * DAY, 9 * DAY, 11 * DAY)
    other = Illness(1, "fall", False, 5 * DAY, 5 * DAY, 5 * DAY, 6 * DAY)
    ill, well, weight = labels(rows, [one, other])
    first = rows.subject == 0
    assert rows.time[ill].min() == 6 * DAY
    assert rows.time[ill].max() == 9 * DAY
    assert not well[first & (rows.time >= 5 * DAY) & (rows.time <= 14 * DAY)].any()
    assert well[first & (rows.time < 5 * DAY)].all()
    assert not well[~first & (rows.time >= 5 * DAY) & (rows.time <= 9 * DAY)].any()
    assert not ill[~first].any()
    # An illness counts once, whatever its length; what is neither counts nothing.
    assert weight[ill].sum() == pytest.approx(1.0)
    assert (weight[~ill & ~well] == 0).all()


def test_alerts_are_counted_once_in_three_days() -> None:
    rows = looks(1, 20)
    over = np.isin(rows.time, [2 * DAY, 3 * DAY, 5 * DAY, 9 * DAY])
    assert rows.time[starts(over, rows)].tolist() == [2 * DAY, 9 * DAY]
    assert false_alerts(over, np.ones(80, dtype=bool), rows) == pytest.approx(10.0)


def test_a_limit_keeps_false_alerts_below_what_is_tolerated() -> None:
    rng = np.random.default_rng(1)
    rows = looks(50, 40)
    score, well = rng.random(len(rows.time)), np.ones(len(rows.time), dtype=bool)
    limit = limit_for(score, well, rows, 2.0)
    assert false_alerts(score >= limit, well, rows) <= 2.0
    assert false_alerts(score >= limit - 0.01, well, rows) > 2.0


def test_a_warning_is_counted_from_the_first_alert_to_the_crisis() -> None:
    rows = looks(1, 20)
    one = Illness(0, "fever", True, 5 * DAY, 6 * DAY, 9 * DAY, 11 * DAY)
    over = rows.time == 7 * DAY
    assert warnings(over, rows, [one], "fever") == [48.0]
    after = rows.time == 10 * DAY
    assert np.isnan(warnings(after, rows, [one], "fever")).all()


def test_it_comes_back_with_its_card(tmp_path: Path) -> None:
    county = trained()
    save(tmp_path / "m", county)
    back = load(tmp_path / "m")
    assert back.limit == county.limit
    assert json.dumps(back.following.state()) == json.dumps(county.following.state())
    assert back.record == county.record
    card = (tmp_path / "m" / "card.md").read_text()
    assert "Not a medical device" in card
    assert "fever" in card
    assert all(len(line) <= 120 for line in card.splitlines())


def test_the_same_training_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(tmp_path / name, train(made_following(), table(), record(), 1.0))
    for file in ("model.json", "card.md", "manifest.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@pytest.mark.parametrize("file", ["model.json", "card.md", "manifest.json"])
def test_what_was_changed_is_refused(tmp_path: Path, file: str) -> None:
    save(tmp_path / "m", made_county())
    path = tmp_path / "m" / file
    path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))
    with pytest.raises(ModelError):
        load(tmp_path / "m")


def test_other_features_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "m", made_county())
    path = tmp_path / "m" / "manifest.json"
    raw = json.loads(path.read_text())
    raw["features"] = raw["features"][1:]
    path.write_text(json.dumps(raw))
    with pytest.raises(ModelError, match="another list of features"):
        load(tmp_path / "m")


def test_another_kind_of_model_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "m", made_county())
    path = tmp_path / "m" / "manifest.json"
    raw = json.loads(path.read_text())
    path.write_text(json.dumps({**raw, "model": "agitation by home-day"}))
    with pytest.raises(ModelError, match="another version"):
        load(tmp_path / "m")


def sealed(path: Path, change: dict[str, object]) -> None:
    """Change values as somebody would who knows how the seal is made."""
    values = json.loads((path / "model.json").read_text())
    content = (json.dumps({**values, **change}, indent=1, sort_keys=True) + "\n").encode()
    (path / "model.json").write_bytes(content)
    raw = json.loads((path / "manifest.json").read_text())
    raw["files"]["model.json"] = sha256(content).hexdigest()
    del raw["seal"]
    plain = (json.dumps(raw, indent=1, sort_keys=True) + "\n").encode()
    (path / "manifest.json").write_text(json.dumps({**raw, "seal": sha256(plain).hexdigest()}))


@pytest.mark.parametrize(
    "change",
    [{"limit": 2.0}, {"urgent": 0.1}, {"following": {}}, {"deterioration": {"coefficients": [1]}}],
)
def test_values_that_make_no_sense_are_refused(tmp_path: Path, change: dict[str, object]) -> None:
    save(tmp_path / "m", made_county())
    sealed(tmp_path / "m", change)
    with pytest.raises(ModelError, match="does not hold a model"):
        load(tmp_path / "m")


def test_a_client_of_whom_nothing_is_known_has_no_score() -> None:
    county = made_county()
    assert county.deterioration is not None
    never = np.zeros(0)
    nothing = Measured(NONE, NONE, never, never, never, never)
    still = Happened(NONE, NONE, never, never, never)
    facts = Facts(np.zeros(1, dtype=bool), np.ones(1), np.zeros(1, dtype=bool))
    known = county.following.look(nothing, still, Memory.new(1), facts, 1e9, 7200.0)
    rows = evidence(known.signs, known.rooms)
    assert np.isnan(rows).all()
    assert np.isnan(county.deterioration.score(rows).probability).all()
    assert len(METRICS) == known.signs.value.shape[1]
