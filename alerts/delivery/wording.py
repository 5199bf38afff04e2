"""What a message says, in the recipient's language: `wording.toml`, and nothing of the client."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal
from uuid import UUID

import msgspec

Language = Literal["fi", "sv", "en"]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message as it goes out. It is all that a channel is given to speak of."""

    key: UUID
    """What the outside can know it by."""
    episode: int
    severity: int
    what: str
    language: Language
    is_repeat: bool
    """An earlier try may have arrived."""
    keep_s: float
    """How long it is of use to somebody who cannot be reached just now."""
    urgency: str
    link: str | None = None
    """Where a browser opens the episode, if Saimi knows its own address."""


class _Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    severities: tuple[str, str, str, str]
    page: str
    reminder: str
    stand_down: str
    help_coming: str
    call_coming: str
    alone: str
    at_home: dict[str, str]
    """By what the home is told."""
    repeat: str


@cache
def _words() -> dict[str, _Words]:
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, _Words])


def sentence(message: Outgoing) -> str:
    """What a member reads; without the link."""
    words = _words()[message.language]
    form: str = getattr(words, message.what)
    said = form.format(severity=words.severities[message.severity - 1], episode=message.episode)
    return (words.repeat if message.is_repeat else "") + said


def at_home(message: Outgoing) -> str:
    """What is said or shown in the client's home."""
    words = _words()[message.language]
    return (words.repeat if message.is_repeat else "") + words.at_home[message.what]
