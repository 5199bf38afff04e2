"""Fixtures for every test: databases of each edition, brokers, a browser.

database_url          a migrated database; the test runs once on every edition
plain_database_url    the same on plain PostgreSQL only, where one edition is enough
empty_database_url    no schema yet, on every edition
postgres_factory      servers of the test's own, to kill and restart
broker                the run's Mosquitto; broker.url, broker.port
broker_factory        brokers of the test's own, to kill and restart
chromium              launch options for Playwright's chromium.launch(**chromium)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from saimi.embedded.broker import Broker, IotcoreBroker, MosquittoBroker
from saimi.embedded.postgres import PostgresServer
from tests.support.databases import EDITIONS, Databases, databases, postgres_server
from tests.support.parts import program

pytest_plugins = (
    "tests.support.examples",
    "tests.support.parallel",
    "tests.support.summary",
)


class _Servers:
    """The run's database servers, each started when the first test asks for it."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._running: dict[str, Databases] = {}

    def of(self, edition: str) -> Databases:
        if edition not in self._running:
            context = databases(edition, self._folder / edition)
            self._running[edition] = self._stack.enter_context(context)
        return self._running[edition]


@pytest.fixture(scope="session")
def _servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Servers]:
    with ExitStack() as stack:
        yield _Servers(tmp_path_factory.mktemp("servers"), stack)


@pytest.fixture(scope="session", params=EDITIONS)
def edition_databases(request: pytest.FixtureRequest, _servers: _Servers) -> Databases:
    """The server of each edition in turn, for tests that make databases of their own."""
    edition: str = request.param
    return _servers.of(edition)


@pytest.fixture
def database_url(edition_databases: Databases) -> Iterator[str]:
    """A migrated database of the test's own; the test runs once on every edition."""
    url = edition_databases.create()
    yield url
    edition_databases.drop(url)


@pytest.fixture
def empty_database_url(edition_databases: Databases) -> Iterator[str]:
    """A database without any schema, on every edition."""
    url = edition_databases.create(migrated=False)
    yield url
    edition_databases.drop(url)


@pytest.fixture
def plain_database_url(_servers: _Servers) -> Iterator[str]:
    """A migrated database on plain PostgreSQL, for tests where one edition is enough."""
    plain = _servers.of("plain")
    url = plain.create()
    yield url
    plain.drop(url)


@pytest.fixture(scope="module")
def plain_databases(_servers: _Servers) -> Databases:
    """The plain server, for fixtures that keep one database for a module: create() and drop()."""
    return _servers.of("plain")


@pytest.fixture
def postgres_factory(tmp_path: Path) -> Iterator[Callable[..., PostgresServer]]:
    """Call with an edition (`plain`, `timescaledb`) for a server of the test's own, started."""
    with ExitStack() as stack:

        def make(edition: str = "plain") -> PostgresServer:
            folder = tmp_path / f"postgres-{edition}"
            return stack.enter_context(postgres_server(edition, folder))

        yield make


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The run's Mosquitto. Use topics or gateways of the test's own: others are on it too."""
    program("mosquitto", cure="apt-get install mosquitto")
    with MosquittoBroker(tmp_path_factory.mktemp("broker") / "broker") as running:
        yield running


@pytest.fixture
def broker_factory(tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    """Call with `mosquitto` or `iotcore` for a broker of the test's own, started."""
    with ExitStack() as stack:

        def make(kind: str = "mosquitto", *, port: int | None = None) -> Broker:
            folder = tmp_path / f"broker-{kind}"
            if kind == "iotcore":
                return stack.enter_context(IotcoreBroker(folder, port=port))
            program("mosquitto", cure="apt-get install mosquitto")
            return stack.enter_context(MosquittoBroker(folder, port=port))

        yield make


@pytest.fixture(scope="session")
def chromium() -> dict[str, object]:
    """Options for Playwright's `chromium.launch(**chromium)` with the machine's own Chromium."""
    return {
        "executable_path": program("chromium", "chromium-browser", cure="apt-get install chromium"),
        "headless": True,
        "args": [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ],
    }
