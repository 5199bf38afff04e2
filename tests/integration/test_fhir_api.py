"""FHIR reads: what there is, page by page, to whom it may be shown, and each look on record."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from core.clock import wall_time
from tests.integration.fhir_support import (
    AUDIENCE,
    ISSUER,
    READ,
    Api,
    Identity,
    fhir_api,
    found,
    link,
    said,
)
from tests.integration.web_support import NOW, County, county
from web.tokens import IssuerAwayError


@dataclass
class Served:
    place: County
    identity: Identity
    session: aiohttp.ClientSession
    aino: str

    def api(self, username: str | None = "nurse", scope: str = READ, **claims: Any) -> Api:
        return Api(self.session, self.identity.token(username, scope, **claims))


@pytest.fixture
async def served(plain_database_url: str, tmp_path: Path) -> AsyncIterator[Served]:
    identity = Identity(tmp_path / "keys.json")
    async with county(plain_database_url) as place:
        subject = await place.subject("aino")
        for metric, value in (("systolic", 151.0), ("diastolic", 80.5), ("pulse", 61.0)):
            rows = [(NOW - timedelta(hours=n, microseconds=7), value + n) for n in range(10)]
            await place.put(subject, "monitor-1", metric, rows)
        async with fhir_api(place, identity) as session:
            yield Served(place, identity, session, await place.pseudonym("aino"))


async def test_readings_are_found_page_by_page_each_once(served: Served) -> None:
    api, aino = served.api(), served.aino
    for sort in ("date", "-date"):
        seen: list[dict[str, Any]] = []
        where: str | None = f"Observation?patient={aino}&_sort={sort}&_count=3"
        pages = 0
        while where is not None:
            page = await api.get(where)
            seen += found(page)
            where, pages = link(page, "next"), pages + 1
            assert pages <= 7
        assert pages == 7
        assert len({one["id"] for one in seen}) == len(seen) == 20
        times = [one["effectiveDateTime"] for one in seen]
        assert times == sorted(times, reverse=sort == "-date")
        panels = [one for one in seen if "component" in one]
        assert {len(one["component"]) for one in panels} == {2}
        assert all("valueQuantity" in part for one in panels for part in one["component"])


async def test_code_category_and_date_narrow_it_down(served: Served) -> None:
    api, aino = served.api(), served.aino
    base = f"Observation?patient=Patient/{aino}"
    assert len(found(await api.get(f"{base}&code=http://loinc.org|8867-4"))) == 10
    assert len(found(await api.get(f"{base}&code=8480-6"))) == 10
    assert len(found(await api.get(f"{base}&code=9279-1"))) == 0
    assert len(found(await api.get(f"{base}&category=vital-signs&date=ge2026-03-03T10:00Z"))) == 4
    assert len(found(await api.get(f"{base}&date=lt2020"))) == 0
    none = await api.get(f"{base}&date=ge2026-01-01&date=lt2026-02-01")
    assert "entry" not in none


async def test_one_observation_has_a_tag_and_is_not_sent_twice(served: Served) -> None:
    api, aino = served.api(), served.aino
    (one,) = found(await api.get(f"Observation?patient={aino}&code=8867-4&_count=1"))
    assert await api.get(f"Observation/{one['id']}") == one
    tag = api.headers["ETag"]
    assert await api.get(f"Observation/{one['id']}", status=304, If_None_Match=tag) is None
    await served.place.connection.execute("UPDATE telemetry.reading SET state = 2")
    struck = await api.get(f"Observation/{one['id']}", If_None_Match=tag)
    assert struck["status"] == "entered-in-error"


async def test_a_client_is_a_pseudonym_unless_the_token_may_know_more(served: Served) -> None:
    aino = served.aino
    plain = await served.api().get(f"Patient/{aino}")
    assert set(plain) == {"resourceType", "id", "meta", "identifier", "active"}
    api = served.api(scope="user/*.rs saimi/identity")
    named = await api.get(f"Patient/{aino}")
    assert named["name"] == [{"use": "official", "family": "Ahola", "given": ["Aino"]}]
    assert named["birthDate"] == "1940-03-04"
    assert named["address"][0]["city"] == "Imatra"
    (one,) = found(await api.get("Patient?identifier=urn:saimi:reference|aino"))
    assert one["id"] == aino
    refused = await served.api().get("Patient?identifier=urn:saimi:reference|aino", status=403)
    assert "saimi/identity" in said(refused)
    assert {row["id"] for row in found(await served.api().get("Patient"))} == {aino}


async def test_alerts_are_flags_and_issues_with_what_is_behind_them(served: Served) -> None:
    place, api, aino = served.place, served.api(), served.aino
    episode = await place.open(await place.subject("aino"))
    number = await place.connection.fetchval(
        "SELECT id FROM registry.device WHERE name = 'monitor-1' ORDER BY id LIMIT 1"
    )
    await place.connection.execute(
        "UPDATE alerts.episode SET evidence = jsonb_set(evidence, '{0,device_id}', $1)", number
    )
    (flag,) = found(await api.get(f"Flag?patient={aino}&status=active"))
    assert flag["id"] == str(episode)
    assert flag["status"] == "active"
    assert "NEWS2" in flag["code"]["text"]
    assert found(await api.get(f"Flag?patient={aino}&status=inactive")) == []
    (issue,) = found(await api.get(f"DetectedIssue?patient={aino}"))
    assert issue["severity"] == "high"
    assert issue["implicated"][0]["reference"].startswith(f"Observation/2-{number}-")
    assert await api.get(f"DetectedIssue/{episode}") == issue
    assert await api.get(f"Flag/{episode}") == flag
    await served.api("stranger").get(f"Flag/{episode}", status=404)


async def test_everything_of_a_client_is_a_bundle_of_pages(served: Served) -> None:
    await served.place.open(await served.place.subject("aino"))
    api, seen = served.api(), []
    where: str | None = f"Patient/{served.aino}/$everything?_count=8"
    while where is not None:
        page = await api.get(where)
        seen += found(page)
        where = link(page, "next")
    kinds = [one["resourceType"] for one in seen]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "Patient": 1, "Device": 1, "Flag": 1, "DetectedIssue": 1, "Observation": 20,
    }  # fmt: skip
    devices = {f"Device/{one['id']}" for one in seen if one["resourceType"] == "Device"}
    assert {one["device"]["reference"] for one in seen if "device" in one} == devices


async def test_kanta_gets_a_batch_in_the_language_asked_for(served: Served) -> None:
    bundle = await served.api().get(f"Patient/{served.aino}/$kanta-phr?_lang=sv")
    assert bundle["type"] == "batch"
    assert len(found(bundle)) == 10
    one = found(bundle)[0]
    assert one["language"] == "sv"
    assert "Övertryck: 160" in one["text"]["div"]


async def test_every_look_is_on_record_with_who_asked(served: Served) -> None:
    api, aino = served.api(), served.aino
    for path in (f"Patient/{aino}", f"Observation?patient={aino}", f"Device?patient={aino}",
                 f"Flag?patient={aino}", f"Patient/{aino}/$everything",
                 f"Patient/{aino}/$kanta-phr"):  # fmt: skip
        await api.get(path)
    looks = await served.place.looks()
    assert looks == [("nurse", "aino", "fhir", "care")] * 6
    details = await served.place.connection.fetch("SELECT detail FROM audit.access ORDER BY id")
    assert {row["detail"]["client"] for row in details} == {"record"}
    assert details[-1]["detail"]["resource"] == "kanta-phr"


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("Observation?patient={}&code=12345-6", 400, "measures nothing with the code"),
        ("Observation?patient={}&date=ge2026-02-01&date=lt2026-01-01", 400, "before it begins"),
        ("Observation?patient={}&date=ge1926-01-01", 400, "longer than ten years"),
        ("Observation?patient={}&value-quantity=gt5", 400, "no search parameter"),
        ("Observation?patient={}&_cursor=xyz", 400, "follow the links"),
        ("Observation?code=8867-4", 400, "Say whose"),
        ("Observation?patient=nobody", 404, ""),
        ("Patient/%00", 404, ""),
        ("Observation/1-2-3", 404, ""),
        ("Device/99999999", 404, ""),
        ("Flag/1", 404, ""),
        ("Encounter/1", 404, ""),
        ("Patient/{}?_format=xml", 406, "Only JSON"),
    ],
)
async def test_what_cannot_be_is_said_in_an_outcome(
    served: Served, path: str, status: int, words: str
) -> None:
    refused = await served.api().get(path.format(served.aino), status=status)
    assert words in said(refused)
    assert await served.place.looks() == []


async def test_leniency_is_asked_for_and_told_of(served: Served) -> None:
    page = await served.api().get(
        f"Observation?patient={served.aino}&colour=red&_count=1", Prefer="handling=lenient"
    )
    assert page["entry"][-1]["search"]["mode"] == "outcome"
    assert "colour" in said(page["entry"][-1]["resource"])
    assert "colour" not in str(link(page, "self"))


async def test_without_rights_a_client_does_not_exist(served: Served) -> None:
    stranger, aino = served.api("stranger"), served.aino
    for path in (f"Patient/{aino}", f"Observation?patient={aino}", f"Device?patient={aino}",
                 f"Flag?patient={aino}", f"DetectedIssue?patient={aino}",
                 f"Patient/{aino}/$everything", f"Patient/{aino}/$kanta-phr"):  # fmt: skip
        assert said(await stranger.get(path, status=404))
    (one,) = found(await served.api().get(f"Observation?patient={aino}&code=8867-4&_count=1"))
    await stranger.get(f"Observation/{one['id']}", status=404)
    await stranger.get(one["device"]["reference"], status=404)
    assert {row["id"] for row in found(await stranger.get("Patient"))} == {
        await served.place.pseudonym("berta")
    }
    assert {look[0] for look in await served.place.looks() if look[1] == "aino"} == {"nurse"}


async def test_a_token_for_one_client_shows_that_one_alone(served: Served) -> None:
    aino, berta = served.aino, await served.place.pseudonym("berta")
    own = served.api("desk", "patient/*.read", patient=aino)
    assert found(await own.get(f"Observation?patient={aino}"))
    await own.get(f"Observation?patient={berta}", status=404)
    await own.get(f"Patient/{berta}", status=404)
    assert {row["id"] for row in found(await own.get("Patient"))} == {aino}


async def test_a_service_is_a_member_with_rights_of_its_own(served: Served) -> None:
    await served.place.connection.execute(
        "WITH m AS (INSERT INTO registry.member (username, display_name, role)"
        " VALUES ('record', 'Patient record', 'clinician') RETURNING id)"
        " INSERT INTO registry.team_member SELECT t.id, m.id FROM registry.team t, m"
        " WHERE t.name = 'Imatra team'"
    )
    record = served.api(None, "system/*.read")
    assert (await record.get(f"Patient/{served.aino}"))["id"] == served.aino
    assert (await served.place.looks())[-1][0] == "record"
    await served.place.connection.execute(
        "UPDATE registry.member SET disabled_at = now() WHERE username = 'record'"
    )
    await record.get(f"Patient/{served.aino}", status=401)


async def test_tokens_that_are_not_right_are_refused_with_a_reason(served: Served) -> None:
    aino, identity = served.aino, served.identity
    path = f"Patient/{aino}"
    now = int(time.time())
    wrong: list[tuple[str, str]] = [
        (identity.token("nurse", exp=now - 60), "has expired"),
        (identity.token("nurse", exp=None), "lacks a claim"),
        (identity.token("nurse", iss="https://elsewhere"), "another issuer"),
        (identity.token("nurse", aud="https://elsewhere"), "another issuer"),
        (identity.token("nurse", nbf=now + 600), "not valid yet"),
        (identity.token("nobody"), "no member"),
        (identity.token(None, client_id=None), "names nobody"),
        (identity.token("nurse", scope=7), "scopes cannot be read"),
        ("not.a.token", "cannot be read"),
        (identity.token("nurse")[:-8] + "AAAAAAAA", "signature"),
    ]
    for token, words in wrong:
        refused = await Api(served.session, token).get(path, status=401)
        assert words in said(refused), (words, refused)
    # Signed by somebody else, with the public key as if it were a shared secret, and not at all.
    other = Identity(identity.file.with_name("other.json"))
    assert "signature" in said(
        await Api(served.session, other.token("nurse")).get(path, status=401)
    )
    claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": now + 600, "preferred_username": "nurse"}
    secret = OctKey.import_key(identity.file.read_text())
    shared = jwt.encode({"alg": "HS256", "kid": "one"}, claims, secret, algorithms=["HS256"])
    bare = jwt.encode({"alg": "none"}, claims, secret, algorithms=["none"])
    for token in (str(shared), str(bare)):
        assert said(await Api(served.session, token).get(path, status=401))
    assert "do not allow" in said(await served.api(scope="openid").get(path, status=403))
    assert await served.place.looks() == []
    anonymous = await Api(served.session, None).get(path, status=401)
    assert said(anonymous)


async def test_new_keys_of_the_issuer_are_fetched_when_one_is_unknown(served: Served) -> None:
    await served.api().get(f"Patient/{served.aino}")
    served.identity.key = ECKey.generate_key("P-256", {"kid": "two"})
    served.identity.publish()
    refused = await served.api().get(f"Patient/{served.aino}", status=401)
    assert "does not list" in said(refused)  # fetched a moment ago: not again with every token
    verifier, later = served.identity.verifier(), wall_time() + timedelta(minutes=1)
    first = await verifier.bearer(served.identity.token("nurse"), wall=wall_time())
    served.identity.key = ECKey.generate_key("P-256", {"kid": "three"})
    served.identity.publish()
    again = await verifier.bearer(served.identity.token("nurse"), wall=later)
    assert first.username == again.username == "nurse"
    served.identity.file.unlink()
    with pytest.raises(IssuerAwayError, match="cannot be had"):
        await served.identity.verifier().bearer("a.b.c", wall=later)


async def test_anybody_may_read_what_the_api_offers(served: Served) -> None:
    nobody = Api(served.session, None)
    offered = await nobody.get("metadata")
    resources = {one["type"] for one in offered["rest"][0]["resource"]}
    assert resources == {"Patient", "Observation", "Device", "Flag", "DetectedIssue"}
    async with served.session.get("/fhir/R4/.well-known/smart-configuration") as answer:
        assert answer.status == 200


async def test_any_search_is_answered_or_refused_and_never_breaks(served: Served) -> None:
    api, aino = served.api(), served.aino
    names = st.sampled_from(["code", "category", "date", "_sort", "_count", "_cursor", "patient",
                             "identifier", "status", "start", "_lang", "é"])  # fmt: skip
    values = st.one_of(
        st.text(max_size=12),
        st.sampled_from(["ge2026-01-01", "8867-4", "date", "1", "9999999999", "vital-signs",
                         "WzFd", "urn:saimi:device|a/b", "le9999-12-31T23:59:60Z"]),
    )  # fmt: skip
    queries: list[list[tuple[str, str]]] = []

    @settings(max_examples=60, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(names, values), max_size=4))
    def collect(pairs: list[tuple[str, str]]) -> None:
        queries.append(pairs)

    collect()
    paths = ("Observation", "Device", "Flag", "DetectedIssue", "Patient",
             f"Patient/{aino}/$everything", f"Patient/{aino}/$kanta-phr")  # fmt: skip
    headers = {"Authorization": f"Bearer {served.identity.token('nurse')}"}
    for number, pairs in enumerate(queries):
        path = f"/fhir/R4/{paths[number % len(paths)]}"
        params = [("patient", aino), *pairs] if "$" not in path else pairs
        async with served.session.get(path, params=params, headers=headers) as answer:
            told = await answer.json(content_type="application/fhir+json")
            assert answer.status in (200, 400, 403, 404, 406), (answer.status, params, told)
            assert told["resourceType"] in ("Bundle", "OperationOutcome")
    assert await api.get(f"Patient/{aino}")
