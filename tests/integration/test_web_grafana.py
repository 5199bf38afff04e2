"""The way from Saimi into a client's dashboard in Grafana: for whom, where to, and on record."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from core.settings import load_settings
from tests.integration.web_support import Browser, County, county, logged_in, serving


@pytest.fixture
async def place(plain_database_url: str) -> AsyncIterator[County]:
    async with county(plain_database_url) as one:
        await one.connection.execute(
            "INSERT INTO grafana.role (name, area, organisation)"
            " SELECT 'saimi_grafana_area_im', id, 7 FROM registry.area WHERE code = 'im'"
        )
        yield one


@pytest.fixture
def with_grafana(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SAIMI_GRAFANA_PUBLIC_URL", "https://grafana.example/g/")
    load_settings.cache_clear()
    yield
    load_settings.cache_clear()


async def _go(browser: Browser, path: str) -> tuple[int, str]:
    async with browser.session.get(path, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location", "")


@pytest.mark.usefixtures("with_grafana")
async def test_the_link_leads_to_the_clients_organisation_and_time_and_is_a_look(
    place: County,
) -> None:
    aino, berta = await place.pseudonym("aino"), await place.pseudonym("berta")
    episode = await place.open(await place.subject("aino"))
    async with serving(place) as address, logged_in(address, "nurse") as nurse:
        page = await nurse.page(f"/episodes/{episode}")
        assert f'href="/clients/{aino}/grafana?from=' in page
        assert f"/clients/{aino}/grafana" in await nurse.page(f"/clients/{aino}/trends")
        before = len(await place.looks())
        status, where = await _go(nurse, f"/clients/{aino}/grafana?from=1772450000000&to=x%0d%0a")
        assert status == 303
        assert where.startswith("https://grafana.example/g/d/saimi-client?")
        assert parse_qs(urlsplit(where).query) == {
            "orgId": ["7"], "var-area": ["im"], "var-client": [aino], "from": ["1772450000000"],
        }  # fmt: skip
        assert (await place.looks())[before:] == [("nurse", "aino", "grafana", "care")]
        # Of another team, of a home, of nobody: not found, and no look.
        home = await place.connection.fetchval(
            "SELECT pseudonym FROM registry.subject WHERE id = $1", await place.home("aino")
        )
        for other in (berta, home, "nobody"):
            status, _ = await _go(nurse, f"/clients/{other}/grafana")
            assert status == 404, other
        assert len(await place.looks()) == before + 1
    async with serving(place) as address, logged_in(address, "stranger") as stranger:
        # Their client's area has no organisation yet.
        assert (await _go(stranger, f"/clients/{berta}/grafana"))[0] == 404


async def test_without_a_grafana_there_is_no_link(place: County) -> None:
    aino = await place.pseudonym("aino")
    async with serving(place) as address, logged_in(address, "nurse") as nurse:
        assert "Grafana" not in await nurse.page(f"/clients/{aino}/trends")
        assert (await _go(nurse, f"/clients/{aino}/grafana"))[0] == 404
