"""The code that a client is given for a login: twelve signs, easily read out and typed."""

from __future__ import annotations

import re
import secrets

_SIGNS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without 0, O, 1 and I, which look alike: 60 bits in twelve."""
_LENGTH = 12
LONGEST = 40
"""Of what is typed, with whatever stands between the signs."""


def new_code() -> str:
    """One that nobody can guess."""
    return "".join(secrets.choice(_SIGNS) for _ in range(_LENGTH))


def spaced(code: str) -> str:
    """As it is written down: ABCD-EFGH-JKLM."""
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


def typed(text: str) -> str:
    """The code that somebody typed, however they wrote it."""
    return re.sub(r"[^0-9A-Z]", "", text.upper())
