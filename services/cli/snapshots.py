"""backup, restore: the local profile's data folder as one file, taken and put back while the platform is stopped."""

import gzip
import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from services.cli import registry
from services.cli.support import CommandError
from services.kit.settings import Profile, read_name
from services.local import runfile, secrets

FORMAT = 1
MANIFEST = "manifest.json"
PARTS = ("secrets", "files", "kafka")
"""Folders that are copied as they are; the SQLite files go through SQLite's own backup."""
_LEFT_OUT = {"kafka.log", "kafka.log.1"}


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(backup)
    app.command()(restore)


def backup(
    archive: Annotated[Path, typer.Argument(help="the file to write (.tar.gz); it will hold secrets: mode 0600")],
) -> None:
    """Back up the local platform: databases, Kafka's log, files, secrets. The platform must be stopped.

    Only stopped, databases and Kafka's log tell the same story. PostgreSQL, or a Kafka that was there, is not in the
    data folder: such a platform is not backed up here, use their own tools (pg_dump).
    """
    data_dir = _data_dir()
    _check_whole(data_dir)
    if archive.exists():
        raise CommandError(f"{archive} exists already")
    if not (data_dir / "sqlite").is_dir():
        raise CommandError(f"there is no SQLite platform in {data_dir}")
    with runfile.lock(data_dir):
        count = _write(data_dir, archive)
    print(f"{count} files in {archive}; keep it as safe as the secrets in it")


def restore(archive: Annotated[Path, typer.Argument(help="a file that `tongban backup` wrote")]) -> None:
    """Put a backup back into an empty data folder. Every file is checked against the sum taken at the backup."""
    data_dir = _data_dir()
    with runfile.lock(data_dir):
        if any(path.name != "run.lock" for path in data_dir.iterdir()):
            raise CommandError(f"{data_dir} is not empty: move it away first")
        count = _read(archive, data_dir)
    print(f"{count} files put back into {data_dir}")


def _data_dir() -> Path:
    if read_name("TONGBAN_PROFILE") == Profile.PRODUCTION:
        raise CommandError(
            "backup and restore are for the local profile: use the tools of PostgreSQL, Kafka and the storage"
        )
    return Path(read_name("TONGBAN_DATA_DIR") or ".data")


def _check_whole(data_dir: Path) -> None:
    """Raise CommandError where a part of the platform is elsewhere: what is in the folder is then an older story."""
    names = {name for cls in registry.settings_classes() for name in cls.environment_names("database_url")}
    addresses = [read_name(name) or "" for name in names]
    if any(secrets.folder(data_dir).glob("*.database_url")) or any("postgresql" in address for address in addresses):
        raise CommandError("the databases of this platform are on PostgreSQL: use its own tools (pg_dump)")
    found = runfile.load(data_dir)
    kafka = read_name("TONGBAN_KAFKA") or (found.settings.get("TONGBAN_KAFKA") if found else None)
    if kafka:
        raise CommandError(f"the events of this platform are in the Kafka at {kafka}: use its own tools")


def _write(data_dir: Path, archive: Path) -> int:
    sums: dict[str, str] = {}
    draft = archive.with_name(f".{archive.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with (
            tempfile.TemporaryDirectory(dir=data_dir) as scratch,
            os.fdopen(descriptor, "wb") as file,
            tarfile.open(fileobj=file, mode="w:gz") as tar,
        ):
            for name, path in _members(data_dir, Path(scratch)):
                sums[name] = _sum(path)
                tar.add(path, arcname=name, recursive=False)
            facts = {"format": FORMAT, "taken_at": datetime.now(UTC).isoformat(), "sha256": sums}
            text = json.dumps(facts).encode()
            entry = tarfile.TarInfo(MANIFEST)
            entry.size, entry.mode = len(text), 0o600
            tar.addfile(entry, io.BytesIO(text))
        draft.replace(archive)
    finally:
        draft.unlink(missing_ok=True)
    return len(sums)


def _members(data_dir: Path, scratch: Path) -> Iterator[tuple[str, Path]]:
    for database in sorted((data_dir / "sqlite").glob("*.db")):
        copy = scratch / database.name
        source, target = sqlite3.connect(database), sqlite3.connect(copy)
        try:
            source.backup(target)
        finally:
            target.close()
            source.close()
        copy.chmod(0o600)
        yield f"sqlite/{database.name}", copy
        copy.unlink()
    for part in PARTS:
        for path in sorted((data_dir / part).rglob("*")):
            if path.is_file() and path.name not in _LEFT_OUT:
                yield str(path.relative_to(data_dir)), path


def _read(archive: Path, data_dir: Path) -> int:
    scratch = Path(tempfile.mkdtemp(prefix=".restore-", dir=data_dir))
    try:
        try:
            with tarfile.open(archive, "r:gz") as tar:
                tar.extractall(scratch, filter="data")
            manifest = scratch / MANIFEST
            facts = json.loads(manifest.read_text("utf-8") if manifest.is_file() else "{}")
            sums: dict[str, str] = facts["sha256"]
        except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, KeyError, ValueError) as error:
            raise CommandError(f"{archive} is not a whole backup ({type(error).__name__})") from None
        if facts.get("format") != FORMAT:
            raise CommandError(f"{archive} was written by another version (format {facts.get('format')})")
        for name, wanted in sums.items():
            path = scratch / name
            if not path.is_file() or _sum(path) != wanted:
                raise CommandError(f"{archive}: {name} is missing or damaged; nothing was put back")
        for part in ("sqlite", *PARTS):
            if (scratch / part).is_dir():
                (scratch / part).rename(data_dir / part)
        for folder in ("sqlite", "secrets"):
            (data_dir / folder).chmod(0o700)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return len(sums)


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
