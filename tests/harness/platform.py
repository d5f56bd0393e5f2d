"""A whole platform for a test: started by the project's own command, on free ports, in a folder of its own.

def test_x(platform: Platform) -> None:         # once on SQLite, once on PostgreSQL, both with a real Kafka
    platform.url("portal"), platform.password   # what a person needs
    platform.kill("cases"); platform.wait_ready("cases")
    platform.restart("cases", failpoints="relay.after_ack=kill")
    platform.tongban("outbox")                  # any command, finding the platform by its data folder
"""

import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.kit.settings import SERVICES
from services.local import runfile, secrets
from services.local.process import spawn
from tests.harness.postgres import PostgresServer

ROOT = Path(__file__).parents[2]
START_SECONDS = 120.0
SURFACES = ("portal", "kiosk", "desk")


def quiet_ports(count: int) -> list[int]:
    """Free loopback ports below those that the kernel gives to outgoing connections: nobody takes them by chance."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(12_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


@dataclass
class Platform:
    """One platform, on SQLite or on the PostgreSQL server that it is given (which a test may crash and start again)."""

    folder: Path
    postgres: PostgresServer | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(init=False)
    _process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        names = ["TONGBAN_KAFKA_PORT", "TONGBAN_KAFKA_CONTROLLER_PORT"]
        names += [f"TONGBAN_{name.upper()}_MANAGEMENT_PORT" for name in SERVICES]
        names += [f"TONGBAN_{name.upper()}_PORT" for name in SERVICES if name != "gateway"]
        ports = quiet_ports(len(names) + len(SURFACES))
        own = {name: str(port) for name, port in zip(names, ports, strict=False)}
        surfaces = dict(zip(SURFACES, ports[len(names) :], strict=True))
        own |= {f"TONGBAN_GATEWAY_{name.upper()}_ORIGIN": f"http://localhost:{port}" for name, port in surfaces.items()}
        own |= {
            "TONGBAN_GATEWAY_PORT": str(surfaces["portal"]),
            "TONGBAN_PROFILE": "test",
            "TONGBAN_DATA_DIR": str(self.data_dir),
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TONGBAN_")}
        self.environment = inherited | own | dict(self.settings)

    @property
    def data_dir(self) -> Path:
        return self.folder / "data"

    @property
    def output(self) -> str:
        """What `tongban run` printed so far."""
        return (self.folder / "run.log").read_text("utf-8", "replace")

    @property
    def password(self) -> str:
        """The password of all demonstration accounts: lin, zhang (citizens), clerk, officer (staff)."""
        return secrets.password(self.data_dir)

    @property
    def kafka(self) -> str:
        """Bootstrap address of the platform's own Kafka."""
        return f"127.0.0.1:{self.environment['TONGBAN_KAFKA_PORT']}"

    def start(self) -> None:
        """Start, and return when every service is ready. Raises RuntimeError with what was printed."""
        if self.postgres is not None and not (secrets.folder(self.data_dir) / "cases.database_url").is_file():
            made = self.tongban("databases", "create", TONGBAN_POSTGRES_ADMIN=self.postgres.admin_url)
            if made.returncode:
                raise RuntimeError(made.stderr)
        command = [sys.executable, "-m", "services.cli", "run"]
        self._process = spawn(command, self.folder / "run.log", cwd=ROOT, env=self.environment)
        deadline = time.monotonic() + START_SECONDS
        while self._running() is None:
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill_all()
                raise RuntimeError(f"the platform did not start:\n{self.output[-3000:]}")
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """Ctrl-C, or another signal; the exit status."""
        assert self._process is not None, "the platform was not started"
        if self._process.poll() is None:
            self._process.send_signal(how)
        return self._process.wait(60)

    def kill_all(self) -> None:
        """SIGKILL to everything at once, as a loss of power would be to the processes."""
        assert self._process is not None, "the platform was not started"
        found = runfile.load(self.data_dir)
        pids = [*(found.processes.values() if found else ()), self._process.pid]
        for pid in reversed(pids):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._process.wait(10)
        deadline = time.monotonic() + 10
        while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
            time.sleep(0.02)

    def url(self, name: str) -> str:
        """Address of portal, kiosk, desk, identity or API; or of the inner HTTP of catalog, cases, notify."""
        found = runfile.load(self.data_dir)
        assert found is not None
        return found.addresses.get(name) or f"http://127.0.0.1:{self.environment[f'TONGBAN_{name.upper()}_PORT']}"

    def database_url(self, service: str) -> str:
        """SQLAlchemy address of a service's database, for looking at what is in it."""
        if self.postgres is not None:
            return (secrets.folder(self.data_dir) / f"{service}.database_url").read_text("utf-8").strip()
        return f"sqlite+aiosqlite:///{self.data_dir / 'sqlite' / f'{service}.db'}"

    def pid(self, name: str) -> int:
        """Process id of a service or of "kafka"."""
        found = runfile.load(self.data_dir)
        assert found is not None
        return found.processes[name]

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a service or to "kafka"; the supervisor starts again what dies of it."""
        os.kill(self.pid(name), how)

    def arm(self, name: str, failpoints: str) -> None:
        """Let the next start of a service have these failpoints (`services.kit.testing`)."""
        folder = self.data_dir / "failpoints"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(failpoints, "utf-8")

    def restart(self, name: str, failpoints: str = "") -> int:
        """Kill a service and return when it is ready again: the process id of its successor.

        With failpoints that one is armed with them; where it passes one before it is ready, a third is waited for.
        """
        if failpoints:
            self.arm(name, failpoints)
        before = self.pid(name)
        self.kill(name)
        successor = self.wait_until_restarted(name, before)
        self.wait_ready(name)
        return successor

    def wait_until_restarted(self, name: str, before: int, seconds: float = 60.0) -> int:
        """Return when the supervisor has started a successor of process `before`: its process id."""
        deadline = time.monotonic() + seconds
        while (pid := self.pid(name)) == before:
            assert time.monotonic() < deadline, f"{name} was not started again within {seconds:.0f} s"
            time.sleep(0.02)
        return pid

    def ready(self, name: str) -> tuple[int, str]:
        """Status and text of a service's /readyz; status 0 when nothing answers."""
        return self.management(name, "/readyz")

    def wait_ready(self, name: str, seconds: float = 60.0) -> None:
        """Return when a service is ready."""
        deadline = time.monotonic() + seconds
        while (answer := self.ready(name))[0] != 200:
            assert time.monotonic() < deadline, f"{name} is not ready after {seconds:.0f} s: {answer[1]}"
            time.sleep(0.05)

    def management(self, name: str, path: str) -> tuple[int, str]:
        """GET a path of a service's management port (/livez, /readyz, /metrics)."""
        port = int(self.environment[f"TONGBAN_{name.upper()}_MANAGEMENT_PORT"])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError as error:
            return 0, str(error)
        finally:
            connection.close()

    def tongban(self, *arguments: str, timeout: float = 120.0, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run a `tongban` command on this platform."""
        return subprocess.run(
            [sys.executable, "-m", "services.cli", *arguments],
            cwd=ROOT, env=self.environment | extra, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False, timeout=timeout,
        )  # fmt: skip

    def log(self, name: str) -> str:
        """What a service (or "prepare") logged so far."""
        return (self.data_dir / "logs" / f"{name}.log").read_text("utf-8", "replace")

    def _running(self) -> int | None:
        found = runfile.load(self.data_dir)
        assert self._process is not None
        return found.pid if found is not None and found.pid == self._process.pid else None


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
