"""Failed logins are answered ever more slowly, and nobody is locked out for good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from web.attempts import FREE, FREE_BY_ADDRESS, Attempts

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NONE = timedelta(0)


def failed(times: int) -> Attempts:
    attempts = Attempts()
    for _ in range(times):
        attempts.failed("key", NOW)
    return attempts


def test_the_first_failures_cost_nothing() -> None:
    assert failed(FREE - 1).wait("key", NOW) == NONE
    assert failed(FREE).wait("key", NOW) > NONE


def test_waits_grow_up_to_a_minute() -> None:
    waits = [failed(FREE + more).wait("key", NOW) for more in range(12)]
    assert waits == sorted(waits)
    assert waits[0] < waits[-1] == timedelta(minutes=1)


def test_waiting_helps_and_success_forgets() -> None:
    attempts = failed(FREE + 20)
    assert attempts.wait("key", NOW + timedelta(minutes=1)) == NONE
    attempts.succeeded("key")
    assert attempts.wait("key", NOW) == NONE


def test_a_quarter_of_an_hour_later_counting_starts_anew() -> None:
    attempts = failed(FREE + 20)
    later = NOW + timedelta(minutes=16)
    attempts.failed("key", later)
    assert attempts.wait("key", later) == NONE


def test_others_are_not_held_up_and_an_office_shares_its_address() -> None:
    attempts = failed(FREE + 5)
    assert attempts.wait("another", NOW) == NONE
    assert attempts.wait("key", NOW, free=FREE_BY_ADDRESS) == NONE


def test_a_flood_of_names_does_not_grow_memory() -> None:
    attempts = Attempts()
    for number in range(10_050):
        attempts.failed(str(number), NOW)
    assert len(attempts._failures) == 10_000
