"""An Observation as Kanta's PHR takes it (Finnish PHR profiles, R4).

Over the plain Observation these ask for a language, a text in it, an identifier of the sender's, a
category and who made it. Only what has a profile there and is beyond doubt is rendered; profiles
whose Observations are of a week (activity) or a meal are none that readings can fill.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from html import escape
from itertools import groupby
from typing import Any, NamedTuple

from core.catalogue import catalogue
from core.reading import State
from web.fhir.codes import CATEGORY, LOINC, PANEL_METRICS
from web.fhir.observation import Key, Reading, observation
from web.i18n import Texts
from web.values import metric_name, value_text

_PROFILE = "http://phr.kanta.fi/StructureDefinition/fiphr-sd-"
_FITNESS = "http://phr.kanta.fi/fiphr-cs-fitnesscategory"
_URI = "urn:ietf:rfc:3986"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:saimi:observation")


class _Profile(NamedTuple):
    name: str
    system: str
    category: str
    code: str | None = None
    """The LOINC code that the profile has; None: the one that the Observation has."""


_VITAL = (CATEGORY, "vital-signs")
_PROFILES = {
    **{name: _Profile("bloodpressure", *_VITAL) for name in PANEL_METRICS},
    "glucose": _Profile("bloodglucose", *_VITAL),
    "weight": _Profile("bodyweight", *_VITAL),
    "body_height": _Profile("bodyheight", *_VITAL),
    "steps": _Profile("stepstaken", _FITNESS, "fitness", "66334-4"),
}
METRICS = sorted(catalogue()[name].id for name in _PROFILES)
"""The metrics that there is a profile for."""


def rendered(readings: Iterable[Reading], pseudonym: str, text: Texts) -> Iterator[dict[str, Any]]:
    """The Observations for Kanta; `readings` of METRICS come in the order of their keys."""
    for key, some in groupby(readings, key=lambda one: one.key):
        sure = [one for one in some if one.state == State.OK]
        if sure:
            yield _observation(key, sure, pseudonym, text)


def _observation(key: Key, readings: list[Reading], pseudonym: str, text: Texts) -> dict[str, Any]:
    plain = observation(key, readings, pseudonym)
    profile = _PROFILES[catalogue().by_id[readings[0].metric].name]
    code = {
        **plain["code"],
        "coding": [one for one in plain["code"]["coding"] if one["system"] == LOINC],
    }
    if profile.code is not None:
        code["coding"].insert(0, {"system": LOINC, "code": profile.code})
    components = [
        {**one, "code": {"coding": one["code"]["coding"][:1]}} for one in plain.get("component", ())
    ]
    whole = {
        "resourceType": "Observation",
        "meta": {"profile": [_PROFILE + profile.name]},
        "language": text.language,
        "text": {"status": "generated", "div": _narrative(readings, text)},
        "identifier": [
            {"system": _URI, "value": f"urn:uuid:{uuid.uuid5(_NAMESPACE, f'{pseudonym} {key.id}')}"}
        ],
        "status": "final",
        "category": [{"coding": [{"system": profile.system, "code": profile.category}]}],
        "code": {"coding": code["coding"]},
        "subject": plain["subject"],
        "effectiveDateTime": plain["effectiveDateTime"],
        "issued": plain["issued"],
        "performer": [plain["subject"]],
    }
    if components:
        return whole | {"component": components}
    return whole | {"valueQuantity": plain["valueQuantity"]}


def _narrative(readings: list[Reading], text: Texts) -> str:
    """What was measured, when and how much, as XHTML."""
    said = []
    for one in readings:
        metric = catalogue().by_id[one.metric].name
        value = value_text(text, metric, one.value, one.qualifier)
        said.append(f"{metric_name(text, metric)}: {value}")
    at = text.day_and_time(readings[0].time)
    lines = "<br />".join(escape(line) for line in (at, *said))
    language = text.language
    return (
        f'<div xmlns="http://www.w3.org/1999/xhtml" lang="{language}" xml:lang="{language}">'
        f"{lines}</div>"
    )


def batch(observations: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """A Bundle that a sender posts to the PHR; what is there already is not stored twice."""
    entries = [
        {
            "fullUrl": one["identifier"][0]["value"],
            "resource": one,
            "request": {
                "method": "POST",
                "url": "Observation",
                "ifNoneExist": f"identifier={one['identifier'][0]['value']}",
            },
        }
        for one in observations
    ]
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "batch"}
    return bundle | {"entry": entries} if entries else bundle
