"""Bluetooth characteristics: numbers, marks, owners, doubts and times."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalogue import catalogue
from core.reading import Qualifier
from ingest.decoders.gatt import _READ, decode
from ingest.decoders.ieee11073 import METERS, float32, sfloat
from ingest.decoders.record import Decoded, DecodeError, Record

ARRIVAL = 1_790_000_000.0
SIX_IN_OCTOBER = "e907 0a 1a 03 1e 00"
"""2025-10-26 03:30:00, an hour that comes twice."""


def hears(uuid: str, payload: str, arrival: float = ARRIVAL) -> Decoded:
    return decode(f"d/{uuid}", bytes.fromhex(payload), arrival, {})


def reads(uuid: str, payload: str, arrival: float = ARRIVAL) -> dict[str, Record]:
    return {one.channel.metric: one for one in hears(uuid, payload, arrival).records}


@given(st.integers(-2048, 2047), st.integers(-8, 7))
def test_every_sfloat_is_the_nearest_number(mantissa: int, exponent: int) -> None:
    raw = (exponent & 0xF) << 12 | mantissa & 0xFFF
    number = sfloat(raw)
    if raw in (0x07FE, 0x07FF, 0x0800, 0x0801, 0x0802):
        assert number.value is None
    else:
        assert number == (float(f"{mantissa}e{exponent}"), Qualifier.EXACT)


@given(st.integers(-(2**23), 2**23 - 1), st.integers(-128, 127))
def test_every_float_is_the_nearest_number(mantissa: int, exponent: int) -> None:
    raw = (exponent & 0xFF) << 24 | mantissa & 0xFFFFFF
    if raw not in (0x7FFFFE, 0x7FFFFF, 0x800000, 0x800001, 0x800002):
        assert float32(raw).value == float(f"{mantissa}e{exponent}")


@pytest.mark.parametrize(
    ("bits", "qualifier"),
    [("ff07", 0), ("0008", 0), ("0108", 0), ("fe07", Qualifier.ABOVE), ("0208", Qualifier.BELOW)],
)
def test_marks_are_none_and_infinities_are_beyond_the_meter(bits: str, qualifier: int) -> None:
    found = reads("2A18", f"06 0100 e907 06 01 07 1e 00 {bits} 11")
    if not qualifier:
        assert found == {}
        return
    edge = METERS["glucose"][qualifier == Qualifier.ABOVE]
    assert (found["glucose"].value, found["glucose"].qualifier) == (edge, qualifier)
    assert found["glucose"].channel.unit == "mmol/L"  # also of a meter that speaks kg/L


def test_the_edges_of_meters_are_possible_values() -> None:
    for metric, (low, high) in METERS.items():
        possible = catalogue()[metric].possible
        assert possible[0] <= low < high <= possible[1]


@pytest.mark.parametrize(("index", "user"), [("01", 1), ("fe", 254), ("00", 0), ("ff", 0)])
def test_whose_it_is(index: str, user: int) -> None:
    cuff = reads("2A35", f"08 7800 5000 5d00 {index}")
    assert {one.user for one in cuff.values()} == {user}
    assert reads("2A9D", f"04 b036 {index}")["weight"].user == user
    assert reads("2A9D", "00 b036")["weight"].user is None
    assert reads("2A9C", f"0400 3200 {index}")["body_fat"].user == user


@pytest.mark.parametrize(
    ("status", "suspect"),
    [("0100", True), ("0200", True), ("0400", True), ("2000", True), ("0000", False),
     ("0800", False)],
)  # fmt: skip
def test_what_a_cuff_doubts_is_suspect(status: str, suspect: bool) -> None:
    cuff = reads("2A35", f"14 7800 5000 5d00 b400 {status}")
    assert {one.suspect for one in cuff.values()} == {suspect}
    above = Qualifier.ABOVE if status == "0800" else Qualifier.EXACT
    assert cuff["pulse"].qualifier == above
    assert cuff["systolic"].qualifier == Qualifier.EXACT


@pytest.mark.parametrize(
    ("payload", "suspect"),
    [
        ("04 6100 4100 0001 ", False),  # validated
        ("04 6100 4100 4000", True),  # early estimate
        ("04 6100 4100 c000", False),  # early, but validated
        ("04 6100 4100 0040", True),  # questionable
        ("04 6100 4100 0080", True),  # invalid
        ("04 6100 4100 0002", True),  # stored, time unknown
        ("08 6100 4100 200000", True),  # low perfusion
        ("08 6100 4100 000200", False),  # goes on analysing
        ("08 6100 4100 002000", True),  # displaced
    ],
)
def test_what_an_oximeter_doubts_is_suspect(payload: str, suspect: bool) -> None:
    assert reads("2A5F", payload)["spo2"].suspect is suspect


def test_a_stored_spot_check_is_sure_of_its_time_only_with_one() -> None:
    dated = reads("2A5E", "03 6100 4100 e907 03 02 0a 00 00 0002")["spo2"]
    assert (dated.suspect, dated.dated) == (False, True)
    unset = reads("2A5E", "13 6100 4100 e907 03 02 0a 00 00 0002")["spo2"]
    assert (unset.suspect, unset.dated, unset.time) == (True, False, ARRIVAL)


def test_a_strap_without_contact_is_suspect() -> None:
    assert reads("2A37", "04 48")["pulse"].suspect
    assert not reads("2A37", "06 48")["pulse"].suspect
    assert not reads("2A37", "02 48")["pulse"].suspect  # it cannot tell


def test_a_temperature_still_rising_is_suspect_and_of_no_time_of_its_own() -> None:
    rising = reads("2A1E", "02 540100ff e907 0b 02 17 3b 3b")["temperature"]
    assert (rising.suspect, rising.dated) == (True, False)


def test_glucose_by_status_is_beyond_the_meter_and_may_be_in_doubt() -> None:
    low = reads("2A18", "0e 0100 e907 06 01 0d 00 00 ff07 11 4000")["glucose"]
    assert (low.value, low.qualifier, low.suspect) == (1.1, Qualifier.BELOW, False)
    high = reads("2A18", "0e 0100 e907 06 01 0d 00 00 21c0 11 2000")["glucose"]
    assert high.qualifier == Qualifier.ABOVE
    strip = reads("2A18", "0e 0100 e907 06 01 0d 00 00 37c0 11 1000")["glucose"]
    assert strip.suspect
    weak = reads("2A18", "0e 0100 e907 06 01 0d 00 00 37c0 11 0100")
    assert weak["battery_low"].value == 1.0
    assert not weak["glucose"].suspect


def test_a_time_is_finnish_and_a_glucose_has_an_offset_to_it() -> None:
    cuff = reads("2A35", "02 7800 5000 5d00 e907 07 0f 08 1e 00")["systolic"]
    assert cuff.time == datetime(2025, 7, 15, 5, 30, tzinfo=UTC).timestamp()
    meal = reads("2A18", "07 0100 e907 01 0f 08 1e 00 c4ff 37c0 11")["glucose"]
    assert meal.time == datetime(2025, 1, 15, 5, 30, tzinfo=UTC).timestamp()
    overrun = reads("2A18", "07 0100 e907 01 0f 08 1e 00 ff7f 37c0 11")["glucose"]
    assert overrun.suspect


@pytest.mark.parametrize("hour", [0, 1])
def test_the_hour_that_comes_twice_is_the_one_nearer_to_the_arrival(hour: int) -> None:
    arrival = datetime(2025, 10, 26, hour, 31, tzinfo=UTC).timestamp()
    cuff = reads("2A35", f"02 7800 5000 5d00 {SIX_IN_OCTOBER}", arrival)["systolic"]
    assert cuff.time == arrival - 60


@pytest.mark.parametrize(
    "when",
    ["0000 0a 0f 08 1e 00", "e907 00 0f 08 1e 00", "e907 02 1e 08 00 00", "ffff 0a 0f 08 1e 00"],
)
def test_a_time_that_no_calendar_has_is_the_arrival(when: str) -> None:
    cuff = reads("2A35", f"02 7800 5000 5d00 {when}")["systolic"]
    assert (cuff.time, cuff.dated) == (ARRIVAL, False)


def test_beats_are_apart_by_their_intervals() -> None:
    beats = [one for one in hears("2A37", "10 3c 0004 0008").records
             if one.channel.metric == "rr_interval"]  # fmt: skip
    assert [(one.value, one.time) for one in beats] == [(2.0, ARRIVAL), (1.0, ARRIVAL - 2.0)]


def test_a_context_takes_the_time_of_its_glucose() -> None:
    glucose = hears("2A18", "16 0700 e907 06 01 11 00 00 37c0 11")
    context = bytes.fromhex("0b 0700 01 2ed0 01 0807 32")
    (then,) = {one.time for one in glucose.records}
    said = decode("d/2A34", context, ARRIVAL, glucose.learned).records
    assert {(one.channel.metric, one.time) for one in said} == {
        ("carbohydrate_intake", then),
        ("exercise_duration", then),
    }
    assert decode("e/2A34", context, ARRIVAL, glucose.learned).records == []


@pytest.mark.parametrize("uuid", sorted(_READ))
@given(payload=st.binary(max_size=64))
def test_any_bytes_are_read_or_refused(uuid: str, payload: bytes) -> None:
    try:
        decoded = decode(f"d/{uuid}", payload, ARRIVAL, {"d": [1, 5.0]})
    except DecodeError:
        return
    assert decoded.records or decoded.nothing
    for record in decoded.records:
        assert catalogue()[record.channel.metric].conversion(record.channel.unit) is not None
        assert isinstance(record.value, float | int)


@pytest.mark.parametrize(
    ("uuid", "value"),
    [("2A35", "1e780050005d00e9070a0f081e004800010000"), ("2A37", "0648"), ("2A19", "33"),
     ("2A9D", "00b036"), ("2A9C", "00003200"), ("2A5F", "0062003c00"), ("2A1C", "006c0100ff"),
     ("2A18", "060400e907060 10e0000fe0711".replace(" ", ""))],
)  # fmt: skip
def test_hexadecimal_text_is_the_same_as_its_bytes(uuid: str, value: str) -> None:
    records = hears(uuid, value).records
    assert records
    for text in (value, value.upper(), f"0x{value}", f"{value}\n"):
        assert decode(f"d/{uuid}", text.encode(), ARRIVAL, {}).records == records


@pytest.mark.parametrize("rest", ["", "/", "d/", "d/2A3", "d/xyz", "d/2AFF", "x" * 300 + "/2A19"])
def test_a_topic_without_a_known_characteristic_is_refused(rest: str) -> None:
    with pytest.raises(DecodeError):
        decode(rest, b"\x01", ARRIVAL, {})
