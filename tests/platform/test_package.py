"""What the project is installed from: locks without addresses, and a wheel that runs where nothing else is."""

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.harness.platform import ROOT, Platform

LOCKS = ("requirements.lock", "requirements-local.lock", "requirements-dev.lock")


def _pins(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text("utf-8")
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", text, re.MULTILINE))


@pytest.mark.parametrize("name", LOCKS)
def test_locks_pin_every_package_by_sum_and_hold_no_address(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert "://" not in text and "--index" not in text and "--find-links" not in text
    for requirement in re.split(r"\n(?=\S)", text.strip()):
        assert re.match(r"[a-z0-9][a-z0-9._-]*==\S+", requirement), requirement[:80]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", requirement), requirement[:80]


def test_the_locks_agree_with_one_another() -> None:
    run, local, dev = (_pins(name) for name in LOCKS)
    assert run and run.items() <= local.items() <= dev.items()


def test_every_dependency_is_in_its_lock() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    for wanted, lock in ((project["dependencies"], LOCKS[0]), (extras["local"], LOCKS[1]), (extras["dev"], LOCKS[2])):
        names = {re.split(r"[\[<>=~!; ]", one)[0].lower().replace("_", "-") for one in wanted} - {"tongban"}
        assert names <= set(_pins(lock)), lock


def test_the_npm_lock_pins_by_sum_and_holds_no_address() -> None:
    text = (ROOT / "package-lock.json").read_text("utf-8")
    assert "://" not in text
    packages = json.loads(text)["packages"]
    assert len(packages) > 1
    for name, package in packages.items():
        assert not name or package["integrity"].startswith("sha512-"), name


@pytest.mark.timeout(900)
def test_the_wheel_runs_in_an_empty_environment(tmp_path: Path) -> None:
    """Built as users get it, installed with the locked dependencies, run away from the project."""
    _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT))
    (wheel,) = tmp_path.glob("tongban-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if not name.startswith(("services/", "tongban-"))]
    for folder in ROOT.glob("services/*/"):
        for kind in ("templates", "locales", "migrations/versions", "static"):
            for path in folder.joinpath(kind).rglob("*"):
                if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
                    assert str(path.relative_to(ROOT)) in names, path
    assert "services/contracts/topics/cases.events.yaml" in names
    assert "services/local/kafka-4.4.0.jars.lock" in names

    _run(sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv"))  # uv installs from outside
    installed = str(tmp_path / "venv" / "bin" / "python")
    install = (str(Path(sys.executable).with_name("uv")), "pip", "install", "--python", installed)
    _run(*install, "--require-hashes", "-r", str(ROOT / "requirements.lock"))
    _run(*install, "--no-deps", "--no-index", str(wheel))
    tongban = str(tmp_path / "venv" / "bin" / "tongban")
    text = _run(tongban, "--help", cwd=tmp_path)
    for command in ("run", "serve", "migrate", "databases", "topics", "items", "staff", "outbox", "dead-letters"):
        assert re.search(rf"^  {command} ", text, re.MULTILINE), command
    for command in ("listen", "keys", "audit", "backup", "restore"):
        assert re.search(rf"^  {command} ", text, re.MULTILINE), command
    assert "cases.events" in _run(tongban, "topics", "list", cwd=tmp_path)
    local = os.environ | {"TONGBAN_PROFILE": "local", "TONGBAN_DATA_DIR": str(tmp_path / "data")}
    assert "cases: at the newest revision" in _run(tongban, "migrate", cwd=tmp_path, env=local)

    # Without the `local` extra there is no Kafka to start: one line that says what to do.
    there = Platform(tmp_path, settings={"TONGBAN_PROFILE": "local"}).environment
    done = subprocess.run([tongban, "run"], cwd=tmp_path, env=there, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "pip install 'tongban[local]'" in done.stderr, done.stderr


def _run(*command: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-1500:]}\n{done.stderr[-1500:]}"
    return done.stdout
