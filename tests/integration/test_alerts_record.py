"""What a client's record holds, from the registry document to the alert; and long histories."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from alerts.rules.shipped import shipped_rules
from core.clock import ManualClock
from core.record import CareLimits, Dose, OnPathway, OwnRule, Record
from core.registry import Area, Client, Device, Document, Home, Team
from core.registry_import import import_document
from tests.integration.alerts_support import NOW, SICK, County, county_again, settle

CLOCK = ManualClock(NOW)


def document(record: Record, **more: Any) -> Document:
    client = Client("c", "Aino", "Esimerkki", date(1940, 5, 1), record=record, **more)
    devices = [
        Device("pack", "wearable", subject="c"),
        Device("scale", "scale", subject="c"),
        Device("front", "door", location="Front door"),
        Device("hall", "motion", location="hallway"),
        Device("thermometer", "climate"),
    ]
    home = Home("h", "a", "g", clients=[client], devices=devices)
    return Document(areas=[Area("a", "A")], teams=[Team("T", ["a"])], homes=[home])


@asynccontextmanager
async def registered(url: str, record: Record, **more: Any) -> AsyncIterator[tuple[County, int]]:
    """A home with one client; the client's subject."""
    async with county_again(url) as found:
        long_ago = datetime(2024, 1, 1, tzinfo=UTC)
        await import_document(found.connection, document(record, **more), now=long_ago)
        subject = await found.connection.fetchval("SELECT subject FROM registry.client")
        yield found, subject


async def device(found: County, name: str) -> int:
    number: int = await found.connection.fetchval(
        "SELECT id FROM registry.device WHERE name = $1", name
    )
    return number


async def test_a_record_is_kept_and_may_be_imported_again(database_url: str) -> None:
    record = Record(
        medicines=("insulin",),
        frail=True,
        care_limits=CareLimits(("no_cpr",), "Dr Who", date(2025, 1, 1), date(2026, 1, 1)),
        pathways=(OnPathway("respiratory_infection", date(2025, 3, 1), date(2025, 3, 9)),),
        doses=(Dose("levodopa", "08:00", 60, critical=True),),
        rules=(OwnRule("weight_gain", "Dr Who", raise_={"kg": 1.5}),),
    )
    async with registered(database_url, record) as (found, _):
        stored = await found.connection.fetchval("SELECT record FROM registry.client")
        assert stored["doses"] == [
            {"medicine": "levodopa", "at": "08:00", "window_minutes": 60, "critical": True}
        ]
        assert stored["rules"] == [
            {"rule": "weight_gain", "set_by": "Dr Who", "raise": {"kg": 1.5}}
        ]
        await import_document(found.connection, document(Record()), now=NOW)
        assert await found.connection.fetchval("SELECT record FROM registry.client") == {}


async def test_a_gain_of_weight_in_heart_failure(database_url: str) -> None:
    heart = {"conditions": ["Heart failure"]}
    async with registered(database_url, Record(), **heart) as (found, subject):
        scale = await device(found, "scale")
        for days, value in ((3, 80.0), (2, 80.7), (1, 81.4)):
            at = NOW - timedelta(days=days)
            await found.put(subject, {"weight": value}, at=at, device=scale)
        await settle(found.connection, CLOCK)
        assert await found.episodes() == []
        await found.put(subject, {"weight": 82.3}, device=scale)
        await settle(found.connection, CLOCK)
        (episode,) = await found.episodes()
        assert (episode["kind"], episode["severity"]) == ("weight", 2)
        assert episode["summary"]["params"]["change"] == 2.3
        # Other readings say nothing of weight: the alert stands.
        await found.put(subject, {"pulse": 70}, at=NOW, device=await device(found, "pack"))
        await settle(found.connection, CLOCK)
        assert await found.happened(episode["id"]) == ["opened"]
        await found.put(subject, {"weight": 80.8}, at=NOW + timedelta(minutes=1), device=scale)
        await settle(found.connection, ManualClock(NOW + timedelta(minutes=1)))
        assert await found.happened(episode["id"]) == ["opened", "cleared"]


async def test_a_weight_that_nobody_repeats_is_told_after_a_day(database_url: str) -> None:
    async with registered(database_url, Record()) as (found, subject):
        scale = await device(found, "scale")
        for days, value in ((2, 80.0), (1, 80.2), (0, 97.0)):
            at = NOW - timedelta(days=days)
            await found.put(subject, {"weight": value}, at=at, device=scale)
        await settle(found.connection, CLOCK)
        assert await found.episodes() == []
        await settle(found.connection, ManualClock(NOW + timedelta(hours=23)))
        assert await found.episodes() == []
        await settle(found.connection, ManualClock(NOW + timedelta(hours=24)))
        (episode,) = await found.episodes()
        assert (episode["kind"], episode["severity"]) == ("weight", 1)
        assert episode["summary"]["key"] == "weight_odd"


async def test_out_at_night_and_not_back(database_url: str) -> None:
    night = datetime(2025, 3, 3, 1, tzinfo=UTC)
    own = Record(rules=(OwnRule("outside_door", "Dr Who", enabled=True),))
    async with registered(database_url, own) as (found, _):
        home = await found.connection.fetchval("SELECT id FROM registry.subject WHERE kind='home'")
        front, hall = await device(found, "front"), await device(found, "hall")
        await found.put(home, {"motion": 1}, at=night - timedelta(minutes=1), device=hall)
        await found.put(home, {"door": 1}, at=night, device=front)
        await settle(found.connection, ManualClock(night))
        assert await found.episodes() == []
        await settle(found.connection, ManualClock(night + timedelta(minutes=15)))
        (episode,) = await found.episodes()
        assert (episode["kind"], episode["subject"]) == ("door", home)
        back = night + timedelta(minutes=20)
        await found.put(home, {"motion": 1}, at=back, device=hall)
        await settle(found.connection, ManualClock(back))
        assert await found.happened(episode["id"]) == ["opened", "cleared"]


async def test_a_cold_home_of_somebody_frail(database_url: str) -> None:
    async with registered(database_url, Record(frail=True)) as (found, _):
        home = await found.connection.fetchval("SELECT id FROM registry.subject WHERE kind='home'")
        sensor = await device(found, "thermometer")
        for minute in (0, 30, 60):
            at = NOW + timedelta(minutes=minute)
            await found.put(home, {"room_temperature": 16.0}, at=at, device=sensor)
            await settle(found.connection, ManualClock(at))
        (episode,) = await found.episodes()
        assert (episode["kind"], episode["severity"]) == ("room", 2)


@pytest.mark.parametrize(("months", "reviewed"), [(12, True), (2, False)])
async def test_a_second_fall_within_the_rules_months_is_reviewed(
    database_url: str, months: int, reviewed: bool
) -> None:
    shipped = shipped_rules()
    rule = shipped["repeated_falls"]
    own = replace(rule, limits={**rule.limits, "months": months})
    rules = replace(shipped, rules={**shipped.rules, "repeated_falls": own})
    async with registered(database_url, Record(medicines=("anticoagulant",))) as (found, subject):
        await found.put(subject, {"fall": 1}, at=NOW - timedelta(days=90))
        await settle(found.connection, ManualClock(NOW - timedelta(days=90)))
        (first,) = await found.episodes()
        assert first["summary"]["params"]["medicines"] == ["anticoagulant"]
        member = await found.connection.fetchval(
            "INSERT INTO registry.member (username, display_name, role) "
            "VALUES ('anna', 'Anna', 'coordinator') RETURNING id"
        )
        await found.connection.execute(
            "UPDATE alerts.episode SET closed_at = opened_at, outcome = 'real', closed_by = $1",
            member,
        )
        await found.put(subject, {"fall": 1})
        await settle(found.connection, CLOCK, rules=rules)
        kinds = [episode["kind"] for episode in await found.episodes()]
        assert sorted(kinds) == ["fall", "fall"] + ["falls"] * reviewed


async def test_palliative_care_restricts_paging_and_never_a_call(database_url: str) -> None:
    care = CareLimits(("palliative",), "Dr Who", date(2025, 1, 1), date(2026, 1, 1))
    async with registered(database_url, Record(care_limits=care)) as (found, subject):
        pack = await device(found, "pack")
        await found.put(subject, {**SICK, "help": 1}, device=pack)
        await settle(found.connection, CLOCK)
        severities = {one["kind"]: one["severity"] for one in await found.episodes()}
        assert severities == {"news2": 1, "help": 4}


async def test_an_own_rule_that_cannot_be_used_is_an_alert(database_url: str) -> None:
    async with registered(database_url, Record()) as (found, subject):
        await found.connection.execute(
            """UPDATE registry.client SET record = '{"rules": [{"rule": "gone", "set_by": "x"}]}'"""
        )
        await found.put(subject, {"pulse": 70})
        await settle(found.connection, CLOCK)
        (episode,) = await found.episodes()
        assert (episode["kind"], episode["origin"]) == ("technical", "own rules")
