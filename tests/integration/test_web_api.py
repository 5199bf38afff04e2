"""Acting on alerts, and readings for charts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import quote

import pytest

from alerts.handling.refused import MAX_NOTE
from tests.integration.web_support import NOW, County, county, logged_in, serving


@pytest.fixture
async def place(plain_database_url: str) -> AsyncIterator[County]:
    async with county(plain_database_url) as one:
        yield one


@pytest.fixture
async def address(place: County) -> AsyncIterator[str]:
    async with serving(place) as one:
        yield one


async def test_of_two_members_one_takes_it_and_the_other_reads_who_did(
    place: County, address: str
) -> None:
    episode = await place.open(await place.subject("aino"))
    path = f"/api/episodes/{episode}/acknowledge"
    async with logged_in(address, "nurse") as nurse, logged_in(address, "mate") as mate:
        assert (await nurse.post(path))["acknowledged"]["by"] == "Nina Nurse"
        assert (await nurse.post(path))["version"] == 2
        refused = await mate.post(path, status=409)
        assert refused["error"].startswith("Nina Nurse hann kvittera larmet kl. 14.00")


async def test_closing_records_outcome_and_note_and_is_final(place: County, address: str) -> None:
    episode = await place.open(await place.subject("aino"))
    path = f"/api/episodes/{episode}/close"
    async with logged_in(address, "nurse") as nurse, logged_in(address, "mate") as mate:
        content = {"outcome": "false", "note": "  Kahvilla naapurissa.  "}
        closed = await nurse.post(path, content)
        assert (closed["outcome"], closed["note"]) == ("false", "Kahvilla naapurissa.")
        assert [event["what"] for event in closed["events"]] == ["opened", "closed"]
        refused = await mate.post(path, {"outcome": "real"}, status=409)
        assert "Nina Nurse" in refused["error"]
        assert "Falskt larm" in refused["error"]
        assert (await nurse.get("/api/episodes"))["episodes"] == []


async def test_a_note_that_cannot_be_stored_is_refused_and_changes_nothing(
    place: County, address: str
) -> None:
    path = f"/api/episodes/{await place.open(await place.subject('aino'))}/close"
    async with logged_in(address, "nurse") as nurse:
        await nurse.post(path, {"outcome": "false", "note": "a\0b"}, status=400)
        assert len((await nurse.get("/api/episodes"))["episodes"]) == 1


async def test_a_help_call_stays_open_until_contact_is_recorded(
    place: County, address: str
) -> None:
    episode = await place.open(await place.subject("aino"), "help")
    path = f"/api/episodes/{episode}/close"
    async with logged_in(address, "nurse") as nurse:
        refused = await nurse.post(path, {"outcome": "real"}, status=400)
        assert refused["error"] == "Vahvista ensin, että henkilöön saatiin yhteys."
        closed = await nurse.post(path, {"outcome": "real", "contact": True})
        assert closed["events"][-1]["detail"] == "Aiheellinen. Henkilöön saatiin yhteys."


async def test_what_is_new_meanwhile_is_not_closed_unseen(place: County, address: str) -> None:
    episode = await place.open(await place.subject("aino"), "help")
    path = f"/api/episodes/{episode}/close"
    content = {"outcome": "real", "contact": True}
    async with logged_in(address, "nurse") as nurse:
        seen = (await nurse.get(f"/api/episodes/{episode}"))["events"][-1]["id"]
        assert f'data-seen="{seen}"' in await nurse.page(f"/episodes/{episode}")
        await place.connection.execute(
            "INSERT INTO alerts.episode_event (episode, at, wall_at, what)"
            " VALUES ($1, now(), now(), 'updated')",
            episode,
        )
        refused = await nurse.post(path, content | {"seen": seen}, status=409)
        assert refused["error"].startswith("Tällä välin tapahtui jotain uutta")
        seen = (await nurse.get(f"/api/episodes/{episode}"))["events"][-1]["id"]
        assert (await nurse.post(path, content | {"seen": seen}))["closed_at"] is not None


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        ({"outcome": "real", "note": "ä" * (MAX_NOTE + 2)}, 400, "2 merkkiä liian pitkä"),
        ({"outcome": "real", "note": "x" * 70_000}, 413, "liian pitkä"),
        ({"outcome": "nonsense"}, 400, "Valitse ensin lopputulos"),
        ({"outcome": 7}, 400, "ei voitu tulkita"),
        ({"outcome": "real", "more": 1}, 400, "ei voitu tulkita"),
        ([], 400, "ei voitu tulkita"),
    ],
)
async def test_what_cannot_be_taken_is_said_and_changes_nothing(
    place: County, address: str, content: object, status: int, said: str
) -> None:
    episode = await place.open(await place.subject("aino"))
    async with logged_in(address, "nurse") as nurse:
        refused = await nurse.post(f"/api/episodes/{episode}/close", content, status=status)
        assert said in refused["error"]
        assert (await nurse.get(f"/api/episodes/{episode}"))["closed_at"] is None


async def test_the_alert_page_shows_evidence_limits_and_what_is_missing(
    place: County, address: str
) -> None:
    episode = await place.open(await place.subject("aino"))
    async with logged_in(address, "nurse") as nurse:
        html = await nurse.page(f"/episodes/{episode}")
    for expected in (
        "Aino Ahola",
        "85 vuotta",
        "Koskenparras 1, Imatra",
        "Key box by the door",
        "tel:+358400000001",
        "84\xa0%",
        "oma raja 88–92",
        "Ilma tai happi",
        "Ei lääkinnällinen laite. Ei kliiniseen käyttöön.",
    ):
        assert expected in html, expected
    assert html.count('class="missing"') == 6


async def test_the_language_is_the_members_and_can_be_switched(address: str) -> None:
    async with logged_in(address, "mate") as mate:
        assert '<html lang="sv">' in await mate.page("/clients")
        form = {"language": "en", "here": "/clients", "token": mate.token}
        async with mate.session.post("/language", data=form) as answer:
            assert answer.url.path == "/clients"
            html = await answer.text()
        assert '<html lang="en">' in html
        assert "Not a medical device. Not for clinical use." in html
    async with logged_in(address, "mate") as mate:
        assert (await mate.get("/api/session"))["language"] == "en"


async def test_clients_are_found_by_name_and_municipality(address: str) -> None:
    async with logged_in(address, "desk") as desk:
        for search, names in (
            ("", {"Ahola, Aino", "Ahola, Urho", "Berg, Berta"}),
            ("BERTA b", {"Berg, Berta"}),
            ("imatra", {"Ahola, Aino", "Ahola, Urho"}),
            ("%", set()),
        ):
            html = await desk.page(f"/clients?q={quote(search)}")
            everyone = {"Ahola, Aino", "Ahola, Urho", "Berg, Berta"}
            assert {name for name in everyone if name in html} == names


class TestReadings:
    """On every edition: the queries are SQL of some ambition."""

    @pytest.fixture
    async def place(self, database_url: str) -> AsyncIterator[County]:
        async with county(database_url) as one:
            yield one

    async def test_no_peak_is_lost_however_few_points_are_asked_for(
        self, place: County, address: str
    ) -> None:
        subject = await place.subject("aino")
        times = [NOW - timedelta(minutes=m) for m in range(1440)]
        values = [(at, 97.0 if i != 700 else 71.0) for i, at in enumerate(times)]
        await place.put(subject, "monitor-1", "spo2", values)
        await place.put(subject, "monitor-1", "pulse", [(NOW - timedelta(hours=3), 66.0)])
        query = f"subject={await place.pseudonym('aino')}&metrics=spo2,pulse,glucose&points=50"
        since = quote((NOW - timedelta(days=1)).isoformat())
        until = quote((NOW + timedelta(seconds=1)).isoformat())
        async with logged_in(address, "nurse") as nurse:
            found = await nurse.get(f"/api/readings?{query}&from={since}&to={until}")
        spo2 = found["series"]["spo2"]
        assert len(spo2["time"]) <= 50
        assert (min(spo2["low"]), max(spo2["high"])) == (71, 97)
        assert sum(spo2["count"]) == 1440
        assert spo2["time"] == sorted(spo2["time"])
        pulse = found["series"]["pulse"]
        assert pulse["time"] == [(NOW - timedelta(hours=3)).timestamp()]
        assert pulse["mean"] == pulse["low"] == pulse["high"] == [66]
        assert found["series"]["glucose"]["time"] == []
        assert found["bands"]["spo2"] == {"low": 88, "high": 92, "own": True}
        assert found["bands"]["pulse"] == {"low": 51, "high": 90, "own": False}

    async def test_struck_out_and_suspect_readings_are_not_drawn(
        self, place: County, address: str
    ) -> None:
        subject = await place.subject("aino")
        times = [NOW - timedelta(minutes=m) for m in (1, 2, 3)]
        await place.put(subject, "monitor-1", "pulse", [(at, 70.0) for at in times])
        for state in (1, 2):
            await place.connection.execute(
                "UPDATE telemetry.reading SET state = $1 WHERE time = $2", state, times[state]
            )
        async with logged_in(address, "nurse") as nurse:
            pseudonym = await place.pseudonym("aino")
            found = await nurse.get(f"/api/readings?subject={pseudonym}&metrics=pulse")
        assert found["series"]["pulse"]["count"] == [1]

    async def test_activity_is_counted_by_place(self, place: County, address: str) -> None:
        moves = [NOW - timedelta(hours=h, minutes=5) for h in (1, 1, 7)]
        moves[1] += timedelta(seconds=30)
        values = [(at, 1.0) for at in moves] + [(NOW - timedelta(hours=2), 0.0)]
        await place.put(await place.home("aino"), "motion-kitchen", "motion", values)
        async with logged_in(address, "nurse") as nurse:
            found = await nurse.get(f"/api/activity?subject={await place.pseudonym('aino')}")
        assert [one["name"] for one in found["places"]] == ["keittiö"]
        counts = found["places"][0]["counts"]
        assert len(counts) == found["bins"]
        assert [count for count in counts if count] == [1, 2]

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ("metrics=nonsense", "Sellaista mittausta ei ole"),
            ("metrics=", "Sellaista mittausta ei ole"),
            ("metrics=spo2&from=yesterday", "ei voitu tulkita"),
            ("metrics=spo2&from=2026-03-03T12:00:00", "ei voitu tulkita"),
            ("metrics=spo2&from=2026-03-03T12:00:01Z&to=2026-03-03T12:00:00Z", "päättyy ennen"),
            ("metrics=spo2&from=1980-01-01T00:00:00Z", "enintään 400 päivää"),
            ("metrics=spo2&from=0001-01-01T00:00:00Z", "ei voitu tulkita"),
        ],
    )
    async def test_ranges_that_make_no_sense_are_refused(
        self, plain_database_url: str, query: str, said: str
    ) -> None:
        async with county(plain_database_url) as place, serving(place) as address:
            pseudonym = await place.pseudonym("aino")
            async with logged_in(address, "nurse") as nurse:
                path = f"/api/readings?subject={pseudonym}&{query}"
                assert said in (await nurse.get(path, status=400))["error"]
