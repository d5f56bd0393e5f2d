"""The provider as strangers meet it: one process on plain loopback http, its https issuer at a TLS front before it."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from services.local.process import spawn, stop
from tests.harness.platform import ROOT, Platform, quiet_ports
from tests.strangers import authority
from tests.strangers.person import Person

SECRET = "a secret of printable ASCII: + / % & = ~ \" ' "
"""RFC 6749 §2.3.1 form-encodes it in a Basic header, so one that changes by that."""
_DEMO = ["-c", "import asyncio; from services.run import load_demo; asyncio.run(load_demo('identity'))"]


@dataclass
class Application:
    """A relying party: the client that is declared for it, and its address. `https` puts it behind the front too."""

    client_id: str
    method: str = "client_secret_basic"
    https: bool = False
    secret: str = SECRET
    callback: str = "/callback"
    goodbye: str = "/goodbye"
    more: Mapping[str, Any] = field(default_factory=dict)
    asked_to_leave: bool = False
    """Whether the provider asks before it ends the session, for want of a `sid` in the client's ID token."""
    port: int = 0
    inner_port: int = 0

    @property
    def url(self) -> str:
        return f"{'https' if self.https else 'http'}://localhost:{self.port}"

    def declaration(self) -> dict[str, Any]:
        """The client as an operator declares it (TONGBAN_IDENTITY_CLIENTS)."""
        found: dict[str, Any] = {
            "client_id": self.client_id,
            "client_name": {"zh": f"外部应用 {self.client_id}", "en": f"Stranger {self.client_id}"},
            "realm": "citizen",
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": self.method,
            "redirect_uris": [self.url + self.callback],
            "post_logout_redirect_uris": [self.url + self.goodbye],
        }
        if self.method.startswith("client_secret"):
            found["client_secret"] = self.secret
        return found | {name: _at(value, self.url) for name, value in self.more.items()}


def _at(value: Any, url: str) -> Any:
    """`value` with the application's address for every APP in it, which is not known where the trial is written."""
    if isinstance(value, list):
        return [_at(one, url) for one in value]
    return value.replace("APP", url) if isinstance(value, str) else value


class Provider:
    """Starts the provider for these applications; starts and stops the applications themselves."""

    def __init__(self, folder: Path, applications: list[Application], kafka: str) -> None:
        self.folder = folder
        self._running: list[subprocess.Popen[bytes]] = []
        front, *ports = quiet_ports(1 + 2 * len(applications))
        self.issuer = f"https://localhost:{front}"
        self.applications = {one.client_id: one for one in applications}
        for one in applications:
            one.port, one.inner_port = ports.pop(), ports.pop()
        authority.make(folder)
        declarations = folder / "clients.json"
        declarations.write_text(json.dumps([one.declaration() for one in applications]), "utf-8")
        self.platform = Platform(
            folder,
            settings={
                "TONGBAN_ISSUER": self.issuer,
                "TONGBAN_IDENTITY_CLIENTS_FILE": str(declarations),
                "TONGBAN_KAFKA": kafka,
                "TONGBAN_TOPIC_PREFIX": "strangers.",
            },
        )
        behind = {front: int(self.platform.environment["TONGBAN_IDENTITY_PORT"])}
        behind |= {one.port: one.inner_port for one in applications if one.https}
        ways = [f"{port}:{inner}" for port, inner in behind.items()]
        self._spawn("front", "-m", "tests.strangers.front", authority.CERTIFICATE, authority.KEY, *ways)

    @property
    def ca(self) -> Path:
        return self.folder / authority.CA

    def start(self) -> None:
        """Make tables and topics, open the demonstration accounts, serve; return when ready."""
        for command in (
            ["-m", "services.cli", "migrate", "identity"],
            ["-m", "services.cli", "topics", "apply"],
            _DEMO,
        ):
            done = subprocess.run(
                [sys.executable, *command], cwd=ROOT, env=self.platform.environment, capture_output=True, check=False
            )
            assert done.returncode == 0, done.stderr.decode()
        log = self.folder / "identity.log"
        serve = [sys.executable, "-m", "services.cli", "serve", "identity"]
        self._running.append(spawn(serve, log, cwd=ROOT, env=self.platform.environment))
        try:
            self.platform.wait_ready("identity")
        except AssertionError:
            raise AssertionError(log.read_text("utf-8", "replace")[-3000:]) from None

    def stop(self) -> None:
        for process in reversed(self._running):
            stop(process, 10)

    def person(self, username: str = "lin") -> Person:
        return Person(self.issuer, self.ca, username, self.platform.password)

    def run(self, app: Application, command: list[str], cwd: Path | None = None, **environment: str) -> Path:
        """Start an application and return, when it answers, the path of its log."""
        told = {
            "ISSUER": self.issuer,
            "CLIENT_ID": app.client_id,
            "CLIENT_SECRET": app.secret,
            "APP_URL": app.url,
            "PORT": str(app.inner_port if app.https else app.port),
            "CA_FILE": str(self.ca),
            "SSL_CERT_FILE": str(self.ca),  # Python (httpx), Go, OpenSSL
            "NODE_EXTRA_CA_CERTS": str(self.ca),
        }
        log = self.folder / f"{app.client_id}.log"
        process = spawn(command, log, cwd=cwd, env=self.platform.environment | told | environment)
        self._running.append(process)
        deadline = time.monotonic() + 120
        while not _answers(int(told["PORT"])):
            assert process.poll() is None and time.monotonic() < deadline, log.read_text("utf-8", "replace")[-3000:]
            time.sleep(0.05)
        return log

    def _spawn(self, name: str, *arguments: str) -> None:
        # In its folder, where certificate and key are.
        environment = self.platform.environment | {"PYTHONPATH": str(ROOT)}
        command = [sys.executable, *arguments]
        self._running.append(spawn(command, self.folder / f"{name}.log", cwd=self.folder, env=environment))


def _answers(port: int) -> bool:
    try:
        httpx.head(f"http://127.0.0.1:{port}/favicon.ico", timeout=5)
    except httpx.TransportError:
        return False
    return True
