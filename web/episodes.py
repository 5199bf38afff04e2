"""An alert as JSON: what the live list, the API and the server-sent events give.

id, version, kind, severity, highest        as stored; `title`, `urgency`: in words
opened_at, changed_at, cleared_at, closed_at   RFC 3339, UTC, or null
acknowledged        {at, by, until} or null; until: when it returns to the queue unless renewed
contact             {at, by, how, whom} of the person who was reached, or null
outcome, note       once closed
needs_contact       whether closing it asks for a recorded contact with a person
client              {pseudonym, name, age, municipality}; what is not known is null
summary             {text, rule, key, params, missing}: one sentence, and what it was made of
others              sentences of further findings of the same kind
evidence            [{gateway, device, metric, value, unit, qualifier, time, …}], trigger first;
                    `label` and `text`: metric and value in words, `points`: [low, high] or null
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from alerts.episodes.listing import Card
from core.catalogue import catalogue
from core.clock import LOCAL
from web.i18n import Texts
from web.sentences import sentence
from web.values import metric_name, value_text
from web.words import KINDS, SEVERITIES


def age(born: date, on: date) -> int:
    """Full years."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def whose(card: Card, text: Texts, now: datetime) -> dict[str, Any]:
    """Whom an alert is about, for people."""
    today = now.astimezone(LOCAL).date()
    ages = [age(person.born, today) for person in card.people]
    names = [f"{person.given_name} {person.family_name}" for person in card.people]
    if card.subject_kind in ("area", "service"):
        # Who is at risk in an outage stands below; it is about all of them.
        names, ages = [card.area_name or "Saimi"], []
    if not names:
        unknown = card.subject_kind == "unknown"
        names = [_unknown(card, text) if unknown else text.gettext("A home")]
    return {
        "pseudonym": card.pseudonym,
        "name": text.listing(names),
        "age": ages[0] if len(ages) == 1 else None,
        "municipality": card.area_name,
    }


def _unknown(card: Card, text: Texts) -> str:
    """What the wire called a device that nobody knows: all there is to go by."""
    called = {f"{one.get('gateway')}/{one.get('device')}" for one in card.evidence[:1]}
    return " ".join([text.gettext("Unknown device"), *called])


def evidence_json(text: Texts, one: dict[str, Any]) -> dict[str, Any]:
    """One reading of the evidence, in words beside its numbers."""
    metric = str(one.get("metric"))
    entry = catalogue().get(metric)
    return {
        **one,
        "unit": entry.unit if entry is not None else None,
        "label": metric_name(text, metric),
        "text": value_text(text, metric, one.get("value"), one.get("qualifier") or 0),
        "points": one.get("points"),
    }


def episode_json(card: Card, text: Texts, now: datetime) -> dict[str, Any]:
    """The alert, in the words of one language; `card` only as its viewer may see it."""
    acknowledged = None
    if card.acknowledged_at is not None:
        acknowledged = {
            "at": card.acknowledged_at,
            "by": card.acknowledged_by_name,
            "until": card.acknowledged_until,
        }
    contact = None
    if card.contacted_at is not None:
        told = card.contacted or {}
        contact = {
            "at": card.contacted_at,
            "by": card.contacted_by_name,
            "how": told.get("how"),
            "whom": told.get("whom"),
        }
    others = card.summary.get("others") or ()
    return {
        "id": card.id,
        "version": card.version,
        "kind": card.kind,
        "title": text.gettext(KINDS[card.kind]) if card.kind in KINDS else card.kind,
        "severity": card.severity,
        "highest": card.highest,
        "urgency": text.gettext(SEVERITIES[card.severity]),
        "opened_at": card.opened_at,
        "changed_at": card.changed_at,
        "cleared_at": card.cleared_at,
        "acknowledged": acknowledged,
        "contact": contact,
        "closed_at": card.closed_at,
        "closed_by": card.closed_by_name,
        "outcome": card.outcome,
        "note": card.note,
        "needs_contact": card.needs_contact,
        "client": whose(card, text, now),
        "summary": {
            "text": sentence(text, card.kind, card.summary),
            "rule": card.summary.get("rule"),
            "key": card.summary.get("key"),
            "params": card.summary.get("params"),
            "missing": card.summary.get("missing"),
        },
        "others": [sentence(text, card.kind, other) for other in others],
        "evidence": [evidence_json(text, one) for one in card.evidence],
    }
