"""What people write and look at is labelled, health or social care, by whom they acted for."""

from __future__ import annotations

import html

from tests.integration.steward_support import Desk, desk, logged_in
from tests.integration.test_own_view import Client, give
from tests.integration.web_support import Browser


async def social_worker(at: Desk) -> None:
    """Sanna works in social care from now on, in a team that Aino is a client of."""
    await at.place.connection.execute(
        "WITH t AS (INSERT INTO registry.team (name, service)"
        "           VALUES ('Social work', 'social_work') RETURNING id),"
        "     a AS (INSERT INTO registry.team_area SELECT t.id, a.id FROM t, registry.area a),"
        "     c AS (INSERT INTO registry.care_relationship"
        "           SELECT id, $1, '[2020-01-01,)' FROM t)"
        " UPDATE registry.team_member SET team = (SELECT id FROM t)"
        "  WHERE member = (SELECT id FROM registry.member WHERE username = 'stranger')",
        await at.place.subject("aino"),
    )


async def test_entries_and_looks_carry_the_record_of_their_authors_service(
    plain_database_url: str,
) -> None:
    async with desk(plain_database_url) as at:
        await social_worker(at)
        episode = await at.place.open(await at.place.subject("aino"), severity=2)
        for name in ("nurse", "stranger", "desk"):
            async with logged_in(at.address, name) as browser:
                await browser.post(f"/api/episodes/{episode}/note", {"note": f"by {name}"})
        async with logged_in(at.address, "nurse") as browser:
            page = html.unescape(await browser.page(f"/episodes/{episode}"))
            told = await browser.get(f"/api/episodes/{episode}")
        assert page.count('data-record="health"') == 2
        assert page.count('data-record="social"') == 1
        assert "sosiaalihuolto" in page
        assert [(one["note"], one["record"]) for one in told["events"]] == [
            ("", None), ("by nurse", "health"), ("by stranger", "social"), ("by desk", "health"),
        ]  # fmt: skip
        rows = await at.place.connection.fetch(
            "SELECT DISTINCT m.username, a.record, a.unit FROM audit.access a"
            " JOIN registry.member m ON m.id = a.member ORDER BY 1"
        )
        async with logged_in(at.address, "stranger") as browser:
            await browser.page(f"/clients/{await at.pseudonym()}/trends")
        client = Client(Browser(at.address))
        assert await client.log_in(await give(at), "1940-03-04") == 303
        shown = await client.page()
        await client.browser.session.close()
        assert "Social work · sosiaalihuolto" in shown
        assert ("nurse", "health", "Imatra team") in [tuple(row) for row in rows]


async def test_the_county_decides_which_service_is_which(plain_database_url: str) -> None:
    async with desk(plain_database_url) as at:
        await social_worker(at)
        await at.place.connection.execute(
            "INSERT INTO registry.service_record VALUES ('home_care', 'social')"
            " ON CONFLICT (service) DO UPDATE SET record = 'social'"
        )
        episode = await at.place.open(await at.place.home("aino"), "silence", severity=2)
        for name in ("nurse", "desk"):
            async with logged_in(at.address, name) as browser:
                await browser.post(f"/api/episodes/{episode}/note", {"note": name})
        labels = await at.place.connection.fetch(
            "SELECT record FROM alerts.episode_event WHERE what = 'noted'"
        )
        assert [row[0] for row in labels] == ["social", "social"]
        # The desk acts for none: it writes into the record of the team that cares for this client.
        await at.place.connection.execute(
            "UPDATE registry.team SET service = 'nursing' WHERE name = 'Imatra team'"
        )
        berta = await at.place.open(await at.place.subject("berta"), severity=2)
        async with logged_in(at.address, "desk") as browser:
            await browser.post(f"/api/episodes/{berta}/note", {"note": "desk"})
        label = await at.place.connection.fetchval(
            "SELECT record FROM alerts.episode_event WHERE what = 'noted' AND episode = $1", berta
        )
        assert label == "social"
