"""Who may bring Observations: a program with the scope, for clients in its member's care now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.integration.fhir_in_support import Served, entries, installation
from tests.integration.fhir_support import said
from tests.integration.web_support import NOW, logged_in

CARE = "in their care now"


@pytest.fixture
async def served(plain_database_url: str, tmp_path: Path) -> AsyncIterator[Served]:
    async with installation(plain_database_url, tmp_path / "keys.json") as one:
        yield one


@pytest.mark.parametrize(
    "scope",
    ["user/Observation.c", "user/*.cruds", "system/Observation.write", "user/*.*",
     "user/*.rs system/Observation.c"],
)  # fmt: skip
async def test_a_scope_that_writes_lets_it_in(served: Served, scope: str) -> None:
    await served.api(scope=scope).post("Observation", served.observation())


@pytest.mark.parametrize(
    "scope",
    ["", "user/*.rs", "user/*.read", "user/Patient.c", "user/Observation.uds",
     "patient/Observation.c"],
)  # fmt: skip
async def test_without_one_nothing_is_stored_or_looked_at(served: Served, scope: str) -> None:
    api = served.api(scope=scope)
    told = await api.post("Observation", served.observation(), status=403)
    assert "storing Observation" in said(told)
    assert 'error="insufficient_scope"' in api.headers["WWW-Authenticate"]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries(served.observation())}
    await api.post("", bundle, status=403)
    assert await served.readings() == []
    assert await served.place.looks() == []


async def test_a_token_for_one_client_stores_for_that_one_alone(served: Served) -> None:
    berta = await served.place.pseudonym("berta")
    await served.have_both_in_care("nurse")
    own = served.api(scope="patient/Observation.c", patient=served.aino)
    theirs = served.observation(
        subject={"reference": f"Patient/{berta}"},
        device={"identifier": {"system": "urn:saimi:device", "value": "gw-2/monitor-1"}},
    )
    await own.post("Observation", theirs, status=404)
    await own.post("Observation", served.observation())
    await served.api().post("Observation", theirs)
    assert [row[0] for row in await served.readings()] == ["aino", "berta"]


async def test_to_see_a_client_is_not_enough(served: Served) -> None:
    """The desk sees everybody; others for half a day what they were called about, or for four hours
    whom they broke the glass for: none of them has the client in care."""
    place = served.place
    c, aino = place.connection, await place.subject("aino")
    episode = await place.open(aino)
    await c.execute(
        "INSERT INTO alerts.episode_event (episode, at, wall_at, what, member)"
        " SELECT $1, $2, $2, 'called', id FROM registry.member WHERE username = 'stranger'",
        episode, NOW,
    )  # fmt: skip
    await c.execute(
        "WITH m AS (INSERT INTO registry.member (username, display_name, role)"
        " VALUES ('breaker', 'Breaker', 'member') RETURNING id)"
        " INSERT INTO registry.broken_glass (member, subject, during, reason)"
        " SELECT m.id, $1, tstzrange($2::timestamptz, $2 + interval '4 hours'), 'found outdoors'"
        " FROM m",
        aino, NOW,
    )  # fmt: skip
    for username in ("desk", "stranger", "breaker"):
        api = served.api(username)
        assert (await api.get(f"Patient/{served.aino}"))["id"] == served.aino
        assert CARE in said(await api.post("Observation", served.observation(), status=403))
        batch = {"resourceType": "Bundle", "type": "batch", "entry": entries(served.observation())}
        (entry,) = (await api.post("", batch, status=200))["entry"]
        assert entry["response"]["status"] == "403"
    assert await served.readings() == []


async def test_care_that_has_ended_takes_the_right_with_it(served: Served) -> None:
    await served.api().post("Observation", served.observation())
    await served.place.connection.execute(
        "UPDATE registry.care_relationship SET during = tstzrange(lower(during), $1)",
        NOW - timedelta(hours=1),
    )
    await served.api().post("Observation", served.observation("9279-1", 17.0), status=404)
    assert len(await served.readings()) == 1


async def test_a_login_of_the_pages_reads_and_stores_nothing(served: Served) -> None:
    address = str(served.session._base_url)
    async with logged_in(address, "nurse") as nurse:
        async with nurse.session.get(f"/fhir/R4/Patient/{served.aino}") as answer:
            assert answer.status == 200
        async with nurse.session.post(
            "/fhir/R4/Observation",
            json=served.observation(),
            headers={"X-Saimi-Token": nurse.token, "Content-Type": "application/fhir+json"},
        ) as answer:
            told = await answer.json(content_type=None)
            assert answer.status == 403
    assert "A login of the pages does not allow storing Observation" in said(told)
    assert await served.readings() == []


async def test_who_brings_something_is_on_record_before_it_is_stored(served: Served) -> None:
    c = served.place.connection
    await c.execute("ALTER TABLE audit.access ADD CONSTRAINT nothing CHECK (false) NOT VALID")
    await served.api().post("Observation", served.observation(), status=503)
    assert await served.readings() == []
    await c.execute("ALTER TABLE audit.access DROP CONSTRAINT nothing")
    two = entries(served.observation(), served.observation("9279-1", 17.0))
    await served.api().post(
        "", {"resourceType": "Bundle", "type": "transaction", "entry": two}, status=200
    )
    rows = await c.fetch("SELECT what, detail FROM audit.access")
    assert [(row["what"], row["detail"]) for row in rows] == [
        ("fhir", {"resource": "Observation", "brought": True, "client": "record"})
    ]


async def test_a_bundle_without_a_list_of_entries_is_refused(served: Served) -> None:
    bundle = {"resourceType": "Bundle", "type": "transaction"}
    wrongs: list[object] = [{}, "", 0, None, False]
    for wrong in wrongs:
        told = await served.api().post("", bundle | {"entry": wrong}, status=400)
        assert "a list" in said(told)
