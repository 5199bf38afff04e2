"""Writes a simulation straight to files: part by part, row group by row group.

A part holds a block of homes for the whole time. Of a part, one row group at a time is in memory,
so memory does not grow with the length of a run, and hardly with the number of homes. A run that
was stopped or killed leaves `unfinished.json`; the same run in the same directory goes on with the
part that it was at.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import SaimiError, UserError
from core.wire import SENML
from gateway_sim import files_format as form
from gateway_sim import files_tables
from gateway_sim.county import County
from gateway_sim.faults import NO_FAULTS, FaultFile
from gateway_sim.files_format import File, Manifest
from gateway_sim.ledger import TruthFault, TruthLabel
from gateway_sim.made import Made
from gateway_sim.production import HOMES_AT_ONCE
from gateway_sim.scenario import Scenario

_FAULTS_AT_ONCE = 100_000
_SHORTEST_S, _LONGEST_S = 1.0, 86_400.0


class Written(NamedTuple):
    """A run that is whole."""

    manifest: Manifest
    made: int
    """Readings that were made now; the others were there from a run that was stopped."""


class StoppedError(SaimiError):
    """A run was asked to end before it was whole."""


def planned(
    *,
    seed: int,
    homes: int,
    scenario: Scenario,
    start: datetime,
    end: datetime,
    vitals_every_s: float | None,
    faults: FaultFile = NO_FAULTS,
    homes_per_part: int = form.HOMES_PER_PART,
) -> Manifest:
    """The manifest of a run that has not begun.

    Raises:
        UserError: a parameter is impossible.
    """
    low, high = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    if not low <= start < end <= high:
        raise UserError(
            f"A simulation from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} is not possible: "
            f"it has to last, and to lie between the years 2000 and 2100."
        )
    if vitals_every_s is not None and not _SHORTEST_S <= vitals_every_s <= _LONGEST_S:
        raise UserError(
            f"Monitors cannot report every {vitals_every_s:g} seconds: give 1 to 86,400, or never."
        )
    foreign = [name for name, share in scenario.gateways.formats.items() if share and name != SENML]
    if foreign:
        raise UserError(
            f"Scenario {scenario.name} has gateways that speak {foreign[0]}, which keep no past: "
            "leave --out and --speed max out, or take a scenario in which all speak SenML."
        )
    return Manifest(
        software={name: version(name) for name in ("numpy", "pyarrow", "saimi")},
        seed=seed,
        homes=homes,
        scenario=scenario,
        faults=faults,
        start=start.astimezone(UTC),
        end=end.astimezone(UTC),
        vitals_every_s=vitals_every_s,
        homes_per_part=homes_per_part,
        slice_s=form.slice_for(homes, homes_per_part, vitals_every_s),
    )


def county_of(manifest: Manifest) -> County:
    """The county of a run; without worn monitors people measure by hand."""
    monitors = 0.0 if manifest.vitals_every_s is None else 1.0
    return County(manifest.seed, manifest.homes, monitors=monitors)


def write_files(
    directory: Path,
    manifest: Manifest,
    *,
    progress: Callable[[int, float], None] = lambda readings, share: None,
    stopped: Callable[[], bool] = lambda: False,
    homes_at_once: int = HOMES_AT_ONCE,
) -> Written:
    """Make a run and write it into `directory`.

    Args:
        manifest: of `planned`.
        progress: called after each row group with readings so far and share of the whole (0 … 1).
        stopped: asked after each row group whether to end.
        homes_at_once: of `Production`.

    Raises:
        UserError: the directory holds something else, or cannot be written to.
        StoppedError: `stopped` said so.
        SaimiError: the disk is full, or a file was damaged.
    """
    with _claimed(directory, manifest) as begun:
        run = _Run(directory, begun, homes_at_once, progress, stopped)
        with _one_thread():
            run.tables()
            run.parts()
        return run.finish()


class _Run:
    def __init__(
        self,
        directory: Path,
        manifest: Manifest,
        homes_at_once: int,
        progress: Callable[[int, float], None],
        stopped: Callable[[], bool],
    ) -> None:
        self._directory = directory
        self._manifest = manifest
        self._made = Made(county_of(manifest), manifest, homes_at_once)
        self._progress = progress
        self._stopped = stopped
        self._files = {file.name: file for file in manifest.files}
        self._slices = list(manifest.slices())
        self._readings = 0
        self._found = 0
        """Readings that a run which was stopped had written."""

    def tables(self) -> None:
        """The small files; they are made anew by a run that goes on."""
        county = self._made.county
        self._table("homes", [files_tables.homes(county)])
        self._table("clients", [files_tables.clients(county)])
        self._table("devices", [files_tables.devices(county)])
        self._table("labels", [_columns(self._made.labels())])
        self._table("faults", map(files_tables.faults, _batches(self._made.faults())))

    def _table(self, name: str, chunks: Iterable[Mapping[str, Sequence[Any]]]) -> None:
        path, schema, rows = f"{name}.parquet", form.TABLES[name], 0
        with _writer(self._directory / path, schema) as writer:
            for columns in chunks:
                table = pa.table(columns, schema=schema)
                writer.write_table(table)
                rows += table.num_rows
        self._note(path, rows)

    def parts(self) -> None:
        """All readings."""
        (self._directory / form.READINGS).mkdir(exist_ok=True)
        for part in range(self._manifest.parts):
            name = form.part_name(part)
            if name not in self._files:
                self._note(name, self._part(self._directory / name, part))
                self._keep(form.UNFINISHED)
            else:
                self._found += self._files[name].rows
                self._readings += self._files[name].rows

    def finish(self) -> Written:
        """Now it is whole."""
        self._keep(form.MANIFEST)
        (self._directory / form.UNFINISHED).unlink()
        return Written(self._manifest, self._readings - self._found)

    def _part(self, path: Path, part: int) -> int:
        homes = self._manifest.homes_of(part)
        names = files_tables.Names(self._made.gateways[homes.start : homes.stop], homes.start)
        rows, done = 0, part * len(self._slices)
        whole = self._manifest.parts * len(self._slices)
        with _writer(path, form.READING) as writer:
            for number, (low, high) in enumerate(self._slices, start=1):
                shown = self._made.shown(low, high, homes)
                writer.write_table(names.table(shown.by_series()), row_group_size=1 << 30)
                rows += len(shown.made)
                self._progress(self._readings + rows, (done + number) / whole)
                if self._stopped():
                    raise StoppedError(
                        f"{self._directory} is not whole: the same command goes on with it."
                    )
        self._readings += rows
        return rows

    def _note(self, name: str, rows: int) -> None:
        path = self._directory / name
        self._files[name] = File(name, rows, path.stat().st_size, form.sha256(path))

    def _keep(self, name: str) -> None:
        self._manifest = msgspec.structs.replace(
            self._manifest,
            readings=self._readings,
            files=[self._files[file] for file in sorted(self._files)],
        )
        _put(self._directory / name, form.encode_manifest(self._manifest))


def _batches(found: Iterable[TruthFault]) -> Iterator[list[TruthFault]]:
    """Some at a time: of a county's devices there may be millions."""
    several = iter(found)
    while batch := list(islice(several, _FAULTS_AT_ONCE)):
        yield batch


def _columns(found: Sequence[TruthLabel]) -> dict[str, list[Any]]:
    return {name: [getattr(label, name) for label in found] for name in form.LABEL.names}


@contextmanager
def _writer(path: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    """A file that has its name only once it is whole and on disk."""
    half = path.with_name(path.name + ".new")
    names = [field.name for field in schema if field.name != "time"]
    with half.open("wb") as file:
        with pq.ParquetWriter(
            file,
            schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=names,
            column_encoding={"time": "DELTA_BINARY_PACKED"} if "time" in schema.names else None,
        ) as writer:
            yield writer
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)


def _put(path: Path, content: bytes) -> None:
    half = path.with_name(path.name + ".new")
    with half.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)


@contextmanager
def _claimed(directory: Path, manifest: Manifest) -> Iterator[Manifest]:
    """The directory for this run alone; the manifest with the parts that are there already."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise UserError(f"{directory} cannot be written to: {error.strerror}.") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UserError(f"{directory} is being written by another simulator.") from error
        begun = _begun(directory, manifest)
        try:
            if not (directory / form.UNFINISHED).exists():
                _put(directory / form.UNFINISHED, form.encode_manifest(begun))
        except OSError as error:
            raise UserError(f"{directory} cannot be written to: {error.strerror}.") from error
        try:
            yield begun
            os.fsync(handle)
        except OSError as error:
            raise SaimiError(
                f"{directory} cannot be written ({error.strerror or error}); what is there is "
                f"kept, and the same command goes on with it."
            ) from error
    finally:
        os.close(handle)


def _begun(directory: Path, manifest: Manifest) -> Manifest:
    """The manifest to go on with: of an unfinished run of the same parameters, else as given."""
    if (directory / form.MANIFEST).exists():
        raise UserError(f"{directory} holds a simulation already: name another directory.")
    if not (directory / form.UNFINISHED).exists():
        half = form.UNFINISHED + ".new"  # where it was killed at the very beginning
        if any(path.name != half for path in directory.iterdir()):
            raise UserError(f"{directory} is not empty: name a new or an empty directory.")
        return manifest
    before = form.read_manifest(directory / form.UNFINISHED)
    if msgspec.structs.replace(before, readings=0, files=[]) != manifest:
        raise UserError(
            f"{directory} holds an unfinished simulation of other parameters: remove it, or name "
            f"another directory."
        )
    kept = [file for file in before.files if _is_there(directory, file)]
    return msgspec.structs.replace(manifest, files=kept)


def _is_there(directory: Path, file: File) -> bool:
    path = directory / file.name
    try:
        return path.stat().st_size == file.bytes and form.sha256(path) == file.sha256
    except OSError:
        return False


@contextmanager
def _one_thread() -> Iterator[None]:
    """pyarrow on this core alone, until the end."""
    before = pa.cpu_count()
    pa.set_cpu_count(1)
    try:
        yield
    finally:
        pa.set_cpu_count(before)
