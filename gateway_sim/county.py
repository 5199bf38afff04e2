"""A made-up county: homes spread over nine municipalities, their residents, teams and members.

Home number n of a seed is the same however many homes there are, so a small county is the
beginning of a larger one. Names, addresses and phone numbers belong to nobody.
"""

from __future__ import annotations

import tomllib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.registry import Area, Client, Device, Document, Home, Member, Team
from gateway_sim.ambient import Dwellers
from gateway_sim.devices import Model, ambient, personal
from gateway_sim.people import People

T = TypeVar("T")
IN_USE_SINCE = datetime(2020, 1, 1, tzinfo=UTC)
"""When all devices were installed; before anything that is ever simulated."""
# Low-discrepancy steps (golden ratio): any number of homes is spread as evenly as possible.
_GOLDEN = 0.6180339887498949
_AGES_AT = date(2026, 1, 1)
"""When residents are as old as their usual values are for."""


class _Place(msgspec.Struct, forbid_unknown_fields=True):
    code: str
    name: str
    population: int
    latitude: float
    longitude: float


class _Names(msgspec.Struct, forbid_unknown_fields=True):
    women: list[str]
    men: list[str]
    families: list[str]
    streets: list[str]
    conditions: list[list[str]]


class _Plan(msgspec.Struct, forbid_unknown_fields=True):
    area: list[_Place]
    team: list[Team]
    member: list[Member]
    names: _Names
    formats: dict[str, float]


@cache
def _plan() -> _Plan:
    text = Path(__file__).with_name("county.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _Plan)


def format_shares() -> dict[str, float]:
    """Shares of homes by what their gateways speak, unless a scenario says otherwise."""
    return _plan().formats


def area_codes() -> set[str]:
    """The codes of the county's areas."""
    return {place.code for place in _plan().area}


def known_conditions() -> set[str]:
    """Conditions that residents may have."""
    return {name for several in _plan().names.conditions for name in several}


class Resident(NamedTuple):
    """One client, index `person` into the county's `People`."""

    person: int
    reference: str
    given_name: str
    family_name: str
    born: date
    phone: str
    conditions: list[str]


@dataclass(frozen=True)
class SimulatedHome:
    """One home with its gateway."""

    number: int
    name: str
    gateway: str
    area: str
    address: str
    latitude: float
    longitude: float
    residents: tuple[Resident, ...]
    monitored: bool
    """Whether residents wear a monitor; otherwise they measure by hand, morning and evening."""

    @property
    def devices(self) -> tuple[Model, ...]:
        diabetes = tuple("type 2 diabetes" in one.conditions for one in self.residents)
        return _devices(self.monitored, diabetes)

    @property
    def phase(self) -> float:
        """Second within each minute at which its monitors report."""
        return round((self.number * _GOLDEN % 1.0) * 60.0, 3)


class County:
    """`homes` homes of one seed; with `monitors` the share of homes with worn monitors."""

    def __init__(self, seed: int = 7, homes: int = 12, *, monitors: float = 1.0) -> None:
        self.seed = seed
        self.homes: list[SimulatedHome] = []
        person = 0
        for number in range(homes):
            home = _home(seed, number, person, monitors)
            person += len(home.residents)
            self.homes.append(home)
        self.residents = [r for home in self.homes for r in home.residents]
        self.people = People(
            seed,
            person,
            [r.conditions for r in self.residents],
            [(_AGES_AT - r.born).days / 365.2425 for r in self.residents],
        )

    @cached_property
    def home_of(self) -> list[SimulatedHome]:
        """The home of each person."""
        return [home for home in self.homes for _ in home.residents]

    @cached_property
    def monitored(self) -> NDArray[np.bool_]:
        """Who wears a monitor, shape (people,)."""
        return np.array([home.monitored for home in self.home_of], dtype=bool)

    @cached_property
    def spouse(self) -> NDArray[np.int64]:
        """With whom each lives, shape (people,); oneself for who lives alone."""
        return np.array(
            [
                next((o.person for o in home.residents if o.person != r.person), r.person)
                for home in self.homes
                for r in home.residents
            ],
            dtype=np.int64,
        )

    @property
    def first_team(self) -> Team:
        return _plan().team[0]

    def clients_of_first_team(self) -> list[Resident]:
        """Whom the demo's team member sees, in order of homes."""
        areas = set(self.first_team.areas)
        return [r for home in self.homes if home.area in areas for r in home.residents]

    @cached_property
    def dwellers(self) -> Dwellers:
        """Who lives where."""
        homes = [(home.number, n > 0) for home in self.homes for n in range(len(home.residents))]
        numbers, second = zip(*homes, strict=True)
        return Dwellers(
            person=np.arange(len(homes)),
            home=np.array(numbers),
            second=np.array(second),
            keys=self.people.keys,
        )

    def document(self, *, in_use_since: datetime = IN_USE_SINCE) -> Document:
        """The registry document of this county; the same seed gives the same document."""
        plan = _plan()
        return Document(
            areas=[
                Area(place.code, place.name, place.latitude, place.longitude) for place in plan.area
            ],
            members=plan.member,
            teams=plan.team,
            homes=[_registered(home, in_use_since) for home in self.homes],
        )


@cache
def _devices(monitored: bool, diabetes: tuple[bool, ...]) -> tuple[Model, ...]:
    """Of a home; `diabetes`: which of its residents have it."""
    own = (model for n, has in enumerate(diabetes) for model in personal(n, monitored, has))
    return (*own, *ambient())


def _home(seed: int, number: int, person: int, monitors: float) -> SimulatedHome:
    rng = np.random.default_rng([seed, number])
    names = _plan().names
    place = _place(number)
    family = _one_of(names.families, rng)
    two = bool(rng.random() < 0.2) and number > 0
    women_first = bool(rng.random() < 0.6)
    residents = tuple(
        _resident(rng, number, person + n, n, family, woman=women_first != (n == 1))
        for n in range(2 if two else 1)
    )
    return SimulatedHome(
        number=number,
        name=f"koti-{number + 1:06d}",
        gateway=f"gw-{number + 1:06d}",
        area=place.code,
        address=f"{_one_of(names.streets, rng)} {int(rng.integers(1, 60))}, {place.name}",
        latitude=round(place.latitude + float(rng.normal(0.0, 0.03)), 5),
        longitude=round(place.longitude + float(rng.normal(0.0, 0.06)), 5),
        residents=residents,
        monitored=bool(rng.random() < monitors),
    )


def _resident(
    rng: np.random.Generator, home: int, person: int, n: int, family: str, *, woman: bool
) -> Resident:
    names = _plan().names
    born = date(1932, 1, 1) + timedelta(days=int(rng.integers(0, 365 * 22)))
    return Resident(
        person=person,
        reference=f"asiakas-{home + 1:06d}-{n + 1}",
        given_name=_one_of(names.women if woman else names.men, rng),
        family_name=family,
        born=born,
        # No number begins with 0 after the country code, so this one is nobody's.
        phone=f"+358 000 000 {int(rng.integers(0, 10000)):04d}",
        conditions=list(_one_of(names.conditions, rng)),
    )


def _one_of(several: Sequence[T], rng: np.random.Generator) -> T:
    """As the generator's own `choice`, which makes an array of them every time."""
    return several[int(rng.integers(len(several)))]


@cache
def _inhabitants() -> list[int]:
    """Of each area and those before it."""
    return list(accumulate(place.population for place in _plan().area))


def _place(number: int) -> _Place:
    share = _inhabitants()
    return _plan().area[bisect_right(share, (number * _GOLDEN % 1.0) * share[-1])]


def _registered(home: SimulatedHome, since: datetime) -> Home:
    teams = [team.name for team in _plan().team if home.area in team.areas]
    alone = len(home.residents) == 1
    return Home(
        name=home.name,
        area=home.area,
        gateway=home.gateway,
        address=home.address,
        latitude=home.latitude,
        longitude=home.longitude,
        clients=[
            Client(
                reference=r.reference,
                given_name=r.given_name,
                family_name=r.family_name,
                born=r.born,
                phone=r.phone,
                oxygen_prescribed=False,
                conditions=r.conditions,
                teams=teams,
            )
            for r in home.residents
        ],
        devices=[
            Device(
                name=model.name,
                kind=model.kind,
                location=model.location,
                silent_after_minutes=model.silent_after_minutes,
                # Where one lives alone, what moves is that one; where two live, it is the home's.
                subject=home.residents[model.resident or 0].reference
                if model.resident is not None or alone
                else None,
                assigned_from=since,
            )
            for model in home.devices
        ],
    )
