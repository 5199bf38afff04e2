"""The words every part uses of a reading; their numbers are what the database stores."""

from __future__ import annotations

from enum import IntEnum


class Qualifier(IntEnum):
    """How a value stands to what the meter can show (FHIR Quantity.comparator)."""

    BELOW = -1
    """The meter said LO: the true value is below the one stored."""
    EXACT = 0
    ABOVE = 1
    """The meter said HI: the true value is above the one stored."""


class State(IntEnum):
    """What is held of a reading after it was stored; only OK readings are scored."""

    OK = 0
    SUSPECT = 1
    """Kept and shown, not scored: its owner, its device or its time is in doubt."""
    STRUCK_OUT = 2
    """Declared wrong by a person, with a reason (FHIR status entered-in-error)."""


UNKNOWN = 0
"""Identifier of the unknown subject, gateway and device: always registered, never scored.

A help call from a device that nobody knows hangs on these until a person has sorted it out.
"""
