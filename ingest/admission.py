"""Admission by the batch: known gateway and device, unit, possible range, clock, whose reading.

Plain cases are decided column by column (about a microsecond a reading); whatever is not plain goes
through `judgement`, one record at a time.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.catalogue import catalogue
from core.reading import State
from ingest.batch import ROW, Batch, ClockFault, Origin, Refused, StatusChange, Told
from ingest.copies import digest
from ingest.decoders.record import Channel, Record
from ingest.device_time import AHEAD, UNSET_BEFORE, Fault, Offset, gateway_ahead, offset
from ingest.directory import Device, Directory, Gateway, Route
from ingest.judgement import Admitted, Refusal, is_call, judge, refused_gateway
from ingest.message import Message, Understood, registrable
from ingest.rescue import find_calls

ROUTE = np.dtype(
    [
        ("device", "i4"), ("metric", "i2"), ("factor", "f8"), ("offset", "f8"),
        ("low", "f8"), ("high", "f8"), ("since", "i8"), ("until", "i8"), ("subject", "i4"),
    ]
)  # fmt: skip
"""One `directory.Route.row`."""
_CODED = np.zeros(len(catalogue().low), dtype=bool)
_CODED[[metric.id for metric in catalogue() if metric.codes]] = True
_CLOCK = ("clock_unset", "future")
MAX_KEPT_PAYLOAD = 64 * 1024
"""Bytes kept of a message that cannot be read."""


def gateway_names(understood: Sequence[Understood]) -> set[str]:
    """The gateways that the directory must have loaded before `admit`."""
    return {one.gateway for one in understood if registrable(one.gateway)}


def admit(understood: Sequence[Understood], directory: Directory, oldest: int) -> Batch:
    """Make a batch of decoded messages; `oldest` (microseconds) is where the retention ends."""
    collected = _Collected()
    for number, one in enumerate(understood):
        name = one.gateway
        gateway = directory.find(name) if registrable(name) else None
        decoded, message = one.decoded, one.message
        if decoded is not None:
            collected.origin(one, gateway, decoded.boot, decoded.seq)
            made = None if message.retained else decoded.made
            if gateway is None or gateway.revoked:
                collected.doubtful += [(number, gateway, record) for record in decoded.records]
            else:
                collected.take(number, gateway, decoded.records, message.arrival, made)
            if decoded.learned:
                collected.tell(number, one, gateway)
        elif one.error is not None:
            collected.origin(one, gateway, one.error.boot, one.error.seq)
            collected.unreadable(number, one, gateway)
        else:
            collected.origin(one, gateway, None, None)
            if one.status is not None and gateway is not None and not gateway.revoked:
                collected.statuses.append(
                    StatusChange(number, gateway.id, one.status, message.retained)
                )
    return collected.batch([one.message for one in understood], oldest)


class _Collected:
    """What the messages of a batch hold, until it is decided what is stored."""

    def __init__(self) -> None:
        self.origins: list[Origin] = []
        self.refused: list[Refused] = []
        self.statuses: list[StatusChange] = []
        self.told: list[Told] = []
        self.clocks: list[ClockFault] = []
        self._made: dict[int, float] = {}
        self.doubtful: list[tuple[int, Gateway | None, Record]] = []
        self.called: list[tuple[int, Gateway | None, Record]] = []
        self._routes: dict[Route, int] = {}
        self._owners: list[Gateway] = []
        self._counts: list[tuple[int, int]] = []
        self._places: list[int] = []
        self._values: list[float] = []
        self._records: list[Record] = []

    def origin(
        self, one: Understood, gateway: Gateway | None, boot: str | None, seq: int | None
    ) -> None:
        message = one.message
        self.origins.append(
            Origin(
                one.gateway, 0 if gateway is None else gateway.id, message.topic,
                len(message.payload), message.arrival, boot, seq,
            )
        )  # fmt: skip

    def take(
        self, number: int, gateway: Gateway, records: list[Record], arrival: int, made: float | None
    ) -> None:
        """The records of a known gateway's message, by its own clock `made` then."""
        if made is not None:
            self._made[number] = made
            if gateway_ahead(made, arrival / 1e6):
                self.doubtful += [(number, gateway, record) for record in records]
                return
        routes, known, places, values = gateway.routes, self._routes, self._places, self._values
        for record in records:
            value = record.value
            route = routes.get(record.channel) or gateway.route(record.channel)
            if route is None or record.suspect or not isinstance(value, float):
                self.doubtful.append((number, gateway, record))
                continue
            place = known.get(route)
            if place is None:
                place = known[route] = len(known)
                self._owners.append(gateway)
            places.append(place)
            values.append(value)
            self._records.append(record)
        self._counts.append((number, len(places)))

    def tell(self, number: int, one: Understood, gateway: Gateway | None) -> None:
        """A message that tells of later ones: only a gateway in use may fill the database."""
        refusal = refused_gateway(gateway)
        if refusal is None and one.unlearned is not None:
            refusal = Refusal(one.unlearned.reason, str(one.unlearned))
        if refusal is not None:
            payload = one.message.payload[:MAX_KEPT_PAYLOAD]
            self.refused.append(Refused(number, None, *refusal, payload))
        elif one.learned is not None:
            self.told.append(Told(number, one.learned))

    def unreadable(self, number: int, one: Understood, gateway: Gateway | None) -> None:
        """A message that could not be decoded: kept, and searched for a call for help."""
        error, message = one.error, one.message
        assert error is not None  # noqa: S101 - the caller looked
        self.refused.append(
            Refused(number, None, error.reason, str(error), message.payload[:MAX_KEPT_PAYLOAD])
        )
        if message.retained:
            return
        rest = "" if one.topic is None else f"{one.topic.source}/{one.topic.rest}"
        for device, metric in find_calls(rest, message.payload):
            record = Record(Channel(device, metric, None), 1.0, message.arrival / 1e6)
            self.called.append((number, gateway, record))

    def batch(self, messages: list[Message], oldest: int) -> Batch:
        rows, records = self._decide_plain(messages, oldest)
        others: list[tuple[int | float, ...]] = []
        offsets = self._offsets(messages)
        for number, gateway, said in self.doubtful:
            message = messages[number]
            shift = offsets.get((number, said.channel.device))
            record = said if shift is None else _corrected(said, shift, message.arrival / 1e6)
            verdict = judge(record, gateway, message.arrival, oldest, retained=message.retained)
            if isinstance(verdict, Refusal):
                self.refused.append(Refused(number, said, *verdict))
                if verdict.reason in _CLOCK and gateway is not None:
                    self.refuse_clock(number, gateway.devices[said.channel.device], said, message)
                continue
            if shift is not None and record is not said:
                self.clocks.append(
                    ClockFault(
                        number, verdict.device, shift.fault, record.time - said.time, said.time,
                        len(records),
                    )
                )  # fmt: skip
            others.append(_row(verdict, number, message.arrival, len(records)))
            records.append(record)
        for number, gateway, record in self.called:
            arrival = messages[number].arrival
            verdict = judge(record, gateway, arrival, oldest)
            if isinstance(verdict, Admitted):
                verdict = verdict._replace(time=arrival, state=State.SUSPECT, at_arrival=True)
                others.append(_row(verdict, number, arrival, len(records)))
                records.append(record)
        if others:
            rows = np.concatenate((rows, np.array(others, dtype=ROW)))
        calls = rows["message"][rows["call"] & rows["at_arrival"]]
        digests = [
            (number, digest(messages[number].topic, messages[number].payload))
            for number in sorted(set(calls.tolist()))
        ]
        return Batch(
            self.origins,
            records,
            rows,
            self.refused,
            self.statuses,
            self.told,
            self.clocks,
            digests,
        )

    def refuse_clock(self, number: int, device: Device, said: Record, message: Message) -> None:
        """A time that nothing bounds."""
        seconds = message.arrival / 1e6 - said.time
        if abs(seconds) < 1e11:
            fault = Fault.UNSET if seconds > 0 else Fault.AHEAD
            self.clocks.append(ClockFault(number, device.id, fault, seconds, said.time))

    def _offsets(self, messages: list[Message]) -> dict[tuple[int, str], Offset]:
        """By message and device, where the gateway's clock bounds times that cannot be true."""
        times: dict[tuple[int, str], list[float]] = {}
        if self._made:
            for number, _, record in self.doubtful:
                if record.dated and number in self._made:
                    times.setdefault((number, record.channel.device), []).append(record.time)
        found = {}
        for (number, device), some in times.items():
            shift = offset(some, self._made[number], messages[number].arrival / 1e6)
            if shift is not None:
                found[number, device] = shift
        return found

    def _decide_plain(
        self, messages: list[Message], oldest: int
    ) -> tuple[NDArray[np.void], list[Record]]:
        if not self._places:
            return np.empty(0, dtype=ROW), self._records
        place = np.array(self._places)
        value = np.array(self._values)
        time = np.array([record.time for record in self._records])
        counts = np.array(self._counts)
        number = np.repeat(counts[:, 0], np.diff(counts[:, 1], prepend=0))
        route = np.array([one.row for one in self._routes], dtype=ROUTE)[place]
        arrival = np.array([message.arrival for message in messages], dtype=np.int64)[number]
        retained = np.array([message.retained for message in messages])[number]
        metrics = catalogue()
        value = value * route["factor"] + route["offset"]
        good = (value >= route["low"]) & (value <= route["high"])
        good &= ~_CODED[route["metric"]] | (value == np.rint(value))
        good &= (time >= max(UNSET_BEFORE, oldest / 1e6)) & (time <= arrival / 1e6 + AHEAD)
        micros = np.rint(np.where(good, time, 0.0) * 1e6).astype(np.int64)
        good &= (micros >= route["since"]) & (micros < route["until"]) & ~retained
        if not good.all():
            for bad in np.flatnonzero(~good).tolist():
                owner = self._owners[self._places[bad]]
                self.doubtful.append((int(number[bad]), owner, self._records[bad]))
        kept = np.flatnonzero(good)
        rows = np.zeros(len(kept), dtype=ROW)
        rows["time"] = micros[kept]
        rows["received_at"] = arrival[kept]
        rows["value"] = value[kept]
        for name in ("device", "subject", "metric"):
            rows[name] = route[name][kept]
        rows["qualifier"] = np.array([record.qualifier for record in self._records])[kept]
        rows["at_arrival"] = ~np.array([record.dated for record in self._records])[kept]
        rows["message"] = number[kept]
        rows["record"] = kept
        rows["call"] = metrics.never_filtered[rows["metric"]] & (rows["value"] >= 1)
        return rows, self._records


def _corrected(record: Record, shift: Offset, arrival: float) -> Record:
    """`record` at its corrected time; itself where that changes nothing, and a call for help, which
    goes to people at its arrival where its clock is wrong."""
    time = shift.corrected(record.time, arrival)
    metric = catalogue().get(record.channel.metric)
    call = metric is not None and metric.never_filtered and is_call(record.value)
    if call or not record.dated or time == record.time:
        return record
    if shift.certain:
        return msgspec.structs.replace(record, time=time)
    # By the arrival alone: it is another when the message comes again, and may be much too late.
    return msgspec.structs.replace(record, time=time, dated=False, suspect=True)


def _row(verdict: Admitted, number: int, arrival: int, record: int) -> tuple[int | float, ...]:
    """A row of `batch.ROW`."""
    return (
        verdict.time, arrival, verdict.value, verdict.device, verdict.subject, verdict.metric,
        verdict.qualifier, verdict.state, number, record, verdict.call, verdict.at_arrival,
    )  # fmt: skip
