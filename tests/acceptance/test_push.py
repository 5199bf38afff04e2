"""Push messages, from the outbox to a tap on the lock screen, in a real browser.

One link is not real: Chromium subscribes with its maker's push service, and here it gets a
subscription at the tests' own. What that has taken and decrypted is handed to the browser as its
push service would (CDP, ServiceWorker.deliverPushMessage).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from playwright.async_api import BrowserContext, Page, async_playwright, expect

from alerts.delivery.vapid import Identity, load_key
from alerts.delivery.webpush import WebPush, payload
from alerts.delivery.wording import Outgoing
from tests.acceptance.phones import PHONE, Phones, alive
from tests.integration.delivering_support import delivering_to, member, outbox, page, send
from tests.integration.web_support import County, serving
from tests.support.push_service import PushService, push_service
from tests.support.screen import Screen, screen
from tests.support.waiting import eventually
from web.parts import Push

_MANAGER = """
const told = async (subscription) => subscription && {
  endpoint: subscription.endpoint,
  options: { applicationServerKey: Uint8Array.from(
    atob(subscription.key.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0),
  ).buffer },
  toJSON: () => subscription,
  unsubscribe: () => unsubscribed(),
};
PushManager.prototype.getSubscription = async () => told(await subscription());
PushManager.prototype.subscribe = async ({ applicationServerKey }) =>
  told(await subscribed(applicationServerKey));
"""
_NOTIFICATIONS = """async () => (await self.registration.getNotifications()).map((one) => ({
  body: one.body, tag: one.tag, silent: one.silent, vibrate: one.vibrate, renotify: one.renotify,
  stays: one.requireInteraction,
}))"""

_MOVED = """async (subscription) => {
  const waited = [];
  self.dispatchEvent(Object.assign(new Event("pushsubscriptionchange"), {
    newSubscription: { toJSON: () => subscription }, waitUntil: (one) => waited.push(one),
  }));
  await Promise.all(waited);
}"""

_SHAKEN = """
window.shaken = [];
Navigator.prototype.vibrate = (pattern) => window.shaken.push(pattern.length);
"""


class Handset:
    """A phone's browser with its subscription, and the way by which messages come to it."""

    def __init__(self, phones: Phones, service: PushService, lock_screen: Screen) -> None:
        self.phones = phones
        self.service = service
        self.screen = lock_screen
        self.subscription: dict[str, Any] | None = None
        self.page: Page

    async def log_in(self, username: str) -> Page:
        self.page = page = await self.phones.log_in(username)
        context = page.context
        await context.grant_permissions(["notifications"], origin=self.phones.address)
        await context.expose_function("subscription", lambda: self.subscription)
        await context.expose_function("subscribed", self._subscribed)
        await context.expose_function("unsubscribed", self._unsubscribed)
        await context.add_init_script(_MANAGER)
        await self.page.reload()
        await self.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        return self.page

    def _subscribed(self, key: str) -> dict[str, Any]:
        self.subscription = {**self.service.browser(server_key=key).subscription, "key": key}
        return self.subscription

    def _unsubscribed(self) -> bool:
        self.subscription = None
        return True

    async def wake(self) -> None:
        """Tap the switch."""
        await self.page.locator(".menu summary").click()
        await self.page.locator("#push").click()
        await expect(self.page.locator("#push")).to_have_attribute("aria-pressed", "true")
        await self.page.locator(".menu summary").click()

    async def deliver(self, data: str) -> None:
        cdp = await self.page.context.new_cdp_session(self.page)
        registered = asyncio.get_running_loop().create_future()

        def note(event: dict[str, Any]) -> None:
            if event["registrations"] and not registered.done():
                registered.set_result(event["registrations"][0]["registrationId"])

        cdp.on("ServiceWorker.workerRegistrationUpdated", note)
        await cdp.send("ServiceWorker.enable")
        where = {"origin": self.phones.address, "registrationId": await registered}
        await cdp.send("ServiceWorker.deliverPushMessage", {**where, "data": data})
        await cdp.detach()

    async def notifications(self) -> list[dict[str, Any]]:
        """What the service worker has shown, by tag."""
        (worker,) = self.page.context.service_workers
        found: list[dict[str, Any]] = await worker.evaluate(_NOTIFICATIONS)
        return sorted(found, key=lambda one: str(one["tag"]))


@pytest.fixture
async def lock_screen() -> AsyncIterator[Screen]:
    async with screen() as one:
        yield one


class OnePhone(Phones):
    """A browser with a profile of its own, as a phone has: taps come to no other kind."""

    def __init__(self, profile: BrowserContext, address: str) -> None:
        self._profile = profile
        self.address = address
        self.complaints = []

    async def context(self, **_options: object) -> BrowserContext:
        return self._profile


@pytest.fixture
async def profile(
    chromium: dict[str, object], lock_screen: Screen, tmp_path: Path
) -> AsyncIterator[BrowserContext]:
    environment: dict[str, str | float | bool] = {
        **os.environ,
        "DBUS_SESSION_BUS_ADDRESS": lock_screen.address,
    }
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch_persistent_context(
            tmp_path / "profile",
            env=environment,
            viewport=PHONE,
            has_touch=True,
            locale="fi-FI",
            **chromium,  # type: ignore[arg-type] # options
        )
        yield launched
        await launched.close()


@pytest.fixture
async def handset(
    place: County, profile: BrowserContext, lock_screen: Screen, tmp_path: Path
) -> AsyncIterator[Handset]:
    async with push_service() as service:
        push = Push(tmp_path / "vapid.pem", (service.origin,))
        async with alive(place), serving(place, push_parts=push) as address:
            phones = OnePhone(profile, address)
            yield Handset(phones, service, lock_screen)
            assert phones.complaints == []
            assert service.faults == []


@asynccontextmanager
async def delivering(place: County, service: PushService, key: Path) -> AsyncIterator[None]:
    """The delivering worker, with the key that browsers subscribed with."""
    identity = Identity(load_key(key), "mailto:saimi@example.org")
    async with aiohttp.ClientSession() as session:
        sender = WebPush(session, identity, allowed=[service.origin])
        async with delivering_to(place, service, senders={"webpush": sender}):
            yield


def _told(episode: int, severity: int, what: str = "page") -> str:
    outgoing = Outgoing(uuid4(), episode, severity, what, "fi", False, 60.0, "high")
    return payload(outgoing).decode()


async def test_an_alert_wakes_the_phone_and_a_tap_opens_it(
    place: County, handset: Handset, tmp_path: Path
) -> None:
    phone = await handset.log_in("nurse")
    await handset.wake()
    episode = await place.open(await place.subject("aino"), "help")
    async with delivering(place, handset.service, tmp_path / "vapid.pem"):
        await send(place, page(episode, await member(place, "nurse"), severity=4))

        async def taken() -> bool:
            return bool(handset.service.taken)

        await eventually(taken)
    await handset.deliver(handset.service.taken[0].plain)
    shown = await handset.screen.next()
    # All that stands on a locked screen, beside the address of Saimi itself.
    assert shown.title == "Saimi"
    said = shown.body.replace(handset.phones.address.removeprefix("http://"), "").strip()
    assert said == f"Hätätilanne: avaa Saimi (hälytys {episode})."
    assert shown.is_critical

    async def confirmed() -> bool:
        (row,) = await outbox(place)
        return bool(row["state"] == "delivered")

    await eventually(confirmed)
    assert (await outbox(place))[0]["seen_at"] is None
    await handset.screen.tap(shown)
    await expect(phone.locator(".who-name")).to_have_text("Aino Ahola")
    assert phone.url == f"{handset.phones.address}/episodes/{episode}"

    async def seen() -> bool:
        return (await outbox(place))[0]["seen_at"] is not None

    await eventually(seen)


async def test_a_tap_leaves_alone_what_is_half_written(place: County, handset: Handset) -> None:
    subject = await place.subject("aino")
    first, second = await place.open(subject, "fall"), await place.open(subject, "help")
    phone = await handset.log_in("nurse")
    await phone.goto(f"{handset.phones.address}/episodes/{first}")
    await phone.get_by_text("Lisää toimia").click()
    await phone.get_by_role("button", name="Kirjoita merkintä").click()
    await phone.locator("#noting textarea").fill("Ajan Koskenparrakselle.")
    await handset.deliver(_told(second, 4))
    async with phone.context.expect_page() as opened:
        await handset.screen.tap(await handset.screen.next())
    await expect((await opened.value).locator(".who-name")).to_have_text("Aino Ahola")
    assert (await opened.value).url.endswith(f"/episodes/{second}")
    await expect(phone.locator("#noting textarea")).to_have_value("Ajan Koskenparrakselle.")


async def test_sound_and_vibration_are_by_severity(place: County, handset: Handset) -> None:
    await handset.log_in("nurse")
    for severity in (1, 2, 3, 4):
        await handset.deliver(_told(severity, severity))
        shown = await handset.screen.next(severity)
        assert (shown.is_critical, shown.is_silent) == (severity >= 3, severity == 1)
    found = await handset.notifications()
    assert [one["tag"] for one in found] == [f"episode-{severity}" for severity in (1, 2, 3, 4)]
    assert [one["silent"] for one in found] == [True, False, False, False]
    assert [one["stays"] for one in found] == [False, False, True, True]
    assert [one["renotify"] for one in found] == [False, True, True, True]
    shaken = [sum(one["vibrate"]) for one in found]
    assert shaken[0] == 0
    assert sorted(set(shaken)) == shaken

    # Somebody else has it: that takes the page's place, and lets the night sleep on.
    await handset.deliver(_told(4, 4, "stand_down"))
    shown = await handset.screen.next(5)
    assert shown.replaces
    assert (shown.is_critical, shown.is_silent) == (False, True)
    found = await handset.notifications()
    assert len(found) == 4
    assert found[3]["body"] == "Hälytys 4 on otettu hoitoon: sinun ei tarvitse tehdä mitään."
    assert (found[3]["silent"], found[3]["stays"], found[3]["vibrate"]) == (True, False, [])


@pytest.mark.parametrize("data", ["", "nothing of ours", "null", "[]", '"text"'])
async def test_what_cannot_be_read_is_shown_all_the_same(handset: Handset, data: str) -> None:
    phone = await handset.log_in("nurse")
    await phone.goto(f"{handset.phones.address}/clients")
    await handset.deliver(data)
    shown = await handset.screen.next()
    assert (shown.title, shown.is_silent) == ("Saimi", False)
    async with phone.context.expect_page() as opened:
        await handset.screen.tap(shown)
    await expect((await opened.value).locator("#list")).to_be_visible()


async def test_a_phone_that_is_handed_on_wakes_whoever_logs_in(
    place: County, handset: Handset, tmp_path: Path
) -> None:
    async def woken() -> list[str]:
        rows = await place.connection.fetch(
            "SELECT m.username FROM registry.member_channel c"
            " JOIN registry.member m ON m.id = c.member WHERE c.disabled_at IS NULL"
        )
        return [row["username"] for row in rows]

    phone = await handset.log_in("nurse")
    await handset.wake()
    assert await woken() == ["nurse"]
    nurses = await phone.evaluate("localStorage.getItem('saimi-push')")
    await phone.locator(".menu summary").click()
    await phone.locator("#logout button").click()
    await expect(phone.locator(".sheet")).to_be_visible()
    # Logged out is not off duty: calls still come.
    assert await woken() == ["nurse"]
    await phone.goto(f"{handset.phones.address}/login")
    await phone.locator("[name=username]").fill("mate")
    await phone.locator("[name=password]").fill("correct horse")
    await phone.locator(".sheet button").click()

    async def mates() -> bool:
        return await woken() == ["mate"]

    await eventually(mates)
    # Another key than the browser subscribed with: it does so anew, by the next day at the latest.
    before = handset.subscription
    (tmp_path / "vapid.pem").unlink()

    async def noted() -> bool:  # last of all, in the browser
        return bool(await phone.evaluate("localStorage.getItem('saimi-push')") != nurses)

    await eventually(noted)
    await phone.evaluate("localStorage.removeItem('saimi-push')")
    await phone.reload()

    async def anew() -> bool:
        return handset.subscription is not None and handset.subscription != before

    await eventually(anew)
    await phone.locator(".menu summary").click()
    await expect(phone.locator("#push")).to_have_attribute("aria-pressed", "true")
    await phone.locator("#push").click()
    await expect(phone.locator("#push")).to_have_attribute("aria-pressed", "false")
    assert handset.subscription is None


async def test_a_browser_that_moves_goes_on_being_woken(place: County, handset: Handset) -> None:
    phone = await handset.log_in("nurse")
    await handset.wake()
    moved = handset.service.browser().subscription
    (worker,) = phone.context.service_workers
    await worker.evaluate(_MOVED, moved)
    newest = await place.connection.fetchval(
        "SELECT c.address::jsonb ->> 'endpoint' FROM registry.member_channel c"
        " JOIN registry.member m ON m.id = c.member"
        " WHERE m.username = 'nurse' AND c.disabled_at IS NULL ORDER BY c.id DESC"
    )
    assert newest == moved["endpoint"]


async def test_an_open_list_is_heard_once_whichever_way_it_hears(
    place: County, handset: Handset
) -> None:
    phone = await handset.log_in("nurse")
    await phone.evaluate("localStorage.setItem('saimi-sound', 'on')")
    await phone.context.add_init_script(_SHAKEN)
    await phone.reload()
    await expect(phone.locator(".empty")).to_be_visible()
    await phone.locator(".empty").click()  # Before a first tap a page may not shake.
    subject = await place.subject("aino")

    async def shaken(*patterns: int) -> None:
        async def done() -> bool:
            return bool(await phone.evaluate("window.shaken.length") >= len(patterns))

        await eventually(done)
        assert await phone.evaluate("window.shaken") == list(patterns)

    first = await place.open(subject, "fall", severity=3)
    await shaken(3)
    await handset.deliver(_told(first, 3))
    await handset.screen.next()
    # By push first; what the list then hears of itself is the same alert.
    await handset.deliver(_told(first + 1, 4))
    await shaken(3, 5)
    assert await place.open(subject, "help", severity=4) == first + 1
    await expect(phone.locator(".card[data-id]")).to_have_count(2)
    # Reminded of later, or of something worse, it is heard again; a stand-down never is.
    await handset.deliver(_told(first, 4))
    await shaken(3, 5, 5)
    await handset.deliver(_told(first, 4, "stand_down"))
    await handset.deliver(_told(first, 2))
    await shaken(3, 5, 5, 1)
