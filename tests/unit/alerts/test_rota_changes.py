"""What the desk changed of a rota, applied to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from alerts.routing.rota import Shift
from alerts.routing.rota_changes import RotaChange, apply

DAY = datetime(2026, 3, 3, tzinfo=UTC)


def at(hour: float) -> datetime:
    return DAY + timedelta(hours=hour)


def shift(member: str, start: float, end: float) -> Shift:
    return Shift("one", member, at(start), at(end))


def change(relieved: str | None, serving: str | None, start: float, end: float) -> RotaChange:
    return RotaChange("one", relieved, serving, at(start), at(end))


def test_one_serves_instead_of_the_other_for_a_part() -> None:
    found = apply([shift("a", 7, 21), shift("b", 21, 31)], [change("a", "b", 15, 21)])
    assert found == [shift("a", 7, 15), shift("b", 15, 31)]


def test_the_middle_of_a_shift_is_taken_out_and_one_is_added() -> None:
    found = apply([shift("a", 7, 21)], [change("a", None, 10, 12), change(None, "c", 10, 12)])
    assert found == [shift("a", 7, 10), shift("a", 12, 21), shift("c", 10, 12)]


def test_another_team_stays_as_it_is_and_who_does_not_serve_is_not_relieved() -> None:
    other = Shift("two", "a", at(7), at(21))
    assert apply([other], [change("a", None, 7, 21)]) == [other]


_changes = st.lists(
    st.builds(
        lambda who, start, hours: change(who[0], who[1], start, start + hours),
        st.sampled_from([("a", "b"), ("b", "a"), (None, "a"), ("b", None)]),
        st.integers(0, 20),
        st.integers(1, 12),
    ),
    max_size=6,
)


@given(_changes)
def test_applied_twice_is_applied_once_and_nobody_serves_twice_at_once(
    changes: list[RotaChange],
) -> None:
    once = apply([shift("a", 0, 12), shift("b", 12, 24)], changes)
    assert apply(once, changes) == once
    for member in ("a", "b"):
        spans = sorted((one.start, one.end) for one in once if one.member == member)
        assert all(one[1] < other[0] for one, other in pairwise(spans))
