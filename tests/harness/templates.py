"""A database made once by each worker, of which every test gets a copy of its own."""

import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

from tests.harness.postgres import new_database


def copy_file(url: str, path: Path) -> str:
    """A copy of an SQLite database; its address."""
    # By SQLite itself: whatever its log still holds is copied too.
    old, new = sqlite3.connect(str(make_url(url).database)), sqlite3.connect(path)
    try:
        old.backup(new)
    finally:
        old.close()
        new.close()
    return f"sqlite+aiosqlite:///{path}"


class Template:
    """The database at `url`; `fill` makes it at the first copy, by the service's own migrations, so that it is never
    older than the schema. `admin_url` is that of the PostgreSQL server, where it is one of PostgreSQL's."""

    def __init__(self, url: str, fill: Callable[[str], Awaitable[None]], admin_url: str = "") -> None:
        self.url = url
        self._fill = fill
        self._admin_url = admin_url
        self._made = False

    async def make(self) -> None:
        """Make it, the first time."""
        if not self._made:
            await self._fill(self.url)
            self._made = True

    @contextmanager
    def copy(self, folder: Path) -> Iterator[str]:
        """Address of a copy (a file in `folder` of SQLite), gone afterwards."""
        if self._admin_url:
            with new_database(self._admin_url, self.url) as url:
                yield url
        else:
            yield copy_file(self.url, folder / "test.db")
