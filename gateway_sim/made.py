"""A made-up county's readings: what is written to files, and what is sent while it is made."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from core.registry import Document
from gateway_sim.county import County
from gateway_sim.effects import Shown
from gateway_sim.faulty import Faulty
from gateway_sim.files_format import Manifest
from gateway_sim.hearing import Hearing
from gateway_sim.labelling import labels
from gateway_sim.ledger import TruthFault, TruthLabel
from gateway_sim.plan import make_plan
from gateway_sim.production import HOMES_AT_ONCE, Production
from gateway_sim.recording import Pack, Row


class Made:
    """The readings of a run, as known at its end: a power cut has lost some, but what a gateway
    stored while it had no network is there.

    They are made block by block of homes, and slice by slice of time, so memory is bounded.

    Args:
        homes_at_once: of `Production`.
    """

    rows = None

    def __init__(self, county: County, run: Manifest, homes_at_once: int = HOMES_AT_ONCE) -> None:
        self.county, self._run = county, run
        self.gateways = [home.gateway for home in county.homes]
        self.first, self.last = run.start.timestamp(), run.end.timestamp()
        self._plan = make_plan(county, run.scenario, run.start)
        self._faulty = Faulty(county, run.faults, run.start)
        production = Production(county, self._plan, homes_at_once, until=self.last)
        self._hearing = Hearing(production, self._faulty)

    def document(self) -> Document:
        """The homes as a registry document."""
        return self.county.document()

    def labels(self) -> list[TruthLabel]:
        """What is the matter with whom during the run, in order of time."""
        return labels(self.county, self._plan, self._run.start, self._run.end)

    def faults(self) -> Iterator[TruthFault]:
        """What is wrong with which device or gateway during the run."""
        for fault in self._faulty.truth():
            if fault.start < self.last and fault.end >= self.first:
                yield fault

    def shown(self, low: float, high: float, homes: range) -> Shown:
        """What reaches the gateways of what is measured at low <= time < high (Unix seconds)."""
        return self._hearing.recorded(low, high, homes, self._run.vitals_every_s, self.last)

    def in_order(self) -> Iterator[Row]:
        """All readings in order of time."""
        for low, high in self._run.slices():
            shown = self.shown(low, high, range(self._run.homes)).by_time()
            moments = (shown.made.time / 1000.0).tolist()
            for home, at, reading in zip(
                shown.made.home.tolist(), moments, shown.readings(), strict=True
            ):
                yield Row(self.gateways[home], reading, at)

    def packs(self, most: int) -> Iterator[Pack]:
        """All readings; a block of homes for the whole time, then the next."""
        for part in range(self._run.parts):
            for low, high in self._run.slices():
                shown = self.shown(low, high, self._run.homes_of(part)).by_home()
                readings = list(shown.readings())
                for begin, past in pairwise(shown.made.starts().tolist()):
                    gateway = self.gateways[shown.made.home[begin]]
                    for first in range(begin, past, most):
                        yield Pack(gateway, readings[first : min(first + most, past)])
