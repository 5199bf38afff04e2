"""The gateways' store on disk, and the ledger."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_sim.ledger import Ledger, TruthLabel
from gateway_sim.outbox import Lane, Message, Outbox
from gateway_sim.reading import Reading
from gateway_sim.store import StoreError

AT = datetime(2026, 1, 15, 9, 0, 0, 250_000, tzinfo=UTC)


def seqs(messages: list[Message]) -> list[int]:
    return [message.seq for message in messages]


def test_what_was_not_receipted_is_there_after_a_restart_and_goes_first(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    with Outbox(path) as outbox:
        outbox.start_boots(["a"])
        old = outbox.boot("a")
        for _ in range(5):
            outbox.add("a", b"old", Lane.LIVE)
        outbox.commit()
        assert seqs(outbox.take("a", 3, 3)) == [1, 2, 3]
        outbox.receipt("a", old, [(1, 2)])
    with Outbox(path) as outbox:
        assert outbox.gateways == {"a"}
        outbox.start_boots(["a"])
        outbox.add("a", b"new", Lane.LIVE)
        outbox.commit()
        again = outbox.take("a", 10, 10)
        assert [(m.boot, m.seq) for m in again] == [
            (old, 3), (old, 4), (old, 5), (outbox.boot("a"), 1),
        ]  # fmt: skip
        outbox.receipt("a", old, [(1, 5)])
        outbox.receipt("a", outbox.boot("a"), [(1, 1)])
        outbox.commit()
        assert len(outbox) == 0


def test_nothing_may_be_sent_before_it_is_stored(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.db") as outbox:
        outbox.start_boots(["a"])
        outbox.add("a", b"x", Lane.LIVE)
        assert outbox.take("a", 10, 10) == []
        outbox.commit()
        assert seqs(outbox.take("a", 10, 10)) == [1]
        assert outbox.take("a", 10, 10) == [], "each is handed out once"


def test_life_safety_overtakes_and_needs_no_room(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.db") as outbox:
        outbox.start_boots(["a"])
        for lane in (Lane.HISTORY, Lane.HISTORY, Lane.LIVE, Lane.URGENT):
            outbox.add("a", b"x", lane)
        outbox.commit()
        assert seqs(outbox.take("a", 0, 0)) == [4]
        assert seqs(outbox.take("a", 2, 1)) == [3], "live readings need the room"
        assert seqs(outbox.take("a", 2, 1)) == [1]
        assert seqs(outbox.take("a", 2, 2)) == [2]


def test_beyond_its_space_the_oldest_history_goes_first_and_help_never(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.db", space=4) as outbox:
        outbox.start_boots(["a", "b"])
        for lane in (Lane.URGENT, Lane.LIVE, Lane.HISTORY, Lane.HISTORY, Lane.LIVE, Lane.LIVE):
            outbox.add("a", b"x", lane)
        outbox.add("b", b"x", Lane.LIVE)
        outbox.commit()
        assert outbox.dropped == 2
        assert seqs(outbox.take("a", 10, 10)) == [1, 2, 5, 6]
        for _ in range(3):
            outbox.add("a", b"x", Lane.URGENT)
        outbox.commit()
        assert outbox.dropped == 5
        assert seqs(outbox.take("a", 10, 10)) == [7, 8, 9]
        assert len(outbox) == 5


def test_a_second_simulator_in_the_same_place_is_refused(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from gateway_sim.outbox import Outbox\n"
        "Outbox(pathlib.Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"
    )
    path = tmp_path / "outbox.db"
    other = subprocess.Popen(
        [sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(StoreError, match="in use by another simulator"):
            Outbox(path)
    finally:
        other.kill()
        other.communicate()
    Outbox(path).close()


def test_a_file_of_another_kind_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    path.write_bytes(b"notes of mine " * 100)
    with pytest.raises(StoreError, match="cannot be used"):
        Outbox(path)
    assert path.read_bytes() == b"notes of mine " * 100


def test_kill_9_keeps_all_that_was_committed(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from gateway_sim.outbox import Lane, Outbox\n"
        "o = Outbox(pathlib.Path(sys.argv[1])); o.start_boots(['a'])\n"
        "while True:\n"
        "    for _ in range(7): o.add('a', b'x' * 300, Lane.LIVE)\n"
        "    o.mark('until', o.highest_seq('a')); o.commit(); print(o.highest_seq('a'), flush=True)"
    )
    path = tmp_path / "outbox.db"
    writer = subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    told = [writer.stdout.readline() for _ in range(40)]
    os.kill(writer.pid, signal.SIGKILL)
    told += writer.communicate()[0].split()
    with Outbox(path) as outbox:
        kept = len(outbox)
        assert kept >= max(int(number) for number in told if number.strip().isdigit()) > 0
        assert kept % 7 == 0, "a commit is all or nothing"
        assert outbox.marked("until") == kept
        assert seqs(outbox.take("a", 10**6, 10**6)) == list(range(1, kept + 1))


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_like_a_list_in_memory(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Against a plain model: any adding, taking, receipting, restarting."""
    path = tmp_path_factory.mktemp("outbox") / "outbox.db"
    outbox = Outbox(path)
    outbox.start_boots(["a"])
    stored: list[Message] = []
    untaken: list[Message] = []
    try:
        for _ in range(data.draw(st.integers(1, 12))):
            match data.draw(st.sampled_from(["add", "add", "take", "receipt", "restart"])):
                case "add":
                    count = data.draw(st.sampled_from([1, 3, 400]))
                    lane = data.draw(st.sampled_from(list(Lane)))
                    new = [outbox.add("a", b"%d" % n, lane) for n in range(count)]
                    outbox.commit()
                    stored += new
                    untaken += new
                case "take":
                    room = data.draw(st.sampled_from([0, 1, 5, 500]))
                    urgent = [m for m in untaken if m.lane is Lane.URGENT]
                    others = [m for m in untaken if m.lane is not Lane.URGENT]
                    others.sort(key=lambda m: (m.lane, m.id))
                    expected = urgent + others[: max(0, room - len(urgent))]
                    assert outbox.take("a", room, room) == expected
                    untaken = [m for m in untaken if m not in expected]
                case "receipt" if stored:
                    some = data.draw(st.sampled_from(stored))
                    first = max(1, some.seq - data.draw(st.integers(0, 300)))
                    outbox.receipt("a", some.boot, [(first, some.seq)])
                    outbox.commit()
                    gone = {m for m in stored if m.boot == some.boot and first <= m.seq <= some.seq}
                    stored = [m for m in stored if m not in gone]
                    untaken = [m for m in untaken if m not in gone]
                case "restart":
                    outbox.close()
                    outbox = Outbox(path)
                    outbox.start_boots(["a"])
                    untaken = list(stored)
            assert len(outbox) == len(stored)
    finally:
        outbox.close()


def test_the_ledger_tells_what_was_published_and_when(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    readings = [Reading(1e9 + n / 1000, "d-1", "pulse", 60.0 + n) for n in range(25)]
    with Ledger(path) as ledger:
        ledger.add("a", "b1", 1, readings[:10])
        ledger.add("a", "b1", 2, readings[10:])
        ledger.add("a", "b1", 3, [Reading(2e9, "d-1", "pulse", float("nan"))])
        ledger.commit()
        assert ledger.message_count() == 0
        ledger.published([("a", "b1", 1), ("a", "b1", 2)], AT)
        ledger.published([("a", "b1", 1)], AT + timedelta(seconds=9))  # a repeat
        ledger.commit()
        ledger.label([TruthLabel("c-1", "a", "infection", "onset", AT)] * 2)
    with Ledger(path) as ledger:
        assert [(m.seq, m.published_at) for m in ledger.messages()] == [(1, AT), (2, AT)]
        chunks = list(ledger.readings(chunk=10))
        assert [len(chunk) for chunk in chunks] == [10, 10, 5]
        back = [reading for chunk in chunks for reading in chunk]
        assert [(r.time.timestamp(), r.value) for r in back] == [
            (r.time, r.value) for r in readings
        ]
        at = datetime.fromtimestamp(1e9, UTC)
        assert ledger.published_at("a", "d-1", "pulse", at + timedelta(milliseconds=7)) == AT
        assert ledger.published_at("a", "d-1", "pulse", at + timedelta(milliseconds=77)) is None
        assert ledger.published_at("a", "d-1", "pulse", datetime.fromtimestamp(2e9, UTC)) is None
        assert ledger.labels() == [TruthLabel("c-1", "a", "infection", "onset", AT)]
        ledger.add("a", "b2", 1, readings[:1], AT)
        ledger.commit()
        assert ledger.message_count() == 3
