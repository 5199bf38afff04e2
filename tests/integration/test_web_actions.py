"""A phone's writes: applied once whatever comes back, told in order, refused in words."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from core.clock import wall_time
from core.entered import ENTERABLE
from tests.integration.alerts_support import settle
from tests.integration.web_support import NOW, Browser, County, county, logged_in, serving

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def place(plain_database_url: str) -> AsyncIterator[County]:
    async with county(plain_database_url) as one:
        yield one


@pytest.fixture
async def address(place: County) -> AsyncIterator[str]:
    async with serving(place) as one:
        yield one


def action(
    key: object = None, *, ago: timedelta = timedelta(0), ahead: timedelta = timedelta(0)
) -> Any:
    """Headers of an action that was made `ago`, on a phone whose clock is `ahead`."""
    sent = wall_time() + ahead
    return {
        "Idempotency_Key": str(uuid4()),
        "Saimi_Made_At": (sent - ago).isoformat(),
        "Saimi_Sent_At": sent.isoformat(),
    }


def done(episode: Any) -> list[str]:
    return [event["what"] for event in episode["events"]]


async def test_an_action_sent_again_is_applied_once(place: County, address: str) -> None:
    episode = await place.open(await place.subject("aino"))
    path = f"/api/episodes/{episode}"
    async with logged_in(address, "nurse") as nurse, logged_in(address, "mate") as mate:
        sent = action()
        first = await nurse.post(f"{path}/note", {"note": "<b>Ovi auki</b>"}, **sent)
        # Also five times at once: the answer was lost, and the phone is impatient.
        answers = await asyncio.gather(
            *(nurse.post(f"{path}/note", {"note": "<b>Ovi auki</b>"}, **sent) for _ in range(5))
        )
        assert [done(one) for one in (first, *answers)] == [["opened", "noted"]] * 6
        # A number belongs to one member and one action.
        await mate.post(f"{path}/note", {"note": "<b>Ovi auki</b>"}, status=400, **sent)
        await nurse.post(f"{path}/note", {"note": "other"}, status=400, **sent)
        await nurse.post(f"{path}/note", {"note": "x"}, status=400, Idempotency_Key="seven")
        page = await nurse.page(f"/episodes/{episode}")
        assert "&lt;b&gt;Ovi auki&lt;/b&gt;" in page


async def test_a_refusal_stays_refused_when_it_is_sent_again(place: County, address: str) -> None:
    episode = await place.open(await place.subject("aino"))
    path = f"/api/episodes/{episode}"
    async with logged_in(address, "nurse") as nurse, logged_in(address, "mate") as mate:
        await mate.post(f"{path}/acknowledge", **action())
        sent = action()
        refused = await nurse.post(f"{path}/acknowledge", status=409, **sent)
        assert "Matti Mate" in refused["error"]
        await mate.post(f"{path}/release", **action())
        # Nobody has it by now, but what was refused is not done behind the member's back.
        assert await nurse.post(f"{path}/acknowledge", status=409, **sent) == refused
        await nurse.post(f"{path}/acknowledge", **action())
        # What is not theirs is answered like what does not exist, every time.
        foreign = await place.open(await place.subject("berta"))
        sent = action()
        for _ in range(2):
            there = await nurse.post(f"/api/episodes/{foreign}/on-way", status=404, **sent)
        assert there == await nurse.post("/api/episodes/999999/on-way", status=404, **action())


async def test_what_was_done_out_of_reach_says_when(place: County, address: str) -> None:
    episode = await place.open(await place.subject("aino"), severity=3)
    path = f"/api/episodes/{episode}"
    async with logged_in(address, "nurse") as nurse:
        # The phone's clock is three hours ahead, which changes nothing.
        wrong = timedelta(hours=3)
        await nurse.post(f"{path}/acknowledge", **action(ago=20 * MINUTE, ahead=wrong))
        await nurse.post(f"{path}/on-way", {"minutes": 12}, **action(ago=19 * MINUTE, ahead=wrong))
        there = await nurse.post(f"{path}/arrived", **action(ago=MINUTE / 2, ahead=wrong))
        assert done(there) == ["opened", "acknowledged", "on_way", "arrived"]
        details = [event["detail"] for event in there["events"][1:]]
        assert "klo 13.40 ilman yhteyttä" in details[0]
        assert "noin 12 minuutin päästä" in details[1]
        assert details[2] == ""
        ahead = await place.connection.fetchval("SELECT min(ahead) FROM alerts.action")
        assert wrong - MINUTE < ahead < wrong + MINUTE


async def test_what_was_taken_too_long_ago_does_not_stop_others(
    place: County, address: str
) -> None:
    episode = await place.open(await place.subject("aino"))
    path = f"/api/episodes/{episode}"
    async with logged_in(address, "nurse") as nurse:
        for verb in ("acknowledge", "on-way", "arrived"):
            refused = await nurse.post(f"{path}/{verb}", status=409, **action(ago=16 * MINUTE))
            assert "liian myöhään" in refused["error"]
        assert (await nurse.get(path))["acknowledged"] is None
        # A note is as true later as it was.
        await nurse.post(f"{path}/note", {"note": "Kävin"}, **action(ago=16 * MINUTE))


async def test_two_on_the_way_to_one_client(place: County, address: str) -> None:
    episode = await place.open(await place.subject("aino"))
    path = f"/api/episodes/{episode}"
    async with logged_in(address, "nurse") as nurse, logged_in(address, "mate") as mate:
        taken = await nurse.post(f"{path}/on-way", {"minutes": 5}, **action())
        assert taken["acknowledged"]["by"] == "Nina Nurse"
        refused = await mate.post(f"{path}/on-way", status=409, **action())
        assert "Nina Nurse" in refused["error"]
        tried = await mate.post(f"{path}/not-reached", {"how": "phone"}, **action())
        assert (done(tried)[-1], tried["acknowledged"]["by"]) == ("not_reached", "Nina Nurse")
        await nurse.post(f"{path}/on-way", {"minutes": -1}, status=400, **action())
        await nurse.post(f"{path}/not-reached", {"how": "smoke"}, status=400, **action())
        await nurse.post(f"{path}/note", {"note": "ö" * 2001}, status=400, **action())
        await nurse.post(f"{path}/remote-visit", **action())
        await nurse.post(f"{path}/close", {"outcome": "real"}, **action())
        for verb, content in (("arrived", {}), ("note", {"note": "n"}), ("remote-visit", {})):
            refused = await mate.post(f"{path}/{verb}", content, status=409, **action())
            assert "Nina Nurse" in refused["error"]


async def test_another_profession_is_asked_and_the_case_stays_one(
    place: County, address: str
) -> None:
    await place.connection.execute(
        "INSERT INTO registry.team (name, service) VALUES ('Physios', 'physiotherapy');"
        "INSERT INTO registry.team_area SELECT t.id, a.id FROM registry.team t, registry.area a"
        " WHERE t.name = 'Physios' AND a.code = 'im'"
    )
    episode = await place.open(await place.subject("aino"), severity=2)
    path = f"/api/episodes/{episode}"
    wanted = {"service": "physiotherapy", "note": "Kaatuu usein: voisitko arvioida?"}
    async with logged_in(address, "nurse") as nurse, logged_in(address, "stranger") as physio:
        await nurse.post(f"{path}/ask", wanted, status=409, **action())
        await nurse.post(f"{path}/acknowledge", **action())
        await nurse.post(f"{path}/ask", wanted | {"service": "x"}, status=400, **action())
        await nurse.post(f"{path}/ask", wanted | {"note": " "}, status=400, **action())
        # Nobody of them is on duty: the desk is called, and nothing is lost.
        alone = await nurse.post(f"{path}/ask", wanted, **action())
        assert done(alone)[-2:] == ["asked", "called"]
        assert alone["events"][-1]["by"] == "päivystyskeskus"
        await physio.get(path, status=404)
        await place.connection.execute(
            "INSERT INTO registry.shift (team, member, during) SELECT t.id, m.id, tstzrange($1, $2)"
            " FROM registry.team t, registry.member m"
            " WHERE t.name = 'Physios' AND m.username = 'stranger'",
            NOW - MINUTE,
            NOW + 60 * MINUTE,
        )
        offered = (await nurse.get(f"{path}/colleagues"))["services"]
        assert {"service": "physiotherapy", "on_duty": 1, "name": "fysioterapeutti"} in offered
        await nurse.post(f"{path}/ask", wanted, **action())
        seen = await physio.get(path)
        assert seen["acknowledged"]["by"] == "Nina Nurse"
        assert seen["events"][-2]["note"] == wanted["note"]
        await physio.post(f"{path}/note", {"note": "Tulen huomenna."}, **action())
        asked = await place.connection.fetch(
            "SELECT m.username FROM alerts.outbox o LEFT JOIN registry.member m ON m.id = o.member"
            " WHERE o.step LIKE '%asked%' ORDER BY o.id"
        )
        assert [row["username"] for row in asked] == [None, "stranger"]


async def test_entered_readings_are_admitted_and_move_the_score(
    place: County, address: str
) -> None:
    subject = await place.subject("aino")
    episode = await place.open(subject, "help")
    path = f"/api/episodes/{episode}/readings"
    async with logged_in(address, "nurse") as nurse:
        for values in ({}, {"respiratory_rate": 400}, {"help": 1}, {"consciousness": 0.5}):
            await nurse.post(path, {"values": values}, status=400, **action())
        refused = await nurse.post(path, {"values": {"temperature": 366}}, status=400, **action())
        assert "Ruumiinlämpö" in refused["error"]
        await nurse.post(path, {"values": {"pulse": 70}, "client": "x"}, status=404, **action())
        assert await place.connection.fetchval("SELECT count(*) FROM telemetry.reading") == 0
        values = {
            "respiratory_rate": 22, "spo2": 95, "oxygen_flow": 0, "systolic": 115, "pulse": 95,
            "consciousness": 0, "temperature": 38.4,
        }  # fmt: skip
        sent = action()
        for _ in range(2):
            told = await nurse.post(path, {"values": values}, **sent)
        assert done(told) == ["opened", "observed"]
        stored = await place.connection.fetch(
            "SELECT r.subject, r.entered_by, m.username, d.kind, count(*) FROM telemetry.reading r"
            " JOIN registry.member m ON m.id = r.entered_by"
            " JOIN registry.device d ON d.id = r.device GROUP BY 1, 2, 3, 4"
        )
        assert [(r["subject"], r["username"], r["kind"], r["count"]) for r in stored] == [
            (subject, "nurse", "entered", len(values))
        ]
        await settle(place.connection, place.clock)
        found = (await nurse.get("/api/episodes"))["episodes"]
        (score,) = [one for one in found if one["kind"] == "news2"]
        assert score["summary"]["params"]["low"] == score["summary"]["params"]["high"] == 5
        assert score["summary"]["missing"] == []
        # A quarter of an hour later they are worse, and confused.
        place.clock.advance(15 * MINUTE)
        worse = {"respiratory_rate": 26, "spo2": 91, "consciousness": 1}
        await nurse.post(path, {"values": worse}, **action())
        await settle(place.connection, place.clock)
        score = await nurse.get(f"/api/episodes/{score['id']}")
        assert score["summary"]["params"]["low"] == score["summary"]["params"]["high"] == 11
        assert (score["severity"], done(score)[-2:]) == (4, ["rose", "called"])


def test_what_is_entered_is_in_the_catalogue() -> None:
    from core.catalogue import catalogue

    assert all(catalogue().get(name) is not None for name in ENTERABLE)


async def test_the_desk_is_told_of_who_has_not_said_that_they_are_out(
    place: County, address: str
) -> None:
    episode = await place.open(await place.subject("aino"))
    path = f"/api/episodes/{episode}"

    async def told() -> int:
        found: int = await place.connection.fetchval(
            "SELECT count(*) FROM alerts.outbox WHERE what = 'alone' AND member IS NULL"
        )
        return found

    async with logged_in(address, "nurse") as nurse:
        await nurse.post(f"{path}/alone", {"minutes": 4}, status=400, **action())
        await nurse.post(f"{path}/alone", {"minutes": 20}, **action())
        # Closing the alert does not mean that they have left.
        await nurse.post(f"{path}/close", {"outcome": "real"}, **action())
        place.clock.advance(19 * MINUTE)
        await settle(place.connection, place.clock)
        assert await told() == 0
        place.clock.advance(2 * MINUTE)
        await settle(place.connection, place.clock)
        await settle(place.connection, place.clock)
        assert await told() == 1
        place.clock.advance(4 * MINUTE)
        await settle(place.connection, place.clock)
        assert await told() == 2
        ended = await nurse.post(f"{path}/alone-ended", **action())
        assert done(ended)[-3:] == ["alone_overdue", "alone_overdue", "alone_ended"]
        place.clock.advance(60 * MINUTE)
        await settle(place.connection, place.clock)
        assert await told() == 2
        assert await nurse.post(f"{path}/alone-ended", **action())


async def test_pages_learn_their_form_token_from_the_session(place: County, address: str) -> None:
    async with logged_in(address, "nurse") as nurse:
        said = await nurse.get("/api/session")
        assert (said["token"], said["name"]) == (nurse.token, "Nina Nurse")
    stranger = Browser(address)
    await stranger.get("/api/session", status=401)
    await stranger.session.close()


async def test_the_phone_is_given_its_queue_and_reports_looks(place: County, address: str) -> None:
    await place.connection.execute("UPDATE registry.home SET door_code = '4711'")
    mine = await place.open(await place.subject("aino"))
    foreign = await place.open(await place.subject("berta"))
    async with logged_in(address, "nurse") as nurse, logged_in(address, "mate") as mate:
        await mate.get("/api/kept?have=x", status=400)
        first = await nurse.get("/api/kept")
        assert [one["id"] for one in first["episodes"]] == [mine]
        assert list(first["alerts"]) == [str(mine)]
        given = first["alerts"][str(mine)]
        assert "Aino" in given["html"]
        # The code goes only to the phone of whoever has the alert.
        assert (given["door_code"], "4711" in given["html"]) == ("", False)
        await nurse.post(f"/api/episodes/{mine}/door-code", status=409)
        taken = await nurse.post(f"/api/episodes/{mine}/acknowledge", **action())
        again = await nurse.get(f"/api/kept?have={mine}:{given['version']}")
        assert again["alerts"][str(mine)]["door_code"] == "4711"
        assert (await mate.get("/api/kept"))["alerts"][str(mine)]["door_code"] == ""
        same = await nurse.get(f"/api/kept?have={mine}:{taken['version']}")
        assert same["alerts"] == {str(mine): None}
        looks = [look for look in await place.looks() if look[0] == "nurse"]
        assert looks.count(("nurse", "aino", "kept", "care")) == 2

        # Two hours ago by a phone whose clock is a day behind; sent twice.
        sent = action(ahead=-timedelta(days=1))
        told: dict[str, Any] = {"looks": []}
        for number, what in ((mine, "episode"), (mine, "door_code"), (foreign, "episode")):
            at = wall_time() - timedelta(days=1, hours=2)
            told["looks"].append({"episode": number, "what": what, "at": at.isoformat()})
        assert await nurse.post("/api/looks", told, **sent) == {"recorded": 2}
        assert await nurse.post("/api/looks", told, **sent) == {"recorded": 0}
        rows = await place.connection.fetch(
            "SELECT what, detail FROM audit.access WHERE detail ? 'offline' ORDER BY id"
        )
        assert [row["what"] for row in rows] == ["episode", "door_code"]
        (at, ahead) = (rows[0]["detail"][name] for name in ("at", "phone_ahead_s"))
        ago = wall_time() - datetime.fromisoformat(at)
        assert timedelta(hours=2) - MINUTE < ago < timedelta(hours=2) + MINUTE
        assert -86460 < ahead < -86340
        await nurse.post("/api/looks", {"looks": [{"episode": mine, "at": "x"}]}, status=400)


async def test_what_is_kept_has_a_key_of_the_session(place: County, address: str) -> None:
    async with logged_in(address, "nurse") as one, logged_in(address, "nurse") as other:
        key = await one.get("/api/session/key")
        assert await one.get("/api/session/key") == key
        assert len(base64.b64decode(key["key"])) == 32
        assert (await other.get("/api/session/key"))["key"] != key["key"]
        stored = await place.connection.fetch("SELECT token_hash FROM audit.session")
        assert base64.b64decode(key["key"]) not in [row["token_hash"] for row in stored]
        shells = [await one.page(f"/shell/{name}") for name in ("list", "alert")]
        assert not any("Nina" in shell or one.token in shell for shell in shells)
        worker = await one.page("/sw.js")
        assert "/js/vault.js" in worker
    stranger = Browser(address)
    for path in ("/api/session/key", "/api/kept"):
        await stranger.get(path, status=401)
    await stranger.session.close()
