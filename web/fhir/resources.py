"""Patient, Device, Flag and DetectedIssue, made of rows and cards.

An alert is both a Flag (somebody is to know of it, as long as it is open) and a DetectedIssue (what
was found, from which readings, and what was done about it); both have its number.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alerts.episodes.listing import Card
from alerts.finding import LIFE_SAFETY
from core.catalogue import catalogue
from web.fhir.codes import ALERT, DEVICE, PSEUDONYM, REFERENCE
from web.fhir.observation import Key, group, instant
from web.i18n import Texts
from web.sentences import sentence
from web.values import as_time

_FLAG_CATEGORY = "http://terminology.hl7.org/CodeSystem/flag-category"
_SEVERITIES = {1: "low", 2: "moderate", 3: "high", 4: "high"}
_LANGUAGES = "urn:ietf:bcp:47"


def patient(row: Mapping[str, Any], *, identity: bool) -> dict[str, Any]:
    """A client: by pseudonym alone, or with name, birth and address where `identity` says so."""
    whole: dict[str, Any] = {
        "resourceType": "Patient",
        "id": row["pseudonym"],
        "identifier": [{"system": PSEUDONYM, "value": row["pseudonym"]}],
        "active": True,
    }
    if not identity:
        return whole | {"meta": {"security": [_PSEUDONYMED]}}
    whole["identifier"].append({"system": REFERENCE, "value": row["reference"]})
    whole["name"] = [
        {"use": "official", "family": row["family_name"], "given": row["given_name"].split()}
    ]
    if row["phone"]:
        whole["telecom"] = [{"system": "phone", "value": row["phone"]}]
    whole["birthDate"] = row["born"].isoformat()
    address = {"use": "home", "city": row["municipality"], "country": "FI"}
    if row["address"]:
        address["line"] = [row["address"]]
        address["text"] = f"{row['address']}, {row['municipality']}"
    whole["address"] = [address]
    whole["communication"] = [
        {
            "language": {"coding": [{"system": _LANGUAGES, "code": row["language"]}]},
            "preferred": True,
        }
    ]
    return whole


_PSEUDONYMED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "PSEUDED",
    "display": "pseudonymized",
}


def device(row: Mapping[str, Any]) -> dict[str, Any]:
    """A device; whose it is, where all of it is one client's now."""
    whole: dict[str, Any] = {
        "resourceType": "Device",
        "id": str(row["id"]),
        "identifier": [{"system": DEVICE, "value": f"{row['gateway']}/{row['name']}"}],
        "status": "inactive" if row["revoked"] else "active",
        "deviceName": [{"name": row["name"], "type": "user-friendly-name"}],
        "type": {"text": row["kind"]},
    }
    if row["pseudonym"] is not None:
        whole["patient"] = {"reference": f"Patient/{row['pseudonym']}"}
    if row["location"]:
        whole["note"] = [{"text": row["location"]}]
    return whole


def _subject(card: Card) -> dict[str, Any]:
    """Whom an alert is about; a home is no Patient and is named by its pseudonym alone."""
    if card.subject_kind == "client":
        return {"reference": f"Patient/{card.pseudonym}"}
    return {"type": "Location", "identifier": {"system": PSEUDONYM, "value": card.pseudonym}}


def _code(card: Card, text: Texts) -> dict[str, Any]:
    return {
        "coding": [{"system": ALERT, "code": card.kind}],
        "text": sentence(text, card.kind, card.summary),
    }


def flag(card: Card, text: Texts) -> dict[str, Any]:
    """An alert as a Flag; a false one was entered in error."""
    closed = card.closed_at is not None
    status = "inactive" if closed else "active"
    period = {"start": instant(card.opened_at)}
    if card.closed_at is not None:
        period["end"] = instant(card.closed_at)
    category = "safety" if card.kind in LIFE_SAFETY else "clinical"
    return {
        "resourceType": "Flag",
        "id": str(card.id),
        "status": "entered-in-error" if card.outcome == "false" else status,
        "category": [{"coding": [{"system": _FLAG_CATEGORY, "code": category}]}],
        "code": _code(card, text),
        "subject": _subject(card),
        "period": period,
    }


def detected_issue(card: Card, text: Texts) -> dict[str, Any]:
    """An alert as a DetectedIssue, with the readings behind it and what was done."""
    whole: dict[str, Any] = {
        "resourceType": "DetectedIssue",
        "id": str(card.id),
        "status": "entered-in-error" if card.outcome == "false" else "final",
        "code": _code(card, text),
        "severity": _SEVERITIES[card.highest],
        "identifiedDateTime": instant(card.opened_at),
        "detail": sentence(text, card.kind, card.summary),
    }
    if card.subject_kind == "client":
        whole["patient"] = _subject(card)
    behind = list(dict.fromkeys(key.id for key in map(_key, card.evidence) if key is not None))
    if behind:
        whole["implicated"] = [{"reference": f"Observation/{one}"} for one in behind]
    done = [
        _done(what, at)
        for what, at in (
            ("acknowledged", card.acknowledged_at),
            ("a person was reached", card.contacted_at),
            (f"closed as {card.outcome}", card.closed_at),
        )
        if at is not None
    ]
    return whole | {"mitigation": done} if done else whole


def _done(what: str, at: datetime) -> dict[str, Any]:
    return {"action": {"text": what}, "date": instant(at)}


def _key(one: Mapping[str, Any]) -> Key | None:
    """Of the Observation that a piece of evidence is in."""
    metric = catalogue().get(str(one.get("metric")))
    at, number = as_time(one.get("time")), one.get("device_id")
    if metric is None or at is None or not isinstance(number, int):
        return None
    return Key(at, number, group(metric.id))
