"""What the scopes of a token allow: SMART App Launch, `patient/*.read` (v1), `user/X.rs` (v2).

A scope never gives more than the member behind the token may see anyhow; it only takes away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Action = Literal["c", "r", "s"]
_SCOPE = re.compile(r"(patient|user|system)/(\*|[A-Z][A-Za-z]{1,63})\.(\*|read|write|[cruds]{1,5})")
_V1 = {"*": "cruds", "read": "rs", "write": "cud"}
IDENTITY = "saimi/identity"
"""The scope that lets a token see names, addresses and dates of birth."""


@dataclass(frozen=True)
class Grant:
    """What a token may do."""

    scopes: frozenset[str]
    patient: str | None = None
    """The only client of scopes that begin with patient/ (the token's launch context)."""

    @property
    def identity(self) -> bool:
        """Whether names may be shown."""
        return IDENTITY in self.scopes

    def allows(self, resource: str, action: Action) -> bool:
        """Whether anything of this kind is allowed at all."""
        return bool(self._contexts(resource, action))

    def only(self, resource: str, action: Action) -> str | None:
        """The one client that this is allowed of; None: whomever the member may see."""
        contexts = self._contexts(resource, action)
        return self.patient if contexts == {"patient"} else None

    def _contexts(self, resource: str, action: Action) -> set[str]:
        found = set()
        for scope in self.scopes:
            match = _SCOPE.fullmatch(scope)
            if match is None or match[2] not in ("*", resource):
                continue
            context, _, actions = match.groups()
            if action in _V1.get(actions, actions) and (context != "patient" or self.patient):
                found.add(context)
        return found


def parse(given: str | Iterable[str]) -> frozenset[str]:
    """The scopes of a `scope` claim: parted by blanks, or a list."""
    return frozenset(given.split() if isinstance(given, str) else given)
