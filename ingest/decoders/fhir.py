"""FHIR R4 in JSON: an Observation, or a Bundle of them, as a gateway or an app sends it.

The device is the one that the observation names; without one it is the subject's reference, so
that two clients of one sender are never mixed up. Whose reading it is, the registry says of that
device. Other resources of a Bundle (patients, devices, answers of a server) are no readings.
"""

from __future__ import annotations

from typing import Any

from ingest.decoders.fhir_observation import again, name_of_device, records_of
from ingest.decoders.record import MAX_RECORDS, Decoded, DecodeError, Record
from ingest.decoders.source import Definitions, Source
from ingest.decoders.strict_json import read_json

MAX_BUNDLE = 4 * 1024 * 1024
"""Bytes; months of a glucose sensor in one Bundle have over two million."""
_ABOUT = frozenset(
    ("Patient", "RelatedPerson", "Person", "Practitioner", "PractitionerRole", "Organization",
     "Location", "Encounter", "Device", "DeviceMetric", "DeviceDefinition", "OperationOutcome",
     "Provenance", "Composition", "MessageHeader", "CapabilityStatement", "Subscription",
     "SubscriptionStatus", "Parameters", "Binary", "Consent", "CareTeam", "Group")
)  # fmt: skip
"""Resources that tell of people and things; they hold no measurement."""


def decode(rest: str, payload: bytes, arrival: float, definitions: Definitions) -> Decoded:
    """Decode an Observation or a Bundle; `definitions` are not used.

    Raises:
        DecodeError: no FHIR in JSON, or nothing in it that the catalogue has a metric for.
    """
    if not payload.strip():
        return Decoded(nothing="an empty message")
    if payload.lstrip()[:1] == b"<":
        raise DecodeError("not_fhir", "FHIR in XML is not taken; let the sender use JSON.")
    told = read_json(payload)
    if not isinstance(told, dict):
        raise DecodeError("not_fhir", "This is no FHIR resource: it is no JSON object.")
    resources = list(_resources(told))
    named = _devices(told)
    records: list[Record] = []
    others: dict[str, None] = {}
    for resource in resources:
        kind = str(resource.get("resourceType"))[:64]
        if kind == "Observation":
            records += records_of(resource, rest, named, arrival)
        elif kind not in _ABOUT:
            others[kind] = None
        if len(records) > MAX_RECORDS:
            raise DecodeError("too_large", f"The Bundle has over {MAX_RECORDS:,} readings.")
    if records and all(record.original is not None for record in records):
        raise DecodeError(
            "unknown_code",
            f"Nothing here is a reading that Saimi keeps: {records[0].channel.metric}.",
        )
    if others and not records:
        raise DecodeError(
            "unknown_resource",
            f"{' and '.join(list(others)[:8])} of FHIR is not taken; Observation is.",
        )
    return Decoded(records, nothing="" if records else "resources without a value")


def _resources(told: dict[str, Any]) -> list[dict[str, Any]]:
    kind = told.get("resourceType")
    if not isinstance(kind, str):
        if "body" in told or "header" in told or "effective_time_frame" in told:
            raise DecodeError("not_fhir", "Open mHealth is not taken; let the sender use FHIR R4.")
        raise DecodeError("not_fhir", "This is no FHIR resource: it has no resourceType.")
    if kind != "Bundle":
        return [told]
    if told.get("type") == "history":
        raise DecodeError(
            "not_fhir", "A history repeats what was replaced; send a Bundle of what holds now."
        )
    entries = told.get("entry")
    found = [one.get("resource") for one in _objects(entries)]
    return [one for one in found if isinstance(one, dict)]


def _devices(told: dict[str, Any]) -> dict[str, str]:
    """Names of the devices that a Bundle describes, by each reference that may mean them."""
    named: dict[str, str] = {}
    for entry in _objects(told.get("entry")):
        resource = entry.get("resource")
        name = name_of_device(resource) if isinstance(resource, dict) else None
        if name is not None and isinstance(resource, dict):
            named[f"{resource['resourceType']}/{resource.get('id')}"] = name
            if isinstance(entry.get("fullUrl"), str):
                named[entry["fullUrl"]] = name
    return named


def _objects(entries: Any) -> list[dict[str, Any]]:
    if entries is None:
        return []
    if not isinstance(entries, list):
        raise DecodeError("not_fhir", "The entries of a Bundle are a list; these are none.")
    return [one for one in entries if isinstance(one, dict)]


SOURCE = Source(
    "fhir",
    decode,
    formats={
        "fhir-r4-json": "", "fhir-r4-bundle-json": "", "fhir+json": "", "fhir-kanta-phr-json": "",
        "fhir-kanta-phr-bundle-json": "",
    },
    longest=MAX_BUNDLE,
    learns=False,
    again=again,
)  # fmt: skip
