"""The local supervisor: one command that runs the whole platform (`tongban run`).

Everything is imported once, in this process, which then forks one process for each service: they share what was
imported, so they start in a fraction of a second and cost a third of the memory. That works because nothing here ever
runs an event loop, starts a thread or opens a connection; work of that kind happens in forked processes.
"""

import asyncio
import gc
import http.client
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from asyncpg import PostgresError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from services.cli import registry
from services.cli.support import one_line
from services.kit.errors import TongbanError
from services.kit.settings import (
    KAFKA_PORT,
    SERVICES,
    Profile,
    ServiceSettings,
    SettingsError,
    check_names,
    port_number,
    read_name,
)
from services.kit.testing import FailpointsRefused, arm
from services.local import runfile, secrets
from services.local.children import Child, Forked, GivenUp, KafkaChild, Keeper, Signals
from services.local.jars import JarError
from services.local.kafka import HOME, KafkaError, KafkaNode, KafkaPlan, wait_ready
from services.local.ports import PortUse, check_free
from services.local.report import addresses, started

READY_SECONDS = 90.0
STOP_SECONDS = 5.0
RESTARTS = 6
FAILPOINT_FOLDER = "failpoints"
"""In the data folder of the test profile: `<service>` holds the failpoints that the next start of it is armed with."""


def run() -> int:
    """Run the platform until Ctrl-C or SIGTERM. The exit status.

    Raises SettingsError, PortBusy or AlreadyRunning before anything is started.
    """
    begun = time.monotonic()
    os.environ.setdefault("TONGBAN_PROFILE", Profile.LOCAL)
    os.environ.pop("TONGBAN_POSTGRES_ADMIN", None)  # of no use to any service, so none gets it
    check_names(registry.settings_classes())
    data_dir = Path(read_name("TONGBAN_DATA_DIR") or ".data")
    with runfile.lock(data_dir):
        secrets.make(data_dir)
        settings = {name: registry.settings_class(name).load() for name in SERVICES}
        if not settings["cases"].profile.derives:
            raise SettingsError(
                "TONGBAN_PROFILE: `tongban run` is for the local profile; elsewhere use `tongban serve`"
            )
        kafka = kafka_plan(data_dir)
        check_free(port_uses(settings, kafka))
        return _Supervisor(data_dir, settings, kafka, begun).run()


def kafka_plan(data_dir: Path) -> KafkaPlan | None:
    """The node that we start ourselves; None when TONGBAN_KAFKA names servers that are there."""
    if read_name("TONGBAN_KAFKA"):
        return None
    port = port_number("TONGBAN_KAFKA_PORT", KAFKA_PORT)
    controller = port_number("TONGBAN_KAFKA_CONTROLLER_PORT", port + 1)
    home = Path(read_name("TONGBAN_KAFKA_HOME") or HOME)
    return KafkaPlan(data_dir / "kafka", port, controller, libs=home / "libs")


def port_uses(settings: dict[str, ServiceSettings], kafka: KafkaPlan | None) -> list[PortUse]:
    """Every port that the platform listens on, with the setting that would move it."""
    uses = []
    if kafka is not None:
        uses.append(PortUse("TONGBAN_KAFKA_PORT", "127.0.0.1", kafka.port))
        uses.append(PortUse("TONGBAN_KAFKA_CONTROLLER_PORT", "127.0.0.1", kafka.controller_port))
    for found in settings.values():
        own: dict[int, PortUse] = {}
        for field in type(found).model_fields:
            value = getattr(found, field)
            name = found.environment_names(field)[0]
            if field == "port" or field.endswith("_port"):
                host = found.management_host if field == "management_port" else found.host
                own.setdefault(value, PortUse(name, host, value))
            elif field.endswith("_origin") and urlsplit(value).hostname == "localhost":
                port = urlsplit(value).port or 80
                own.setdefault(port, PortUse(name, found.host, port))
        uses += own.values()
    return uses


class _Supervisor:
    def __init__(
        self, data_dir: Path, settings: dict[str, ServiceSettings], kafka: KafkaPlan | None, begun: float
    ) -> None:
        self._data_dir = data_dir
        self._settings = settings
        self._begun = begun
        self._signals = Signals()
        self._announced = False
        self._test = settings["cases"].profile is Profile.TEST
        # Tests kill services on purpose, far more often than anything dies in earnest.
        limit = 1000 if self._test else RESTARTS
        self._kafka = Keeper(KafkaChild(KafkaNode(kafka)), limit) if kafka else None
        self._services = [Keeper(self._forked(name), limit) for name in SERVICES]

    def _forked(self, name: str) -> Forked:
        return Forked(name, self._data_dir / "logs" / f"{name}.log", lambda first: self._serve(name, first))

    def run(self) -> int:
        status = 1
        try:
            status = self._run()
        except (GivenUp, JarError, KafkaError) as error:
            _say(f"tongban: {error}")
        finally:
            self._stop()
        return status

    def _run(self) -> int:
        if self._kafka is not None:
            self._kafka.start()  # the Java machine starts while we import
        registry.warm()
        gc.collect()
        gc.freeze()
        if not self._prepared():
            return 0 if self._signals.stop_requests else 1
        for keeper in self._services:
            keeper.start()
        if not self._all_ready():
            return 0 if self._signals.stop_requests else 1
        self._announced = True
        self._write_run_file(os.getpid())
        seconds = time.monotonic() - self._begun
        print(started(self._data_dir, self._settings, seconds, registry.demo_people()), flush=True)
        while not self._signals.stop_requests:
            self._tend()
            self._signals.wait(0.5)
        print("\nStopping …", flush=True)
        return 0

    def _prepared(self) -> bool:
        """Migrations, topics and demonstration data, in a process of their own; False when that failed."""
        log = self._data_dir / "logs" / "prepare.log"
        own_kafka = self._kafka is not None
        child = Forked("prepare", log, lambda _: asyncio.run(_prepare(self._settings, own_kafka)))
        child.start()
        while child.exit_status() is None and not self._signals.stop_requests:
            if self._kafka is not None and self._kafka.child.exit_status() is not None:
                child.signal(signal.SIGKILL)
                raise KafkaError(f"Kafka did not start: {self._kafka.child.last_words()}")
            self._signals.wait(0.2)
        if self._signals.stop_requests:
            child.signal(signal.SIGKILL)
            return False
        if child.exit_status() != 0:
            _say(child.last_words() or "tongban: the preparation failed")
        return child.exit_status() == 0

    def _serve(self, name: str, first: bool) -> int:
        from services.kit.service import Role, serve

        try:
            arm(self._failpoints(name, first))
            return serve(registry.build(name), Role.ALL)
        except (SettingsError, TongbanError, FailpointsRefused) as error:
            _say(f"tongban: {name}: {error}")
            return 1

    def _failpoints(self, name: str, first: bool) -> str:
        file = self._data_dir / FAILPOINT_FOLDER / name
        if self._test and file.is_file():
            text = file.read_text("utf-8")
            file.unlink()
            return text
        return (read_name("TONGBAN_FAILPOINTS") or "") if first else ""

    def _all_ready(self) -> bool:
        deadline = time.monotonic() + READY_SECONDS
        waiting = dict(self._settings)
        while waiting and not self._signals.stop_requests:
            self._tend()
            waiting = {name: found for name, found in waiting.items() if not _ready(found)}
            if waiting and time.monotonic() > deadline:
                _say(f"tongban: not ready after {READY_SECONDS:.0f} s: {', '.join(waiting)}; see {self._data_dir}/logs")
                return False
            if waiting:
                self._signals.wait(0.05)
        return not waiting

    def _tend(self) -> None:
        changed = False
        for keeper in self._keepers():
            before = keeper.child.pid
            line = keeper.tend()
            if line:
                _say(f"tongban: {line}")
            changed = changed or keeper.child.pid != before
        if changed and self._announced:
            self._write_run_file(os.getpid())

    def _keepers(self) -> Sequence[Keeper]:
        return [*([self._kafka] if self._kafka else []), *self._services]

    def _write_run_file(self, pid: int | None) -> None:
        profile = self._settings["cases"].profile
        processes = {keeper.child.name: keeper.child.pid for keeper in self._keepers()} if pid else {}
        runfile.RunFile(
            profile=profile,
            pid=pid,
            settings=runfile.open_settings(os.environ),
            addresses=addresses(self._settings),
            processes=processes,
        ).save(self._data_dir)

    def _stop(self) -> None:
        """Services first, at once and together; Kafka when nobody needs it any more."""
        self._end([keeper.child for keeper in self._services])
        if self._kafka is not None:
            self._end([self._kafka.child])
        self._write_run_file(None)

    def _end(self, children: Sequence[Child]) -> None:
        asked = self._signals.stop_requests
        for child in children:
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while any(_runs(child) for child in children):
            if time.monotonic() > deadline or self._signals.stop_requests > asked:
                for child in children:
                    child.signal(signal.SIGKILL)
            self._signals.wait(0.05)


def _runs(child: Child) -> bool:
    return child.pid != 0 and child.exit_status() is None


def _ready(settings: ServiceSettings) -> bool:
    connection = http.client.HTTPConnection(settings.management_host, settings.management_port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


async def _prepare(settings: dict[str, ServiceSettings], own_kafka: bool) -> int:
    """Bring databases, topics and demonstration data to where the services expect them."""
    from services.kit.broker import apply_topics
    from services.kit.migrations import upgrade

    try:
        for found in settings.values():
            with _naming_the_database(found):
                await upgrade(found)
        if own_kafka:  # it is starting; servers that are there are asked once, with the user and TLS of the settings
            await wait_ready(",".join(settings["cases"].kafka))
        await apply_topics(settings["cases"])
        for name in SERVICES:
            with _naming_the_database(settings[name]):
                await load_demo(name)
    except (SettingsError, TongbanError, KafkaError) as error:
        _say(f"tongban: {one_line(error)}")
        return 1
    return 0


@contextmanager
def _naming_the_database(settings: ServiceSettings) -> Iterator[None]:
    """Raise SettingsError with one line for what is wrong with the database of a service."""
    try:
        yield
    except (DBAPIError, PostgresError, OSError) as error:
        where = make_url(settings.migration_database_url or settings.database_url).render_as_string()
        raise SettingsError(f"{settings.service}: database {where}: {one_line(error)}") from None


async def load_demo(name: str) -> None:
    """Load the demonstration data of one service, if it has any; loading it again changes nothing."""
    loader = registry.demo_loader(name)
    if loader is None:
        return
    service = registry.build(name)
    try:
        await service.open()
        await loader(service)
    finally:
        await service.close()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
