"""A client's plan: who may change it, what is refused and kept, and that the engine goes by it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from core.clock import ManualClock, wall_time
from core.database import NOTE_CHANNEL, connect
from core.registry import parse_document
from core.registry_import import import_document
from core.roles import web_urls
from tests.integration.alerts_support import worker
from tests.integration.steward_support import Desk, desk, fields, logged_in, send
from tests.integration.web_support import COUNTY, NOW, Browser
from tests.support.waiting import eventually


@pytest.fixture
async def at_desk(plain_database_url: str) -> AsyncIterator[Desk]:
    async with desk(plain_database_url) as one:
        yield one


async def plan_form(browser: Browser, path: str) -> list[tuple[str, str]]:
    return fields(await browser.page(path), "plan")


async def test_the_engine_goes_by_a_changed_limit_at_once(at_desk: Desk) -> None:
    place = at_desk.place
    aino = await place.subject("aino")
    await place.put(aino, "monitor-1", "spo2", [(NOW - timedelta(minutes=2), 91.0)])

    async def note() -> None:
        await place.connection.execute(
            "INSERT INTO telemetry.note (subject, since, until, noted_at) VALUES ($1, $2, $2, $3)",
            aino, NOW, wall_time(),
        )  # fmt: skip
        await place.connection.execute("SELECT pg_notify($1, '')", NOTE_CHANNEL)

    async def looked() -> bool:
        left: int = await place.connection.fetchval("SELECT count(*) FROM telemetry.note")
        return left == 0

    async def rules() -> set[str]:
        rows = await place.connection.fetch(
            "SELECT summary ->> 'rule' AS rule FROM alerts.episode WHERE subject = $1", aino
        )
        return {row["rule"] for row in rows}

    path = f"/clients/{await at_desk.pseudonym()}/plan"
    async with worker(place.url, ManualClock(NOW)), logged_in(at_desk.address, "klaara") as klaara:
        await note()
        await eventually(looked)
        assert "spo2_below_range" not in await rules()
        form = await plan_form(klaara, path)
        assert dict(form)["limit.spo2.low"] == "88"
        status, _ = await send(
            klaara, path, form, limit__spo2__low="92,5", limit__spo2__high="97", why="home oxygen"
        )
        assert status == 303

        async def opened() -> bool:
            return "spo2_below_range" in await rules()

        await eventually(opened)
        said = await klaara.page(path)
    assert "Klaara Clinician" in said
    assert "home oxygen" in said
    assert "88–92 % → 92" in said.replace("\N{NO-BREAK SPACE}", " ")


async def test_a_clinician_changes_everything_and_each_change_is_kept(at_desk: Desk) -> None:
    path = f"/clients/{await at_desk.pseudonym()}/plan"
    async with logged_in(at_desk.address, "klaara") as klaara:
        form = await plan_form(klaara, path)
        status, _ = await send(
            klaara, path, form,
            oxygen="yes", oxygen_flow="1,5", spo2_scale="2", known_conditions="COPD",
            conditions="gout\n<b>asthma</b>", medicines="insulin", frail="yes",
            care_limits="no_cpr", agreed_by="Leo Lääkäri", agreed_on="2026-03-01",
            review_on="2026-09-01", usual_cognition="knows names", why="first plan",
            rule__weight_gain__raise__kg="1.5", rule__weight_gain__clear__kg="0.5",
            rule__room_cold__on="off",
        )  # fmt: skip
        assert status == 303
        page = await klaara.page(path)
        assert "&lt;b&gt;asthma" in page
        again = dict(fields(page, "plan"))
        assert again["rule.weight_gain.raise.kg"] == "1,5"
        assert again["oxygen_flow"] == "1,5"
        # And nothing changes what is not on the form.
        status, _ = await send(klaara, path, fields(page, "plan"), frail="", why="not so frail")
        assert status == 303
    rows = await at_desk.place.connection.fetch("SELECT * FROM audit.change ORDER BY id")
    assert [row["why"] for row in rows] == ["first plan", "not so frail"]
    first, second = (row["detail"] for row in rows)
    assert first["before"]["record"] == {}
    assert first["after"] == second["before"]
    record = dict(second["after"]["record"])
    assert record.pop("frail", False) is False
    assert record["rules"] == [
        {"rule": "weight_gain", "set_by": "Klaara Clinician", "raise": {"kg": 1.5},
         "clear": {"kg": 0.5}},
        {"rule": "room_cold", "set_by": "Klaara Clinician", "enabled": False},
    ]  # fmt: skip
    assert second["after"]["conditions"] == ["COPD", "gout", "<b>asthma</b>"]
    for statement in ("UPDATE audit.change SET why = 'x'", "DELETE FROM audit.change"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await at_desk.place.connection.execute(statement)
    assert ("klaara", "aino", "plan", "care") in await at_desk.place.looks()


CONTRADICTIONS: tuple[tuple[dict[str, str], tuple[str, ...]], ...] = (
    ({"limit__pulse__low": "90", "limit__pulse__high": "80"}, ("90", "80", "Syke")),
    ({"rule__weight_gain__raise__kg": "2", "rule__weight_gain__clear__kg": "3"}, ("2", "3")),
    ({"limit__spo2__low": "", "spo2_scale": "2"}, ("asteikko 2",)),
    ({"oxygen": "no", "oxygen_flow": "2"}, ("2,0 l/min",)),
    ({"limit__temperature__low": "cold"}, ("Ruumiinlämpö", "10–47")),
    ({"limit__temperature__low": "nan"}, ("Ruumiinlämpö",)),
    ({"limit__pulse__high": "100000"}, ("Syke",)),
    ({"rule__help__on": "off"}, ("help",)),
    ({"rule__news2_high__raise__total": "20"}, ("news2_high",)),
    ({"rule__beyond_meter__on": "off"}, ("beyond_meter",)),
    ({"care_limits": "palliative"}, ("kuka niistä sopi",)),
    ({"care_limits": "palliative", "agreed_by": "L", "agreed_on": "2026-02-02",
      "review_on": "2026-02-01"}, ("2.2.2026", "1.2.2026")),
    ({"conditions": "hart failure"}, ("hart failure", "heart failure")),
    ({"why": " "}, ("Kerro syy",)),
)  # fmt: skip


async def test_what_contradicts_itself_is_refused_in_a_sentence(at_desk: Desk) -> None:
    path = f"/clients/{await at_desk.pseudonym()}/plan"
    async with logged_in(at_desk.address, "klaara") as klaara:
        form = await plan_form(klaara, path)
        for changed, said in CONTRADICTIONS:
            status, page = await send(klaara, path, form, **({"why": "a test"} | changed))
            assert status == 400, changed
            failure = page.partition('id="failure">')[2].partition("<")[0]
            assert all(word in failure for word in said), failure
            # What was filled in is still there.
            sent = dict(fields(page, "plan"))
            for name, value in changed.items():
                if "rule" not in name and name not in ("care_limits", "conditions"):
                    assert sent[name.replace("__", ".")].strip() == value.strip()
    count = await at_desk.place.connection.fetchval("SELECT count(*) FROM audit.change")
    assert count == 0


async def test_two_at_once_are_told_of_each_other_and_nothing_is_lost(at_desk: Desk) -> None:
    path = f"/clients/{await at_desk.pseudonym()}/plan"
    async with logged_in(at_desk.address, "klaara") as klaara:
        form = await plan_form(klaara, path)
        later = await plan_form(klaara, path)
        assert (await send(klaara, path, form, limit__pulse__high="110", why="one"))[0] == 303
        # The same form again, as after a lost answer, changes once.
        assert (await send(klaara, path, form, limit__pulse__high="110", why="one"))[0] == 303
        status, page = await send(klaara, path, later, limit__pulse__low="50", why="two")
        assert status == 409
        both = fields(page, "plan")
        assert dict(both)["limit.pulse.high"] == "110"
        assert dict(both)["limit.pulse.low"] == "50"
        assert (await send(klaara, path, both))[0] == 303
    rows = await at_desk.place.connection.fetch("SELECT why, detail FROM audit.change ORDER BY id")
    assert [row["why"] for row in rows] == ["one", "two"]
    assert rows[1]["detail"]["after"]["limits"]["pulse"] == [50, 110]


async def test_who_may_change_what(at_desk: Desk) -> None:
    pseudonym = await at_desk.pseudonym()
    path = f"/clients/{pseudonym}/plan"
    pause = {"kind": "hospital", "since": "", "until": "2026-03-05T12:00"}
    async with logged_in(at_desk.address, "klaara") as klaara:
        form = [one for one in await plan_form(klaara, path) if one[0] != "token"]
        await klaara.page(f"/clients/{await at_desk.pseudonym('berta')}/plan", status=404)
    for username, plan, pausing in (
        ("nurse", 403, 303),
        ("desk", 403, 400),  # there is one already
        ("stranger", 404, 404),
        ("operator", 404, 404),
    ):
        async with logged_in(at_desk.address, username) as browser:
            status, _ = await send(browser, path, form, limit__pulse__high="99", why="not mine")
            assert status == plan, username
            fresh = [*pause.items(), ("action", str(uuid.uuid4()))]
            status, _ = await send(browser, f"/clients/{pseudonym}/pauses", fresh)
            assert status == pausing, username
    limits = await at_desk.place.connection.fetchval("SELECT count(*) FROM registry.client_limit")
    assert limits == 1


async def test_pauses_are_set_with_an_end_once_and_ended_by_name(at_desk: Desk) -> None:
    pseudonym = await at_desk.pseudonym()
    path = f"/clients/{pseudonym}/plan"
    async with logged_in(at_desk.address, "nurse") as nurse:
        form = fields(await nurse.page(path), "pause")
        for wrong, said in (
            ({"until": ""}, "päättyy"),
            ({"until": "2026-03-01T10:00"}, "ennen kuin se alkaa"),
            ({"since": "2026-03-01T10:00", "until": "2026-03-02T10:00"}, "jo ohi"),
            ({"until": "2026-06-01T10:00"}, "60"),
            ({"kind": "forever", "until": "2026-03-05T10:00"}, "syy"),
        ):
            status, page = await send(nurse, f"/clients/{pseudonym}/pauses", form, **wrong)
            assert status == 400
            assert said in page.partition('id="pause-failure">')[2].partition("<")[0]
        for _ in range(2):  # sent twice, set once
            status, _page = await send(
                nurse, f"/clients/{pseudonym}/pauses", form, kind="guests", until="2026-03-05T10:00"
            )
            assert status == 303
        rows = await at_desk.place.connection.fetch(
            "SELECT p.*, s.kind AS whose FROM registry.pause p JOIN registry.subject s"
            " ON s.id = p.subject"
        )
        assert [(row["kind"], row["whose"]) for row in rows] == [("guests", "home")]
        assert rows[0]["until"].hour == 8  # county time
        end = f"/clients/{pseudonym}/pauses/{rows[0]['id']}/end"
        other = f"/clients/{await at_desk.pseudonym('urho')}/pauses/{rows[0]['id']}/end"
        action = [("action", str(uuid.uuid4()))]
        assert (await send(nurse, other, action))[0] == 404  # not a client of hers
        assert (await send(nurse, end, action))[0] == 303
        assert "Nina Nurse" in await nurse.page(path)
    ended = await at_desk.place.connection.fetchrow("SELECT * FROM registry.pause")
    assert ended is not None
    assert ended["ended_at"] == NOW


async def test_the_web_role_changes_no_plan_but_as_a_clinician(at_desk: Desk) -> None:
    place = at_desk.place
    aino = await place.subject("aino")
    web = await connect((await web_urls(place.url)).web)
    try:
        for statement in (
            "UPDATE registry.client SET spo2_scale = 2",
            "UPDATE registry.client_limit SET high = 100",
            "DELETE FROM registry.client_limit",
            "INSERT INTO audit.change (at, wall_at, what) VALUES (now(), now(), 'plan')",
            "SELECT audit.note_change(gen_random_uuid(), 'plan', 1, '{}', 'x')",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await web.execute(statement)
        answer = await web.fetchval(
            "SELECT registry.change_plan(gen_random_uuid(), $1, '', '{}', 'x')", aino
        )
        assert answer == "refused"
    finally:
        await web.close()


async def test_an_import_that_changes_a_plan_is_on_record(at_desk: Desk) -> None:
    document = parse_document(COUNTY.replace("low = 88", "low = 89"), form="toml")
    for _ in range(2):
        await import_document(at_desk.place.connection, document, now=NOW)
    rows = await at_desk.place.connection.fetch("SELECT * FROM audit.change")
    assert [(row["member"], row["detail"]["after"]["limits"]) for row in rows] == [
        (None, {"spo2": [89, 92]})
    ]
