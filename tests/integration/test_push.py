"""Browsers subscribe to push messages, and say what became of them."""

from __future__ import annotations

import stat
from functools import partial
from pathlib import Path

from alerts.delivery.vapid import load_key
from tests.integration.delivering_support import (
    delivering_to,
    member,
    outbox,
    page,
    reach,
    send,
    settled,
)
from tests.integration.web_support import county, logged_in, serving
from tests.support.push_service import push_service
from tests.support.waiting import eventually
from web.parts import Push


async def test_a_browser_subscribes_gets_a_page_and_says_that_it_was_opened(
    plain_database_url: str, tmp_path: Path
) -> None:
    async with county(plain_database_url) as place, push_service() as service:
        push = Push(tmp_path / "vapid.pem", (service.origin,))
        async with serving(place, push_parts=push) as address, logged_in(address, "nurse") as nurse:
            key = (await nurse.get("/api/push"))["key"]
            assert key == (await nurse.get("/api/push"))["key"]
            assert stat.S_IMODE((tmp_path / "vapid.pem").stat().st_mode) == 0o600
            assert load_key(tmp_path / "vapid.pem").curve.name == "secp256r1"
            browser = service.browser()
            said = await nurse.post("/api/push/subscribe", browser.subscription, status=201)
            assert said == {"subscribed": True, "new": True}
            again = await nurse.post("/api/push/subscribe", browser.subscription)
            assert again == {"subscribed": True, "new": False}

            episode = await place.open(await place.subject("aino"))
            member = await place.connection.fetchval(
                "SELECT id FROM registry.member WHERE username = 'nurse'"
            )
            async with delivering_to(place, service):
                await send(place, page(episode, member))
                await settled(place, "sent")
            key = service.taken[0].content["key"]
            # From the service worker, whether or not anybody is logged in; one answer for any key.
            for path in (f"/receipt/{key}/delivered", "/receipt/nonsense/seen"):
                async with nurse.session.post(path, cookies={}) as answer:
                    assert answer.status == 204
            (row,) = await outbox(place)
            assert (row["state"], row["seen_at"]) == ("delivered", None)
            async with nurse.session.post(f"/receipt/{key}/seen") as answer:
                assert answer.status == 204
            assert (await outbox(place))[0]["seen_at"] is not None

            await nurse.post("/api/push/unsubscribe", {"endpoint": browser.endpoint})
            left = await place.connection.fetchval(
                "SELECT count(*) FROM registry.member_channel WHERE disabled_at IS NULL"
            )
            assert left == 0


async def test_a_phone_that_was_off_gets_a_repeat_in_the_place_of_the_first(
    plain_database_url: str,
) -> None:
    async with county(plain_database_url) as place, push_service() as service:
        nurse = await member(place, "nurse")
        episode = await place.open(await place.subject("aino"))
        phone = service.browser()
        phone.is_off = True
        await reach(place, nurse, "webpush", phone)
        service.answers_lost = 1

        async def taken(messages: int) -> bool:
            return len(service.taken) == messages

        async with delivering_to(place, service):
            await send(place, page(episode, nurse))
            await eventually(partial(taken, 2))
            await send(place, page(episode, nurse, step="later", what="reminder"))
            await eventually(partial(taken, 3))
        assert service.faults == []
        repeat, reminder = service.fetched(phone)
        assert [repeat.content["repeat"], reminder.content["repeat"]] == [True, False]
        assert [repeat.content["what"], reminder.content["what"]] == ["page", "reminder"]
        assert service.taken[0].content["repeat"] is False
        assert service.taken[0].content["key"] == repeat.content["key"]
        assert service.fetched(phone) == []


async def test_opening_the_alert_counts_as_seen(plain_database_url: str) -> None:
    async with county(plain_database_url) as place, serving(place) as address:
        nurse = await place.connection.fetchval(
            "SELECT id FROM registry.member WHERE username = 'nurse'"
        )
        episode = await place.open(await place.subject("aino"))
        await send(place, page(episode, nurse), page(episode))
        async with logged_in(address, "nurse") as browser:
            await browser.get(f"/api/episodes/{episode}")
        seen = {row["member"]: row["seen_at"] is not None for row in await outbox(place)}
        assert seen == {nurse: True, None: False}


async def test_a_browser_is_one_persons(plain_database_url: str, tmp_path: Path) -> None:
    """A phone that is handed on tells the last one's clients to nobody else."""
    async with county(plain_database_url) as place, push_service() as service:
        push = Push(tmp_path / "vapid.pem", (service.origin,))
        browser = service.browser()
        async with serving(place, push_parts=push) as address:
            for name in ("nurse", "mate"):
                async with logged_in(address, name) as member:
                    await member.post("/api/push/subscribe", browser.subscription, status=201)
        rows = await place.connection.fetch(
            "SELECT m.username FROM registry.member_channel c"
            " JOIN registry.member m ON m.id = c.member WHERE c.disabled_at IS NULL"
        )
        assert [row["username"] for row in rows] == ["mate"]


async def test_what_is_no_subscription_of_ours_is_refused(
    plain_database_url: str, tmp_path: Path
) -> None:
    async with county(plain_database_url) as place, push_service() as service:
        push = Push(tmp_path / "vapid.pem", (service.origin,))
        good = service.browser().subscription
        # Whoever logs in could have us knock at any door otherwise.
        bad = [
            {**good, "endpoint": "http://127.0.0.1:1/push"},
            {**good, "endpoint": "https://169.254.169.254/latest"},
            {**good, "endpoint": service.origin.replace("http://", "http://user@") + "/push/1"},
            {**good, "endpoint": "https://fcm.googleapis.com.example.org/1"},
            {**good, "keys": {"p256dh": good["keys"]["p256dh"]}},
            {**good, "keys": {**good["keys"], "auth": "AAAA"}},
            {**good, "keys": {**good["keys"], "p256dh": "A" * 87}},
            {"endpoint": good["endpoint"]},
            [],
        ]
        async with serving(place, push_parts=push) as address, logged_in(address, "nurse") as nurse:
            for one in bad:
                await nurse.post("/api/push/subscribe", one, status=400)
            for _ in range(12):
                await nurse.post("/api/push/subscribe", service.browser().subscription, status=201)
            await nurse.post("/api/push/subscribe", good, status=403, X_Saimi_Token="wrong")
        count = await place.connection.fetchval(
            "SELECT count(*) FROM registry.member_channel WHERE disabled_at IS NULL"
        )
        assert count == 10
