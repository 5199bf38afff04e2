"""What codes in FHIR mean: LOINC, IEEE 11073-10101 and SNOMED CT (`fhir_codes.toml`), and names of
the catalogue, as Saimi gives its own readings out.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.catalogue import catalogue
from ingest.decoders.life_safety import in_text, meant, words

_TABLES: dict[str, Any] = tomllib.loads(
    Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
)
_SYSTEMS = {
    "http://loinc.org": "loinc",
    "urn:oid:2.16.840.1.113883.6.1": "loinc",
    "urn:iso:std:iso:11073:10101": "mdc",
    "urn:oid:2.16.840.1.113883.6.24": "mdc",
    "http://snomed.info/sct": "snomed",
    "urn:oid:2.16.840.1.113883.6.96": "snomed",
    "urn:saimi:metric": "saimi",
}
_SHOWN = {"loinc": "LOINC", "mdc": "MDC", "snomed": "SNOMED CT", "saimi": "Saimi's"}
_ASKED = 16
"""Codings that are looked at; one concept has a few."""
_BESIDE = words(
    "detected detection detector alarm alert alarmed event call calling called button pressed",
    "press sensor emergency panic hälytys havaittu painike larm knapp",
)
"""Words that may stand beside an event's own where nothing but words says what is meant."""


def _meanings() -> dict[tuple[str, str], str]:
    found = {
        (system, str(code)): metric
        for system in ("loinc", "mdc", "snomed")
        for metric, codes in _TABLES[system].items()
        for code in codes
    }
    for metric in catalogue():
        for system, own in (
            ("loinc", metric.loinc), ("mdc", metric.mdc), ("saimi", metric.name),
        ):  # fmt: skip
            if own is not None:
                found.setdefault((system, str(own)), metric.name)
    return found


_MEANINGS = _meanings()
_CONSCIOUSNESS: dict[str, str] = {
    code: answer for answer, codes in _TABLES["answers"]["consciousness"].items() for code in codes
}
_CONSCIOUS_WORDS = {
    "alert": "alert", "a": "alert", "awake": "alert",
    "c": "new_confusion", "confusion": "new_confusion", "confused": "new_confusion",
    "v": "voice", "voice": "voice", "verbal": "voice",
    "p": "pain", "pain": "pain", "painful": "pain",
    "u": "unresponsive", "unresponsive": "unresponsive", "unconscious": "unresponsive",
}  # fmt: skip
_YES = frozenset(_TABLES["answers"]["yes"]["codes"])
_NO = frozenset(_TABLES["answers"]["no"]["codes"])
MDC_UNITS: dict[str, str] = _TABLES["units"]
"""UCUM by the IEEE 11073-10101 code of a unit."""


def is_mdc(system: Any) -> bool:
    """Whether a code system is IEEE 11073-10101."""
    return isinstance(system, str) and _SYSTEMS.get(system) == "mdc"


def codings(concept: Any) -> Iterator[tuple[str, str, str]]:
    """System, code and display of each coding of a CodeableConcept; empty where not given."""
    given = concept.get("coding") if isinstance(concept, dict) else None
    for one in given[:_ASKED] if isinstance(given, list) else ():
        if isinstance(one, dict):
            system, code, display = (one.get(key) for key in ("system", "code", "display"))
            yield (
                system if isinstance(system, str) else "",
                code.strip() if isinstance(code, str) else "",
                display if isinstance(display, str) else "",
            )


def texts(concept: Any) -> list[str]:
    """What a CodeableConcept says in words: its text, then the displays of its codings."""
    text = concept.get("text") if isinstance(concept, dict) else None
    return [
        one
        for one in (text, *(display for _, _, display in codings(concept)))
        if isinstance(one, str) and one.strip()
    ]


def metric_of(concept: Any) -> str | None:
    """The metric that a code means; None where it is none of the catalogue's.

    Words alone count for nothing but life safety, and there only where they say the event and
    nothing else ("Fall detected", not "Second hand smoke exposure" or "History of falls").
    """
    for system, code, _ in codings(concept):
        metric = _MEANINGS.get((_SYSTEMS.get(system, ""), code))
        if metric is not None:
            return metric
    for text in texts(concept):
        said = frozenset(text.lower().split()) if len(text) <= 64 else frozenset()
        event = meant(words(text)) if said else None
        if event is not None and all(meant(words(one)) == event or one in _BESIDE for one in said):
            return event
    return None


def shown(concept: Any) -> str:
    """A code as people are told it: one of a system known here before a private one."""
    found = sorted(codings(concept), key=lambda one: one[0] not in _SYSTEMS)
    for system, code, display in found:
        if code:
            where = _SHOWN.get(_SYSTEMS.get(system, ""), "code")
            return f"{where} {code[:48]}" + (f" ({display[:64].strip()})" if display else "")
    told = texts(concept)
    return f"code {told[0][:64]!r}" if told else "an observation without a code"


def consciousness(concept: Any) -> str | None:
    """The catalogue's word for what was answered on the ACVPU scale; None where it is none."""
    for _, code, _ in codings(concept):
        if code in _CONSCIOUSNESS:
            return _CONSCIOUSNESS[code]
    for text in (*texts(concept), *(code for _, code, _ in codings(concept))):
        said = words(text[:64])
        answers = {_CONSCIOUS_WORDS[one] for one in said if one in _CONSCIOUS_WORDS}
        if len(answers) == 1 and not said & {"not", "no", "ei", "inte"}:
            return answers.pop()
    return None


def answer(metric: str, concept: Any) -> float | None:
    """1 for yes and 0 for no, as a coded answer says it; None where it says neither."""
    for _, code, _ in codings(concept):
        if code in _YES:
            return 1.0
        if code in _NO:
            return 0.0
    said = (in_text(metric, text) for text in texts(concept))
    return next((one for one in said if one is not None), None)
