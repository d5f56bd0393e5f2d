"""`tongban items import` of made-up items on PostgreSQL that syncs: rows a second and resident memory, in both modes.

The command runs as an operator runs it, in a process of its own; nothing bounds its events, so that the path is
measured and not the bound. Memory is the highest (VmHWM) of the process and of the one that reads for it: flat means
that ten times the rows take no more.
"""

import os
import re
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from services.catalog.demo.generate import write
from services.kit.settings import PREFIX
from tests.bench.machine import ROOT, Machine

MODES = ("drafts", "as-published")


@dataclass(frozen=True)
class Import:
    """One run of the command."""

    rows: int
    seconds: float
    cpu_seconds: float
    highest_mb: float

    @property
    def rows_a_second(self) -> float:
        return self.rows / self.seconds


def _run(environment: dict[str, str], *arguments: str) -> tuple[float, float, float]:
    """Run `tongban` with these; wall and CPU seconds, highest resident memory in MB. Raises for a failure."""
    began = time.perf_counter()
    running = subprocess.Popen(
        [sys.executable, "-m", "services.cli", *arguments], cwd=ROOT, env=environment, stdout=subprocess.PIPE
    )
    assert running.stdout is not None
    highest: dict[int, float] = {}
    while not select.select([running.stdout], [], [], 0.1)[0]:
        highest |= _highest_mb(running.pid)
    said = running.stdout.read().decode()
    _, status, used = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode or (arguments[0] == "items" and not re.search(r"^refused +0$", said, re.MULTILINE)):
        raise RuntimeError(f"tongban {' '.join(arguments)}: {running.returncode} {said}")
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, sum(highest.values())


def _highest_mb(pid: int) -> dict[int, float]:
    """By process id: the highest resident memory of a process and of those that it has started."""
    found = {}
    for each in (pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())):
        if high := re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{each}/status").read_text(), re.MULTILINE):
            found[each] = int(high[1]) * 1024 / 1e6
    return found


def _import(environment: dict[str, str], file: Path, rows: int, mode: str) -> Import:
    how = ("--as-published", "bench") if mode == "as-published" else ()
    return Import(rows, *_run(environment, "items", "import", str(file), "--quiet", *how))


async def importing(servers: Machine, *, rows: int) -> None:
    """Print what an import costs."""
    files = {}
    for count in (rows // 10, rows):
        files[count] = servers.folder / f"items-{count}.jsonl"
        with files[count].open("wb") as target:
            write(count, 1, "jsonl", target)
    for mode in MODES:
        found = []
        for count, file in files.items():
            database = await servers.database(f"import_{mode.replace('-', '_')}_{count}")
            unbounded = {f"{PREFIX}CATALOG_IMPORT_EVENTS_PER_SECOND": "0"}
            environment = servers.environment("catalog", database, f"import-{mode}.", **unbounded)
            _run(environment, "migrate", "catalog")
            found.append(_import(environment, file, count, mode))
        few, many = found
        print(
            f"import {mode:13}{many.rows_a_second:8.0f} rows/s of {many.rows} (bar 5,000); own CPU "
            f"{many.cpu_seconds / many.rows * 1e6:.0f} µs a row; memory {many.highest_mb:.0f} MB at the highest "
            f"(bar 300), {few.highest_mb:.0f} MB with {few.rows} rows"
        )
