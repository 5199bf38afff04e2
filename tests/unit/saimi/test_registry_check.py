"""A registry document that contradicts itself is refused, and the entry is named."""

from __future__ import annotations

import pytest

from core.errors import RegistryError
from core.registry import parse_document
from core.registry_check import check_document

HOME = '"name": "K1", "area": "imatra", "gateway": "gw-1"'
PERSON = '"given_name": "Aino", "family_name": "Esimerkki", "born": "1940-02-03"'


def home(content: str) -> str:
    return f'{{"homes": [{{{HOME}, {content}}}]}}'


def client(content: str) -> str:
    return home(f'"clients": [{{"reference": "c-1", {PERSON}, {content}}}]')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"areas": [{"code": "a", "name": "A"}, {"code": "a", "name": "B"}]}', ["area", "'a'"]),
        ('{"teams": [{"name": "T", "areas": []}, {"name": "T", "areas": []}]}', ["team", "'T'"]),
        (f'{{"homes": [{{{HOME}}}, {{{HOME}}}]}}', ["home", "'K1'"]),
        (
            (
                '{"homes": [{"name": "A", "area": "i", "gateway": "gw-1"},'
                ' {"name": "B", "area": "i", "gateway": "gw-1"}]}'
            ),
            ["gateway", "'gw-1'"],
        ),
        (
            home(f'"clients": [{{"reference": "c", {PERSON}}}, {{"reference": "c", {PERSON}}}]'),
            ["client", "'c'"],
        ),
        (client('"limits": [{"metric": "mood", "low": 1}]'), ["'c-1'", "'mood'"]),
        (client('"limits": [{"metric": "spo2"}]'), ["'c-1'", "'spo2'", "without"]),
        (client('"limits": [{"metric": "spo2", "low": 92, "high": 88}]'), ["'spo2'", "92", "88"]),
        (
            home('"devices": [{"name": "cuff", "kind": "cuff"}, {"name": "cuff", "kind": "cuff"}]'),
            ["'cuff'", "'K1'", "two owners"],
        ),
        (
            home(
                '"devices": [{"name": "cuff", "kind": "cuff"},'
                ' {"name": "cuff", "kind": "scale", "user_index": 1}]'
            ),
            ["'cuff'", "differently"],
        ),
        (
            home('"devices": [{"name": "m", "kind": "motion", "silent_after_minutes": 0}]'),
            ["'m'", "silent_after_minutes"],
        ),
        (
            home(
                '"devices": [{"name": "m", "kind": "motion",'
                ' "assigned_from": "2026-01-01T00:00:00"}]'
            ),
            ["'m'", "assigned_from", "time zone"],
        ),
        (
            client(
                '"pauses": [{"kind": "holiday", "since": "2026-01-01T00:00:00",'
                ' "until": "2026-01-02T00:00:00Z"}]'
            ),
            ["'c-1'", "holiday", "time zone"],
        ),
        (
            client(
                '"pauses": [{"kind": "hospital", "since": "2026-01-02T00:00:00Z",'
                ' "until": "2026-01-02T00:00:00Z"}]'
            ),
            ["'c-1'", "hospital", "ends before"],
        ),
        (
            home(
                '"pauses": [{"kind": "guests", "since": "2026-01-01T00:00:00Z",'
                ' "until": "2026-03-02T00:00:01Z"}]'
            ),
            ["'K1'", "guests", "60 days"],
        ),
        (
            home(
                '"pauses": [{"kind": "guests", "since": "2026-01-01T00:00:00Z",'
                ' "until": "2026-01-03T00:00:00Z"}, {"kind": "guests",'
                ' "since": "2026-01-02T00:00:00Z", "until": "2026-01-04T00:00:00Z"}]'
            ),
            ["'K1'", "two guests pauses"],
        ),
    ],
)
def test_the_wrong_entry_is_named(text: str, words: list[str]) -> None:
    with pytest.raises(RegistryError) as refused:
        check_document(parse_document(text))
    for word in words:
        assert word in str(refused.value)


def test_a_pause_without_an_end_is_none() -> None:
    with pytest.raises(RegistryError, match="until"):
        parse_document(client('"pauses": [{"kind": "holiday", "since": "2026-01-01T00:00:00Z"}]'))


def test_pauses_may_follow_each_other_and_differ_in_kind() -> None:
    def pause(kind: str, since: int, until: int) -> str:
        return (
            f'{{"kind": "{kind}", "since": "2026-01-{since:02}T00:00:00Z",'
            f' "until": "2026-01-{until:02}T00:00:00Z"}}'
        )

    pauses = [pause("hospital", 3, 9), pause("hospital", 1, 3), pause("holiday", 2, 4)]
    check_document(parse_document(client(f'"pauses": [{", ".join(pauses)}]')))


def test_a_shared_device_has_an_entry_per_user() -> None:
    check_document(
        parse_document(
            home(
                f'"clients": [{{"reference": "c-1", {PERSON}}}, {{"reference": "c-2", {PERSON}}}],'
                ' "devices": [{"name": "cuff", "kind": "cuff", "user_index": 1, "subject": "c-1"},'
                ' {"name": "cuff", "kind": "cuff", "user_index": 2, "subject": "c-2"}]'
            )
        )
    )
