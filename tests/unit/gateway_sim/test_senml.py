"""Packs on the wire."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateway_sim.reading import Reading
from gateway_sim.senml import encode_pack


def test_a_pack_as_agreed() -> None:
    pack = encode_pack(
        [
            Reading(1763778000.25, "oximeter-1", "spo2", 96.0),
            Reading(1763778000.25, "oximeter-1", "pulse", 72.0),
            Reading(1763778012.75, "motion-kitchen", "motion", 1.0),
        ],
        "5f1c0a",
        17,
    )
    assert msgspec.json.decode(pack) == [
        {"bn": "oximeter-1/", "bt": 1763778000.25, "boot": "5f1c0a", "seq": 17,
         "n": "spo2", "u": "%", "v": 96.0},
        {"n": "pulse", "u": "/min", "v": 72.0},
        {"bn": "motion-kitchen/", "n": "motion", "vb": True, "t": 12.5},
    ]  # fmt: skip


def test_units_and_texts_as_a_file_gives_them() -> None:
    readings = [Reading(1e9, "d", "pulse", 70.0), Reading(1e9, "d", "weight", float("nan"))]
    pack = encode_pack(readings, "b", 1, ["beats/min", "kg"], {1: "n/a"})
    records = msgspec.json.decode(pack)
    assert records[0]["u"] == "beats/min"
    assert records[1]["vs"] == "n/a"
    assert "v" not in records[1]


@given(
    st.lists(
        st.tuples(st.integers(1_000_000_000_000, 2_000_000_000_000), st.sampled_from("abc")),
        min_size=1,
        max_size=30,
    )
)
def test_times_come_back_to_the_millisecond_and_values_with_their_device(
    given_times: list[tuple[int, str]],
) -> None:
    readings = [
        Reading(ms / 1000, device, "pulse", float(n))
        for n, (ms, device) in enumerate(sorted(given_times))
    ]
    base_name, base_time, back = "", 0.0, []
    for record in msgspec.json.decode(encode_pack(readings, "b", 1)):
        base_name, base_time = record.get("bn", base_name), record.get("bt", base_time)
        at = round((base_time + record.get("t", 0.0)) * 1e6)
        back.append((at, base_name + record["n"], record["v"]))
    assert back == [
        (ms * 1000, f"{device}/pulse", float(n))
        for n, (ms, device) in enumerate(sorted(given_times))
    ]
