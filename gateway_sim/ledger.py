"""The ledger: what was truly sent, and what was truly the matter; see docs/ledger.md.

Written by the sender before a message goes out, read by whoever judges the service afterwards.
Writer and readers may be different processes (SQLite, WAL).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Self

from core.wire import SENML, HomeMessage
from gateway_sim.reading import Reading
from gateway_sim.store import StoreError, open_file, queries, transaction

_sql = queries("ledger")
VERSION = 2
"""Of the file format, docs/ledger.md; kept in the file as `user_version`."""


class SentReading(NamedTuple):
    """One reading of a published message."""

    gateway: str
    boot: str
    seq: int
    device: str
    metric: str
    time: datetime
    value: float
    """As sent, in the unit it was sent in; NaN if a text was sent."""
    published_at: datetime
    """Real time of the message's first publish."""
    qualifier: int = 0
    """-1: below, 1: above what the device can measure."""


class SentMessage(NamedTuple):
    """One published message."""

    gateway: str
    boot: str
    seq: int
    published_at: datetime
    source: str = SENML
    """Its format."""


class GivenUp(NamedTuple):
    """One message that a gateway gave up: its space was full, or nothing keeps what it says."""

    gateway: str
    boot: str
    seq: int
    given_up_at: datetime
    """Real time."""
    published: bool
    """It had gone out, and may have arrived."""


class TruthLabel(NamedTuple):
    """What was the matter with whom, and since when."""

    client: str
    gateway: str
    kind: str
    what: str
    """onset, first_sign, crisis, recovered; or event."""
    time: datetime


class TruthFault(NamedTuple):
    """One fault of one device, or of a gateway."""

    kind: str
    gateway: str
    device: str
    """Empty: the gateway itself."""
    start: float
    end: float
    """Unix seconds; a reboot has both at once."""


class Ledger:
    """One ledger file, opened for writing and reading. Not thread-safe.

    Raises:
        StoreError: the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # A ledger judges runs of processes; it need not survive a power cut.
        self._connection: sqlite3.Connection = open_file(path, exclusive=False, durable=False)
        try:
            self._check_version()
            _sql.create_ledger(self._connection)
        except BaseException:
            self._connection.close()
            raise
        self._series: dict[tuple[str, str, str], int] = {}
        for number, gateway, device, metric in _sql.all_series(self._connection):
            self._series[gateway, device, metric] = number
        self._last: int = _sql.last_message(self._connection)
        self._new_series: list[tuple[int, str, str, str]] = []
        self._messages: list[tuple[int, str, str, int, str, int | None]] = []
        self._readings: list[tuple[int, int, int, int, float, int]] = []
        self._published: list[tuple[int, str, str, int]] = []
        self._given_up: list[tuple[int, str, str, int]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_version(self) -> None:
        version, tables = _sql.format_of(self._connection)
        if version != VERSION and tables:
            raise StoreError(
                f"{self.path} is no ledger of version {VERSION}, or one of another version "
                f"({version}): name a new file."
            )

    def close(self) -> None:
        """Write what is left and close the file."""
        self.commit()
        self._connection.close()

    def add(
        self,
        gateway: str,
        boot: str,
        seq: int,
        readings: Sequence[Reading],
        published_at: datetime | None = None,
        source: str = SENML,
    ) -> None:
        """Note a message and its readings; in the file after `commit`.

        Args:
            seq: of a source that has none on the wire, a number of the ledger's own.
            published_at: real time of the publish, if that follows at once.
            source: its format, as on the topic.
        """
        self._last += 1
        at = None if published_at is None else _us(published_at)
        self._messages.append((self._last, gateway, boot, seq, source, at))
        known = self._series
        for position, (time, device, metric, value, qualifier) in enumerate(readings):
            series = known.get((gateway, device, metric))
            if series is None:
                series = known[gateway, device, metric] = len(known) + 1
                self._new_series.append((series, gateway, device, metric))
            self._readings.append(
                (series, round(time * 1e6), self._last, position, value, qualifier)
            )

    def published(self, keys: Iterable[tuple[str, str, int]], at: datetime) -> None:
        """Note that messages (gateway, boot, seq) go out now; only the first time counts."""
        moment = _us(at)
        self._published.extend((moment, *key) for key in keys)

    def given_up(self, keys: Iterable[tuple[str, str, int]], at: datetime) -> None:
        """Note that messages (gateway, boot, seq) will not be sent, or not again."""
        moment = _us(at)
        self._given_up.extend((moment, *key) for key in keys)

    def heard(self, gateway: str, message: HomeMessage, at: datetime) -> None:
        """Write at once what was shown or spoken at home, at a real time."""
        with transaction(self._connection):
            _sql.add_heard(
                self._connection,
                gateway=gateway,
                key=message.key,
                what=message.what,
                text=message.text,
                language=message.language,
                is_repeat=message.repeat,
                heard_us=_us(at),
            )

    def all_heard(self) -> list[tuple[str, HomeMessage]]:
        """What was shown or spoken, by gateway, in the order in which it came."""
        return [
            (gateway, HomeMessage(key, what, text, language, 0.0, bool(is_repeat)))
            for gateway, key, what, text, language, is_repeat, _ in _sql.heard(self._connection)
        ]

    def faults(self, faults: Iterable[TruthFault]) -> None:
        """Write at once what is truly wrong with devices and gateways; those that are there already
        are left alone."""
        rows = [
            (f.kind, f.gateway, f.device, round(f.start * 1e6), round(f.end * 1e6)) for f in faults
        ]
        with transaction(self._connection):
            _sql.add_faults(self._connection, rows)

    def label(self, labels: Iterable[TruthLabel]) -> None:
        """Write labels at once; those that are there already are left alone."""
        rows = [(t.client, t.gateway, t.kind, t.what, _us(t.time)) for t in labels]
        with transaction(self._connection):
            _sql.add_labels(self._connection, rows)

    def commit(self) -> None:
        """Write everything noted so far, in one transaction."""
        if not (self._messages or self._published or self._given_up):
            return
        with transaction(self._connection):
            if self._new_series:
                _sql.add_series(self._connection, self._new_series)
            _sql.add_messages(self._connection, self._messages)
            _sql.add_readings(self._connection, self._readings)
            if self._published:
                _sql.set_published(self._connection, self._published)
            if self._given_up:
                _sql.set_given_up(self._connection, self._given_up)
        self._new_series, self._messages = [], []
        self._readings, self._published, self._given_up = [], [], []

    def message_count(self) -> int:
        """How many messages were published."""
        count: int = _sql.published_count(self._connection)
        return count

    def messages(self) -> Iterator[SentMessage]:
        """All published messages, in the order they were stored."""
        for gateway, boot, seq, at, source in _sql.published_messages(self._connection):
            yield SentMessage(gateway, boot, seq, _time(at), source)

    def messages_given_up(self) -> Iterator[GivenUp]:
        """All messages that were given up, in the order they were stored."""
        for gateway, boot, seq, at, sent in _sql.messages_given_up(self._connection):
            yield GivenUp(gateway, boot, seq, _time(at), bool(sent))

    def truth_faults(self) -> list[TruthFault]:
        """All faults, in order of time."""
        return [
            TruthFault(kind, gateway, device, start / 1e6, end / 1e6)
            for kind, gateway, device, start, end in _sql.faults(self._connection)
        ]

    def readings(self, chunk: int = 10_000) -> Iterator[list[SentReading]]:
        """All readings of published messages, in lists of at most `chunk`, grouped by series."""
        with _sql.published_readings_cursor(self._connection) as cursor:
            while rows := cursor.fetchmany(chunk):
                yield [
                    SentReading(
                        gateway,
                        boot,
                        seq,
                        device,
                        metric,
                        _time(time),
                        float("nan") if value is None else value,
                        _time(at),
                        qualifier,
                    )
                    for gateway, boot, seq, device, metric, time, value, at, qualifier in rows
                ]

    def published_at(
        self, gateway: str, device: str, metric: str, time: datetime
    ) -> datetime | None:
        """Real time at which a reading first went out; None if it did not."""
        at: int | None = _sql.first_published(
            self._connection, gateway=gateway, device=device, metric=metric, time_us=_us(time)
        )
        return None if at is None else _time(at)

    def labels(self) -> list[TruthLabel]:
        """All labels, in order of time."""
        return [
            TruthLabel(client, gateway, kind, what, _time(time))
            for client, gateway, kind, what, time in _sql.labels(self._connection)
        ]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _us(moment: datetime) -> int:
    gone = moment - _EPOCH
    return (gone.days * 86400 + gone.seconds) * 1_000_000 + gone.microseconds


def _time(us: int) -> datetime:
    return datetime.fromtimestamp(us // 1_000_000, UTC).replace(microsecond=us % 1_000_000)
