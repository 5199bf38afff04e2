"""Vital signs of the Bluetooth health profiles: cuff, oximeter, thermometer, heart rate, glucose.

Field layouts and status bits are those of the GATT Specification Supplement. What a device doubts
itself (movement, loose cuff, irregular pulse, poor contact) is suspect. A zero of a cuff, an
oximeter or a pulse strap is what these send while they have found nothing, so it is none.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from core.reading import Qualifier
from ingest.decoders.gatt_fields import Fields
from ingest.decoders.ieee11073 import Number
from ingest.decoders.measured import Measured
from ingest.decoders.record import Decoded
from ingest.decoders.source import Definitions

_CUFF_DOUBTS = 0b100111
"""Movement, cuff too loose, irregular pulse; improper position."""
_PULSE_RANGE = {1: Qualifier.ABOVE, 2: Qualifier.BELOW}
_NOT_A_PERSON = 0b0011_1100_0000_0000
"""Demonstration, test, calibration, measurement unavailable."""
_EARLY, _VALIDATED, _STORED = 1 << 6, 0b11 << 7, 1 << 9
_QUESTIONABLE = 0b11 << 14
"""Questionable, invalid."""
_OXIMETER_DOUBTS = 0b1111_1101_1111_1110
"""All of the sensor's status but updates of a display and an analysis that goes on."""
_SKIN = (4, 8)
"""Finger, toe."""
_CONTROL_SOLUTION = 10
_CONTROL_PLACE = 4
_GLUCOSE_DOUBTS = 0b1111_1001_1110
"""Sensor, sample, strip, too hot or cold, interrupted, a fault, and a clock that may be wrong."""
_TOO_HIGH, _TOO_LOW = 1 << 5, 1 << 6
_OVERRUN = (0x7FFF, -0x8000)


def _found(number: Number) -> Number:
    return Number(None, number.qualifier) if number.value == 0.0 else number


def blood_pressure(
    device: str, payload: bytes, arrival: float, definitions: Definitions
) -> Decoded:
    """2A35."""
    fields, said = Fields("blood pressure", payload), Measured(device, arrival)
    flags = fields.unsigned(1)
    unit = "kPa" if flags & 1 else "mm[Hg]"
    systolic, diastolic, mean = (_found(fields.sfloat()) for _ in range(3))
    if flags & 2:
        said.at(fields.date_time())
    pulse = _found(fields.sfloat()) if flags & 4 else Number(None)
    if flags & 8:
        said.of_user(fields.unsigned(1))
    status = fields.unsigned(2) if flags & 16 else 0
    said.suspect = bool(status & _CUFF_DOUBTS)
    said.add("systolic", systolic, unit)
    said.add("diastolic", diastolic, unit)
    said.add("mean_arterial_pressure", mean, unit)
    said.add("pulse", pulse, "/min", qualifier=_PULSE_RANGE.get(status >> 3 & 3, Qualifier.EXACT))
    return Decoded(said.records, nothing="" if said.records else "a cuff that found nothing")


def cuff_pressure(device: str, payload: bytes, arrival: float, definitions: Definitions) -> Decoded:
    """2A36: what the cuff has while it is inflated, which is nobody's blood pressure."""
    Fields("cuff pressure", payload).take(7)
    return Decoded(nothing="the pressure of a cuff that is still measuring")


def spot_check(device: str, payload: bytes, arrival: float, definitions: Definitions) -> Decoded:
    """2A5E."""
    fields, said = Fields("spot check of an oximeter", payload), Measured(device, arrival)
    flags = fields.unsigned(1)
    values = fields.sfloat(), fields.sfloat()
    local = fields.date_time() if flags & 1 else None
    dated = not flags & 16 and said.at(local) is not None  # bit 4: its clock was never set
    return _oximeter(fields, said, values, flags >> 1, dated=dated)


def continuous(device: str, payload: bytes, arrival: float, definitions: Definitions) -> Decoded:
    """2A5F; its fast and slow averages are left out."""
    fields, said = Fields("continuous oximeter", payload), Measured(device, arrival)
    flags = fields.unsigned(1)
    values = fields.sfloat(), fields.sfloat()
    fields.take(4 * (flags & 1) + 2 * (flags & 2))
    return _oximeter(fields, said, values, flags >> 2, dated=False)


def _oximeter(
    fields: Fields, said: Measured, values: tuple[Number, Number], flags: int, *, dated: bool
) -> Decoded:
    """`flags` from the bit of the measurement status on."""
    status = fields.unsigned(2) if flags & 1 else 0
    sensor = fields.unsigned(3) if flags & 2 else 0
    amplitude = fields.sfloat() if flags & 4 else Number(None)
    if status & _NOT_A_PERSON:
        return Decoded(nothing="a demonstration, a test or a calibration of an oximeter")
    early = status & _EARLY and not status & _VALIDATED
    undated = status & _STORED and not dated  # measured some time ago, nobody knows when
    said.suspect = bool(early or undated or status & _QUESTIONABLE or sensor & _OXIMETER_DOUBTS)
    spo2, pulse = map(_found, values)
    if spo2.value != 127.0:
        said.add("spo2", spo2, "%")
    said.add("pulse", pulse, "/min")
    said.add("perfusion_index", _found(amplitude), "%")
    return Decoded(said.records, nothing="" if said.records else "an oximeter without a finger")


def temperature(device: str, payload: bytes, arrival: float, definitions: Definitions) -> Decoded:
    """2A1C."""
    fields, said = Fields("temperature", payload), Measured(device, arrival)
    flags = fields.unsigned(1)
    value = fields.float32()
    if flags & 2:
        said.at(fields.date_time())
    _temperature(said, value, flags, fields)
    return Decoded(said.records, nothing="" if said.records else "a thermometer without a value")


def rising_temperature(
    device: str, payload: bytes, arrival: float, definitions: Definitions
) -> Decoded:
    """2A1E: shown while it still measures; suspect, and at its arrival, because the final value
    may have the same time."""
    fields, said = Fields("intermediate temperature", payload), Measured(device, arrival)
    flags = fields.unsigned(1)
    value = fields.float32()
    if flags & 2:
        fields.take(7)
    said.suspect = True
    _temperature(said, value, flags, fields)
    return Decoded(said.records, nothing="" if said.records else "a thermometer without a value")


def _temperature(said: Measured, value: Number, flags: int, fields: Fields) -> None:
    place = fields.unsigned(1) if flags & 4 else 0
    metric = "skin_temperature" if place in _SKIN else "temperature"
    said.add(metric, value, "[degF]" if flags & 1 else "Cel")


def heart_rate(device: str, payload: bytes, arrival: float, definitions: Definitions) -> Decoded:
    """2A37; of several intervals between beats the last is the newest."""
    fields, said = Fields("heart rate", payload), Measured(device, arrival)
    flags = fields.unsigned(1)
    rate = fields.unsigned(2 if flags & 1 else 1)
    energy = fields.known(2) if flags & 8 else None
    intervals: list[int] = []
    if flags & 16:
        while fields.left() >= 2:
            intervals.append(fields.unsigned(2))
    said.suspect = flags & 0b110 == 0b100  # it can tell contact with the skin, and has none
    said.add("pulse", float(rate) if rate else None, "/min")
    said.add("energy_expended", energy, "kJ")
    after = 0.0
    for interval in reversed(intervals):
        said.add("rr_interval", interval / 1024 if interval else None, "s", before=after)
        after += interval / 1024
    return Decoded(said.records, nothing="" if said.records else "a heart rate not found yet")


def glucose(device: str, payload: bytes, arrival: float, definitions: Definitions) -> Decoded:
    """2A18. What follows in a context has no time of its own: this one's is learned."""
    fields, said = Fields("glucose", payload), Measured(device, arrival)
    flags, sequence = fields.unsigned(1), fields.unsigned(2)
    local = fields.date_time()
    offset = fields.signed(2) if flags & 1 else 0
    value = fields.sfloat() if flags & 2 else Number(None)
    sample = fields.unsigned(1) if flags & 2 else 0
    status = fields.unsigned(2) if flags & 8 else 0
    seconds = said.at(_moved(local, offset))
    learned: dict[str, Any] = {device: [sequence, seconds]} if flags & 16 else {}
    if sample & 15 == _CONTROL_SOLUTION or sample >> 4 == _CONTROL_PLACE:
        return Decoded(nothing="a test of a glucose meter with control solution")
    said.suspect = bool(status & _GLUCOSE_DOUBTS) or offset in _OVERRUN
    unit = "kg/L"
    if flags & 4:
        unit = "mmol/L"
        value = value._replace(value=None if value.value is None else value.value * 1000)
    too = Qualifier.ABOVE if status & _TOO_HIGH else Qualifier.EXACT
    said.add("glucose", value, unit, qualifier=Qualifier.BELOW if status & _TOO_LOW else too)
    if status & 1:
        said.suspect = False
        said.add("battery_low", 1.0)
    return Decoded(
        said.records, nothing="" if said.records else "a glucose without a value", learned=learned
    )


def _moved(local: datetime | None, minutes: int) -> datetime | None:
    try:
        return None if local is None else local + timedelta(minutes=minutes)
    except OverflowError:
        return None


def glucose_context(
    device: str, payload: bytes, arrival: float, definitions: Definitions
) -> Decoded:
    """2A34: meal and exercise beside the glucose of the same number."""
    fields = Fields("context of a glucose", payload)
    flags, sequence = fields.unsigned(1), fields.unsigned(2)
    fields.take(flags >> 7)
    carbohydrate = Number(None)
    if flags & 1:
        fields.take(1)
        carbohydrate = fields.sfloat()
    fields.take((flags >> 1 & 1) + (flags >> 2 & 1))
    exercise = fields.known(2) if flags & 8 else None
    fields.take(flags >> 3 & 1)
    fields.take(3 * (flags >> 4 & 1) + 2 * (flags >> 6 & 1))
    known = definitions.get(device)
    if not isinstance(known, list) or len(known) != 2 or known[0] != sequence or known[1] is None:
        return Decoded(nothing="the context of a glucose whose time is not known")
    said = Measured(device, arrival)
    said.since(float(known[1]))
    said.add("carbohydrate_intake", carbohydrate, "kg")
    said.add("exercise_duration", exercise, "s")
    return Decoded(said.records, nothing="" if said.records else "the context of a glucose")
