"""Messages go out: by the right channel, again if need be, another way if one fails."""

from __future__ import annotations

import asyncio
import json
from datetime import time, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import aiohttp
import msgspec
import pytest

from alerts.delivery import post
from alerts.delivery.channels import Again, Limits
from alerts.delivery.outbox import confirm
from alerts.delivery.route import Address, choose
from alerts.delivery.sending import Outcome
from alerts.delivery.webpush import WebPush
from alerts.delivery.wording import Outgoing
from core.clock import ManualClock, wall_time
from tests.integration.alerts_support import worker
from tests.integration.delivering_support import (
    IDENTITY,
    QUICK,
    deliveries,
    delivering_to,
    member,
    outbox,
    page,
    reach,
    send,
    settled,
)
from tests.integration.web_support import NOW, county
from tests.support.outside import mail_server, web_hook
from tests.support.push_service import push_service
from tests.support.waiting import eventually


async def test_a_page_reaches_every_browser_of_a_member_by_the_standard(
    plain_database_url: str,
) -> None:
    async with county(plain_database_url) as place, push_service() as service:
        nurse = await member(place, "nurse")
        episode = await place.open(await place.subject("aino"))
        phone, tablet = service.browser(), service.browser()
        await reach(place, nurse, "webpush", phone)
        await reach(place, nurse, "webpush", tablet)
        async with delivering_to(place, service, public_url="https://saimi.example.org"):
            await send(place, page(episode, nurse, severity=4))
            (row,) = await settled(place, "sent")
        assert service.faults == []
        assert {push.endpoint for push in service.taken} == {phone.endpoint, tablet.endpoint}
        for push in service.taken:
            assert push.content == {
                "key": str(row["key"]),
                "episode": episode,
                "severity": 4,
                "what": "page",
                "repeat": False,
                "title": "Saimi",
                "body": f"Hätätilanne: avaa Saimi (hälytys {episode}).",
            }
            assert push.headers["Urgency"] == "high"
            assert push.headers["TTL"] == "3600"
        assert len({push.headers["Topic"] for push in service.taken}) == 1
        assert [one["result"] for one in await deliveries(place)] == ["sent", "sent"]
        assert all("/message/" in one["receipt"] for one in await deliveries(place))
        assert await confirm(place.connection, row["key"], seen=True, wall=wall_time())
        assert (await outbox(place))[0]["state"] == "delivered"


async def test_a_subscription_that_is_gone_is_given_up_and_the_next_channel_taken(
    plain_database_url: str,
) -> None:
    async with (
        county(plain_database_url) as place,
        push_service() as service,
        web_hook() as hook,
    ):
        nurse = await member(place, "nurse")
        episode = await place.open(await place.subject("aino"))
        await reach(place, nurse, "webpush", service.browser())
        await reach(place, nurse, "sms", hook.url)
        for status in (404, 410):
            service.answer = lambda _endpoint, status=status: (status, {})  # type: ignore[misc] # bound
            async with delivering_to(place, service):
                await send(place, page(episode, nurse, step=str(status)))
                await settled(place, *["sent"] * (1 if status == 404 else 2))
        assert len(service.asked) == 1, "the second message did not go there any more"
        assert len(hook.told) == 2
        rows = await place.connection.fetch(
            "SELECT kind, disabled_at IS NULL AS on, disabled_reason FROM registry.member_channel"
            " ORDER BY kind"
        )
        assert [tuple(row) for row in rows] == [
            ("sms", True, None),
            ("webpush", False, "the push service answered 404"),
        ]


async def test_what_a_service_refuses_for_good_goes_another_way(plain_database_url: str) -> None:
    async with (
        county(plain_database_url) as place,
        push_service() as service,
        web_hook() as hook,
    ):
        nurse = await member(place, "nurse")
        episode = await place.open(await place.subject("aino"))
        await reach(place, nurse, "webpush", service.browser())
        await reach(place, nurse, "sms", hook.url)
        service.answer = lambda _endpoint: (413, {})
        async with delivering_to(place, service):
            await send(place, page(episode, nurse))
            (row,) = await settled(place, "sent")
        assert len(service.asked) == 1
        headers, told = hook.told[0]
        assert headers["Idempotency-Key"] == str(row["key"])
        assert told["message"] == f"Kiireellinen: avaa Saimi (hälytys {episode})."


async def test_without_another_way_it_is_tried_again_until_it_is_taken(
    plain_database_url: str,
) -> None:
    async with county(plain_database_url) as place, push_service() as service:
        nurse = await member(place, "nurse")
        episode = await place.open(await place.subject("aino"))
        await reach(place, nurse, "webpush", service.browser())
        answers = [500, 0, 500]
        service.answer = lambda _endpoint: (answers.pop(0) if answers else 201, {})
        async with delivering_to(place, service):
            await send(place, page(episode, nurse))
            # The desk, which has no channel here, was told when the only way had failed.
            row, desk = await settled(place, "sent", "failed")
        assert (desk["member"], desk["step"], desk["last_error"]) == (
            None,
            "opened",
            "no address for it",
        )
        assert row["attempts"] == 4
        tries = await deliveries(place)
        assert [one["result"] for one in tries] == ["failed", "interrupted", "failed", "sent"]
        # After a try of which nobody knows what became, the next ones say so.
        assert [one["is_repeat"] for one in tries] == [False, False, True, True]
        assert service.taken[0].content["repeat"] is True
        assert service.taken[0].content["body"].startswith("(Toistettu viesti)")


async def test_a_service_that_asks_for_a_pause_gets_it(plain_database_url: str) -> None:
    async with county(plain_database_url) as place, push_service() as service:
        nurse = await member(place, "nurse")
        episode = await place.open(await place.subject("aino"))
        other = await place.open(await place.subject("aino"), kind="spo2")
        await reach(place, nurse, "webpush", service.browser())
        answers = iter([(429, {"Retry-After": "1"})])
        service.answer = lambda _endpoint: next(answers, (201, {}))
        async with delivering_to(place, service):
            await send(place, page(episode, nurse), page(other, nurse))
            await eventually(lambda: _asked(service.asked, 1))
            paused = await place.connection.fetchrow(
                "SELECT paused_until, failures FROM ops.delivery_service"
            )
            await settled(place, "sent", "sent", "failed")
        began = [one["began_at"] for one in await deliveries(place)]
        assert len(began) == 3
        assert began[1] - began[0] >= timedelta(seconds=0.95)
        assert paused is None or paused["failures"] == 0


async def _asked(asked: list[str], count: int) -> bool:
    return len(asked) >= count


async def test_a_page_about_what_is_dealt_with_does_not_go_out(plain_database_url: str) -> None:
    async with county(plain_database_url) as place, push_service() as service:
        nurse = await member(place, "nurse")
        taken = await place.open(await place.subject("aino"))
        closed = await place.open(await place.subject("aino"), kind="spo2")
        await reach(place, nurse, "webpush", service.browser())
        place.clock = ManualClock(NOW)
        await send(
            place,
            page(taken, nurse),
            page(taken, nurse, step="stale", expires_at=NOW),
            page(taken, nurse, step="other", what="stand_down"),
            page(closed, nurse),
        )
        await place.connection.execute(
            "UPDATE alerts.episode SET acknowledged_at = $2, acknowledged_by = $3 WHERE id = $1",
            taken,
            NOW + timedelta(seconds=1),
            nurse,
        )
        await place.connection.execute(
            "UPDATE alerts.episode SET closed_at = $2, closed_by = $3, outcome = 'real'"
            " WHERE id = $1",
            closed,
            NOW,
            nurse,
        )
        async with delivering_to(place, service):
            await settled(place, "cancelled", "expired", "cancelled", "cancelled")
        assert service.asked == []


async def test_emergencies_overtake_what_waits_for_a_service(plain_database_url: str) -> None:
    slow = msgspec.structs.replace(
        QUICK, kinds={kind: Limits(per_minute=0.01, burst=2, within_s=1) for kind in QUICK.kinds}
    )
    async with county(plain_database_url) as place, push_service() as service:
        nurse = await member(place, "nurse")
        episode = await place.open(await place.subject("aino"))
        await reach(place, nurse, "webpush", service.browser())
        async with delivering_to(place, service, policy=slow):
            await send(place, *(page(episode, nurse, step=f"review-{n}") for n in range(4)))
            await settled(place, "sent", "sent", "waiting", "waiting")
            await send(place, page(episode, nurse, severity=4))
            await settled(place, "sent", "sent", "waiting", "waiting", "sent")
        waiting = [row for row in await outbox(place) if row["state"] == "waiting"]
        assert all(row["attempts"] == 0 for row in waiting)
        assert [push.content["severity"] for push in service.taken] == [3, 3, 4]


async def test_quiet_hours_hold_back_what_can_wait(plain_database_url: str) -> None:
    async with county(plain_database_url) as place, push_service() as service:
        nurse = await member(place, "nurse")
        episode = await place.open(await place.subject("aino"))
        # NOW is 14 o'clock in Finland.
        await reach(place, nurse, "webpush", service.browser(), (time(12), time(14, 30)))
        async with delivering_to(place, service):
            await send(
                place, page(episode, nurse, severity=2), page(episode, nurse, step="2", severity=3)
            )
            await settled(place, "waiting", "sent")

            async def put_off() -> list[dict[str, Any]]:
                return [row for row in await outbox(place) if row["retry_at"] is not None]

            # Not looked at yet is waiting too: what is put off only now would wait on.
            (held,) = await eventually(put_off)
            assert (held["state"], held["severity"], held["attempts"]) == ("waiting", 2, 0)
            place.clock.set(NOW + timedelta(minutes=31))
            await place.connection.execute("UPDATE alerts.outbox SET retry_at = NULL")
            await place.connection.execute("NOTIFY saimi_outbox")
            await settled(place, "sent", "sent")


async def test_mail_goes_out_with_nothing_but_where_to_look(plain_database_url: str) -> None:
    async with county(plain_database_url) as place, mail_server() as mails:
        desk = await place.open(await place.subject("aino"))
        await reach(place, None, "email", mails.url)
        async with delivering_to(place, public_url="https://saimi.example.org/"):
            await send(place, page(desk))
            (row,) = await settled(place, "sent")
        (mail,) = mails.mails
        assert mail["X-Saimi-Key"] == str(row["key"])
        text = mail.get_body(("plain",)).get_content()  # type: ignore[attr-defined] # EmailMessage
        assert text.strip() == (
            f"Kiireellinen: avaa Saimi (hälytys {desk}). https://saimi.example.org/episodes/{desk}"
        )


async def test_a_broken_channel_is_an_alert_until_it_works_again(plain_database_url: str) -> None:
    async with (
        county(plain_database_url) as place,
        push_service() as service,
        web_hook() as hook,
        worker(place.url, place.clock),
    ):
        nurse = await member(place, "nurse")
        episode = await place.open(await place.subject("aino"))
        await reach(place, nurse, "webpush", service.browser())
        await reach(place, nurse, "sms", hook.url)
        service.answer = lambda _endpoint: (500, {})

        async def technical(state: str) -> bool:
            rows = await place.connection.fetch(
                "SELECT origin, summary, cleared_at FROM alerts.episode WHERE kind = 'technical'"
            )
            if not rows:
                return state == "none"
            (row,) = rows
            assert row["origin"].startswith("channel/webpush:127.0.0.1:")
            assert row["summary"]["key"] == "channel_broken"
            return state == ("cleared" if row["cleared_at"] else "open")

        async with delivering_to(place, service):
            for number in range(4):
                await send(place, page(episode, nurse, step=str(number)))
                await settled(place, *["sent"] * (number + 1), episode=episode)
            assert len(hook.told) == 4, "each went by the next channel at once"
            await eventually(lambda: technical("open"))
            service.answer = lambda _endpoint: (201, {})
            number = 4

            async def works() -> bool:
                nonlocal number
                await send(place, page(episode, nurse, step=str(number)))
                number += 1
                await settled(place, *["sent"] * number, episode=episode)
                return len(service.taken) > 0

            # Now and then a message goes by the broken one as well, to see.
            await eventually(works)
            assert len(hook.told) == number
            await eventually(lambda: technical("cleared"))


async def test_what_a_dead_worker_had_in_hand_is_repeated_and_says_so(
    plain_database_url: str,
) -> None:
    async with county(plain_database_url) as place, push_service() as service:
        nurse = await member(place, "nurse")
        episode = await place.open(await place.subject("aino"))
        await reach(place, nurse, "webpush", service.browser())
        hanging = asyncio.Event()

        def hang(_endpoint: str) -> None:
            hanging.set()

        service.answer = hang
        patient = msgspec.structs.replace(
            QUICK,
            again=Again(first_s=600, most_s=600),
            kinds={k: Limits(per_minute=600, burst=100, within_s=50) for k in QUICK.kinds},
        )
        async with delivering_to(place, service, policy=patient):
            await send(place, page(episode, nurse))
            await asyncio.wait_for(hanging.wait(), 10)
            await place.connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            service.answer = lambda _endpoint: (201, {})
            async with delivering_to(place, service, policy=patient):
                await settled(place, "sent")
            service.answer = lambda _endpoint: (201, {})
        assert [push.content["repeat"] for push in service.taken] == [True]
        assert [one["result"] for one in await deliveries(place)] == ["interrupted", "sent"]


async def test_a_worker_for_what_is_urgent_leaves_the_rest(plain_database_url: str) -> None:
    async with county(plain_database_url) as place, push_service() as service:
        nurse = await member(place, "nurse")
        episode = await place.open(await place.subject("aino"))
        await reach(place, nurse, "webpush", service.browser())
        async with delivering_to(place, service, least=3):
            await send(
                place, *(page(episode, nurse, step=str(n), severity=n) for n in (1, 2, 3, 4))
            )
            rows = await settled(place, "waiting", "waiting", "sent", "sent")
        assert {row["severity"] for row in rows if row["state"] == "sent"} == {3, 4}


async def test_a_message_that_cannot_be_taken_stalls_no_other(
    plain_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(policy: Any, severity: int, *given: Any, **more: Any) -> Any:
        if severity == 4:
            raise ZeroDivisionError
        return choose(policy, severity, *given, **more)

    monkeypatch.setattr(post, "choose", failing)
    async with county(plain_database_url) as place, push_service() as service:
        nurse = await member(place, "nurse")
        episode = await place.open(await place.subject("aino"))
        await reach(place, nurse, "webpush", service.browser())
        # What a service says of itself is stored where it can be, and harms nothing.
        service.answer = lambda _endpoint: (201, {"Location": "/caf\u00e9"})
        async with delivering_to(place, service):
            await send(place, page(episode, nurse, severity=4), page(episode, nurse, step="2"))
            await settled(place, "waiting", "sent")
            monkeypatch.undo()
            await place.connection.execute("UPDATE alerts.outbox SET retry_at = NULL")
            await place.connection.execute("NOTIFY saimi_outbox")
            await settled(place, "sent", "sent")
        assert {one["receipt"] for one in await deliveries(place)} == {None}


async def test_after_an_outage_the_last_reminder_comes_and_not_all_of_them(
    plain_database_url: str,
) -> None:
    async with county(plain_database_url) as place, push_service() as service:
        nurse = await member(place, "nurse")
        episode = await place.open(await place.subject("aino"))
        other = await place.open(await place.subject("aino"), kind="spo2")
        await reach(place, nurse, "webpush", service.browser())
        service.answer = lambda _endpoint: (500, {})
        patient = msgspec.structs.replace(QUICK, again=Again(first_s=600, most_s=600))
        async with delivering_to(place, service, policy=patient):
            for number in range(3):
                await send(
                    place, page(episode, nurse, step=str(number), what="reminder", severity=4)
                )
                await eventually(partial(_asked, service.asked, number + 1))
            await send(place, page(other, nurse))
            await eventually(partial(_asked, service.asked, 4))

            async def recorded() -> bool:
                results = [one["result"] for one in await deliveries(place)]
                return results == ["failed"] * 4

            await eventually(recorded)
            service.answer = lambda _endpoint: (201, {})
            await place.connection.execute(
                "UPDATE alerts.outbox SET retry_at = NULL WHERE worker IS NULL"
            )
            await place.connection.execute("NOTIFY saimi_outbox")

            async def quiet() -> bool:
                rows = await outbox(place)
                return all(row["state"] != "waiting" for row in rows if row["member"] == nurse)

            await eventually(quiet)
        states = {
            (row["episode"], row["step"]): row["state"]
            for row in await outbox(place)
            if row["member"] == nurse
        }
        assert states == {
            (episode, "0"): "cancelled",
            (episode, "1"): "cancelled",
            (episode, "2"): "sent",
            (other, "opened"): "sent",
        }


async def test_a_service_that_hangs_is_left_in_time_and_nobody_knows() -> None:
    async with push_service() as service, aiohttp.ClientSession() as session:
        service.answer = lambda _endpoint: None
        sender = WebPush(session, IDENTITY, allowed=[service.origin])
        secret = json.dumps(service.browser().subscription)
        message = Outgoing(uuid4(), 1, 4, "page", "fi", False, 60.0, "high")
        address = Address(1, "webpush", "webpush:here", secret)
        outcome = await sender.send(address, message, within_s=0.2)
        assert outcome == Outcome("interrupted", "the push service gave no answer in time")
    unreachable = Outcome("failed", "the push service cannot be reached")
    async with aiohttp.ClientSession() as session:
        # Nobody listens there any more.
        sender = WebPush(session, IDENTITY, allowed=[service.origin])
        assert await sender.send(address, message, within_s=20) == unreachable
