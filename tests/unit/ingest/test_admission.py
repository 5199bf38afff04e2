"""Admission: what is stored as it is, what is refused and why, what is never filtered."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.catalogue import catalogue
from core.reading import State
from ingest.admission import admit
from ingest.batch import Batch
from ingest.decoders.record import Channel, Decoded, Record
from ingest.definitions import Definitions
from ingest.directory import Assignment, Device, Directory, Gateway
from ingest.instants import FOREVER, micros
from ingest.judgement import Admitted, Refusal, judge
from ingest.message import Message, Understood, understand

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""The machine may be busy with other things."""
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ARRIVAL = micros(NOW)
OLDEST = micros(datetime(2016, 5, 1, tzinfo=UTC))
IN_USE = micros(datetime(2025, 1, 1, tzinfo=UTC))
MOVED = micros(datetime(2026, 1, 1, tzinfo=UTC))
HOME, ANNA, BENT = 100, 101, 102
LIFE_SAFETY = [metric.name for metric in catalogue() if metric.never_filtered]


def gateway(*, revoked: bool = False) -> Gateway:
    made = Gateway("gw", 7, HOME, revoked=revoked)
    for number, name in enumerate(("oximeter", "button"), start=1):
        device = made.devices[name] = Device(number)
        device.assignments = [
            Assignment(IN_USE, MOVED, ANNA),
            Assignment(MOVED, FOREVER, BENT),
        ]
    made.devices["drawer"] = Device(3)  # nobody's yet
    return made


def record(
    device: str = "oximeter",
    metric: str = "spo2",
    unit: str | None = "%",
    value: float | str | None = 96.0,
    time: datetime | float = NOW,
    dated: bool = True,
) -> Record:
    at = time.timestamp() if isinstance(time, datetime) else time
    return Record(Channel(device, metric, unit), value, at, dated=dated)


def admitted(*records: Record, retained: bool = False, revoked: bool = False) -> Batch:
    directory = Directory()
    directory.keep("gw", gateway(revoked=revoked))
    message = Message("saimi/v1/gw/senml", b"", ARRIVAL, retained)
    one = Understood(message, "gw", None, decoded=Decoded(list(records)))
    return admit([one], directory, OLDEST)


def refusal(*records: Record, retained: bool = False) -> str:
    batch = admitted(*records, retained=retained)
    assert len(batch.rows) == 0
    (refused,) = batch.refused
    assert refused.sentence.endswith(".")
    return refused.reason


def test_a_plain_reading_is_stored_as_it_is() -> None:
    (row,) = admitted(record(time=NOW.timestamp() - 60.25)).rows
    assert (row["value"], row["device"], row["subject"], row["state"]) == (96, 1, BENT, State.OK)
    assert row["metric"] == catalogue()["spo2"].id
    assert row["time"] == ARRIVAL - 60_250_000
    assert row["received_at"] == ARRIVAL


def test_units_are_converted() -> None:
    rows = admitted(
        record(metric="temperature", unit="K", value=310.15),
        record(metric="pulse", unit="Hz", value=1.0),
    ).rows
    assert rows["value"].tolist() == pytest.approx([37.0, 60.0])


def test_a_reading_belongs_to_whom_the_device_was_assigned_when_it_was_made() -> None:
    before = datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)
    rows = admitted(record(time=before), record(time=datetime(2026, 1, 1, tzinfo=UTC))).rows
    assert sorted(rows["subject"].tolist()) == [ANNA, BENT]


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (record(metric="charisma"), "unknown_metric"),
        (record(metric=""), "unknown_metric"),
        (record(device="toaster"), "unknown_device"),
        (record(device=""), "unknown_device"),
        (record(unit="Cel"), "wrong_unit"),
        (record(unit=None), "wrong_unit"),
        (record(value="high"), "not_a_number"),
        (record(value=None), "not_a_number"),
        (record(value=101.0), "impossible"),
        (record(value=math.inf), "impossible"),
        (record(metric="motion", unit=None, value=0.5), "impossible"),
        (record(time=0.0), "clock_unset"),
        (record(time=datetime(2017, 1, 1, tzinfo=UTC)), "clock_unset"),
        (record(time=-math.inf), "clock_unset"),
        (record(time=datetime(2024, 12, 31, tzinfo=UTC)), "not_assigned"),
        (record(device="drawer"), "not_assigned"),
        (record(time=datetime(2027, 5, 1, tzinfo=UTC)), "future"),
        (record(time=NOW.timestamp() + 301), "future"),
        (record(time=1e300), "future"),
    ],
)
def test_what_is_refused_and_why(one: Record, reason: str) -> None:
    assert refusal(one) == reason


def test_a_clock_five_minutes_ahead_is_tolerated() -> None:
    assert len(admitted(record(time=NOW.timestamp() + 299)).rows) == 1


def test_readings_beyond_the_retention_are_refused() -> None:
    old = record(time=datetime(2019, 1, 1, tzinfo=UTC))
    verdict = judge(old, gateway(), ARRIVAL, micros(datetime(2020, 1, 1, tzinfo=UTC)))
    assert isinstance(verdict, Refusal)
    assert verdict.reason == "too_old"


def test_one_bad_record_does_not_take_the_others_with_it() -> None:
    batch = admitted(record(), record(value=200.0), record(metric="pulse", unit="/min"))
    assert len(batch.rows) == 2
    assert [one.reason for one in batch.refused] == ["impossible"]


def test_a_code_may_be_given_by_its_name() -> None:
    (row,) = admitted(record(metric="consciousness", unit=None, value="voice")).rows
    assert row["value"] == 2


@pytest.mark.parametrize("name", ["stranger", "not a name", "x" * 65])
def test_an_unknown_gateway_is_refused(name: str) -> None:
    directory = Directory()
    if name == "stranger":
        directory.keep(name, None)
    message = Message(f"saimi/v1/{name}/senml", b'[{"n":"a/pulse","u":"/min","v":70}]', ARRIVAL)
    batch = admit([understand(message, Definitions())], directory, OLDEST)
    assert [one.reason for one in batch.refused] == ["unknown_gateway"]


def test_a_revoked_gateway_is_refused() -> None:
    assert [one.reason for one in admitted(record(), revoked=True).refused] == ["revoked_gateway"]


def test_a_retained_message_counts_only_with_a_time_of_its_own() -> None:
    assert len(admitted(record(), retained=True).rows) == 1
    assert refusal(record(dated=False), retained=True) == "retained"
    assert refusal(record(time=0.0), retained=True) == "retained"


# Never filtered.

BROKEN: dict[str, dict[str, Any]] = {
    "plain": {},
    "unknown device": {"device": "toaster"},
    "nobody's device": {"device": "drawer"},
    "wrong unit": {"unit": "Cel"},
    "impossible": {"value": 7.0},
    "negative": {"value": -1.0},
    "half": {"value": 0.5},
    "text": {"value": "emergency"},
    "digit": {"value": "1"},
    "data": {"value": None},
    "1970": {"time": 0.0},
    "2017": {"time": datetime(2017, 1, 1, tzinfo=UTC)},
    "before it was in use": {"time": datetime(2020, 1, 1, tzinfo=UTC)},
    "next year": {"time": datetime(2027, 1, 1, tzinfo=UTC)},
    "no calendar's time": {"time": 1e300},
    "everything": {"device": "toaster", "unit": "Cel", "value": "x", "time": 0.0},
}


@pytest.mark.parametrize("metric", LIFE_SAFETY)
@pytest.mark.parametrize("flaw", BROKEN)
def test_a_life_safety_event_is_stored_whatever_is_wrong(flaw: str, metric: str) -> None:
    changed = BROKEN[flaw]
    one = record(**{"device": "button", "metric": metric, "unit": None, "value": 1.0} | changed)
    batch = admitted(one)
    assert batch.refused == []
    (row,) = batch.rows
    assert row["value"] == 1
    assert row["call"]
    assert row["state"] == (State.OK if flaw == "plain" else State.SUSPECT)
    assert row["device"] == {"unknown device": 0, "everything": 0, "nobody's device": 3}.get(
        flaw, 2
    )
    assert row["subject"] == (BENT if row["device"] == 2 else HOME)
    assert row["time"] == ARRIVAL


@pytest.mark.parametrize("metric", LIFE_SAFETY)
@pytest.mark.parametrize("revoked", [True, False])
def test_a_life_safety_event_of_an_unknown_gateway_is_stored(metric: str, revoked: bool) -> None:
    one = record("button", metric, None, 1.0, NOW.timestamp() - 500)
    verdict = judge(one, gateway(revoked=True) if revoked else None, ARRIVAL, OLDEST)
    assert isinstance(verdict, Admitted)
    assert (verdict.device, verdict.subject, verdict.time) == (0, 0, ARRIVAL)
    assert (verdict.value, verdict.state, verdict.at_arrival) == (1.0, State.SUSPECT, True)


@pytest.mark.parametrize("metric", LIFE_SAFETY)
def test_a_call_that_does_not_say_from_which_device_is_stored(metric: str) -> None:
    directory = Directory()
    directory.keep("gw", gateway())
    message = Message("saimi/v1/gw/senml", b'[{"n":"%s","v":1}]' % metric.encode(), ARRIVAL)
    (row,) = admit([understand(message, Definitions())], directory, OLDEST).rows
    assert (row["device"], row["subject"], row["metric"]) == (0, HOME, catalogue()[metric].id)
    assert row["call"]


def test_a_late_call_keeps_its_own_time() -> None:
    pressed = datetime(2026, 4, 28, 3, tzinfo=UTC)
    (row,) = admitted(record("button", "help", None, 1.0, pressed)).rows
    assert (row["time"], row["state"]) == (micros(pressed), State.OK)
    assert not row["at_arrival"]


@pytest.mark.parametrize("value", [0.0, "0", "false", "", "over"])
def test_the_end_of_a_call_is_an_ordinary_reading(value: float | str) -> None:
    assert refusal(record("toaster", "help", None, value)) in ("unknown_device", "not_a_number")


def test_a_retained_call_without_a_time_is_not_a_new_call() -> None:
    assert refusal(record("button", "help", None, 1.0, dated=False), retained=True) == "retained"
    pressed = NOW.timestamp() - 3600
    (row,) = admitted(record("toaster", "help", None, 1.0, pressed), retained=True).rows
    assert row["time"] == ARRIVAL - 3600 * 1_000_000


@pytest.mark.parametrize("metric", LIFE_SAFETY)
@pytest.mark.parametrize(
    "payload",
    [
        '[{"bn":"button/","n":"%s","vb":tr',
        '[{"bn":"button/","n":"%s","v":"1"}]',
        '[{"bn":"button/","n":"%s","v":1,"must_":1}]',
        '[{"bn":"button/","n":"%s","v":1,"v":1}]',
        "[" + " " * 5_000_000 + '{"bn":"button/","n":"%s","v":1}]',
        '\xff[{"bn":"button/","n":"%s","v":1}]',
    ],
)
def test_a_call_in_a_message_that_cannot_be_read_is_stored(payload: str, metric: str) -> None:
    directory = Directory()
    directory.keep("gw", gateway())
    message = Message("saimi/v1/gw/senml", (payload % metric).encode("latin-1"), ARRIVAL)
    batch = admit([understand(message, Definitions())], directory, OLDEST)
    (row,) = batch.rows
    assert (row["device"], row["subject"], row["time"]) == (2, BENT, ARRIVAL)
    assert (row["value"], row["state"]) == (1.0, State.SUSPECT)
    (kept,) = batch.refused
    assert kept.payload
    assert len(kept.payload) <= 64 * 1024


# The quick way and the full rules agree.

records = st.builds(
    record,
    st.sampled_from(["oximeter", "button", "drawer", "toaster", ""]),
    st.sampled_from(["spo2", "temperature", "motion", "help", "charisma"]),
    st.sampled_from(["%", "Cel", "K", None, "1"]),
    st.one_of(
        st.floats(),
        st.sampled_from([0.0, 1.0, 36.6, 100.0, 310.0, "alert", "1", "", None]),
    ),
    st.one_of(
        st.floats(),
        st.sampled_from(
            [NOW.timestamp() + more for more in (-5e9, -1e8, -4e7, -1.5e7, -60, 0, 300, 301)]
        ),
    ),
    st.booleans(),
)


@unhurried
@given(st.lists(records, max_size=8), st.booleans())
def test_columns_and_records_are_judged_alike(several: list[Record], retained: bool) -> None:
    batch = admitted(*several, retained=retained)
    verdicts = [judge(one, gateway(), ARRIVAL, OLDEST, retained=retained) for one in several]
    expected = [one for one in verdicts if isinstance(one, Admitted)]
    got = [
        Admitted(
            int(row["time"]), float(row["value"]), int(row["device"]), int(row["subject"]),
            int(row["metric"]), int(row["qualifier"]), State(int(row["state"])),
            bool(row["call"]), bool(row["at_arrival"]),
        )
        for row in batch.rows
    ]  # fmt: skip
    assert sorted(got) == sorted(expected)
    assert sorted(one.reason for one in batch.refused) == sorted(
        one.reason for one in verdicts if isinstance(one, Refusal)
    )
    assert all(batch.records[row["record"]] in several for row in batch.rows)
