"""Who may use which session, and who is thought gone."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from ingest.intake import LEASE_S, LOOK_EVERY_S
from ingest.slots import Slot, Wait, Watch, choose

A, B = uuid4(), uuid4()


def slot(
    name: str = "s", *, shared: bool = True, draining: bool = False,
    holder: UUID | None = A, beats: int = 1,
) -> Slot:  # fmt: skip
    return Slot(name, shared, draining, holder, beats)


def watched(watch: Watch, slots: list[Slot], start: float, seconds: float) -> list[Slot]:
    """What the last of several looks, two seconds apart, tells."""
    silent: list[Slot] = []
    for look in range(int(seconds / 2) + 1):
        silent = watch.look(slots, start + 2 * look)
    return silent


def test_a_slot_is_taken_over_well_within_thirty_seconds() -> None:
    # A lease, the look before which it began, the look after which it ended.
    assert LEASE_S + 2 * LOOK_EVERY_S < 25


def test_a_holder_that_stands_still_for_a_lease_is_silent() -> None:
    watch, still = Watch(15), slot()
    assert watched(watch, [still], 100, 14) == []
    assert watch.look([still], 115) == [still]


def test_a_beat_begins_the_lease_anew() -> None:
    watch = Watch(15)
    watched(watch, [slot()], 100, 14)
    again = slot(beats=2)
    assert watched(watch, [again], 115, 14) == []
    assert watch.look([again], 130) == [again]


def test_who_was_blind_or_stood_still_judges_nobody() -> None:
    watch, still = Watch(15), slot()
    watched(watch, [still], 100, 14)
    watch.blind()
    assert watch.look([still], 116) == []
    assert watched(watch, [still], 118, 12) == []
    assert watch.look([still], 1_000) == []  # stopped for long, then woken
    assert watched(watch, [still], 1_002, 16) == [still]


def test_what_was_given_back_is_not_silent() -> None:
    assert watched(Watch(15), [slot(holder=None)], 0, 60) == []


def test_the_only_worker_has_the_first_slot_whoever_had_it() -> None:
    for slots in ([], [slot(shared=False)], [slot(shared=False, holder=None)], [slot(holder=None)]):
        assert choose(slots, "s", shared=False, silent=[], patient=False) == "s"


def test_who_lost_the_first_slot_stands_by_until_the_other_is_silent() -> None:
    held = slot(shared=False)
    assert isinstance(choose([held], "s", shared=False, silent=[], patient=True), Wait)
    assert choose([held], "s", shared=False, silent=[held], patient=True) == "s"
    given_back = slot(shared=False, holder=None)
    assert choose([given_back], "s", shared=False, silent=[], patient=True) == "s"


def test_workers_that_share_have_slots_of_their_own() -> None:
    slots: list[Slot] = []
    for expected in ("s", "s-1", "s-2"):
        assert choose(slots, "s", shared=True, silent=[], patient=False) == expected
        slots.append(slot(expected))


def test_a_slot_given_back_is_used_again_first() -> None:
    slots = [slot("s"), slot("s-1", holder=None), slot("s-2")]
    assert choose(slots, "s", shared=True, silent=[], patient=False) == "s-1"


def test_a_silent_workers_slot_is_left_to_be_drained() -> None:
    slots = [slot("s"), slot("s-1")]
    assert choose(slots, "s", shared=True, silent=slots[1:], patient=False) == "s-2"


@pytest.mark.parametrize("shared", [True, False])
def test_nobody_takes_everything_while_others_share_nor_the_reverse(shared: bool) -> None:
    other = slot("s" if shared else "s-1", shared=not shared)
    assert isinstance(choose([other], "s", shared=shared, silent=[], patient=False), Wait)
    assert choose([other], "s", shared=shared, silent=[other], patient=False) == "s"


def test_a_session_that_is_only_drained_stops_nobody() -> None:
    old = slot("s-1", draining=True)
    assert choose([old], "s", shared=False, silent=[], patient=False) == "s"
