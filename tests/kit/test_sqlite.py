"""SQLite's connections."""

import asyncio
from pathlib import Path

from services.kit.sqlite import _connect


async def test_a_connection_that_is_closed_and_stopped_at_once_ends(tmp_path: Path) -> None:
    connection = await _connect(str(tmp_path / "a.db"))
    closing = asyncio.create_task(connection.close())
    await asyncio.sleep(0)
    connection.stop()
    async with asyncio.timeout(20):
        await closing
