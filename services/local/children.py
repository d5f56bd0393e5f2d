"""Processes that the supervisor keeps alive: services forked from the warmed parent, and Kafka."""

import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from services.local.kafka import KafkaNode
from services.local.process import die_with_parent, last_line, leave_terminal

_LOG_BYTES = 10 * 1024 * 1024
_HEALTHY_SECONDS = 30.0
_FIRST_DELAY = 0.2
_LONGEST_DELAY = 10.0


class Child(Protocol):
    """What the supervisor asks of a process."""

    name: str

    @property
    def pid(self) -> int:
        """0 before it was started."""

    def start(self) -> None:
        """Start it (again); returns at once."""

    def exit_status(self) -> int | None:
        """None while it runs, else its exit status (negative: the signal that killed it)."""

    def signal(self, number: signal.Signals) -> None:
        """Send a signal if it runs."""

    def last_words(self) -> str:
        """The last thing it wrote; for the line that tells of its death."""


class Forked:
    """A service in a process forked from this one; `body(first)` runs there and gives the exit status."""

    def __init__(self, name: str, log: Path, body: Callable[[bool], int]) -> None:
        self.name = name
        self._log = log
        self._body = body
        self._pid = 0
        self._status: int | None = None
        self._first = True

    @property
    def pid(self) -> int:
        return self._pid

    def start(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        self._status = None
        self._pid = os.fork()
        if self._pid:
            self._first = False
            return
        status = 1
        try:
            _become_child(self._log)
            # The parent may have died between fork and the kernel's promise to tell us.
            status = self._body(self._first) if os.getppid() == parent else 1
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def exit_status(self) -> int | None:
        if self._status is None and self._pid:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def signal(self, number: signal.Signals) -> None:
        if self._pid and self.exit_status() is None:  # process 0 would be our whole process group
            os.kill(self._pid, number)

    def last_words(self) -> str:
        return last_line(self._log)


class KafkaChild:
    """The local Kafka node as a child of the supervisor."""

    name = "kafka"

    def __init__(self, node: KafkaNode) -> None:
        self.node = node

    @property
    def pid(self) -> int:
        return self.node.pid

    def start(self) -> None:
        self.node.start()

    def exit_status(self) -> int | None:
        return self.node.exit_status()

    def signal(self, number: signal.Signals) -> None:
        if self.pid and self.exit_status() is None:
            os.kill(self.pid, number)

    def last_words(self) -> str:
        return self.node.last_words()


class GivenUp(Exception):
    """A process died too often; one line."""


class Keeper:
    """Starts a child again when it dies: after 0.2 s, doubling to 10 s, `limit` times without 30 good seconds."""

    def __init__(self, child: Child, limit: int) -> None:
        self.child = child
        self._limit = limit
        self._deaths = 0
        self._started = 0.0
        self._due: float | None = None

    def start(self) -> None:
        self.child.start()
        self._started = time.monotonic()
        self._due = None

    def tend(self) -> str | None:
        """Look after the child once; a line to print when something happened. Raises GivenUp."""
        now = time.monotonic()
        if self._due is not None:
            if now >= self._due:
                self.start()
            return None
        status = self.child.exit_status()
        if status is None:
            return None
        self._deaths = 1 if now - self._started > _HEALTHY_SECONDS else self._deaths + 1
        words = f"{self.child.name} ended with {_cause(status)}"
        if self._deaths > self._limit:
            raise GivenUp(f"{words} {self._deaths} times: {self.child.last_words()}")
        delay = min(_FIRST_DELAY * 2 ** (self._deaths - 1), _LONGEST_DELAY)
        self._due = now + delay
        return f"{words}; starting it again in {delay:.1f} s"


class Signals:
    """Signals of the supervisor, told by a pipe, so that it sleeps until something happens."""

    def __init__(self) -> None:
        self.stop_requests = 0
        self._reader, self._writer = os.pipe()
        for end in (self._reader, self._writer):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)

    def _stop(self, *_: object) -> None:
        self.stop_requests += 1

    def wait(self, seconds: float) -> None:
        """Return when a signal came or `seconds` have passed."""
        if select.select([self._reader], [], [], seconds)[0]:
            os.read(self._reader, 4096)


def _become_child(log: Path) -> None:
    leave_terminal()
    die_with_parent()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.close(out)
    os.close(nothing)
    # Whole lines at once, whatever the parent's streams were: the log of a process that is killed must be complete.
    sys.stdout = os.fdopen(1, "w", buffering=1, encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _cause(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    return signal.Signals(-status).name
