"""`run.json` in the data folder: what the platform runs with, so that other commands and the next shell find it.

It stays when the platform stops (`pid` is then null). It holds no secret: names that may carry one are left out.
"""

import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from services.kit.settings import PREFIX

NAME = "run.json"
_SECRET_PARTS = ("KEY", "PASSWORD", "SECRET", "DATABASE_URL", "POSTGRES_ADMIN", "CLIENTS", "FAILPOINTS")


class AlreadyRunning(Exception):
    """Another platform uses this data folder; one line."""


@dataclass(slots=True)
class RunFile:
    """`settings` are TONGBAN_* names as the platform was started with; `addresses` what people open."""

    profile: str
    pid: int | None = None
    settings: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    processes: dict[str, int] = field(default_factory=dict)

    def save(self, data_dir: Path) -> None:
        """Write it, whole or not at all, mode 0600."""
        draft = data_dir / f".{NAME}.{os.getpid()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file, indent=2)
        draft.replace(data_dir / NAME)


def load(data_dir: Path) -> RunFile | None:
    """The run file of a data folder; None if nothing ran there yet or it cannot be read."""
    try:
        return RunFile(**json.loads((data_dir / NAME).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def open_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The TONGBAN_* names of `environment` that hold no secret themselves (a `_FILE` name only points to one)."""
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(PREFIX) and (name.endswith("_FILE") or not any(part in name for part in _SECRET_PARTS))
    }


def adopt(environment: dict[str, str] | os._Environ[str]) -> None:
    """Give a command the settings of the platform in its data folder, unless it was given a profile itself."""
    if environment.get(f"{PREFIX}PROFILE"):
        return
    found = load(Path(environment.get(f"{PREFIX}DATA_DIR") or ".data"))
    if found is not None:
        for name, value in found.settings.items():
            environment.setdefault(name, value)


def lock(data_dir: Path) -> IO[str]:
    """Claim the data folder until the returned file is closed or this process ends. Raises AlreadyRunning."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = (data_dir / "run.lock").open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        found = load(data_dir)
        who = f" (process {found.pid})" if found and found.pid else ""
        raise AlreadyRunning(f"a platform is running on {data_dir}{who}: stop it first") from None
    return file
