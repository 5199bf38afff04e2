"""`saimi backtest`, as a person and as a program meet it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.handling.handling import close
from alerts.rules.shipped import SHIPPED
from core.clock import ManualClock
from tests.integration.alerts_support import NOW, SICK, WELL, county, settle
from tests.support.commands import Outcome, saimi
from tests.support.parts import missing

TIHM = Path(__file__).parents[3] / "shared" / "data" / "tihm"
SCENARIO = """
name = "pneumonia"
description = "Half of the homes fall ill."
hours = 288

[[wave]]
kind = "pneumonia"
share = 0.5
from_hours = 60
peak_hours = 90
until_hours = 140
"""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("backtest")
    (folder / "ill.toml").write_text(SCENARIO)
    out = folder / "homes"
    done = saimi(
        "simulate", "--homes", "12", "--days", "12", "--seed", "9", "--scenario",
        folder / "ill.toml", "--out", out,
    )  # fmt: skip
    assert done.status == 0, done.err
    return out


def test_ways_of_alerting_on_labelled_homes(recording: Path, tmp_path: Path) -> None:
    done = saimi(
        "backtest", recording, "--warm-up-days", "2", "--no-silence", "--json",
        "--out", tmp_path / "report.md", "--cases", tmp_path / "cases.jsonl",
    )  # fmt: skip
    assert done.status == 0, done.err
    report = done.report
    assert list(report["ways"]) == ["in_force", "published", "tight"]
    for way in report["ways"].values():
        serious = way["illnesses"]["pneumonia"]
        assert serious["cases"] >= 3
        assert way["serious"] == serious
        assert way["alerts"] == sum(rule["alerts"] for rule in way["by_rule"])
    in_force, tight = report["ways"]["in_force"], report["ways"]["tight"]
    assert in_force["illnesses"]["pneumonia"]["share"] > 0.8
    assert in_force["false_alerts_per_100"] < tight["false_alerts_per_100"]
    text = (tmp_path / "report.md").read_text()
    assert "| pneumonia |" in text
    assert text.rstrip().endswith("Not a medical device. Not for clinical use.")
    lines = [json.loads(line) for line in (tmp_path / "cases.jsonl").read_text().splitlines()]
    cases = [line for line in lines if line.get("illness")]
    assert len(cases) == 3 * in_force["illnesses"]["pneumonia"]["cases"]


def test_a_storm_is_told_by_area_with_who_is_at_risk(tmp_path: Path) -> None:
    out = tmp_path / "storm"
    made = saimi(
        "simulate", "--homes", "200", "--days", "2", "--seed", "731", "--scenario", "quiet",
        "--faults", "storm", "--out", out,
    )  # fmt: skip
    assert made.status == 0, made.err
    done = saimi(
        "backtest", out, "--warm-up-days", "0.1", "--json", "--out", tmp_path / "report.md"
    )
    assert done.status == 0, done.err
    told = done.report["ways"]["in_force"]["outages"]
    assert told["outages"] >= 3
    assert (told["told"], told["false"], told["calls"]) == (told["outages"], 0, 0)
    assert told["median_minutes"] < 10
    assert told["named"] == told["at_risk"] > 0
    # Plain thresholds hear nothing of it.
    assert done.report["ways"]["tight"]["outages"]["told"] == 0
    assert "outages of areas told before they were over" in (tmp_path / "report.md").read_text()


async def test_a_change_is_set_beside_what_people_found(
    plain_database_url: str, tmp_path: Path
) -> None:
    """News2 of 5 as 6: what was 5 and false is gone, what was 11 and real is kept."""
    day, hour = timedelta(days=1), timedelta(hours=1)
    mild = {**WELL, "respiratory_rate": 22.0, "pulse": 112.0, "temperature": 38.5}  # 2 + 2 + 1
    async with county(plain_database_url, clients=2) as found:
        clock = ManualClock(NOW)
        for subject, values, outcome in ((1, SICK, "real"), (2, mild, "false")):
            clock.set(NOW + subject * hour)
            await found.put(subject, values, at=NOW + subject * hour)
            await settle(found.connection, clock)
            (episode,) = [e for e in await found.episodes("news2") if e["subject"] == subject]
            await close(
                found.connection, episode=episode["id"], member=1, outcome=outcome,
                now=NOW + subject * hour + 2 * hour,
            )  # fmt: skip
        rules = SHIPPED.read_text().replace("raise = { total = 5 }", "raise = { total = 6 }")
        assert rules != SHIPPED.read_text()
        (tmp_path / "stricter.toml").write_text(rules)
        done = saimi(
            "backtest", "--from", (NOW - day).isoformat(), "--to", (NOW + day).isoformat(),
            "--rules", tmp_path / "stricter.toml", "--json", "--out", tmp_path / "change.md",
            settings={"SAIMI_DATABASE_URL": plain_database_url},
        )  # fmt: skip
        assert done.status == 0, done.err
        assert len(await found.episodes()) == 2
        # Once they are in force they are what is judged, without being named.
        in_force = saimi(
            "backtest", "--from", (NOW - day).isoformat(), "--to", (NOW + day).isoformat(),
            "--json",
            settings={
                "SAIMI_DATABASE_URL": plain_database_url,
                "SAIMI_RULES_FILE": str(tmp_path / "stricter.toml"),
            },
        )  # fmt: skip
        assert in_force.status == 0, in_force.err
        await proposed(plain_database_url, tmp_path / "stricter.toml", NOW - day, NOW + day)
    assert in_force.report["before"] == in_force.report["after"] == done.report["after"]
    assert "stricter.toml" in in_force.report["rules_before"]
    report = done.report
    assert (report["recorded"], report["reproduced"]) == (2, 2)
    assert (report["before"]["alerts"], report["after"]["alerts"]) == (2, 1)
    assert report["outcomes"]["real"] | {"median_earlier_h": 0.0} == report["outcomes"]["real"]
    assert (report["outcomes"]["real"]["kept"], report["outcomes"]["false"]["lost"]) == (1, 1)
    assert report["false_pages_saved"] == 1
    assert "**False pages saved: 1**" in (tmp_path / "change.md").read_text()


async def proposed(url: str, rules: Path, since: datetime, to: datetime) -> None:
    """A change is kept with its report, as it was judged, and only by a member who is there."""
    settings = {"SAIMI_DATABASE_URL": url}
    stretch = ("--from", since.isoformat(), "--to", to.isoformat())
    judged = rules.read_text()

    def propose(file: Path, by: str, why: str) -> Outcome:
        return saimi(
            "rules", "propose", file, *stretch, "--by", by, "--why", why, "--json",
            settings=settings,
        )  # fmt: skip

    for refused, word in (
        (propose(rules, "nobody", "Too many."), "'nobody'"),
        (propose(rules, "anna", "  "), "why"),
        (propose(SHIPPED, "anna", "Too many."), "in force"),
    ):
        assert (refused.status, word in refused.err) == (2, True), refused.err
    done = propose(rules, "anna", "Five calls too often at night.")
    assert done.status == 0, done.err
    rules.write_text("changed since")
    kept = saimi("rules", "proposals", done.report["proposal"], "--json", settings=settings)
    rules.write_text(judged)
    assert kept.status == 0, kept.err
    assert kept.report["rules"] == judged
    assert kept.report["changes"] == done.report["changes"] != []
    assert all(line.startswith("news2_medium: ") for line in kept.report["changes"])
    assert kept.report["report"] == done.report["report"]
    assert kept.report["report"]["false_pages_saved"] == 1
    assert "**False pages saved: 1**" in kept.report["markdown"]
    listed = saimi("rules", "proposals", "--json", settings=settings)
    assert [(one["username"], one["why"]) for one in listed.report["proposals"]] == [
        ("anna", "Five calls too often at night.")
    ]
    none = saimi("rules", "proposals", "999", settings=settings)
    assert (none.status, "999" in none.err) == (2, True)


def test_mistakes_are_one_sentence(recording: Path, tmp_path: Path) -> None:
    broken = tmp_path / "limits.toml"
    broken.write_text(
        'description = "x"\n[limits.pulse]\nsource = "nobody"\nlow = 100\nhigh = 50\n'
    )
    for arguments, word in (
        ((recording, "--warm-up-days", "30"), "warm"),
        ((tmp_path,), "manifest"),
        ((recording, "--limits", broken), "pulse"),
        ((recording, "--format", "csv"), "csv"),
        ((tmp_path, "--format", "tihm"), "TIHM"),
        (("--from", "2026-01-02"), "--to"),
        ((recording, "--rules", tmp_path / "none.toml"), "none.toml"),
        ((recording, "--models", tmp_path), "model"),
    ):
        refused = saimi("backtest", *arguments)
        assert refused.status == 2
        (line,) = refused.err.strip().splitlines()
        assert word in line


async def test_a_stretch_without_readings_is_refused(plain_database_url: str) -> None:
    async with county(plain_database_url):
        since, to = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 3, tzinfo=UTC)
        refused = saimi(
            "backtest", "--from", since.isoformat(), "--to", to.isoformat(),
            settings={"SAIMI_DATABASE_URL": plain_database_url},
        )  # fmt: skip
    assert (refused.status, "no readings" in refused.err) == (2, True)


def test_tihm_as_a_stream() -> None:
    if not TIHM.exists():
        missing("recorded homes (put the folder shared/data beside the repository)")
    done = saimi("backtest", TIHM, "--format", "tihm", "--json", within=600)
    assert done.status == 0, done.err
    ways = done.report["ways"]
    assert ways["tihm"]["labels"]["Blood pressure"]["labels"] == 232
    assert ways["tihm"]["labels"]["Pulse"]["labels"] == 52
    for kind, most in (("Pulse", 52), ("Blood pressure", 232)):
        assert 0 < ways["tihm"]["labels"][kind]["caught"] <= most
    seen, study = ways["tihm_seen"]["labels"], ways["tihm"]["labels"]
    assert seen["Blood pressure"]["caught"] > study["Blood pressure"]["caught"]
