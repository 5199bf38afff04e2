"""Small decisions of the web that need no database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from alerts.episodes.listing import Card, Person
from web.auth import local_path
from web.episodes import age, episode_json
from web.i18n import texts
from web.news2 import breakdown
from web.session import Caller, csrf_token
from web.streams import QUEUE, Event, Stream
from web.trends import chart_band
from web.trends.export import decimal, plain
from web.trends.readings import bucket_width

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PERSON = Person(1, "p1", "Aino", "Esimerkki", date(1940, 3, 2), "", "")
CARD = Card(
    id=7,
    version=2,
    kind="news2",
    origin="",
    severity=4,
    highest=4,
    subject=1,
    pseudonym="p1",
    subject_kind="client",
    people=(PERSON,),
    area_code="imatra",
    area_name="Imatra",
    address="",
    access="",
    opened_at=NOW,
    changed_at=NOW,
    cleared_at=None,
    acknowledged_at=None,
    acknowledged_by=None,
    acknowledged_by_name=None,
    acknowledged_until=None,
    contacted_at=None,
    contacted_by_name=None,
    contacted=None,
    closed_at=None,
    closed_by=None,
    closed_by_name=None,
    outcome=None,
    note="",
    summary={
        "rule": "news2",
        "key": "news2",
        "params": {
            "low": 3,
            "high": 8,
            "band": "low_medium",
            "points": {"spo2": [3, 3]},
            "missing": ["oxygen", "consciousness"],
            "oxygen": "unknown",
        },
        "missing": ["oxygen", "consciousness"],
    },
    evidence=[
        {
            "gateway": "gw",
            "device": "oximeter-1",
            "metric": "spo2",
            "value": 90,
            "qualifier": 0,
            "time": "2026-03-01T11:58:00Z",
        }
    ],
)
CALLER = Caller(1, "hoitaja", "Helmi", "member", "fi", "secret", "token")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("/episodes/1?x=2", "/episodes/1?x=2"),
        ("", "/"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example/", "/"),
        ("/\\elsewhere.example/", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
    ],
)
def test_a_login_leads_only_to_pages_of_ours(given: str, expected: str) -> None:
    assert local_path(given) == expected


def test_the_form_token_does_not_give_the_session_away() -> None:
    assert "secret" not in csrf_token("secret")


def test_ages_are_full_years_on_the_day() -> None:
    born = date(1940, 3, 2)
    assert [age(born, date(2026, 3, day)) for day in (1, 2)] == [85, 86]


@pytest.mark.parametrize(
    ("metric", "scale", "band"),
    [
        ("respiratory_rate", 1, (12, 20)),
        ("spo2", 1, (96, None)),
        ("spo2", 2, (88, 92)),
        ("systolic", 1, (111, 219)),
        ("pulse", 1, (51, 90)),
        ("temperature", 1, (36.1, 38.0)),
        ("weight", 1, None),
        ("consciousness", 1, None),
    ],
)
def test_the_normal_band_is_where_the_chart_gives_no_points(
    metric: str, scale: int, band: tuple[float, float | None] | None
) -> None:
    found = chart_band(metric, scale)
    assert found == (None if band is None else pytest.approx(band))


def test_buckets_never_make_more_points_than_asked() -> None:
    for hours in (1, 24, 168, 720, 8760):
        length = timedelta(hours=hours)
        assert length / bucket_width(length, 300) <= 300
    assert bucket_width(timedelta(seconds=10), 300) == timedelta(seconds=1)
    # An hour or a day is never cut.
    assert bucket_width(timedelta(days=30), 2000) == timedelta(hours=1)
    assert bucket_width(timedelta(days=365), 300) == timedelta(days=2)


def test_a_value_in_a_file_is_the_value_stored() -> None:
    for value in (36.7, 72.0, 0.1, 1e-7, 5e22, 84.30000000000001):
        assert float(decimal(value)) == value
        assert "e" not in decimal(value)
    assert decimal(72.0) == "72"
    assert plain("=1+1") == "'=1+1"
    assert plain("kitchen") == "kitchen"


def test_an_alert_as_json_has_raw_parameters_beside_its_sentence() -> None:
    content = episode_json(CARD, texts("en"), NOW)
    assert content["client"] == {
        "pseudonym": "p1",
        "name": "Aino Esimerkki",
        "age": 85,
        "municipality": "Imatra",
    }
    assert content["summary"]["key"] == "news2"
    assert content["summary"]["params"]["low"] == 3
    assert "at least 3" in content["summary"]["text"]
    trigger = content["evidence"][0]
    assert trigger["unit"] == "%"
    assert {"gateway", "device", "metric", "value", "qualifier", "time"} <= trigger.keys()


def test_nobody_is_named_whom_the_viewer_may_not_see() -> None:
    shared = replace(CARD, subject=9, subject_kind="home", people=(PERSON,))
    seen = shared.seen_by({9})
    assert seen is not None
    assert episode_json(seen, texts("en"), NOW)["client"]["name"] == "A home"


def test_the_breakdown_shows_all_seven_parameters_and_what_is_missing() -> None:
    evidence = [{**CARD.evidence[0], "text": "90 %", "at": NOW, "band": "", "own": False}]
    rows = breakdown(CARD, evidence, texts("en"))
    assert len(rows) == 7
    known = [row for row in rows if not row["missing"]]
    assert [(row["label"], row["points"]) for row in known] == [("Oxygen saturation", "3")]
    assert all(row["points"] == "" for row in rows if row["missing"])


async def test_a_page_that_does_not_keep_up_is_cut_off() -> None:
    stream = Stream(CALLER)
    for _ in range(QUEUE + 1):
        stream.put(Event("episode", "{}"))
    assert stream.queue.qsize() == 1
    assert await asyncio.wait_for(stream.queue.get(), 1) is None
    assert stream.over


def test_a_page_sees_what_its_member_may_see_and_asked_for() -> None:
    assert Stream(CALLER).sees(CARD) is None
    assert Stream(CALLER, visible={1}).sees(CARD) is not None
    assert Stream(CALLER, only=8, visible={1}).sees(CARD) is None
