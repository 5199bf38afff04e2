"""Counting messages once, and what becomes of rows whose place is taken."""

from __future__ import annotations

import numpy as np
import pytest

from core.wire import Status
from ingest.batch import ROW, Batch, Origin, StatusChange
from ingest.ledger import Ledger
from ingest.settling import Fate, Stored, firsts, settle, to_store


def origin(boot: str | None, seq: int | None, *, gateway: int = 7, name: str = "gw") -> Origin:
    return Origin(name, gateway, f"saimi/v1/{name}/senml", 10, 1_000, boot, seq)


def row(**values: float) -> tuple[float, ...]:
    base: dict[str, float] = dict.fromkeys(ROW.names or (), 0)
    return tuple(
        (base | {"time": 5, "received_at": 9, "value": 1.0, "device": 3} | values).values()
    )


def rows(*several: tuple[float, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.void]]:
    return np.array(list(several), dtype=ROW)


def test_messages_are_gathered_by_gateway_and_boot() -> None:
    batch = Batch(
        messages=[
            origin("a", 1), origin("a", 2), origin("b", 9), origin("a", 4), origin(None, None),
            origin("a", 1, gateway=8), origin("a", 2), origin("a", 1, gateway=0, name="stranger"),
        ]
    )  # fmt: skip
    ledger = Ledger(batch)
    assert ledger.keys == [(7, "a"), (7, "b"), (8, "a"), (0, "stranger/a")]
    assert ledger.columns()["seqs"] == ["{[1,2],[4,4]}", "{[9,9]}", "{[1,1]}", "{[1,1]}"]
    assert ledger.again.tolist() == [False] * 6 + [True, False]
    assert ledger.count([0, 1, 2, 4, 5, 0]) == [3, 1, 1, 0]


def test_messages_received_earlier_are_marked() -> None:
    ledger = Ledger(Batch(messages=[origin("a", seq) for seq in (1, 5, 6, 9)]))
    ledger.mark_again(0, [(2, 6), (9, 12)])
    assert ledger.again.tolist() == [False, True, True, True]


def test_an_announcement_opens_a_key_without_messages() -> None:
    batch = Batch(
        messages=[origin(None, None), origin("a", 1)],
        statuses=[
            StatusChange(0, 7, Status(online=True, boot="a", seq=12), False),
            StatusChange(0, 7, Status(online=True, boot="new", seq=3), False),
        ],
    )
    ledger = Ledger(batch)
    assert dict(zip(ledger.keys, ledger.announced, strict=True)) == {(7, "a"): 12, (7, "new"): 3}
    assert ledger.columns()["seqs"] == ["{[1,1]}", "{}"]


def test_rows_are_stored_in_the_order_of_the_key_and_the_first_of_equals_first() -> None:
    batch = rows(
        row(device=4, time=1, record=0),
        row(device=3, time=9, record=1),
        row(device=3, time=2, record=2),
        row(device=3, time=9, record=3),
    )
    order = to_store(batch, np.array([False]))
    assert batch["record"][order].tolist() == [2, 1, 3, 0]
    assert firsts(batch[order]).tolist() == [True, True, False, True]


def test_of_a_message_received_before_only_what_has_a_key_of_its_own_is_tried() -> None:
    batch = rows(
        row(record=0),
        row(record=1, call=1),
        row(record=2, call=1, at_arrival=1),
        row(record=3, call=1, device=0),
        row(record=4, message=1),
    )
    order = to_store(batch, np.array([True, False]))
    assert sorted(batch["record"][order].tolist()) == [0, 1, 4]


@pytest.mark.parametrize(
    ("values", "stored", "again", "fate"),
    [
        ({}, Stored(1.0, 0, 0, 9), False, Fate.DUPLICATE),
        ({}, Stored(1.0, 0, 0, 9), True, Fate.IGNORED),
        ({}, Stored(2.0, 0, 0, 9), False, Fate.CONFLICT),
        ({}, Stored(1.0, 1, 0, 9), False, Fate.CONFLICT),
        ({}, Stored(2.0, 0, 0, 9), True, Fate.IGNORED),
        ({"call": 1}, Stored(1.0, 0, 0, 9), False, Fate.DUPLICATE),
        ({"call": 1}, Stored(0.0, 0, 0, 9), False, Fate.CALL),
        ({"call": 1}, Stored(0.0, 0, 0, 9), True, Fate.CALL),
        # Unknown devices share number 0: another home's call is another call.
        ({"call": 1, "device": 0, "subject": 5}, Stored(1.0, 0, 5, 1), False, Fate.DUPLICATE),
        ({"call": 1, "device": 0, "subject": 5}, Stored(1.0, 0, 6, 9), False, Fate.CALL),
        ({"call": 1, "device": 0, "subject": 0}, Stored(1.0, 0, 0, 9), False, Fate.DUPLICATE),
        ({"call": 1, "device": 0, "subject": 0}, Stored(1.0, 0, 0, 8), False, Fate.CALL),
    ],
)
def test_a_row_whose_place_is_taken(
    values: dict[str, float], stored: Stored, again: bool, fate: Fate
) -> None:
    assert settle(rows(row(**values))[0], stored, again=again) is fate


def test_a_part_of_a_batch_is_a_batch() -> None:
    batch = Batch(
        messages=[origin("a", seq) for seq in (1, 2, 3)],
        rows=rows(row(message=0), row(message=2, value=7.0), row(message=1)),
        statuses=[StatusChange(2, 7, Status(online=True), False)],
    )
    part = batch.part(2, 3)
    assert [message.seq for message in part.messages] == [3]
    assert part.rows[["message", "value"]].tolist() == [(0, 7.0)]
    assert part.statuses[0].message == 0
