"""GET: clients, readings, devices and alerts, each look on record.

Patient/{id}    Patient?_id&identifier
Observation/{id}    Observation?patient&code&category&date&_sort&_count
Device/{id}     Device?patient&identifier
Flag/{id}       Flag?patient&status&date          alerts
DetectedIssue/{id}    DetectedIssue?patient&identified
Patient/{id}/$everything?start&end&_count         one client's all, page by page
Patient/{id}/$kanta-phr?start&end&_lang           a batch for Kanta's PHR
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from alerts.episodes import listing
from alerts.episodes.listing import Card
from core.database import Connection
from core.errors import NotFoundError
from web.access import purpose_of, record_looks
from web.fhir import kanta, search, store
from web.fhir.answers import base_of, handled, resource, tagged
from web.fhir.bundle import cursor, key_behind, key_cursor, parts_of, searchset
from web.fhir.codes import DEVICE, PSEUDONYM, REFERENCE
from web.fhir.entry import bearer, grant, require
from web.fhir.observation import key_of, observation, observations
from web.fhir.outcome import FhirError, issue, outcome
from web.fhir.resources import detected_issue, device, flag, patient
from web.fhir.store import Asked
from web.i18n import Texts, as_language, texts
from web.parts import caller, database, parts, texts_of

_MOST_KANTA = 20_000
_RANGE = frozenset(("start", "end"))


@dataclass(frozen=True)
class _Asking:
    """A request, with what every answer needs."""

    request: web.Request
    connection: Connection
    only: str | None
    """The one client that the token is for."""

    async def look(self, subjects: Iterable[int], what: str, **detail: object) -> None:
        """Put it on record."""
        member, token = caller(self.request), bearer(self.request)
        if token is not None:
            detail["client"] = token.client
        await record_looks(
            self.connection,
            {(member.id, subject) for subject in subjects},
            what="fhir",
            wall=parts(self.request).wall(),
            detail={"resource": what, **detail},
            purpose=purpose_of(member),
        )

    async def subject(self, pseudonym: str) -> int:
        """The number of a client whom the caller may see.

        Raises:
            NotFoundError: there is none.
        """
        row = await self.client(pseudonym)
        number: int = row["id"]
        return number

    async def client(self, pseudonym: str) -> dict[str, Any]:
        """A client whom the caller may see.

        Raises:
            NotFoundError: there is none.
        """
        self.within(pseudonym)
        if "\0" in pseudonym:
            raise NotFoundError("no such client")
        rows = await store.patients(self.connection, pseudonym=pseudonym)
        if not rows:
            raise NotFoundError("no such client, or not visible")
        return rows[0]

    def within(self, pseudonym: str | None) -> None:
        """Refuse who is not the token's own client.

        Raises:
            NotFoundError: another client.
        """
        if self.only is not None and pseudonym != self.only:
            raise NotFoundError("not the token's client")


def _given(request: web.Request, *known: str) -> search.Given:
    wishes = request.headers.getall("Prefer", [])
    return search.read(request.query.items(), frozenset(known), lenient=search.is_lenient(wishes))


def _page(
    request: web.Request,
    path: str,
    given: search.Given,
    found: Iterable[dict[str, Any]],
    following: str | None,
) -> web.Response:
    beside = []
    if given.ignored:
        said = f"Ignored, as asked for: {', '.join(given.ignored)[:200]}."
        beside.append(outcome(issue(said, "not-supported", severity="warning")))
    now = parts(request).clock.now()
    return resource(
        searchset(
            base_of(request), path, given.values, found, now=now, following=following, beside=beside
        )
    )


def _shown_range(span: search.Span) -> dict[str, object]:
    ends = {"from": span.since, "to": span.until}
    return {name: at.isoformat() for name, at in ends.items() if at is not None}


@handled
async def read_patient(request: web.Request) -> web.Response:
    """GET Patient/{id}"""
    only = require(request, "Patient", "r")
    async with database(request) as connection:
        asking = _Asking(request, connection, only)
        row = await asking.client(request.match_info["id"])
        identity = grant(request).identity
        await asking.look([row["id"]], "Patient", identity=identity)
    return tagged(request, patient(row, identity=identity))


@handled
async def search_patients(request: web.Request) -> web.Response:
    """GET Patient"""
    only = require(request, "Patient", "s")
    given = _given(request, "_id", "identifier")
    count, after = search.count(given), parts_of(given.one("_cursor"), int)
    identity = grant(request).identity
    pseudonym, reference = given.one("_id"), None
    wanted = given.one("identifier")
    if wanted is not None and wanted.startswith(f"{REFERENCE}|"):
        if not identity:
            raise FhirError(
                "Who is who is told only to a token with the scope saimi/identity.", status=403
            )
        reference = search.identifier(wanted, REFERENCE)
    elif wanted is not None:
        by_identifier = search.identifier(wanted, PSEUDONYM)
        if pseudonym is not None and pseudonym != by_identifier:
            return _page(request, "Patient", given, [], None)
        pseudonym = by_identifier
    if only is not None:
        pseudonym = only if pseudonym in (None, only) else ""
    async with database(request) as connection:
        rows = await store.patients(
            connection, pseudonym=pseudonym,
            reference=reference, after=after[0] if after else 0, count=count + 1,
        )  # fmt: skip
        shown = rows[:count]
        await _Asking(request, connection, only).look(
            [row["id"] for row in shown], "Patient", search=True, identity=identity
        )
    following = cursor(shown[-1]["id"]) if len(rows) > count else None
    found = [patient(row, identity=identity) for row in shown]
    return _page(request, "Patient", given, found, following)


@handled
async def read_observation(request: web.Request) -> web.Response:
    """GET Observation/{id}"""
    only = require(request, "Observation", "r")
    key = key_of(request.match_info["id"])
    if key is None:
        raise NotFoundError("no such Observation")
    async with database(request) as connection:
        found = await store.observed(connection, key)
        if found is None:
            raise NotFoundError("no such Observation, or not visible")
        readings, subject, pseudonym = found
        asking = _Asking(request, connection, only)
        asking.within(pseudonym)
        await asking.look([subject], "Observation", id=key.id)
    return tagged(request, observation(key, readings, pseudonym))


@handled
async def search_observations(request: web.Request) -> web.Response:
    """GET Observation"""
    only = require(request, "Observation", "s")
    given = _given(request, "patient", "subject", "code", "combo-code", "category", "date", "_sort")
    pseudonym = search.patient(given)
    metrics = search.metrics(given)
    span = search.dates(given, parts(request).clock.now())
    newest_first, count = search.descending(given), search.count(given)
    after = key_behind(given.one("_cursor"))
    async with database(request) as connection:
        asking = _Asking(request, connection, only)
        subject = await asking.subject(pseudonym)
        await asking.look(
            [subject], "Observation", search=True, **_shown_range(span),
            codes=given.all("code", "combo-code", "category"),
        )  # fmt: skip
        asked = Asked(subject, metrics, span, newest_first, after)
        readings, last = await store.readings(connection, asked, count=count)
    following = key_cursor(last) if last is not None else None
    return _page(request, "Observation", given, observations(readings, pseudonym), following)


@handled
async def read_device(request: web.Request) -> web.Response:
    """GET Device/{id}"""
    only = require(request, "Device", "r")
    number = _number(request.match_info["id"])
    async with database(request) as connection:
        rows = await store.devices(connection, now=parts(request).clock.now(), device=number)
        if not rows:
            raise NotFoundError("no such Device, or not visible")
        asking = _Asking(request, connection, only)
        asking.within(rows[0]["pseudonym"])
        await asking.look(rows[0]["subjects"], "Device", id=number)
    return tagged(request, device(rows[0]))


@handled
async def search_devices(request: web.Request) -> web.Response:
    """GET Device"""
    only = require(request, "Device", "s")
    given = _given(request, "patient", "identifier")
    count, after = search.count(given), parts_of(given.one("_cursor"), int)
    named = given.one("identifier")
    gateway, _, name = search.identifier(named, DEVICE).partition("/") if named else ("", "", "")
    pseudonym = search.patient(given)
    async with database(request) as connection:
        asking = _Asking(request, connection, only)
        subject = await asking.subject(pseudonym)
        rows = await store.devices(
            connection, now=parts(request).clock.now(), subject=subject,
            named=(gateway, name) if named else None, after=after[0] if after else 0,
            count=count + 1,
        )  # fmt: skip
        await asking.look([subject], "Device", search=True)
    following = cursor(rows[count - 1]["id"]) if len(rows) > count else None
    return _page(request, "Device", given, map(device, rows[:count]), following)


_Make = Callable[[Card, Texts], dict[str, Any]]


async def _read_alert(request: web.Request, kind: str, make: _Make) -> web.Response:
    only = require(request, kind, "r")
    number = _number(request.match_info["id"])
    async with database(request) as connection:
        asking = _Asking(request, connection, only)
        card, _ = await listing.episode(
            connection, member=caller(request).id, now=parts(request).clock.now(), episode=number
        )
        asking.within(card.pseudonym)
        await asking.look([card.subject], kind, id=number)
    return tagged(request, make(card, texts_of(request)))


async def _search_alerts(
    request: web.Request, kind: str, make: _Make, date: str, open_: bool | None, given: search.Given
) -> web.Response:
    only = require(request, kind, "s")
    pseudonym, count = search.patient(given), search.count(given)
    span = search.dates(given, parts(request).clock.now(), date)
    before = parts_of(given.one("_cursor"), int)
    async with database(request) as connection:
        asking = _Asking(request, connection, only)
        subject = await asking.subject(pseudonym)
        ids = await store.episodes(
            connection, subject, span=span, open_=open_, before=before[0] if before else None,
            count=count + 1,
        )  # fmt: skip
        cards = await _cards(asking, ids[:count])
        await asking.look([subject], kind, search=True, **_shown_range(span))
    following = cursor(ids[count - 1]) if len(ids) > count else None
    text = texts_of(request)
    return _page(request, kind, given, [make(card, text) for card in cards], following)


async def _cards(asking: _Asking, ids: Sequence[int]) -> list[Card]:
    """Alerts as the caller may see them, the newest first."""
    cards = await listing.cards(asking.connection, ids)
    visible = await listing.visible_subjects(
        asking.connection,
        member=caller(asking.request).id,
        subjects=list({subject for card in cards for subject in card.concerns}),
        now=parts(asking.request).clock.now(),
    )
    seen = (card.seen_by(visible) for card in cards)
    return sorted((card for card in seen if card is not None), key=lambda card: -card.id)


@handled
async def read_flag(request: web.Request) -> web.Response:
    """GET Flag/{id}"""
    return await _read_alert(request, "Flag", flag)


@handled
async def read_issue(request: web.Request) -> web.Response:
    """GET DetectedIssue/{id}"""
    return await _read_alert(request, "DetectedIssue", detected_issue)


@handled
async def search_flags(request: web.Request) -> web.Response:
    """GET Flag"""
    given = _given(request, "patient", "subject", "status", "date")
    status = given.one("status")
    if status not in (None, "active", "inactive"):
        raise FhirError("status is active or inactive.", expression="status")
    open_ = None if status is None else status == "active"
    return await _search_alerts(request, "Flag", flag, "date", open_, given)


@handled
async def search_issues(request: web.Request) -> web.Response:
    """GET DetectedIssue"""
    given = _given(request, "patient", "identified")
    return await _search_alerts(request, "DetectedIssue", detected_issue, "identified", None, given)


def _span(request: web.Request, given: search.Given) -> search.Span:
    """`start` and `end` of an operation, both days included."""
    start, end = given.one("start"), given.one("end")
    since = search.span(f"ge{start}", "start").since if start else None
    until = search.span(f"le{end}", "end").until if end else None
    return search.checked(search.Span(since, until), parts(request).clock.now(), "start and end")


@handled
async def everything(request: web.Request) -> web.Response:
    """GET Patient/{id}/$everything: the first page has all but the readings, which follow.

    Readings come the oldest first, so that whoever reads them in again has them in order.
    """
    only = None
    for kind in ("Patient", "Observation", "Device", "Flag", "DetectedIssue"):
        only = require(request, kind, "s") or only
    given = _given(request, *_RANGE)
    span, count = _span(request, given), search.count(given)
    after = key_behind(given.one("_cursor"))
    pseudonym = request.match_info["id"]
    async with database(request) as connection:
        asking = _Asking(request, connection, only)
        row = await asking.client(pseudonym)
        identity = grant(request).identity
        await asking.look([row["id"]], "everything", identity=identity, **_shown_range(span))
        first: list[dict[str, Any]] = []
        if after is None:
            first = await _all_but_readings(asking, row, span, identity=identity)
        asked = Asked(row["id"], None, span, False, after)
        readings, last = await store.readings(connection, asked, count=count)
    found = [*first, *observations(readings, row["pseudonym"])]
    following = key_cursor(last) if last is not None else None
    return _page(request, f"Patient/{pseudonym}/$everything", given, found, following)


async def _all_but_readings(
    asking: _Asking, row: dict[str, Any], span: search.Span, *, identity: bool
) -> list[dict[str, Any]]:
    text = texts_of(asking.request)
    devices = await store.devices(
        asking.connection, now=parts(asking.request).clock.now(), subject=row["id"],
        count=search.MOST,
    )  # fmt: skip
    ids = await store.episodes(asking.connection, row["id"], span=span, count=search.MOST)
    cards = await _cards(asking, ids)
    return [
        patient(row, identity=identity),
        *map(device, devices),
        *(flag(card, text) for card in cards),
        *(detected_issue(card, text) for card in cards),
    ]


@handled
async def kanta_phr(request: web.Request) -> web.Response:
    """GET Patient/{id}/$kanta-phr: what Kanta has a profile for, in one batch."""
    only = require(request, "Observation", "s")
    given = _given(request, "_lang", *_RANGE)
    language = as_language(given.one("_lang") or texts_of(request).language)
    if language is None:
        raise FhirError("_lang is fi, sv or en.", expression="_lang")
    span = _span(request, given)
    async with database(request) as connection:
        asking = _Asking(request, connection, only)
        row = await asking.client(request.match_info["id"])
        await asking.look([row["id"]], "kanta-phr", **_shown_range(span))
        asked = Asked(row["id"], kanta.METRICS, span, False)
        readings, last = await store.readings(connection, asked, count=_MOST_KANTA)
    if last is not None:
        raise FhirError(
            f"There are over {_MOST_KANTA:,} measurements in it: ask for a shorter time with start "
            "and end.",
            code="too-costly", expression="start",
        )  # fmt: skip
    return resource(kanta.batch(kanta.rendered(readings, row["pseudonym"], texts(language))))


def _number(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    raise NotFoundError("no such number")
