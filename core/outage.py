"""Says that something is away when that begins and when it ends, and not at every try.

Ten minutes without a database are some lines in the log, not thousands.
"""

from __future__ import annotations

import structlog

_log = structlog.get_logger()


class Outage:
    """One thing that is tried again and again: `without` logs when that begins and when its reason
    is another, `over` that it has ended.
    """

    def __init__(self, event: str, back: str) -> None:
        self._event = event
        self._back = back
        self.why: str | None = None
        """Of the outage that lasts, in one sentence; None: there is none."""

    def without(self, why: str) -> None:
        """It failed once more."""
        if why != self.why:
            self.why = why
            _log.warning(self._event, why=why)

    def over(self) -> None:
        """It went well; to be called every time, since it costs nothing."""
        if self.why is not None:
            self.why = None
            _log.info(self._back)
