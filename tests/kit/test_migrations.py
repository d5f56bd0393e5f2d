"""A service serves only on tables that its code knows."""

from pathlib import Path

import pytest
from alembic.config import Config
from sqlalchemy import text

from services.kit import migrations
from services.kit.database import Database


@pytest.fixture(autouse=True)
def chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain of two revisions."""
    (tmp_path / "versions").mkdir()
    for revision, before in (("0001", None), ("0002", "0001")):
        (tmp_path / "versions" / f"{revision}.py").write_text(f"revision, down_revision = {revision!r}, {before!r}")
    found = Config()
    found.set_main_option("script_location", str(tmp_path))
    found.set_main_option("path_separator", "os")
    monkeypatch.setattr(migrations, "config", lambda _: found)


@pytest.mark.parametrize(
    ("recorded", "refused"), [(None, "no revision"), ("0001", "at 0001, not 0002"), ("0002", None), ("0003", None)]
)
async def test_an_empty_or_older_database_is_refused_and_a_newer_one_is_not(
    database_url: str, recorded: str | None, refused: str | None
) -> None:
    """Newer: while a release is rolled out, pods of the one before it restart on migrated tables."""
    database = Database(database_url)
    try:
        if recorded is not None:
            async with database.engine.begin() as connection:
                await connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
                await connection.execute(text("INSERT INTO alembic_version VALUES (:one)"), {"one": recorded})
        if refused is None:
            await migrations.check(database, "notify")
            return
        with pytest.raises(migrations.DatabaseBehind, match=refused):
            await migrations.check(database, "notify")
    finally:
        await database.close()
