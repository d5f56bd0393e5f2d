"""Fixtures of all tests: real PostgreSQL and Kafka, started once a session when the first test needs them."""

import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness import keeper
from tests.harness.machine import missing
from tests.harness.platform import Platform
from tests.harness.postgres import PostgresMissing, PostgresServer, binaries, new_database

_FOLDER = pytest.StashKey[Path]()
_SERVERS = ("kafka", "postgres")
# One name in the environment tells the workers where their session's servers are.
_VARIABLE = "TESTS_SERVERS_FOLDER"


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    if _is_worker(config):
        config.stash[_FOLDER] = Path(os.environ[_VARIABLE])
        return
    # The settings of the developer's own platform are none of the tests' business.
    for name in [name for name in os.environ if name.startswith("TONGBAN_")]:
        del os.environ[name]
    folder = Path(tempfile.mkdtemp(prefix="tongban-tests-"))
    folder.chmod(0o711)
    config.stash[_FOLDER] = folder
    os.environ[_VARIABLE] = str(folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _is_worker(config) or _FOLDER not in config.stash:
        return
    folder = config.stash[_FOLDER]
    for kind in _SERVERS:
        keeper.end(folder / kind)
    shutil.rmtree(folder, ignore_errors=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what could not be tested."""
    reasons: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        if isinstance(report.longrepr, tuple):
            reason = str(report.longrepr[2]).removeprefix("Skipped: ")
            reasons[reason] = reasons.get(reason, 0) + 1
    if reasons:
        terminalreporter.section("NOT TESTED ON THIS MACHINE", sep="!", red=True, bold=True)
        for reason, count in sorted(reasons.items()):
            terminalreporter.line(f"{count} tests: {reason}")


def _session_pid(config: pytest.Config) -> int:
    return os.getppid() if _is_worker(config) else os.getpid()


@pytest.fixture(scope="session")
def postgres_admin(pytestconfig: pytest.Config) -> str:
    """libpq address of a super user of the session's PostgreSQL server."""
    try:
        binaries()
    except PostgresMissing as error:
        missing(str(error))
    facts = keeper.shared("postgres", pytestconfig.stash[_FOLDER] / "postgres", _session_pid(pytestconfig))
    return str(facts["admin_url"])


@pytest.fixture(scope="session")
def kafka(pytestconfig: pytest.Config) -> str:
    """Bootstrap address of the session's Kafka node (Apache Kafka itself). It has no topics at first."""
    facts = keeper.shared("kafka", pytestconfig.stash[_FOLDER] / "kafka", _session_pid(pytestconfig))
    return str(facts["bootstrap"])


@pytest.fixture
def topic_prefix(request: pytest.FixtureRequest) -> str:
    """A prefix that no other test uses, so that tests share a broker without meeting."""
    return f"{re.sub('[^a-z0-9]+', '-', request.node.name.lower())[:40]}-{secrets.token_hex(4)}."


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """SQLAlchemy address of a new SQLite file."""
    return f"sqlite+aiosqlite:///{tmp_path / 'test.db'}"


@pytest.fixture
def postgres_url(postgres_admin: str) -> Iterator[str]:
    """SQLAlchemy address of a new, empty PostgreSQL database, dropped afterwards."""
    with new_database(postgres_admin) as url:
        yield url


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def platform(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A running platform in the test profile, shared by all tests that ask for it: on SQLite, then on PostgreSQL.

    A test that stops it or leaves it in pieces uses `start_platform` instead.
    """
    yield from _platform(request, tmp_path_factory, request.param, {})


@pytest.fixture
def start_platform(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Platform]]:
    """`start_platform("sqlite", TONGBAN_X="…")`: a platform of the test's own; stopped afterwards if it still runs."""
    running: list[Iterator[Platform]] = []

    def start(database: str = "sqlite", **settings: str) -> Platform:
        running.append(_platform(request, tmp_path_factory, database, settings))
        return next(running[-1])

    yield start
    for one in running:
        next(one, None)


def _platform(
    request: pytest.FixtureRequest, temporary: pytest.TempPathFactory, database: str, settings: dict[str, str]
) -> Iterator[Platform]:
    postgres = request.getfixturevalue("postgres_server")() if database == "postgresql" else None
    found = Platform(temporary.mktemp(f"platform-{database}"), postgres, settings)
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Callable[[], PostgresServer]]:
    """Starts a PostgreSQL server for one platform (its databases have fixed names), as durable as in earnest."""
    servers: list[PostgresServer] = []

    def start() -> PostgresServer:
        try:
            binaries()
        except PostgresMissing as error:
            missing(str(error))
        folder = Path(tempfile.mkdtemp(prefix="tongban-postgres-"))
        folder.chmod(0o711)
        servers.append(PostgresServer(folder, durable=True))
        servers[-1].start()
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One xdist worker for each shared platform: two of them on two cores are enough (`--dist loadgroup`)."""
    for item in items:
        call = getattr(item, "callspec", None)
        if call is not None and "platform" in call.params:
            item.add_marker(pytest.mark.xdist_group(f"platform-{call.params['platform']}"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Address of a new, empty database; the test runs once on SQLite and once on PostgreSQL."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))
