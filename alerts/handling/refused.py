"""Why an act on an episode was refused; nothing was changed then."""

from __future__ import annotations

from core.errors import ConflictError, UserError

MAX_NOTE = 2000
"""Longest note, in characters."""


class ContactNeededError(UserError):
    """A life-safety episode cannot be closed before contact with a person is recorded."""

    def __init__(self) -> None:
        super().__init__(
            "A help call, smoke, carbon monoxide or fall alert stays open until a person was "
            "reached: make contact, record it, then close the alert."
        )


class CannotTakeError(UserError):
    """Nothing was changed; an episode cannot be handed over to that member."""

    def __init__(self) -> None:
        super().__init__(
            "The alert cannot be handed over to them: choose another member who may work with "
            "clients."
        )


class UnseenError(ConflictError):
    """Nothing was changed; the episode got worse, returned or had another event meanwhile."""

    def __init__(self) -> None:
        super().__init__(
            "Something new happened while this alert was being closed, so it stays open: look at "
            "what is new, then close the alert again."
        )


class NoteTooLongError(UserError):
    """Nothing was changed; the note has `excess` characters too many."""

    def __init__(self, length: int) -> None:
        self.excess = length - MAX_NOTE
        super().__init__(
            f"The note is {length} characters long, {self.excess} too many: nothing was changed; "
            "shorten it and close the alert again."
        )
