"""The paths below /fhir/R4, and POST."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from core.errors import NotFoundError
from web.access import purpose_of, record_looks
from web.fhir import reading
from web.fhir.answers import base_of, handled, resource
from web.fhir.capability import capability, smart_configuration
from web.fhir.entry import BASE, FHIR, bearer, require
from web.fhir.incoming import (
    MAX_BODY,
    MOST_ENTRIES,
    Admit,
    Mode,
    Posted,
    Taken,
    location_of,
    outcome_of,
    parse,
    posted,
    status_of,
)
from web.fhir.outcome import FhirError, of_error, outcome
from web.parts import caller, database, parts

_TYPES = ("application/fhir+json", "application/json")


@handled
async def metadata(request: web.Request) -> web.Response:
    """GET metadata: the CapabilityStatement; open to everybody, it is about nobody."""
    return resource(
        capability(base_of(request), taking=request.config_dict[FHIR].admit is not None)
    )


async def smart(request: web.Request) -> web.Response:
    """GET .well-known/smart-configuration"""
    return web.json_response(smart_configuration())


@handled
async def post_observation(request: web.Request) -> web.Response:
    """POST Observation: 201 when it is stored, 200 when it was there, 409 or 422 when not."""
    only = require(request, "Observation", "c")
    admit = _admit(request)
    (one,) = await _ready(request, [parse(await _body(request))], only)
    if isinstance(one, FhirError):
        raise one
    (taken,) = await admit([one], "each")
    return resource(
        outcome_of(taken), status=status_of(taken), headers=_headers(base_of(request), taken)
    )


@handled
async def post_bundle(request: web.Request) -> web.Response:
    """POST a Bundle: of a transaction all Observations are stored or none, of a batch each for
    itself. Of a transaction that fails, calls for help are stored nonetheless.
    """
    only = require(request, "Observation", "c")
    admit = _admit(request)
    told = parse(await _body(request))
    kind = told.get("type")
    if told["resourceType"] != "Bundle" or kind not in ("transaction", "batch"):
        raise FhirError(
            "A Bundle of the type transaction or batch is taken here, a single Observation at "
            "/fhir/R4/Observation.",
            code="not-supported",
        )
    entries = told.get("entry", [])
    if not isinstance(entries, list):
        raise FhirError(
            "The entries of a Bundle are a list.", code="structure", expression="Bundle.entry"
        )
    if len(entries) > MOST_ENTRIES:
        raise FhirError(
            f"A Bundle has at most {MOST_ENTRIES} entries: send it in parts.",
            status=413, code="too-costly", expression="Bundle.entry",
        )  # fmt: skip
    ready = await _ready(request, [_posted_resource(entry) for entry in entries], only)
    for number, one in enumerate(ready):
        if isinstance(one, FhirError):
            one.expression = f"Bundle.entry[{number}]"
    good = [one for one in ready if isinstance(one, Posted)]
    mode: Mode = "each"
    if kind == "transaction":
        mode = "all" if len(good) == len(ready) else "calls"
    taken = iter(await admit(good, mode))
    answers = [
        _refused_entry(one) if isinstance(one, FhirError) else _entry(base_of(request), next(taken))
        for one in ready
    ]
    if mode != "each" and all(not _went_well(one) for one in answers) and answers:
        issues = [one for entry in answers for one in entry["response"]["outcome"]["issue"]]
        return resource(outcome(*issues[:50]), status=422)
    answer: dict[str, Any] = {"resourceType": "Bundle", "type": f"{kind}-response"}
    return resource(answer | {"entry": answers} if answers else answer)


def _posted_resource(entry: Any) -> Any:
    """What an entry brings, or why it cannot."""
    told = entry if isinstance(entry, dict) else {}
    asked = told.get("request")
    method = asked.get("method") if isinstance(asked, dict) else None
    if method != "POST":
        return FhirError(
            "Every entry has a request with the method POST: Observations are added, and never "
            "changed over FHIR.",
            status=422, code="not-supported",
        )  # fmt: skip
    return told.get("resource")


async def _ready(
    request: web.Request, brought: Sequence[Any], only: str | None
) -> list[Posted | FhirError]:
    """Each Observation made ready for admission, or why it cannot be.

    Who brings something for whom is on record before it is stored: whatever is killed in between,
    nothing is there that came from nobody. It is a look as well, since the answer tells what was
    stored already.
    """
    member, token = caller(request), bearer(request)
    detail: dict[str, object] = {"resource": "Observation", "brought": True}
    if token is not None:
        detail["client"] = token.client
    ready: list[Posted | FhirError] = []
    async with database(request) as connection:
        for one in brought:
            try:
                if isinstance(one, FhirError):
                    raise one
                ready.append(await posted(connection, one, only, now=parts(request).clock.now()))
            except FhirError as error:
                ready.append(error)
        await record_looks(
            connection,
            {(member.id, one.subject) for one in ready if isinstance(one, Posted)},
            what="fhir",
            wall=parts(request).wall(),
            detail=detail,
            purpose=purpose_of(member),
        )
    return ready


def _headers(base: str, taken: Taken) -> dict[str, str]:
    location = location_of(taken)
    return {} if location is None else {"Location": f"{base}/{location}"}


def _entry(base: str, taken: Taken) -> dict[str, Any]:
    response: dict[str, Any] = {"status": str(status_of(taken)), "outcome": outcome_of(taken)}
    location = location_of(taken)
    if location is not None:
        response["location"] = f"{base}/{location}"
    return {"response": response}


def _went_well(entry: dict[str, Any]) -> bool:
    return str(entry["response"]["status"]).startswith("2")


def _refused_entry(error: FhirError) -> dict[str, Any]:
    """The answer to an entry that did not come as far as admission."""
    return {"response": {"status": str(error.status), "outcome": of_error(error)}}


def _admit(request: web.Request) -> Admit:
    admit: Admit | None = request.config_dict[FHIR].admit
    if admit is None:
        raise FhirError(
            "This service is not connected to ingest, so it takes nothing in.",
            status=501, code="not-supported",
        )  # fmt: skip
    return admit


async def _body(request: web.Request) -> bytes:
    if request.content_type not in _TYPES:
        raise FhirError(
            "Send JSON, with Content-Type: application/fhir+json.", status=415, code="not-supported"
        )
    body = bytearray()
    async for chunk in request.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > MAX_BODY:
            raise FhirError(
                f"Over {MAX_BODY // 1024 // 1024} MiB at once is not taken: send it in parts.",
                status=413, code="too-long",
            )  # fmt: skip
    return bytes(body)


@handled
async def nothing(request: web.Request) -> web.Response:
    """Whatever else is asked for below /fhir/R4."""
    known = request.match_info["rest"].partition("/")[0]
    if request.method in ("GET", "HEAD"):
        raise NotFoundError("no such resource")
    raise FhirError(
        f"{request.method} of {known[:64]!r} is not offered: Observations are posted, all else is "
        "read.",
        status=405, code="not-supported",
    )  # fmt: skip


ROUTES = [
    web.get(f"{BASE}/metadata", metadata),
    web.get(f"{BASE}/.well-known/smart-configuration", smart),
    web.get(f"{BASE}/Patient", reading.search_patients),
    web.get(f"{BASE}/Patient/{{id}}", reading.read_patient),
    web.get(f"{BASE}/Patient/{{id}}/$everything", reading.everything),
    web.get(f"{BASE}/Patient/{{id}}/$kanta-phr", reading.kanta_phr),
    web.get(f"{BASE}/Observation", reading.search_observations),
    web.get(f"{BASE}/Observation/{{id}}", reading.read_observation),
    web.get(f"{BASE}/Device", reading.search_devices),
    web.get(f"{BASE}/Device/{{id}}", reading.read_device),
    web.get(f"{BASE}/Flag", reading.search_flags),
    web.get(f"{BASE}/Flag/{{id}}", reading.read_flag),
    web.get(f"{BASE}/DetectedIssue", reading.search_issues),
    web.get(f"{BASE}/DetectedIssue/{{id}}", reading.read_issue),
    web.post(f"{BASE}/Observation", post_observation),
    web.post(BASE, post_bundle),
    web.post(f"{BASE}/", post_bundle),
    web.route("*", f"{BASE}/{{rest:.*}}", nothing),
]
