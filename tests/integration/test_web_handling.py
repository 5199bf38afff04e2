"""Leases, contact and the prepared 112 call through the web."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.integration.web_support import NOW, County, county, logged_in, serving


@pytest.fixture
async def place(plain_database_url: str) -> AsyncIterator[County]:
    async with county(plain_database_url) as one:
        yield one


@pytest.fixture
async def address(place: County) -> AsyncIterator[str]:
    async with serving(place) as one:
        yield one


async def test_going_on_and_giving_back(place: County, address: str) -> None:
    episode = await place.open(await place.subject("aino"))
    path = f"/api/episodes/{episode}"
    async with logged_in(address, "nurse") as nurse, logged_in(address, "mate") as mate:
        refused = await nurse.post(f"{path}/renew", status=409)
        assert refused["error"].startswith("Hälytys ei ole sinulla")
        taken = await nurse.post(f"{path}/acknowledge")
        until = (NOW + timedelta(minutes=15)).isoformat().replace("+00:00", "Z")
        assert taken["acknowledged"] == {
            "at": NOW.isoformat().replace("+00:00", "Z"), "by": "Nina Nurse", "until": until,
        }  # fmt: skip
        html = await nurse.page(f"/episodes/{episode}")
        assert 'data-act="renew"' in html
        assert 'data-act="release"' in html
        assert 'data-act="renew"' not in await mate.page(f"/episodes/{episode}")
        place.clock.advance(timedelta(minutes=5))
        again = await nurse.post(f"{path}/renew")
        assert again["acknowledged"]["until"] > until
        assert again["acknowledged"]["at"] == taken["acknowledged"]["at"]
        await mate.post(f"{path}/release", status=409)
        given = await nurse.post(f"{path}/release")
        assert given["acknowledged"] is None
        assert [(e["what"], e["text"], e["by"]) for e in given["events"]][-2:] == [
            ("renewed", "Jatkaa hoitamista", "Nina Nurse"),
            ("released", "Palautti jonoon", "Nina Nurse"),
        ]


async def test_handing_over_to_a_colleague(place: County, address: str) -> None:
    episode = await place.open(await place.subject("aino"))
    path = f"/api/episodes/{episode}"
    async with (
        logged_in(address, "nurse") as nurse,
        logged_in(address, "mate") as mate,
        logged_in(address, "stranger") as stranger,
    ):
        found = (await nurse.get(f"{path}/colleagues"))["colleagues"]
        assert [(one["username"], one["on_duty"]) for one in found] == [
            ("mate", False), ("desk", False),
        ]  # fmt: skip
        await stranger.get(f"{path}/colleagues", status=404)
        await stranger.post(f"{path}/acknowledge", status=404)
        await nurse.post(f"{path}/hand-over", {"to": "mate"}, status=409)
        await nurse.post(f"{path}/acknowledge")
        for nobody in ("operator", "nobody"):
            refused = await nurse.post(f"{path}/hand-over", {"to": nobody}, status=400)
            assert refused["error"].startswith("Hälytystä ei voi luovuttaa hänelle")
        await nurse.post(f"{path}/hand-over", {"whom": "mate"}, status=400)
        given = await nurse.post(f"{path}/hand-over", {"to": "mate"})
        assert given["acknowledged"]["by"] == "Matti Mate"
        confirmed = await mate.post(f"{path}/acknowledge")
        assert confirmed["acknowledged"]["until"] > given["acknowledged"]["until"]
        # A colleague of another team is called, and sees this client from then on.
        await mate.post(f"{path}/hand-over", {"to": "stranger"})
        assert (await stranger.get(path))["acknowledged"]["by"] == "Sanna Stranger"


async def test_contact_is_recorded_and_then_the_call_can_be_closed(
    place: County, address: str
) -> None:
    episode = await place.open(await place.subject("aino"), "help")
    path = f"/api/episodes/{episode}"
    async with logged_in(address, "nurse") as nurse:
        assert (await nurse.get(path))["needs_contact"] is True
        for content in (
            {"how": "pigeon"},
            {},
            {"how": "phone", "whom": 1},
            {"how": "phone", "x": 1},
        ):
            await nurse.post(f"{path}/contact", content, status=400)
        await nurse.post(f"{path}/contact", {"how": "phone", "note": "x" * 2001}, status=400)
        assert 'data-how="phone"' in await nurse.page(f"/episodes/{episode}")
        reached = await nurse.post(
            f"{path}/contact", {"how": "phone", "whom": "other", "note": "Tytär vastasi."}
        )
        assert reached["contact"] == {
            "at": NOW.isoformat().replace("+00:00", "Z"), "by": "Nina Nurse", "how": "phone",
            "whom": "other",
        }  # fmt: skip
        assert reached["needs_contact"] is False
        assert (reached["events"][-1]["detail"], reached["events"][-1]["note"]) == (
            "Puhelimitse.", "Tytär vastasi.",
        )  # fmt: skip
        assert "data-needs-contact" not in await nurse.page(f"/episodes/{episode}")
        assert (await nurse.post(f"{path}/close", {"outcome": "real"}))["closed_at"] is not None


async def test_the_112_call_is_shown_to_those_who_see_the_client_and_is_on_record(
    place: County, address: str
) -> None:
    await place.connection.execute(
        "UPDATE registry.home SET latitude = 61.1719, longitude = 28.7724 WHERE name = 'h1'"
    )
    await place.connection.execute(
        "UPDATE registry.client SET conditions = '{COPD}', oxygen_prescribed = true"
        " WHERE reference = 'aino'"
    )
    episode = await place.open(await place.subject("aino"))
    path = f"/api/episodes/{episode}/emergency-call"
    async with logged_in(address, "nurse") as nurse, logged_in(address, "stranger") as stranger:
        await nurse.post(f"/api/episodes/{episode}/acknowledge")
        before = len(await place.looks())
        call = await nurse.get(path)
        assert (call["number"], call["language"]) == ("112", "fi")
        assert call["where"] == {
            "address": "Koskenparras 1", "municipality": "Imatra", "latitude": 61.1719,
            "longitude": 28.7724, "access": "Key box by the door",
        }  # fmt: skip
        assert call["script"].keys() == {"fi", "sv", "en"}
        swedish = " ".join(part["text"] for part in call["script"]["sv"])
        for said in (
            "Nina Nurse",
            "Aino Ahola, 85 år",
            "COPD",
            "syrgas",
            "84\xa0%",
            "NEWS2 minst 7",
        ):
            assert said in swedish, said
        assert ("nurse", "aino", "emergency_call", "care") in (await place.looks())[before:]
        await stranger.get(path, status=404)


async def test_who_was_called_and_why_the_desk_was_stands_in_the_history(
    place: County, address: str
) -> None:
    episode = await place.open(await place.subject("aino"))
    nurse_id = await place.connection.fetchval(
        "SELECT id FROM registry.member WHERE username = 'nurse'"
    )
    await place.connection.executemany(
        "INSERT INTO alerts.episode_event (episode, at, wall_at, what, member, detail)"
        " VALUES ($1, $2, $2, 'called', $3, $4)",
        [
            (episode, NOW, nurse_id, {"round": 1, "travel_min": 50}),
            (episode, NOW, None, {"round": 1, "reasons": ["far_away"]}),
        ],
    )
    async with logged_in(address, "nurse") as nurse:
        events = (await nurse.get(f"/api/episodes/{episode}"))["events"]
        assert [(e["text"], e["by"], e["detail"]) for e in events[1:]] == [
            ("Kutsuttu", "Nina Nurse", "Noin 50 minuutin ajomatkan päässä."),
            ("Kutsuttu", "päivystyskeskus", "Vuorossa oleva on kaukana."),
        ]
