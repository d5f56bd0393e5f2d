"""Servers that all xdist workers share: one process keeps each, started by whoever needs it first.

`shared("kafka", folder)` starts `python -m tests.harness.keeper kafka FOLDER PID` under a lock, once for a session,
and returns what that process wrote into FOLDER/ready.json. The keeper stops its server when process PID (pytest's own)
is gone or when it is told to, so that a killed test run leaves nothing behind.
"""

import asyncio
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from services.local.kafka import KafkaNode, KafkaPlan, wait_ready
from services.local.ports import free_ports
from tests.harness.postgres import PostgresServer

READY = "ready.json"


def shared(kind: str, folder: Path, session_pid: int) -> dict[str, Any]:
    """This test session's server `kind` ("kafka" or "postgres"). Raises RuntimeError if it does not start."""
    folder.mkdir(parents=True, exist_ok=True)
    ready = folder / READY
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.is_file():
            with (folder / "keeper.log").open("wb") as log:
                keeper = subprocess.Popen(
                    [sys.executable, "-m", "tests.harness.keeper", kind, str(folder), str(session_pid)],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                )  # fmt: skip
            deadline = time.monotonic() + 90
            while not ready.is_file():
                if keeper.poll() is not None or time.monotonic() > deadline:
                    words = (folder / "keeper.log").read_text("utf-8", "replace").strip().splitlines()
                    raise RuntimeError(f"{kind} did not start: {words[-1] if words else 'no output'}")
                time.sleep(0.05)
    found: dict[str, Any] = json.loads(ready.read_text("utf-8"))
    return found


def end(folder: Path) -> None:
    """Stop the server of `folder` if it was started, and wait until it is gone."""
    ready = folder / READY
    if not ready.is_file():
        return
    pid = json.loads(ready.read_text("utf-8"))["keeper"]
    for attempt in range(200):
        try:
            os.kill(pid, signal.SIGTERM if attempt == 0 else 0)
            os.waitpid(pid, os.WNOHANG)  # our own child stays visible until it is waited for
        except ChildProcessError:
            pass
        except ProcessLookupError:
            return
        time.sleep(0.05)


def _announce(folder: Path, facts: dict[str, Any]) -> None:
    draft = folder / "ready.new"
    draft.write_text(json.dumps(facts | {"keeper": os.getpid()}), "utf-8")
    draft.rename(folder / READY)


def _hold(session_pid: int) -> None:
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: ended.append(number))
    while not ended:
        try:
            os.kill(session_pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)


def main() -> None:
    kind, folder, session_pid = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    if kind == "postgres":
        postgres = PostgresServer(folder / "postgres")
        postgres.start()
        _announce(folder, {"admin_url": postgres.admin_url})
        _hold(session_pid)
        postgres.stop()
        return
    port, controller_port = free_ports(2)
    node = KafkaNode(KafkaPlan(folder / "kafka", port, controller_port))
    node.start()
    asyncio.run(wait_ready(node.plan.bootstrap))
    _announce(folder, {"bootstrap": node.plan.bootstrap})
    _hold(session_pid)
    node.stop()


if __name__ == "__main__":
    main()
