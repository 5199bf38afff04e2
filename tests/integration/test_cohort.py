"""`saimi train`, `evaluate`, `cohort`: a county's model from recordings and from its database."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
import pytest

from core.catalogue import catalogue
from core.errors import ModelError
from models.county import load, save
from models.household import PLACES, ROOMS
from saimi.cohort import learn_cohort
from tests.integration.alerts_support import NOW, county
from tests.support.commands import saimi
from tests.unit.models.made_county import USUAL, made_county

HOMES = 44
DAYS = 30


async def lived(connection: asyncpg.Connection) -> None:
    """A month of 44 clients who live alone: two sessions a day, a sensor in every room."""
    sensors = [("motion", room) for room in PLACES[:ROOMS]]
    sensors += [("door", "front"), ("door", "fridge"), ("plug", "kitchen"), ("bed", "bedroom")]
    await connection.executemany(
        "INSERT INTO registry.device (id, gateway, name, kind, location) "
        "VALUES ($1, $2, $3, $4, $5)",
        [
            (1000 + client * 20 + number, client, f"{kind}-{place}", kind, place)
            for client in range(1, HOMES + 1)
            for number, (kind, place) in enumerate(sensors, 1)
        ],
    )
    rng = np.random.default_rng(1)
    metrics = {name: catalogue()[name].id for name in (*USUAL, "motion", "door", "power", "bed")}
    kinds = ("motion",) * 5 + ("door", "door", "power", "bed")
    rows: list[Any] = []
    for client in range(1, HOMES + 1):
        own = {name: level + 2.0 * spread * rng.normal() for name, (level, spread) in USUAL.items()}
        for day in range(DAYS):
            begin = NOW - timedelta(days=DAYS - day)
            for hour in (7, 19):
                at = begin + timedelta(hours=hour, minutes=float(rng.uniform(0, 60)))
                rows += [
                    (at, at, own[name] + USUAL[name][1] * rng.normal(), client, client,
                     metrics[name], 0)
                    for name in USUAL
                ]  # fmt: skip
            for number, kind in enumerate(kinds, 1):
                for hour in rng.uniform(0, 24, rng.poisson(6)):
                    at = begin + timedelta(hours=float(hour))
                    rows.append(
                        (at, at, float(rng.integers(0, 2)) if kind == "bed" else 1.0,
                         1000 + client * 20 + number, client, metrics[kind], 0)
                    )  # fmt: skip
    await connection.copy_records_to_table(
        "reading",
        schema_name="telemetry",
        records=rows,
        columns=["time", "received_at", "value", "device", "subject", "metric", "state"],
    )


async def test_what_is_usual_is_learned_from_the_countys_own_readings(
    plain_database_url: str, tmp_path: Path
) -> None:
    async with county(plain_database_url, clients=HOMES) as found:

        def reached(done: int, of: int) -> None:
            assert 1 <= done <= of == 28

        with pytest.raises(ModelError, match="nothing was measured"):
            await learn_cohort(
                found.connection, now=NOW, days=28, most=500, illness=None, reached=reached
            )
        await lived(found.connection)
        learned = await learn_cohort(
            found.connection, now=NOW, days=28, most=500, illness=made_county(), reached=reached
        )
        save(tmp_path / "m", learned)
        back = load(tmp_path / "m")
        assert back.record.clients == HOMES
        assert (back.limit, back.urgent) == (made_county().limit, made_county().urgent)
        cohort = back.following.signs.baseline.cohort
        for place, (name, (level, spread)) in enumerate(USUAL.items()):
            assert cohort.curve[place].mean() == pytest.approx(level, abs=1.5 * spread), name
            assert np.sqrt(cohort.scale[place]) == pytest.approx(spread, rel=0.3), name


SCENARIO = """
name = "small"
description = "Some are ill."
hours = 672
[[wave]]
kind = "pneumonia"
share = 0.5
from_hours = 340
peak_hours = 420
until_hours = 500
"""


def said(*arguments: str) -> dict[str, Any]:
    """What a command prints last."""
    shown = saimi(*arguments, "--json", within=400.0)
    assert shown.status == 0, shown.err
    found: dict[str, Any] = shown.report
    return found


def test_recordings_train_a_model_that_is_judged_on_others(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SCENARIO)
    for seed in ("1", "2"):
        said(
            "simulate", "--homes", "30", "--days", "28", "--seed", seed, "--scenario",
            str(tmp_path / "small.toml"), "--out", str(tmp_path / seed),
        )  # fmt: skip
    made = said("train", str(tmp_path / "1"), "--out", str(tmp_path / "m"))
    assert made["told"]["pneumonia"]["cases"] > 5
    judged = said("evaluate", str(tmp_path / "2"), "--model", str(tmp_path / "m"))
    assert judged["model"]["share"] >= 0.8
    assert judged["model"]["false_per_100_client_days"] < 5.0
    assert judged["plain"]["told"]["pneumonia"]["cases"] == judged["illnesses"]
