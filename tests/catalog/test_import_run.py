"""An import as a run: killed for real it goes on where it was, and what it announces leaves at a bounded rate."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.catalog.demo.generate import rows
from services.catalog.domain.imports import Mode, Unreadable
from services.catalog.domain.items import Outcome
from services.catalog.handlers.imports.report import ReportFile
from services.catalog.handlers.imports.run import Order, import_items
from services.catalog.store.work import Work
from tests.catalog.conftest import settings_for
from tests.harness.platform import ROOT

BATCH = 500
KILLED = """
import asyncio, sys
from pathlib import Path
from services.catalog import app
from services.catalog.domain.imports import Mode
from services.catalog.handlers.imports import reading
from services.catalog.handlers.imports.report import ReportFile
from services.catalog.handlers.imports.run import Order, import_items
from services.catalog.store.work import Work
from services.kit.testing import arm
from tests.catalog.conftest import settings_for

async def main(url, folder, file, report):
    service = app.build(settings_for(url, Path(folder)))
    await service.open()
    arm("import.before_commit=kill:3")
    reading.LONG_FILE = 0
    order = Order(Path(file), "jsonl", "某区", Mode.AS_PUBLISHED)
    await import_items(order, Work(service.context), report=ReportFile(Path(report)))

asyncio.run(main(*sys.argv[1:]))
"""


def write(path: Path, count: int) -> list[dict[str, str]]:
    """A file with a row in each batch that is refused, one that is set right, and one code twice."""
    found = list(rows(count, 7))
    for at in range(3, count, 500):
        found[at]["name"] = ""
        found[at + 1]["name"] = f" {found[at + 1]['name']}"
    found[-1] = found[0]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found), "utf-8")
    return found


async def test_a_killed_import_goes_on_where_it_was(
    work: Callable[[], Work], counts: Callable[..., Any], migrated_url: str, tmp_path: Path
) -> None:
    file, report, whole = tmp_path / "items.jsonl", tmp_path / "report.csv", tmp_path / "whole.csv"
    write(file, 1700)
    arguments = [migrated_url, str(tmp_path), str(file), str(report)]
    killed = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", KILLED, *arguments],
        cwd=ROOT,
        env=os.environ | {"TONGBAN_PROFILE": "test"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-2000:]
    tables = ("items", "item_versions", "transitions", "imports")
    assert await counts(*tables) == dict.fromkeys(tables, 998) | {"imports": 1}
    # The batch that was not committed stands in the report file already: it is cut off again.
    assert report.read_text("utf-8-sig").count("\n") == 1 + 3 * 2
    order = Order(file, "jsonl", "某区", Mode.AS_PUBLISHED)
    found = await import_items(order, work(), report=ReportFile(report))
    assert found.resumed_at == 2 * BATCH
    assert (found.rows, found.taken, found.refused) == (
        1700,
        {Outcome.CREATED: 1695},
        {"missing": 4, "repeated_code": 1},
    )
    assert await counts(*tables) == dict.fromkeys(tables, 1695) | {"imports": 1}
    # What it reports is what a run reports that nobody killed; and that one begins anew, for this one is finished.
    again = await import_items(order, work(), report=ReportFile(whole))
    assert (again.resumed_at, again.taken) == (0, {Outcome.UNCHANGED: 1695})
    assert report.read_text() == whole.read_text()
    assert (await counts("outbox", "imports"))["imports"] == 2


async def test_two_runs_over_one_file_do_not_mix(work: Callable[[], Work], tmp_path: Path) -> None:
    file = tmp_path / "items.jsonl"
    write(file, 600)
    order = Order(file, "jsonl", "某区", Mode.DRAFTS)

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await import_items(order, work(), on_problem=stop)
    both = await asyncio.gather(*(import_items(order, work()) for _ in range(2)), return_exceptions=True)
    refused = [found for found in both if isinstance(found, BaseException)]
    assert [type(error) for error in refused] in ([], [Unreadable])
    assert (await import_items(order, work())).taken == {Outcome.UNCHANGED: 597}


async def test_what_is_announced_leaves_at_a_bounded_rate(
    work: Callable[[], Work], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float, sleeping: Any = asyncio.sleep) -> None:
        if seconds:
            waited.append(seconds)
        await sleeping(0)

    file = tmp_path / "items.jsonl"
    write(file, 700)
    monkeypatch.setattr("services.catalog.handlers.imports.run.asyncio.sleep", sleep)
    order = Order(file, "jsonl", "某区", Mode.AS_PUBLISHED)
    await import_items(order, work(), events_per_second=100)
    announced = 697 + 17  # the organisations, too
    assert announced / 100 - 3 < max(waited) <= announced / 100
    waited.clear()
    await import_items(order, work(), events_per_second=100)
    assert waited == []  # nothing was announced


def test_settings_bound_the_rate(tmp_path: Path) -> None:
    assert settings_for("sqlite+aiosqlite://", tmp_path).import_events_per_second == 5000
