"""By which channel a message goes, when, and how often one is asked."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from alerts.delivery.channels import Again, Broken, Limits, parse_policy, shipped_policy
from alerts.delivery.route import Address, Choice, Service, choose, quiet_left, rounds
from alerts.delivery.sending import Outcome
from alerts.delivery.services import Standing, after, allowance, spend
from core.errors import SettingsError

POLICY = shipped_policy()
WALL = datetime(2026, 3, 3, 12, tzinfo=UTC)
PUSH = Address(1, "webpush", "webpush:a", "s")
TABLET = Address(2, "webpush", "webpush:b", "s")
SMS = Address(3, "sms", "sms:x", "s")
MAIL = Address(4, "email", "email:y", "s")
BROKEN = Broken(failures=5, for_s=60, try_again_s=30)


def at(seconds: float) -> datetime:
    return WALL + timedelta(seconds=seconds)


def chosen(severity: int, *addresses: Address, **given: object) -> Choice:
    services = {name: state for name, state in given.items() if isinstance(state, Service)}
    named = {name.replace("_", ":"): state for name, state in services.items()}
    failures = given.get("failures", {})
    assert isinstance(failures, dict)
    return choose(
        POLICY, severity, addresses, services=named, failures=failures, wall=WALL, now=WALL
    )


def test_urgent_goes_by_the_first_kind_to_all_of_its_addresses() -> None:
    assert chosen(3, MAIL, SMS, PUSH, TABLET).addresses == (PUSH, TABLET)


def test_an_emergency_goes_by_two_kinds_at_once() -> None:
    assert chosen(4, MAIL, SMS, PUSH).addresses == (PUSH, SMS)


def test_what_failed_comes_after_what_did_not_and_comes_round_again() -> None:
    assert chosen(3, PUSH, SMS, failures={1: 1}).addresses == (SMS,)
    assert chosen(3, PUSH, SMS, failures={1: 1, 3: 1}).addresses == (PUSH,)
    assert rounds([PUSH, SMS], {1: 1}) == 0
    assert rounds([PUSH, SMS], {1: 2, 3: 1}) == 1


def test_a_broken_service_is_passed_over_and_now_and_then_tried_beside_another() -> None:
    lately = Service(broken=True, tried_at=at(-5))
    assert chosen(3, PUSH, SMS, webpush_a=lately).addresses == (SMS,)
    long_ago = Service(broken=True, tried_at=at(-31))
    assert chosen(3, PUSH, SMS, webpush_a=long_ago).addresses == (SMS, PUSH)
    # Nothing else is there: better tried in vain than not at all.
    assert chosen(3, PUSH, webpush_a=lately).addresses == (PUSH,)


def test_a_pause_is_kept_while_others_go_ahead() -> None:
    paused = Service(paused_until=at(20))
    assert chosen(4, PUSH, SMS, webpush_a=paused).addresses == (SMS,)
    assert chosen(4, PUSH, webpush_a=paused) == Choice(again_at=at(20))
    assert chosen(4, PUSH, webpush_a=Service(paused_until=at(-1))).addresses == (PUSH,)
    assert chosen(4) == Choice()


@pytest.mark.parametrize(
    ("local", "hours"),
    [("21:59", 0), ("22:00", 9), ("23:30", 7.5), ("06:59", 1 / 60), ("07:00", 0), ("12:00", 0)],
)
def test_quiet_hours_over_midnight(local: str, hours: float) -> None:
    """In Finland, two hours ahead of UTC in winter."""
    now = datetime.fromisoformat(f"2026-03-03T{local}:00+02:00")
    left = quiet_left((time(22), time(7)), now)
    assert left == timedelta(hours=hours)


def test_quiet_hours_end_by_the_clock_on_the_wall_when_summer_time_begins() -> None:
    # The clocks go from 3 to 4 on that night: 7 o'clock is an hour nearer.
    now = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)  # 02:00 in Finland
    assert quiet_left((time(22), time(7)), now) == timedelta(hours=4)


def test_quiet_hours_hold_back_only_what_can_wait() -> None:
    asleep = Address(1, "webpush", "webpush:a", "s", (time(13), time(15)))  # it is 14 o'clock
    assert chosen(2, asleep).again_at == at(3600)
    assert chosen(2, asleep, MAIL).addresses == (MAIL,)
    assert chosen(3, asleep, MAIL).addresses == (asleep,)


def test_pauses_double_up_to_a_bound_and_are_drawn() -> None:
    again = Again(first_s=2, most_s=300)
    assert again.pause_s(0, 0.9) == 0
    assert [again.pause_s(n, 1.0) for n in (1, 2, 3, 100)] == [2, 4, 8, 300]
    assert [again.pause_s(n, 0.0) for n in (1, 2)] == [1, 2]


LIMITS = Limits(per_minute=60, burst=2, within_s=1)


def test_a_service_is_asked_for_so_many_and_emergencies_overtake() -> None:
    fresh = Standing("sms:x")
    assert allowance(fresh, LIMITS, WALL) == 2
    left = spend(fresh, LIMITS, count=2, severity=3, wall=WALL)
    assert left == 0
    used = Standing("sms:x", allowance=0.0, counted_at=WALL)
    assert spend(used, LIMITS, count=1, severity=3, wall=at(0.25)) == timedelta(seconds=0.75)
    assert spend(used, LIMITS, count=1, severity=4, wall=WALL) == -1
    # What was overdrawn the others wait for, and that is bounded.
    deep = Standing("sms:x", allowance=-2.0, counted_at=WALL)
    assert spend(deep, LIMITS, count=1, severity=4, wall=WALL) == -2
    assert spend(deep, LIMITS, count=1, severity=3, wall=WALL) == timedelta(seconds=3)
    # More addresses than it ever holds go when it is full.
    assert spend(fresh, LIMITS, count=5, severity=3, wall=WALL) == -2


def failing(times: int, *, every: float = 1.0, start: Standing | None = None) -> Standing:
    standing = start or Standing("sms:x")
    for number in range(times):
        standing = after(standing, [Outcome("failed")], BROKEN, at(number * every))
    return standing


def test_a_service_is_broken_after_failures_in_a_row_or_for_a_while() -> None:
    assert failing(4).broken_at is None
    assert failing(5).broken_at == at(4)
    assert failing(2, every=59).broken_at is None
    assert failing(2, every=60).broken_at == at(60)
    # It stays broken since then, and one message that is taken ends it.
    assert failing(7).broken_at == at(4)
    well = after(failing(7), [Outcome("failed"), Outcome("sent")], BROKEN, at(9))
    assert well == Standing("sms:x")


def test_what_says_nothing_of_a_service_changes_nothing() -> None:
    standing = failing(4)
    for outcome in (Outcome("gone"), Outcome("failed", by_service=False)):
        assert after(standing, [outcome], BROKEN, at(9)) == standing
    paused = after(standing, [Outcome("failed", retry_after_s=30)], BROKEN, at(9))
    assert (paused.failures, paused.paused_until) == (4, at(39))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("quiet = false", "quiet = true", "do not wait"),
        ("[severities.1]", "[severities.5]", "severities 1, 2, 3 and 4"),
        ("[kinds.home]", "[kinds.pigeon]", "pigeon"),
        ("at_once = 2", "at_once = 0", "at_once"),
        ("burst = 100", "burst = 100\nbursts = 1", "bursts"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(old: str, new: str, said: str) -> None:
    from pathlib import Path

    import alerts.delivery.channels

    text = Path(alerts.delivery.channels.__file__).with_suffix(".toml").read_text(encoding="utf-8")
    with pytest.raises(SettingsError, match=said):
        parse_policy(text.replace(old, new, 1))
