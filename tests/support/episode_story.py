"""Whether what is written about an episode can have happened: each step once, in order, in time.

A second telling of the rules of calls and leases, from the events alone. It knows nothing of the
code that wrote them but the values of routing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from alerts.routing.values import shipped_values


def story(events: Sequence[Mapping[str, Any]]) -> Story:
    """Follow an episode's events, oldest first.

    Raises:
        AssertionError: something happened twice, too early, or to somebody who had no part in it.
    """
    told = Story()
    for event in events:
        told.follow(event)
    return told


class Story:
    """Where an episode stands."""

    def __init__(self) -> None:
        self.opened = self.closed = False
        self.held_by: int | None = None
        self.round = 1
        self.called: set[tuple[str, int | None]] = set()
        """(message, member; None: the desk), over all rounds."""
        self.steps = 0
        self.lapses = 0
        self._until: datetime | None = None
        self._calls = 0
        self._last: tuple[str, datetime, int] | None = None
        """Message, time and severity of the last call of this round."""

    def follow(self, event: Mapping[str, Any]) -> None:
        what, detail = event["what"], event["detail"]
        assert not self.closed, f"{what} after it was closed"
        assert self.opened == (what != "opened"), f"{what}, opened: {self.opened}"
        if what == "opened":
            self.opened = True
        elif what == "called":
            self._call(event)
        elif what == "acknowledged":
            assert self.held_by is None, "taken from somebody"
            self._held(event["member"], detail)
        elif what == "renewed":
            assert self.held_by == event["member"]
            self._held(event["member"], detail)
        elif what == "handed_over":
            self._held(detail["to"], detail)
        elif what == "released":
            assert self.held_by == event["member"]
            self._anew()
        elif what == "lapsed":
            assert self.held_by == detail["by"], "a lease ran out that nobody had"
            assert self._until is not None
            assert event["at"] >= self._until, "a lease ran out too early"
            self.lapses += 1
            self._anew()
        elif "acknowledgement_ended" in detail:
            assert self.held_by == detail["acknowledgement_ended"]["by"]
            self._anew()
        elif what in ("rose", "returned") and self.held_by is None:
            self._anew()
        elif what == "closed":
            self.closed = True

    def _held(self, member: int, detail: Mapping[str, Any]) -> None:
        self.held_by, self._until = member, datetime.fromisoformat(detail["until"])

    def _anew(self) -> None:
        self.held_by = self._until = self._last = None
        self.round += 1
        self._calls = 0

    def _call(self, event: Mapping[str, Any]) -> None:
        detail, at = event["detail"], event["at"]
        message = detail["message"]
        assert (message, event["member"]) not in self.called, "called twice by one step"
        self.called.add((message, event["member"]))
        assert detail["round"] == self.round
        if detail["step"] == "handed_over":
            assert self.held_by == event["member"]
            return
        assert self.held_by is None, "called though somebody has it"
        if self._last is not None and self._last[0] == message:
            assert self._last[1] == at, "one step at two times"
            return
        self.steps += 1
        self._calls += 1
        assert message.startswith(f"{self.round}.{self._calls}-"), f"{message}, not {self._calls}"
        if self._last is not None:
            # What has cleared is called about as a review is, and may get worse again: the
            # shortest wait of both.
            wait = min(_wait(self._last[2]), _wait(detail["severity"]))
            assert at >= self._last[1] + wait, "the next was called too early"
        self._last = (message, at, detail["severity"])


def _wait(severity: int) -> timedelta:
    return shipped_values().of(severity).patience(reached=False, seen=False)
