"""What the templates of one message may cost, and how large a value they may make."""

from __future__ import annotations

from typing import Any

from ingest.decoders.record import DecodeError

MAX_SIZE = 65_536
"""Characters or entries of any value that a template makes."""


class Budget:
    """What the templates of one message may still do."""

    def __init__(self, payload: int) -> None:
        """`payload`: the length of the message, in bytes; a longer one may cost more."""
        self._left = 10_000 + payload // 16

    def spend(self, size: int = 0) -> None:
        """One step over a value of `size` characters or entries.

        Raises:
            DecodeError: more than the message is worth.
        """
        self._left -= 1 + size // 256
        if self._left < 0:
            raise DecodeError(
                "template_limit",
                "The templates that this message must be read with take too much work, so they "
                "were stopped; make them simpler.",
            )


def weight(value: Any, budget: Budget) -> int:
    """Characters and entries of a value with all that it holds."""
    if isinstance(value, str):
        return len(value)
    if not isinstance(value, (list, dict, tuple)):
        return 1
    budget.spend(len(value))
    held = value.values() if isinstance(value, dict) else value
    return len(value) + sum(weight(one, budget) for one in held)


def bound(size: int, *given: int) -> None:
    """A value may be as long as the longest it was made of, or MAX_SIZE."""
    if size > max(MAX_SIZE, *given, 0):
        raise DecodeError(
            "template_limit",
            f"The template makes a value of more than {MAX_SIZE:,} characters, so it was stopped.",
        )
