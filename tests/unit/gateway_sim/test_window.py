"""What is on its way, and what goes out again."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_sim.outbox import Lane, Message
from gateway_sim.window import Window


@dataclass
class Sent:
    acknowledged: bool = True

    def is_published(self) -> bool:
        return self.acknowledged


def message(seq: int, boot: str = "b") -> Message:
    return Message(seq, "gw", boot, seq, Lane.LIVE, b"")


def filled(count: int, *, acknowledged: bool = True) -> Window:
    window = Window(8, patience=5.0, longest=20.0)
    for seq in range(1, count + 1):
        window.sent(message(seq), Sent(acknowledged), 0.0)
    return window


def seqs(messages: list[Message]) -> list[int]:
    return [one.seq for one in messages]


def test_only_a_receipt_of_the_same_boot_ends_the_wait() -> None:
    window = filled(3)
    assert window.room == 5
    assert window.receipt("other", [(1, 3)], 1.0) == []
    assert seqs(window.receipt("b", [(1, 1), (3, 9)], 1.0)) == [1, 3]
    assert len(window) == 1


def test_nothing_goes_out_again_before_its_time() -> None:
    assert filled(3).due(4.9) == []


def test_without_any_receipt_only_the_oldest_goes_out_and_ever_more_rarely() -> None:
    window = filled(8)
    sent_again, now = [], 0.0
    while now < 120.0:
        for one in window.due(now):
            sent_again.append((now, one.seq))
            window.sent(one, Sent(), now)
        now += 0.5
    assert [seq for _, seq in sent_again] == [1] * len(sent_again)
    assert [at for at, _ in sent_again] == [5.0, 15.0, 35.0, 55.0, 75.0, 95.0, 115.0]


def test_what_was_overtaken_goes_out_again() -> None:
    window = filled(3)
    window.sent(message(4), Sent(), 1.0)
    window.receipt("b", [(4, 4)], 2.0)
    assert window.due(4.9) == []
    assert seqs(window.due(5.0)) == [1, 2, 3]


def test_after_a_reconnect_all_goes_out_that_the_broker_had_acknowledged() -> None:
    window = filled(2)
    window.sent(message(3), Sent(acknowledged=False), 0.0)
    window.reconnected()
    again = window.due(0.1)
    assert seqs(again) == [1, 2], "paho itself repeats what was not acknowledged"
    for one in again:
        window.sent(one, Sent(), 0.1)
    assert window.due(0.2) == []


def test_what_the_broker_has_not_acknowledged_is_paho_s() -> None:
    assert filled(3, acknowledged=False).due(1000.0) == []


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_whatever_is_lost_everything_arrives_in_the_end(data: st.DataObject) -> None:
    """A line that drops messages and receipts, reconnects now and then, and gets better."""
    window, committed, now = Window(8), set[int](), 0.0
    unsent = [message(seq) for seq in range(1, 31)]
    while unsent or len(window):
        now += 1.0
        assert now < 2000.0
        bad = now < 60.0
        if bad and data.draw(st.integers(0, 9)) == 0:
            window.reconnected()
        for one in window.due(now) + [unsent.pop(0) for _ in range(min(window.room, len(unsent)))]:
            window.sent(one, Sent(), now)
            if not (bad and data.draw(st.booleans())):
                committed.add(one.seq)
        if committed and not (bad and data.draw(st.booleans())):
            gone = window.receipt("b", [(seq, seq) for seq in committed], now)
            assert {one.seq for one in gone} <= committed
    assert committed == set(range(1, 31))
