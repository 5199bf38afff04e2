"""The login at an identity provider in a real browser, whose rules for cookies and forms count."""

from __future__ import annotations

from playwright.async_api import Browser, expect

from tests.acceptance.phones import PHONE, alive
from tests.integration.web_support import County, serving
from tests.support.identity import identity_provider
from tests.support.identity_provider import PASSWORD


async def test_from_the_login_to_the_list_and_out_again(place: County, browser: Browser) -> None:
    await place.connection.execute(
        "UPDATE registry.member SET identity = 'nina' WHERE username = 'nurse'"
    )
    async with (
        alive(place),
        identity_provider() as joined,
        serving(
            place, port=joined.port, public_url=joined.address, oidc_client=joined.client
        ) as address,
    ):
        context = await browser.new_context(viewport=PHONE, locale="fi-FI")
        page = await context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(f"{address}/clients")
        await page.locator("a[href^='/login/start']").click()
        await page.locator("[name=username]").fill("nina")
        await page.locator("[name=password]").fill(PASSWORD)
        await page.locator("#in").click()
        await expect(page.locator(".clients")).to_contain_text("Ahola")
        assert page.url == f"{address}/clients"
        await page.locator(".menu summary").click()
        await page.locator("#logout button").click()
        # By way of the provider's own logout, which asks nothing, back to the login.
        await expect(page.locator("a[href^='/login/start']")).to_be_visible()
        assert page.url == f"{address}/login"
        await page.locator("a[href^='/login/start']").click()
        await expect(page.locator("#in")).to_be_visible()
        assert complaints == []
        await context.close()
