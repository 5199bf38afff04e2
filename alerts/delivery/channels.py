"""Which channels a message goes by: the data of `channels.toml`, checked as it is read."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from alerts.finding import Severity
from core.errors import SettingsError

Kind = Literal["webpush", "sms", "email", "chat"]
"""How a member, or the desk, is reached; all but webpush by an Apprise URL."""
Seconds = Annotated[float, Meta(gt=0, le=7 * 86400)]


class Ways(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of `ByUrgency` what the desk may set for one severity."""

    kinds: Annotated[tuple[Kind, ...], Meta(min_length=1, max_length=4)]
    at_once: Annotated[int, Meta(ge=1, le=4)]
    quiet: bool


class ByUrgency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How messages of one severity go out."""

    kinds: Annotated[tuple[Kind, ...], Meta(min_length=1)]
    at_once: Annotated[int, Meta(ge=1, le=4)]
    quiet: bool
    keep_s: Seconds
    urgency: Literal["very-low", "low", "normal", "high"]


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one service of a kind is asked for at most."""

    per_minute: Annotated[float, Meta(gt=0, le=60_000)]
    burst: Annotated[int, Meta(ge=1, le=10_000)]
    within_s: Annotated[float, Meta(gt=0, le=60)]


class Broken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a service counts as broken."""

    failures: Annotated[int, Meta(ge=1, le=1000)]
    for_s: Seconds
    try_again_s: Seconds


class Again(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long to wait before another try."""

    first_s: Seconds
    most_s: Seconds

    def pause_s(self, rounds: int, chance: float) -> float:
        """Seconds until the next try, when all channels have been tried `rounds` times in vain.

        `chance` is drawn from 0 to 1; with no full round there is a channel left, and no wait.
        """
        if rounds == 0:
            return 0.0
        whole = min(self.most_s, self.first_s * 2.0 ** min(rounds - 1, 60))
        return whole * (0.5 + 0.5 * chance)


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of `channels.toml`."""

    severities: dict[str, ByUrgency]
    kinds: dict[Literal["webpush", "sms", "email", "chat", "home"], Limits]
    broken: Broken
    again: Again

    def of(self, severity: int) -> ByUrgency:
        """How messages of a severity go out."""
        return self.severities[str(int(severity))]


def parse_policy(text: str) -> Policy:
    """Read a file of channels.

    Raises:
        SettingsError: it is not readable, incomplete, or contradicts itself; says where.
    """
    try:
        policy = msgspec.convert(tomllib.loads(text), Policy)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"The file of channels cannot be used: {error}.") from error
    check_policy(policy)
    return policy


def check_policy(policy: Policy) -> None:
    """Refuse what is incomplete or contradicts itself.

    Raises:
        SettingsError: says where.
    """
    wanted = {str(int(severity)) for severity in Severity}
    if policy.severities.keys() != wanted:
        raise SettingsError(
            "The file of channels must have severities 1, 2, 3 and 4, each once: correct "
            "[severities]."
        )
    if len(policy.kinds) < 5:
        raise SettingsError(
            "The file of channels must have limits for webpush, sms, email, chat and home: correct "
            "[kinds]."
        )
    if any(policy.of(severity).quiet for severity in (Severity.URGENT, Severity.EMERGENCY)):
        raise SettingsError(
            "Urgent and emergency messages do not wait for the end of quiet hours: set quiet to "
            "false in [severities.3] and [severities.4]."
        )
    if any(len(set(one.kinds)) < len(one.kinds) for one in policy.severities.values()):
        raise SettingsError("A kind of channel stands twice for one severity: name each once.")


@cache
def shipped_policy() -> Policy:
    """The policy that comes with Saimi."""
    return parse_policy(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
