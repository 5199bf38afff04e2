"""A made-up county's readings as something that can be sent through MQTT while it is made."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from core.registry import Document
from gateway_sim.columns import Columns
from gateway_sim.county import County
from gateway_sim.files_format import Manifest
from gateway_sim.plan import make_plan
from gateway_sim.production import Production
from gateway_sim.recording import Pack, Row


class Made:
    """The readings of a run, the same as `write_files` writes.

    They are made block by block of homes, and slice by slice of time, so memory is bounded.
    """

    rows = None

    def __init__(self, county: County, run: Manifest) -> None:
        self._county, self._run = county, run
        self.gateways = [home.gateway for home in county.homes]
        self.first, self.last = run.start.timestamp(), run.end.timestamp()
        plan = make_plan(county, run.scenario, run.start)
        self._production = Production(county, plan, until=self.last)

    def document(self) -> Document:
        """The homes as a registry document."""
        return self._county.document()

    def in_order(self) -> Iterator[Row]:
        """All readings in order of time."""
        for low, high in self._run.slices():
            made = self._made(low, high, range(self._run.homes)).by_time()
            for home, reading in zip(made.home.tolist(), made.readings(), strict=True):
                yield Row(self.gateways[home], reading)

    def packs(self, most: int) -> Iterator[Pack]:
        """All readings; a block of homes for the whole time, then the next."""
        for part in range(self._run.parts):
            for low, high in self._run.slices():
                made = self._made(low, high, self._run.homes_of(part)).by_home()
                readings = list(made.readings())
                for begin, past in pairwise(made.starts().tolist()):
                    gateway = self.gateways[made.home[begin]]
                    for first in range(begin, past, most):
                        yield Pack(gateway, readings[first : min(first + most, past)])

    def _made(self, low: float, high: float, homes: range) -> Columns:
        return self._production.within(low, high, homes, self._run.vitals_every_s)
