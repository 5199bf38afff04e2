"""What a metric of the catalogue is called in FHIR R4.

LOINC codes of the vital signs profile (http://hl7.org/fhir/R4/observation-vitalsigns.html, "magic
codes") stand first; every code also has Saimi's own name, since most ambient metrics have no other.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from core.catalogue import Metric, catalogue

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
MDC = "urn:iso:std:iso:11073:10101"
UCUM = "http://unitsofmeasure.org"
OWN = "urn:saimi:metric"
"""Names of the catalogue; ingest reads them too."""
PSEUDONYM = "urn:saimi:pseudonym"
REFERENCE = "urn:saimi:reference"
DEVICE = "urn:saimi:device"
"""A device's identifier is <gateway>/<device>, which is the same on every installation."""
ALERT = "urn:saimi:alert"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"

PANEL = "85354-9"
PANEL_METRICS = ("systolic", "diastolic", "mean_arterial_pressure")
"""One measurement of a cuff, one Observation."""

_PROFILE = "http://hl7.org/fhir/StructureDefinition/"
_LOINC_FIRST = {"spo2": ("2708-6", "59408-5")}
"""Where the profile wants another code than the catalogue's beside it."""
_PROFILES = {
    "pulse": "heartrate",
    "respiratory_rate": "resprate",
    "spo2": "oxygensat",
    "temperature": "bodytemp",
    "body_height": "bodyheight",
    "head_circumference": "headcircum",
    "weight": "bodyweight",
    "body_mass_index": "bmi",
}
_DISPLAY = {
    "8867-4": "Heart rate",
    "2708-6": "Oxygen saturation in Arterial blood",
    "59408-5": "Oxygen saturation in Arterial blood by Pulse oximetry",
    "9279-1": "Respiratory rate",
    "8480-6": "Systolic blood pressure",
    "8462-4": "Diastolic blood pressure",
    "8478-0": "Mean blood pressure",
    "8310-5": "Body temperature",
    "15074-8": "Glucose [Moles/volume] in Blood",
    "29463-7": "Body weight",
    "8302-2": "Body height",
    "39156-5": "Body mass index (BMI) [Ratio]",
    "67775-7": "Level of responsiveness",
    "3151-8": "Inhaled oxygen flow rate",
    "55423-8": "Number of steps in unspecified time Pedometer",
    PANEL: "Blood pressure panel with all children optional",
}
_CATEGORIES = {"body": "exam", "context": "exam", "ambient": "survey", "event": "survey"}
_ACTIVITY = frozenset(("steps", "exercise_duration", "active_time", "energy_expended"))
_ANSWERS = {
    "alert": (LOINC, "LA9340-6", "Alert"),
    "new_confusion": (SNOMED, "130987000", "Acute confusion"),
    "voice": (LOINC, "LA9341-4", "Responds to voice"),
    "pain": (LOINC, "LA9342-2", "Responds to pain"),
    "unresponsive": (LOINC, "LA9343-0", "Unresponsive"),
}


def loinc(metric: Metric) -> tuple[str, ...]:
    """Its LOINC codes, the profile's first; none where LOINC has none."""
    return _LOINC_FIRST.get(metric.name, (metric.loinc,) if metric.loinc else ())


def code(metric: Metric) -> dict[str, Any]:
    """The CodeableConcept of a metric."""
    codings = [_coding(one) for one in loinc(metric)]
    if metric.mdc is not None:
        codings.append({"system": MDC, "code": str(metric.mdc)})
    codings.append({"system": OWN, "code": metric.name})
    text = metric.name.replace("_", " ")
    if metric.codes and metric.name != "consciousness":
        text += f" (true: {metric.codes[1]}, false: {metric.codes[0]})".replace("_", " ")
    return {"coding": codings, "text": text}


def panel_code() -> dict[str, Any]:
    """The CodeableConcept of a blood pressure."""
    return {"coding": [_coding(PANEL)], "text": "blood pressure"}


def _coding(one: str) -> dict[str, str]:
    coding = {"system": LOINC, "code": one}
    return coding | {"display": _DISPLAY[one]} if one in _DISPLAY else coding


def category(metric: Metric) -> str:
    """The code of its category (http://hl7.org/fhir/R4/valueset-observation-category.html)."""
    if metric.kind == "vital" or metric.name in _PROFILES or metric.name in PANEL_METRICS:
        return "vital-signs"
    return "activity" if metric.name in _ACTIVITY else _CATEGORIES.get(metric.kind, "survey")


def profiles(metric: Metric) -> list[str]:
    """The profiles of R4 itself that its Observations keep."""
    if metric.name in PANEL_METRICS:
        return [f"{_PROFILE}vitalsigns", f"{_PROFILE}bp"]
    if category(metric) != "vital-signs":
        return []
    own = _PROFILES.get(metric.name)
    return [f"{_PROFILE}vitalsigns", *([f"{_PROFILE}{own}"] if own else [])]


def answer(word: str) -> dict[str, Any]:
    """The CodeableConcept of an answer on the ACVPU scale."""
    system, given, display = _ANSWERS[word]
    return {
        "coding": [{"system": system, "code": given, "display": display}],
        "text": word.replace("_", " "),
    }


@cache
def _by_code() -> dict[tuple[str, str], frozenset[str]]:
    found: dict[tuple[str, str], frozenset[str]] = {(LOINC, PANEL): frozenset(PANEL_METRICS)}
    for metric in catalogue():
        names = frozenset(PANEL_METRICS if metric.name in PANEL_METRICS else (metric.name,))
        own = [(LOINC, one) for one in loinc(metric)] + [(OWN, metric.name)]
        if metric.mdc is not None:
            own.append((MDC, str(metric.mdc)))
        found.update(dict.fromkeys(own, names))
    return found


def metrics_of_code(system: str | None, given: str) -> frozenset[str]:
    """The metrics that a search by a code finds; empty where Saimi has none of it.

    `system` None: any system's. A component of the blood pressure finds the panel that it is in.
    """
    if system is not None:
        return _by_code().get((system, given), frozenset())
    found = [names for (_, one), names in _by_code().items() if one == given]
    return frozenset().union(*found)


def metrics_of_category(given: str) -> frozenset[str]:
    """The metrics of a category."""
    return frozenset(metric.name for metric in catalogue() if category(metric) == given)
