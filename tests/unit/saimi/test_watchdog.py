"""What the watchdog makes of what it sees: one page an outage, one all-clear."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from saimi.watchdog.judging import (
    Limits,
    Say,
    Seen,
    Trouble,
    Watch,
    judge,
    troubles,
    watching_since,
)
from web.i18n import LANGUAGES, Language, texts
from web.watchdog_sentences import SERVICES, all_clear, page

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIMITS = Limits()
LONG_AGO = NOW - timedelta(days=1)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def wrong(
    *, note: float | None = None, watching_since: datetime = LONG_AGO, **ages: float
) -> list[tuple[str, str]]:
    """What is wrong where services were alive so many seconds ago."""
    beats = {service: NOW - seconds(age) for service, age in {"ingest": 0.0, **ages}.items()}
    oldest = None if note is None else NOW - seconds(note)
    found = troubles(Seen(beats, oldest), now=NOW, watching_since=watching_since, limits=LIMITS)
    return [one[:2] for one in found]


def test_who_is_silent_for_too_long_is_missed() -> None:
    assert wrong(alerts=60) == []
    assert wrong(alerts=61) == [("silent", "alerts")]
    assert wrong(alerts=61, ingest=61, web=61, deliver=61) == [
        ("silent", "alerts"),
        ("silent", "deliver"),
        ("silent", "ingest"),
        ("silent", "web"),
    ]


def test_an_engine_that_never_came_is_missed_and_pages_that_never_were_are_not() -> None:
    assert wrong() == [("silent", "alerts")]
    assert wrong(alerts=1, line=1e6, watchdog=1e6) == []


def test_an_engine_that_lives_and_does_nothing_is_behind() -> None:
    assert wrong(alerts=1, note=119) == []
    assert wrong(alerts=1, note=121) == [("behind", "")]


def test_a_database_that_does_not_answer_says_nothing_of_the_services() -> None:
    found = troubles(None, now=NOW, watching_since=LONG_AGO, limits=LIMITS)
    assert found == [Trouble("database")]


@pytest.mark.parametrize("started_after", [1, 15, 16, 29, 31, 59, 61, 600])
@pytest.mark.parametrize("what", ["silent", "behind"])
def test_an_outage_goes_on_for_a_watchdog_that_was_killed_and_starts_again(
    started_after: float, what: str
) -> None:
    """No all-clear is said, nor a second page, while what was wrong is wrong still."""
    alive = {"ingest": NOW + seconds(10_000), "alerts": NOW + seconds(10_000)}
    seen = (
        Seen({**alive, "alerts": NOW - seconds(60.5)}, None)
        if what == "silent"
        else Seen(alive, NOW - seconds(120.5))
    )
    watch = Watch(wrong_since=NOW, page=1, paged_at=NOW + seconds(min(15, started_after)))
    started = NOW + seconds(started_after)
    since = watching_since(watch, now=started, limits=LIMITS)
    for later in range(0, 600, 5):
        now = started + seconds(later)
        found = troubles(seen, now=now, watching_since=since, limits=LIMITS)
        assert [one.what for one in found] == [what]
        watch, say = judge(watch, found, now=now, limits=LIMITS)
        assert say is None


def test_a_watchdog_that_remembers_no_outage_gives_all_time_to_start() -> None:
    assert watching_since(Watch(), now=NOW, limits=LIMITS) == NOW


def test_nobody_is_missed_for_what_was_before_anybody_watched() -> None:
    assert wrong(alerts=4000, note=4000, watching_since=NOW - seconds(60)) == []
    assert wrong(alerts=4000, watching_since=NOW - seconds(61)) == [("silent", "alerts")]


def run(story: Sequence[tuple[float, bool]]) -> list[tuple[float, Say]]:
    """What is said, and when, where so many seconds on something is wrong or nothing is."""
    watch, said = Watch(), list[tuple[float, Say]]()
    for at, is_wrong in story:
        found = [Trouble("silent", "alerts")] if is_wrong else []
        watch, say = judge(watch, found, now=NOW + seconds(at), limits=LIMITS)
        if say is not None:
            said.append((at, say))
    return said


def test_one_page_and_one_all_clear() -> None:
    story = [(at, 10 <= at < 100) for at in range(0, 300, 5)]
    assert run(story) == [(25, "page"), (130, "all_clear")]


def test_what_passes_quickly_is_no_outage() -> None:
    assert run([(at, at in (10, 15, 20)) for at in range(0, 300, 5)]) == []


def test_what_comes_and_goes_is_one_outage() -> None:
    flaps = [(at, at % 20 < 15) for at in range(0, 200, 5)]
    assert run([*flaps, *((at, False) for at in range(200, 300, 5))]) == [
        (20, "page"),
        (225, "all_clear"),
    ]


def test_an_outage_that_lasts_is_said_again_by_the_hour() -> None:
    said = run([(at, True) for at in range(0, 8000, 5)])
    assert said == [(15, "page"), (3615, "page"), (7215, "page")]


def test_another_outage_is_another_page() -> None:
    story = [(at, 0 <= at < 50 or 200 <= at < 250) for at in range(0, 400, 5)]
    assert [say for _, say in run(story)] == ["page", "all_clear"] * 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_trouble_has_its_words(language: Language) -> None:
    text = texts(language)
    found = [Trouble("database"), Trouble("behind", since=NOW)]
    found += [Trouble("silent", service, NOW) for service in SERVICES]
    title, said = page(text, found)
    assert title
    assert said.count(".") >= len(found)
    assert "%(" not in said
    title, said = all_clear(text, NOW, NOW + seconds(600))
    assert "10 min" in said
