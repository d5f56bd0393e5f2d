"""`tongban backup` and `tongban restore`: everything comes back, and nothing damaged is put back."""

import sqlite3
import tarfile
from pathlib import Path

import pytest

from services.cli import snapshots
from services.cli.support import CommandError
from services.local import runfile, secrets


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setenv("TONGBAN_PROFILE", "local")
    monkeypatch.setenv("TONGBAN_DATA_DIR", str(folder))
    secrets.make(folder)
    for name, content in (("files/cases/a", b"encrypted"), ("kafka/logs/cases.events-0/0.log", b"records")):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(content)
    (folder / "sqlite").mkdir()
    # Left as a killed process leaves it: the row is in the write-ahead log only.
    writer = sqlite3.connect(folder / "sqlite" / "cases.db")
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("CREATE TABLE cases (id text)")
    writer.execute("INSERT INTO cases VALUES ('case-1')")
    writer.commit()
    return folder


def test_everything_comes_back(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "backup.tar.gz"
    snapshots.backup(archive)
    assert archive.stat().st_mode & 0o777 == 0o600
    again = tmp_path / "again"
    monkeypatch.setenv("TONGBAN_DATA_DIR", str(again))
    snapshots.restore(archive)
    for part in ("files", "kafka", "secrets"):
        for path in (data_dir / part).rglob("*"):
            if path.is_file():
                back = again / path.relative_to(data_dir)
                assert back.read_bytes() == path.read_bytes()
                assert back.stat().st_mode & 0o777 == path.stat().st_mode & 0o777
    assert sqlite3.connect(again / "sqlite" / "cases.db").execute("SELECT id FROM cases").fetchall() == [("case-1",)]
    assert (again / "secrets").stat().st_mode & 0o777 == 0o700


def test_a_running_platform_is_not_backed_up(data_dir: Path, tmp_path: Path) -> None:
    with runfile.lock(data_dir), pytest.raises(runfile.AlreadyRunning):
        snapshots.backup(tmp_path / "backup.tar.gz")
    assert not (tmp_path / "backup.tar.gz").exists()


def test_a_full_data_folder_is_not_overwritten(data_dir: Path, tmp_path: Path) -> None:
    snapshots.backup(tmp_path / "backup.tar.gz")
    with pytest.raises(CommandError, match="not empty"):
        snapshots.restore(tmp_path / "backup.tar.gz")


@pytest.mark.parametrize("damage", ["truncated", "changed", "missing", "not a backup"])
def test_a_damaged_backup_changes_nothing(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    archive = tmp_path / "backup.tar.gz"
    snapshots.backup(archive)
    if damage == "truncated":
        archive.write_bytes(archive.read_bytes()[:-400])
    elif damage == "not a backup":
        archive.write_bytes(b"something else")
    else:
        _rewrite(archive, "files/cases/a", b"other bytes" if damage == "changed" else None)
    again = tmp_path / "again"
    monkeypatch.setenv("TONGBAN_DATA_DIR", str(again))
    with pytest.raises(CommandError):
        snapshots.restore(archive)
    assert [path.name for path in again.iterdir()] == ["run.lock"]


@pytest.mark.parametrize("where", ["created", "address", "kafka", "kafka of the last run"])
def test_a_platform_that_is_partly_elsewhere_is_not_backed_up(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """An older SQLite file may still lie in the folder: a backup of it would look whole."""
    if where == "created":
        secrets.write(secrets.folder(data_dir) / "cases.database_url", "postgresql+asyncpg://u:p@h/d")
    elif where == "address":
        monkeypatch.setenv("TONGBAN_CASES_DATABASE_URL", "postgresql+asyncpg://u:p@h/d")
    elif where == "kafka":
        monkeypatch.setenv("TONGBAN_KAFKA", "kafka:9092")
    else:
        runfile.RunFile(profile="local", settings={"TONGBAN_KAFKA": "kafka:9092"}).save(data_dir)
    with pytest.raises(CommandError, match=r"PostgreSQL|Kafka at kafka:9092"):
        snapshots.backup(tmp_path / "backup.tar.gz")
    assert not (tmp_path / "backup.tar.gz").exists()


def test_backup_is_for_the_local_profile(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGBAN_PROFILE", "production")
    with pytest.raises(CommandError, match="local profile"):
        snapshots.backup(tmp_path / "backup.tar.gz")


def _rewrite(archive: Path, name: str, content: bytes | None) -> None:
    folder = archive.with_suffix(".folder")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    with tarfile.open(archive, "w:gz") as tar:
        for path in sorted(folder.rglob("*")):
            tar.add(path, arcname=str(path.relative_to(folder)), recursive=False)
