"""A service as a process: its parts, its start, its readiness, its end.

`app.py` of a service builds a `Service`; `serve` runs it in a role: `api` answers HTTP, `worker` relays, reads and
delivers, `all` does both in one process. Liveness, readiness and metrics are on the management port.
"""

import asyncio
import contextlib
import gc
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, Self

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from services.kit import broker, dead_letters, outbox, testing
from services.kit.certificates import behind_proxies
from services.kit.clock import utc_now
from services.kit.database import Database
from services.kit.db import KitTables
from services.kit.errors import Kind, TongbanError
from services.kit.settings import ServiceSettings, SettingsError
from services.kit.telemetry import cause_of, configure_logging, log, metrics

if TYPE_CHECKING:
    from services.kit.crypto import Crypto


CHECK_SECONDS, STALE_SECONDS = 0.5, 3.0
"""How often readiness is found out anew; for how long the last answer stands while that takes time."""


class Role(StrEnum):
    API = "api"
    WORKER = "worker"
    ALL = "all"


class Worker(Protocol):
    """Something that runs beside HTTP until it is cancelled."""

    name: str

    async def run(self) -> None: ...

    async def health(self) -> str | None:
        """None when well, else what is wrong, in a few words."""
        ...


@dataclass
class Context:
    """What every part of a service shares."""

    settings: ServiceSettings
    database: Database
    tables: KitTables
    clock: Callable[[], datetime] = utc_now
    crypto: "Crypto | None" = None
    wake: outbox.Wake = field(init=False)
    delivering: asyncio.Event = field(default_factory=asyncio.Event)
    """Set after a commit that queued something for `kit.deliveries`."""

    def __post_init__(self) -> None:
        self.wake = outbox.Wake(self)

    @property
    def service(self) -> str:
        return self.settings.service

    async def committed(self) -> None:
        """Called by the unit of work after a commit that published."""
        self.wake.set()

    @classmethod
    def of(cls, settings: ServiceSettings, tables: KitTables, **parts: Any) -> Self:
        """The context of a service as its settings say. Opens nothing yet."""
        return cls(settings, Database(settings.database_url, pool_size=settings.database_pool), tables, **parts)


@dataclass
class Service:
    """A built service. `start` hooks run in order once the database answers; `stop` hooks in reverse at the end.

    Commands run `start` too; what only a server may do (say, write what its own settings declare) is in `serving`.
    """

    context: Context
    app: ASGIApp
    workers: Sequence[Worker] = ()
    api_workers: Sequence[Worker] = ()
    """Workers that run wherever HTTP is served (a live reader, say)."""
    start: Sequence[Callable[[], Awaitable[None]]] = ()
    serving: Sequence[Callable[[], Awaitable[None]]] = ()
    stop: Sequence[Callable[[], Awaitable[None]]] = ()
    drain: Sequence[Callable[[], None]] = ()
    """Called as soon as the service is told to stop, before open answers are waited for: ends live streams."""
    topics: Sequence[str] = ()
    """Topics that must be there: written or read."""
    ports: Sequence[int] = ()
    """HTTP ports; default: the one of the settings."""
    migrated: bool = True
    """Whether its tables come from `services/<name>/migrations`: it then waits until they are as this code needs."""

    @property
    def name(self) -> str:
        return self.context.service

    async def open(self, *, serving: bool = False) -> None:
        """Run the start hooks; with `serving` those of a server too."""
        for hook in (*self.start, *(self.serving if serving else ())):
            await hook()

    async def close(self) -> None:
        for hook in reversed(self.stop):
            await hook()
        await self.context.wake.close()
        await self.context.database.close()


class _Server(uvicorn.Server):
    """Uvicorn that leaves signals to us."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


class Runner:
    """One service running in one process."""

    def __init__(self, service: Service, role: Role) -> None:
        self.service = service
        self.role = role
        self.settings = service.context.settings
        self.stopping = asyncio.Event()
        self.fatal: str | None = None
        self._opened = False
        self._starting = "starting"
        self._topics_checked = False
        self._servers: list[_Server] = []
        workers: list[Worker] = []
        if role is not Role.API:
            workers += service.workers
        if role is not Role.WORKER:
            workers += service.api_workers
        self._workers = list({id(worker): worker for worker in workers}.values())
        self._ready_cache: tuple[float, list[str]] = (float("-inf"), [self._starting])
        self._checking: asyncio.Task[None] | None = None

    async def run(self) -> int:
        """Run until SIGTERM or SIGINT. The exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopping.set)
        tasks = [asyncio.create_task(self._management())]
        try:
            await self._open()
            if not self.stopping.is_set():
                # What is there by now stays: a full collection would walk it all, and hold every request up meanwhile.
                gc.collect()
                gc.freeze()
                if self.role is not Role.WORKER:
                    tasks.append(asyncio.create_task(self._http()))
                tasks.append(asyncio.create_task(self._work()))
                log.info("service.started", role=self.role.value)
                stop = asyncio.create_task(self.stopping.wait())
                await asyncio.wait([stop, *tasks], return_when=asyncio.FIRST_COMPLETED)
                self._judge(tasks)
        finally:
            self.stopping.set()
            await self._shut(tasks)
        if self.fatal:
            sys.stderr.write(f"tongban: {self.service.name}: {self.fatal}\n")
            return 1
        return 0

    def _judge(self, tasks: list[asyncio.Task[Any]]) -> None:
        """A part that ended although nobody said stop is a failure: it must not look as if it had been told to."""
        ended = [task for task in tasks if task.done()]
        if ended and not self.stopping.is_set():
            error = ended[0].exception() if not ended[0].cancelled() else None
            self.fatal = f"a part of it ended: {_flat(error)}" if error else "a part of it ended"

    async def _open(self) -> None:
        delay = 0.2
        while not self.stopping.is_set():
            try:
                await self.service.context.database.ping()
                await self._check_tables()
                await self.service.open(serving=True)
                self._opened = True
                return
            except (SettingsError, TongbanError) as error:
                if isinstance(error, TongbanError) and error.kind.transient:
                    self._starting = f"starting: {error}"
                    log.warning("service.waiting", cause=str(error))
                else:
                    self.fatal = str(error)
                    self.stopping.set()
                    return
            except Exception as error:
                log.warning("service.waiting", cause=cause_of(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), delay)
            delay = min(delay * 2, 5.0)

    async def _check_tables(self) -> None:
        if self.service.migrated:
            from services.kit.migrations import check  # for servers alone: Alembic costs commands 0.2 s

            await check(self.service.context.database, self.service.name)

    async def _http(self) -> None:
        ports = list(self.service.ports) or [self.settings.port]
        sockets = [_bound(self.settings.host, port) for port in ports]
        config = uvicorn.Config(
            behind_proxies(self.service.app, self.settings),
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=2,
            h11_max_incomplete_event_size=32 * 1024,
        )
        server = _Server(config)
        self._servers.append(server)
        await server.serve(sockets=sockets)

    async def _management(self) -> None:
        routes = [Route("/livez", self._live), Route("/readyz", self._ready), Route("/metrics", self._metrics)]
        config = uvicorn.Config(
            Starlette(routes=routes), lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1
        )
        server = _Server(config)
        self._servers.append(server)
        await server.serve(sockets=[_bound(self.settings.management_host, self.settings.management_port)])

    async def _work(self) -> None:
        await self._check_topics()
        if not self.stopping.is_set():
            await asyncio.gather(*(self._keep(worker) for worker in self._workers))
            await self.stopping.wait()

    async def _check_topics(self) -> None:
        """Wait for the broker; refuse to go on when its topics are not as the contracts say."""
        while self.service.topics and not self.stopping.is_set():
            try:
                await broker.check_topics(self.settings, self.service.topics)
                break
            except broker.TopicsMissing as error:
                self.fatal = str(error.detail)
                self.stopping.set()
            except Exception as error:  # a broker that is starting or busy fails in many ways
                log.warning("service.waiting", cause=_flat(error))
                await asyncio.sleep(1)
        self._topics_checked = True

    async def _keep(self, worker: Worker) -> None:
        delay = 0.2
        while not self.stopping.is_set():
            try:
                await worker.run()
                return
            except asyncio.CancelledError:
                raise
            except BaseException as error:
                metrics.workers_failed.labels(self.service.name, worker.name).inc()
                log.error("worker.failed", worker=worker.name, cause=_flat(error), retry_seconds=delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, 5.0)

    async def _shut(self, tasks: list[asyncio.Task[Any]]) -> None:
        for drain in self.service.drain:
            drain()
        for server in self._servers:
            server.should_exit = True
        _management, *others = tasks
        http = others[:1] if self.role is not Role.WORKER else []
        if http:
            await asyncio.wait(http, timeout=self.settings.shutdown_seconds)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=self.settings.shutdown_seconds)
        with contextlib.suppress(Exception):
            await self.service.close()
        log.info("service.stopped")

    async def problems(self) -> list[str]:
        """What keeps the service from being ready; empty when it is."""
        if self.stopping.is_set():
            return ["stopping"]
        age = asyncio.get_running_loop().time() - self._ready_cache[0]
        if age >= CHECK_SECONDS:
            if self._checking is None or self._checking.done():
                self._checking = asyncio.create_task(self._check())
            # Under load the database's answer waits its turn; the last one stands for it, but not for long.
            await asyncio.wait([self._checking], timeout=0.02 if age < STALE_SECONDS else None)
            if self._checking.done():
                self._checking.result()  # one that failed must not leave the last answer standing for ever
        return self._ready_cache[1]

    async def _check(self) -> None:
        now = asyncio.get_running_loop().time()
        found = []
        if not self._opened:
            found.append(self._starting)
        if not self._topics_checked:
            found.append("broker: topics not checked yet")
        try:
            await self.service.context.database.ping()
        except Exception as error:
            found.append(f"database: {type(error).__name__}")
        for worker in self._workers:
            trouble = await worker.health()
            if trouble:
                found.append(f"{worker.name}: {trouble}")
        self._ready_cache = (now, found)

    async def _live(self, _: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def _ready(self, _: Request) -> Response:
        problems = await self.problems()
        return PlainTextResponse("".join(f"{p}\n" for p in problems) or "ok\n", 503 if problems else 200)

    async def _metrics(self, _: Request) -> Response:
        context = self.service.context
        with contextlib.suppress(Exception):
            depth, age = await outbox.depth(context)
            metrics.outbox_depth.labels(self.service.name).set(depth)
            metrics.outbox_age.labels(self.service.name).set(age)
            for state, count in (await dead_letters.counts(context)).items():
                metrics.inbox_parked.labels(self.service.name, state).set(count)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise SettingsError(f"port {port} on {host} cannot be used: {error.strerror}") from None
    return bound


def _flat(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(_flat(inner) for inner in error.exceptions)[:500]
    if isinstance(error, SettingsError) or (isinstance(error, TongbanError) and error.kind is Kind.UNAVAILABLE):
        return str(error)
    return cause_of(error)  # a library's words may quote what people typed: PostgreSQL's do, for a row that it refuses


def serve(service: Service, role: Role) -> int:
    """Run a service in this process until it is told to stop. The exit code."""
    settings = service.context.settings
    testing.refuse_armed(settings.profile)
    configure_logging(service.name, settings.log_level)
    runner_code = 1
    try:
        with asyncio.Runner(loop_factory=_loop) as runner:
            runner_code = runner.run(_run(service, role))
    except SettingsError as error:
        sys.stderr.write(f"tongban: {service.name}: {error}\n")
    return runner_code


async def _run(service: Service, role: Role) -> int:
    return await Runner(service, role).run()


def _loop() -> asyncio.AbstractEventLoop:
    import uvloop

    return uvloop.new_event_loop()
