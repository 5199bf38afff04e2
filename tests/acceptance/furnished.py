"""The small county with something in every corner of every page."""

from __future__ import annotations

import json
from datetime import timedelta

from alerts.delivery.channels import shipped_policy
from alerts.routing.values import shipped_values
from core.catalogue import catalogue
from core.clock import LOCAL, wall_time
from tests.integration.rules_support import STRICTER, add_chief, proposed, report
from tests.integration.steward_support import add_administrator, add_clinician
from tests.integration.web_support import County
from tests.integration.weeks_support import twelve_weeks
from web.steward.routing_document import Routing

_RECORD = {
    "oxygen_flow": 1.5,
    "usual_cognition": "Muistaa nimet, ei viikonpäivää.",
    "contacts": [
        {"role": "next_of_kin", "name": "Oili Ahola", "phone": "+358 40 000 0002"},
        {"role": "neighbour", "name": "Eino Naapuri", "phone": "+358 40 000 0003"},
    ],
    "remote_visit": "https://etakaynti.example/aino",
}


async def furnish(place: County) -> dict[str, object]:
    """Fill the county; what pages are addressed by, by the names that tests/acceptance/pages.py
    uses.
    """
    connection, now = place.connection, place.clock.now()
    await add_clinician(place)
    await add_administrator(place)
    today = now.astimezone(LOCAL).date()
    care = {
        "agreed": ["no_cpr", "no_transfer"],
        "agreed_by": "Leo Lääkäri",
        "agreed_on": (today - timedelta(days=60)).isoformat(),
        "review_on": (today + timedelta(days=120)).isoformat(),
    }
    await connection.execute(
        "UPDATE registry.home SET hazards = '{dog,smoking_with_oxygen}', door_code = '4711',"
        " latitude = 61.17, longitude = 28.77 WHERE name = 'h1'"
    )
    await connection.execute(
        "UPDATE registry.client SET record = $1::jsonb, conditions = '{COPD,heart failure}'"
        " WHERE reference = 'aino'",
        json.loads(json.dumps(_RECORD | {"care_limits": care})),
    )
    aino = await place.subject("aino")
    for metric, unit in (("spo2", 90.0), ("pulse", 88.0)):
        await place.put(
            aino, "monitor-1", metric,
            [(now - timedelta(hours=hours), unit - hours % 3) for hours in range(1, 72)],
        )  # fmt: skip
    await place.put(
        aino, "motion-kitchen", "motion",
        [(now - timedelta(hours=hours, minutes=7), 1.0) for hours in range(1, 48)],
    )  # fmt: skip
    await twelve_weeks(place)
    mine = await place.open(aino, severity=4)
    await place.open(aino, "limit", severity=3, metric="spo2", limit=88, value=84, own=True)
    helped = await place.open(aino, "help")
    silent = await _unheard(place)
    closed = await place.open(aino, "fall", severity=4)
    nurse = await connection.fetchval("SELECT id FROM registry.member WHERE username = 'nurse'")
    await connection.execute(
        "UPDATE alerts.episode SET acknowledged_by = $2, acknowledged_at = $3,"
        " acknowledged_until = $4, version = version + 1 WHERE id = $1",
        mine, nurse, now, now + timedelta(hours=1),
    )  # fmt: skip
    await connection.execute(
        "UPDATE alerts.episode SET closed_at = $2, closed_by = $3, outcome = 'real', note = $4,"
        " version = version + 1 WHERE id = $1",
        closed, now, nurse, "Kaatunut keittiössä, ei vammoja. Sovittu uusi käynti illaksi.",
    )  # fmt: skip
    gateway, device = await _unowned(place)
    code = await _own_page(place, aino)
    # Whose care is long over.
    past = await place.subject("berta")
    await connection.execute(
        "UPDATE registry.care_relationship SET during = tstzrange('-infinity', '2000-01-01')"
        " WHERE subject = $1", past,
    )  # fmt: skip
    return {
        "past": await place.pseudonym("berta"),
        "code": code,
        "gateway": gateway,
        "device": device,
        "severe": "urgent",
        "rule": "severe_blood_pressure",
        "mild": "review",
        "team": await _routing(place),
        "member": nurse,
        "shift": await _rota(place),
        **await _proposals(place, closed),
        "mine": mine,
        "help": helped,
        "silent": silent,
        "closed": closed,
        "pseudonym": await place.pseudonym("aino"),
        "nobody": "qqqq",
        "month": f"{now.astimezone(LOCAL):%Y-%m}",
    }


async def _unheard(place: County) -> int:
    """A home that is silent by itself, and an area that is out; the number of the first's alert."""
    connection, now = place.connection, place.clock.now()
    for code, latitude, longitude in (("im", 61.1719, 28.7686), ("la", 61.0583, 28.1887)):
        await connection.execute(
            "UPDATE registry.area SET latitude = $2, longitude = $3 WHERE code = $1",
            code, latitude, longitude,
        )  # fmt: skip
    last = (now - timedelta(hours=3)).isoformat()
    silent = await place.open(await place.home("aino"), "silence", severity=2)
    area = await connection.fetchval(
        "SELECT s.id FROM registry.subject s JOIN registry.area a ON a.id = s.area"
        " WHERE a.code = 'la'"
    )
    out = await place.open(area, "outage", severity=3)
    for episode, key, params in (
        (silent, "gateway_silent",
         {"gateway": "gw-1", "last": last, "devices": 2, "said": True, "needs": {"oxygen": 1}}),
        (out, "area_outage",
         {"since": last, "lost": 41, "watched": 52, "needs": {"oxygen": 2, "help_button": 9}}),
    ):  # fmt: skip
        await connection.execute(
            "UPDATE alerts.episode SET summary = summary || $2 WHERE id = $1",
            episode, {"key": key, "params": params},
        )  # fmt: skip
    await connection.execute(
        "INSERT INTO alerts.lost_gateway SELECT id, $1, $2 FROM registry.gateway"
        " WHERE name = 'gw-2'", area, now - timedelta(hours=3),
    )  # fmt: skip
    return silent


async def _own_page(place: County, aino: int) -> str:
    """Calls of Aino's and a look at her data; the code with which she logs in at her own page."""
    now, connection = place.clock.now(), place.connection
    asked = await place.open(aino, "call_request", severity=2)
    nurse = await connection.fetchval("SELECT id FROM registry.member WHERE username = 'nurse'")
    await connection.execute(
        "INSERT INTO alerts.own_word (action, subject, at, wall_at, what, words)"
        " VALUES (gen_random_uuid(), $1, $2, $2, 'call', 'Huimaa aamuisin.')", aino, now,
    )  # fmt: skip
    before = await place.open(aino, "call_request", severity=2, origin="before")
    await connection.execute(
        "UPDATE alerts.episode SET closed_at = $2, closed_by = $3, outcome = 'real' WHERE id = $1",
        before, now, nurse,
    )  # fmt: skip
    assert asked < before
    for what, purpose in (("trends", "care"), ("episode", "care")):
        await connection.execute(
            "INSERT INTO audit.access (wall_at, member, subject, what, purpose)"
            " VALUES ($1, $2, $3, $4, $5)", wall_time(), nurse, aino, what, purpose,
        )  # fmt: skip
    await connection.execute(
        "INSERT INTO audit.client_code VALUES (audit.hash_token('ABCDEFGHJKLM'), $1, $2, $3, $4)",
        aino, nurse, wall_time(), wall_time() + timedelta(days=1),
    )  # fmt: skip
    return "ABCD-EFGH-JKLM"


async def _routing(place: County) -> int:
    """A change of routing, and one of a team; the team's number."""
    connection, now = place.connection, place.clock.now()
    before = Routing(0, shipped_values(), shipped_policy()).document()
    after = Routing(0, shipped_values(), shipped_policy()).document()
    after["severity"]["urgent"]["lease_min"] = 45
    team = await connection.fetchval("SELECT min(id) FROM registry.team")
    row = await connection.fetchval("SELECT registry.team_routing($1)", team)
    for what, detail in (
        ("routing", {"before": before, "after": after}),
        ("team", {"team": team, "before": {**row, "areas": []}, "after": row}),
    ):
        await connection.execute(
            "INSERT INTO audit.change (at, wall_at, member, what, detail, why)"
            " SELECT $1, $1, id, $2, $3, 'Yöt ovat hiljaisia.' FROM registry.member"
            " WHERE username = 'desk'",
            now, what, detail,
        )  # fmt: skip
    return int(team)


async def _rota(place: County) -> int:
    """Shifts with gaps between them, one of them changed; the number of the one that is served."""
    now, connection = place.clock.now(), place.connection
    hour = timedelta(hours=1)
    numbers = [
        await connection.fetchval(
            "INSERT INTO registry.shift (team, member, during) SELECT t.id, m.id,"
            " tstzrange($2, $3) FROM registry.team t, registry.member m"
            " WHERE t.name = 'Imatra team' AND m.username = $1 RETURNING id",
            who, now + start * hour, now + end * hour,
        )
        for who, start, end in (("nurse", -3, 6), ("mate", 6, 30), ("nurse", 40, 48))
    ]  # fmt: skip
    await connection.execute(
        "INSERT INTO audit.change (at, wall_at, member, what, detail, why)"
        " SELECT $1, $1, d.id, 'rota', jsonb_build_object('team', t.id, 'relieved', n.id,"
        " 'serving', m.id, 'since', $2::timestamptz, 'until', $3::timestamptz), 'Kuumetta.'"
        " FROM registry.member d, registry.member n, registry.member m, registry.team t"
        " WHERE d.username = 'desk' AND n.username = 'nurse' AND m.username = 'mate'"
        " AND t.name = 'Imatra team'",
        now, now + 6 * hour, now + 14 * hour,
    )  # fmt: skip
    return int(numbers[0])


async def _proposals(place: County, episode: int) -> dict[str, object]:
    """A change of rules that waits for a decision, and one that was accepted."""
    now, connection = place.clock.now(), place.connection
    await add_chief(connection)
    found = report(now, episode, await place.pseudonym("aino"))
    accepted = await proposed(connection, STRICTER, now=now - timedelta(days=9), found=found)
    await connection.execute(
        "INSERT INTO alerts.rule_decision (proposal, outcome, member, decided_at, wall_at, why)"
        " SELECT $1, 'accepted', id, $2, $2, 'Kokeillaan keväällä.' FROM registry.member"
        " WHERE username = 'desk'",
        accepted, now - timedelta(days=8),
    )  # fmt: skip
    both = STRICTER.replace("raise = { total = 5 }", "raise = { total = 6 }", 1)
    waiting = await proposed(
        connection, both, now=now, before=STRICTER, models="spring", found=found
    )
    return {"accepted": accepted, "proposal": waiting}


async def _unowned(place: County) -> tuple[int, int]:
    """Readings that are nobody's, of a device that nobody registered and of a shared one; the
    gateway's number and the shared device's.
    """
    now = place.clock.now()
    row = await place.connection.fetchrow(
        "SELECT d.id, d.gateway FROM registry.device d JOIN registry.gateway g ON g.id = d.gateway"
        " WHERE g.name = 'gw-1' AND d.name = 'monitor-1'"
    )
    assert row is not None
    spo2 = catalogue()["spo2"].id
    at = now - timedelta(minutes=13)
    await place.connection.execute(
        "INSERT INTO telemetry.reading (time, received_at, value, device, subject, metric, state)"
        " VALUES ($1, $1, 93, $2, 0, $3, 1)", at, row["id"], spo2,
    )  # fmt: skip
    await place.connection.execute(
        "INSERT INTO telemetry.held VALUES ($1, $2, $3, 2, 0, $4)", row["id"], spo2, at, now
    )
    await place.connection.execute(
        "INSERT INTO telemetry.rejected (received_at, gateway, topic, reason, detail, record, size)"
        " VALUES ($1, 'gw-1', 'saimi/v1/gw-1/senml/x', 'unknown_device', 'who?', $2, 10)",
        now, {"device": "scale-9", "metric": "weight", "unit": "kg", "value": 71.5},
    )  # fmt: skip
    return row["gateway"], row["id"]
