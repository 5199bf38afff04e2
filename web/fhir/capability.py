"""The CapabilityStatement: what this API offers, read by programs."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from core.catalogue import catalogue
from web.fhir.codes import code
from web.fhir.scopes import IDENTITY

_DATE = "2026-11-25"
_SEARCH: dict[str, tuple[tuple[str, str, str], ...]] = {
    "Patient": (
        ("_id", "token", "The pseudonym."),
        (
            "identifier",
            "token",
            "urn:saimi:pseudonym| or, with saimi/identity, urn:saimi:reference|",
        ),
    ),
    "Observation": (
        ("patient", "reference", "Whose; must be given, or subject."),
        ("subject", "reference", "The same as patient."),
        ("code", "token", "A component of a blood pressure finds the whole."),
        ("combo-code", "token", "The same as code."),
        ("category", "token", "vital-signs, exam, activity or survey."),
        ("date", "date", "eq, gt, ge, lt, le, sa, eb; ten years at most."),
    ),
    "Device": (
        ("patient", "reference", "Whose; must be given."),
        ("identifier", "token", "urn:saimi:device|<gateway>/<device>"),
    ),
    "Flag": (
        ("patient", "reference", "Whose; must be given, or subject."),
        ("subject", "reference", "The same as patient."),
        ("status", "token", "active or inactive."),
        ("date", "date", "When it began."),
    ),
    "DetectedIssue": (
        ("patient", "reference", "Whose; must be given."),
        ("identified", "date", "When it began."),
    ),
}
_PROFILE = {"Observation": "http://hl7.org/fhir/StructureDefinition/vitalsigns"}


def capability(base: str, *, taking: bool) -> dict[str, Any]:
    """The CapabilityStatement; `taking`: Observations are taken in."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": _DATE,
        "kind": "instance",
        "software": {"name": "Saimi", "version": version("saimi")},
        "implementation": {"description": "Saimi", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "documentation": (
                    "Unknown search parameters are refused unless Prefer: handling=lenient. "
                    "Codes measured: "
                    + ", ".join(sorted(code(metric)["coding"][0]["code"] for metric in catalogue()))
                ),
                "security": {
                    "service": [
                        {
                            "coding": [
                                {
                                    "system": (
                                        "http://terminology.hl7.org/CodeSystem/"
                                        "restful-security-service"
                                    ),
                                    "code": "SMART-on-FHIR",
                                }
                            ]
                        }
                    ],
                    "description": "Bearer tokens of the county's identity provider.",
                },
                "resource": [_resource(kind, taking=taking) for kind in _SEARCH],
                **({"interaction": [{"code": "transaction"}, {"code": "batch"}]} if taking else {}),
            }
        ],
    }


def _resource(kind: str, *, taking: bool) -> dict[str, Any]:
    interactions = ["read", "search-type"]
    if taking and kind == "Observation":
        interactions.append("create")
    whole: dict[str, Any] = {
        "type": kind,
        "interaction": [{"code": one} for one in interactions],
        "versioning": "no-version",
        "readHistory": False,
        "updateCreate": False,
        "conditionalCreate": False,
        "conditionalRead": "not-match",
        "searchParam": [
            {"name": name, "type": type_, "documentation": said}
            for name, type_, said in _SEARCH[kind]
        ],
    }
    if kind in _PROFILE:
        whole["supportedProfile"] = [_PROFILE[kind]]
    if kind == "Patient":
        whole["operation"] = [
            {
                "name": "everything",
                "definition": "http://hl7.org/fhir/OperationDefinition/Patient-everything",
            },
            {
                "name": "kanta-phr",
                "definition": "urn:saimi:operation:kanta-phr",
                "documentation": "What Kanta's PHR has a profile for, as a batch to post there.",
            },
        ]
    return whole


def smart_configuration() -> dict[str, Any]:
    """What SMART App Launch wants to know (tokens are the identity provider's affair)."""
    return {
        "capabilities": ["permission-v1", "permission-v2", "permission-user", "permission-patient"],
        "scopes_supported": ["patient/*.read", "user/*.read", "system/*.read",
                             "user/Observation.c", "system/Observation.c", IDENTITY],
        "grant_types_supported": ["authorization_code", "client_credentials"],
    }  # fmt: skip
