"""Every process is killed at once, as a loss of power would, and the platform is started again."""

import asyncio
import sqlite3

import pytest

from tests.faults.conftest import citizen
from tests.faults.driver import department
from tests.harness.platform import Platform

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_after_a_kill_of_everything_nothing_acknowledged_is_missing(database: str, start_platform: object) -> None:
    platform: Platform = start_platform(database)  # type: ignore[operator]

    async def scenario() -> None:
        lin = await citizen(platform)
        code = await lin.item_code()
        acknowledged: set[str] = set()

        async def stream() -> None:
            while True:
                acknowledged.add(await lin.go_through(code))

        async with department(platform) as office:
            tasks = [asyncio.create_task(stream()) for _ in range(5)]
            while len(acknowledged) < 25:  # noqa: ASYNC110 (filled by five tasks)
                await asyncio.sleep(0.05)
            if platform.postgres is not None:
                await asyncio.to_thread(platform.postgres.crash)
            await asyncio.to_thread(platform.kill_all)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if platform.postgres is not None:
                await asyncio.to_thread(platform.postgres.start)
            await asyncio.to_thread(platform.start)
            again = await citizen(platform)
            await again.told_of(acknowledged, seconds=120)
            for case in acknowledged:
                assert (await again.call("cases", "GET", f"/cases/{case}")).json()["status"] == "withdrawn"
            acknowledged.add(await again.go_through(code))
            await again.told_of(acknowledged)
            await office.heard(acknowledged)

    asyncio.run(scenario())
    report = platform.tongban("audit", "verify")
    assert report.returncode == 0, report.stdout + report.stderr


def test_databases_are_whole_and_private(start_platform: object) -> None:
    platform: Platform = start_platform("sqlite")  # type: ignore[operator]
    platform.kill_all()
    files = sorted((platform.data_dir / "sqlite").glob("*.db"))
    assert {path.stem for path in files} == {"identity", "catalog", "cases", "notify", "gateway"}
    for path in files:
        assert path.stat().st_mode & 0o077 == 0
        with sqlite3.connect(path) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
