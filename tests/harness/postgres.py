"""A PostgreSQL server on a free loopback port, from the binaries that Debian's package installs."""

import asyncio
import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg

from services.local.ports import free_ports

# Nothing here outlives the tests, so nothing needs to reach the disk.
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "UTC",
}


class PostgresMissing(Exception):
    """No PostgreSQL binaries on this machine."""


def binaries() -> Path:
    """The newest /usr/lib/postgresql/*/bin, else the folder of a `postgres` on the PATH. Raises PostgresMissing."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    if on_path:
        return Path(on_path).resolve().parent
    raise PostgresMissing("PostgreSQL is not installed (Debian: apt-get install postgresql)")


class PostgresServer:
    """One server with its data in `folder`; the super user is `postgres`, without a password, on loopback only."""

    def __init__(self, folder: Path, *, durable: bool = False, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.port = free_ports(1)[0]
        self.durable = durable
        self._settings = settings or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._user = _plain_user()

    @property
    def admin_url(self) -> str:
        """libpq address of the super user; a database name may be put in the place of the last `postgres`."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server was not started"
        return self._process.pid

    def start(self) -> None:
        """Make the data folder if there is none, start, and return when it answers."""
        data = self.folder / "data"
        if not (data / "PG_VERSION").is_file():
            self.folder.mkdir(parents=True, exist_ok=True)
            if self._user is not None:
                os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
            self._run("initdb", "-D", str(data), "-U", "postgres", "-E", "UTF8", "--locale=C", "-A", "trust", "-N")
        settings = {k: v for k, v in _SETTINGS.items() if not (self.durable and v == "off")}
        settings |= {"port": str(self.port), **self._settings}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(binaries() / "postgres"), "-D", str(data), *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, **self._as_user(),
            )  # fmt: skip
        self._wait_ready()

    def stop(self) -> None:
        """Fast shutdown: sessions are ended, data is whole."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """Immediate shutdown, as after a loss of power of the process: recovery runs at the next start."""
        self._end(signal.SIGQUIT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(30)

    def _wait_ready(self) -> None:
        command = [str(binaries() / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        deadline = time.monotonic() + 60
        while subprocess.run(command, check=False).returncode != 0:
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > deadline:
                words = (self.folder / "log").read_text("utf-8", "replace").splitlines()[-3:]
                raise RuntimeError(f"PostgreSQL did not start: {' / '.join(words)}")
            time.sleep(0.05)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(binaries() / program), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **self._as_user())

    def _as_user(self) -> dict[str, Any]:
        # PostgreSQL refuses to run as root; the folder's parents must be open to the plain user (`x` for all).
        if self._user is None:
            return {"cwd": self.folder}
        return {"cwd": self.folder, "user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}


def _plain_user() -> pwd.struct_passwd | None:
    """Whom to run as: nobody else unless we are root, then `postgres`, else `nobody`."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresMissing("PostgreSQL does not run as root and there is neither a postgres nor a nobody user")


@contextlib.contextmanager
def new_database(admin_url: str, template: str = "") -> Iterator[str]:
    """SQLAlchemy address of a new database, empty or a copy of the one at `template`; dropped afterwards."""
    name = f"t_{secrets.token_hex(8)}"
    source = template.rpartition("/")[2]
    if source:
        # A connection that its client has closed is still there for a moment, and a database in use is not copied.
        _execute(admin_url, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{source}'")
    _execute(admin_url, f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{source}"' if source else ""))
    base = admin_url.replace("postgresql://", "postgresql+asyncpg://", 1).rpartition("/")[0]
    try:
        yield f"{base}/{name}"
    finally:
        _execute(admin_url, f'DROP DATABASE "{name}" WITH (FORCE)')


def _execute(address: str, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(address)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    # A loop of its own in a thread of its own: pytest-asyncio may be running one here.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, run()).result()
