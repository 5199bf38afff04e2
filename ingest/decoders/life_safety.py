"""What must never be missed, by a device's own names and words: a call for help, a fall, smoke,
carbon monoxide."""

from __future__ import annotations

from ingest.decoders.entity_words import (
    BESIDE_THE_EVENT,
    LIFE_SAFETY,
    OFF_TEXTS,
    ON_TEXTS,
    ORDINARY,
    words,
)

__all__ = ["in_text", "meant", "meant_by_entity", "words"]
_NOTHING_SAID = frozenset(("", "unknown", "unavailable", "none", "null"))
_DENIED = frozenset(("no", "not", "none", "normal", "clear", "cleared", "ei", "inte"))


def meant(named: frozenset[str]) -> str | None:
    """The life-safety metric that words name; None where they name none, or only its settings."""
    if named & BESIDE_THE_EVENT:
        return None
    for metric, own in LIFE_SAFETY.items():
        if named & own:
            return metric
    return "carbon_monoxide" if "co" in named else None


def meant_by_entity(named: frozenset[str], device: frozenset[str]) -> str | None:
    """The life-safety metric of an entity called `named` of a device called `device`.

    An entity's name often repeats its device's. What is left decides; but where nothing else is
    told by what is left ("fall radar: detected"), the whole does.
    """
    own = named - device
    safety = meant(own)
    if safety is None and not own & ORDINARY:
        safety = meant(named)
    return safety


def in_text(metric: str, text: str) -> float | None:
    """What a text says of a life-safety metric: 1 it is on, 0 it is over, None neither.

    A text that names the event itself (`fall_alarm`, `falling`, `emergency`) says it is on.
    """
    plain = text.strip().lower()
    if plain in _NOTHING_SAID:
        return None
    said = words(plain[:256])
    if plain in OFF_TEXTS or said & _DENIED:
        return 0.0
    if said & ON_TEXTS or said & LIFE_SAFETY.get(metric, frozenset()):
        return 1.0
    try:
        return 1.0 if float(plain) != 0.0 else 0.0
    except ValueError:
        return None
