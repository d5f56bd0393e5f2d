"""`tongban run`: starts, tells, keeps, stops; and says in one line why it cannot."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from services.kit.settings import SERVICES
from services.local import runfile, secrets
from services.local.process import spawn
from tests.harness.platform import ROOT, Platform, alive
from tests.platform.conftest import Command


def test_it_tells_what_runs_where_and_whom_to_sign_in_as(platform: Platform) -> None:
    text = platform.output
    for surface in secrets.SURFACES:
        assert platform.environment[f"TONGBAN_GATEWAY_{surface.upper()}_ORIGIN"] in text
    for words in (platform.password, platform.kafka, "lin", "zhang", "clerk", "officer", "loopback"):
        assert words in text
    assert ("postgresql" if platform.postgres else "SQLite") in text


def test_every_service_is_ready_and_counts(platform: Platform) -> None:
    for name in SERVICES:
        assert platform.ready(name)[0] == 200
        assert platform.management(name, "/livez") == (200, "ok\n")
        metrics = platform.management(name, "/metrics")[1]
        assert re.search(rf'^tongban_outbox_events{{service="{name}"}} \d', metrics, re.MULTILINE)


def test_what_dies_is_started_again(platform: Platform) -> None:
    before = platform.pid("catalog")
    platform.restart("catalog")
    assert platform.pid("catalog") != before
    assert "catalog ended with SIGKILL" in platform.output


def test_no_process_listens_beyond_loopback(platform: Platform) -> None:
    ports = {int(value) for name, value in platform.environment.items() if name.endswith("_PORT") and value.isdecimal()}
    open_ports = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            address, port = local.split(":")
            if state == "0A" and int(port, 16) in ports:
                open_ports.add(int(port, 16))
                assert address in ("0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000")
    assert open_ports == ports


def test_every_log_line_of_a_service_is_json(platform: Platform) -> None:
    for name in SERVICES:
        lines = platform.log(name).splitlines()
        assert lines
        assert all(json.loads(line)["service"] == name for line in lines)


def test_the_service_of_a_data_folder_runs_once(platform: Platform) -> None:
    again = platform.tongban("run")
    assert again.returncode == 1
    assert again.stderr.count("\n") == 1 and "a platform is running" in again.stderr


def test_ctrl_c_stops_everything_and_the_next_run_has_the_data_even_from_a_backup(
    start_platform: Callable[..., Platform], tmp_path: Path
) -> None:
    platform = start_platform()
    password, pids = platform.password, [platform.pid(name) for name in (*SERVICES, "kafka")]
    count = _events(platform)
    assert platform.stop() == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    found = runfile.load(platform.data_dir)
    assert found is not None and found.pid is None

    archive = tmp_path / "backup.tar.gz"
    assert platform.tongban("backup", str(archive)).returncode == 0
    platform.data_dir.rename(tmp_path / "lost")
    assert platform.tongban("restore", str(archive)).returncode == 0
    platform.start()
    assert platform.password == password
    assert _events(platform) == count
    assert all(platform.ready(name)[0] == 200 for name in SERVICES)


def test_the_services_die_with_a_killed_supervisor_and_start_again(start_platform: Callable[..., Platform]) -> None:
    platform = start_platform()
    pids = [platform.pid(name) for name in (*SERVICES, "kafka")]
    found = runfile.load(platform.data_dir)
    assert found is not None and found.pid
    os.kill(found.pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < deadline, "a service outlived the supervisor"
        time.sleep(0.05)
    platform.start()
    assert platform.ready("cases")[0] == 200

    # Told to stop it tells the services, and kills the one that does not hear.
    pids = [platform.pid(name) for name in (*SERVICES, "kafka")]
    platform.kill("cases", signal.SIGSTOP)
    assert platform.stop(signal.SIGTERM) == 0
    assert not any(alive(pid) for pid in pids)


def test_ctrl_c_while_it_prepares_ends_it_and_no_one_else(tmp_path: Path, kafka: str, topic_prefix: str) -> None:
    """The shell that started it shares its process group and goes on."""
    platform = Platform(tmp_path, settings={"TONGBAN_KAFKA": kafka, "TONGBAN_TOPIC_PREFIX": topic_prefix})
    script = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-m', 'services.cli', 'run'])\n"
        "print(child.pid, flush=True)\n"
        "print('ended with', child.wait(), flush=True)\n"
    )
    wrapper = spawn([sys.executable, "-c", script], tmp_path / "wrapper.log", cwd=ROOT, env=platform.environment)
    deadline = time.monotonic() + 60
    while not (platform.data_dir / "logs" / "prepare.log").is_file():
        assert wrapper.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(int((tmp_path / "wrapper.log").read_text().split()[0]), signal.SIGINT)
    assert wrapper.wait(60) == 0
    assert "ended with 0" in (tmp_path / "wrapper.log").read_text()


def test_it_ends_with_1_when_it_gives_a_service_up(tmp_path: Path) -> None:
    script = (
        "from services import run\n"
        "run.RESTARTS = 0\n"
        "run._Supervisor._prepared = lambda self: True\n"
        "run._Supervisor._serve = lambda self, name, first: 7\n"
        "raise SystemExit(run.run())\n"
    )
    settings = {"TONGBAN_PROFILE": "local", "TONGBAN_KAFKA": "127.0.0.1:1"}
    environment = Platform(tmp_path, settings=settings).environment
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert re.search(r"^tongban: \w+ ended with exit status 7 1 times", done.stderr), done.stderr


@pytest.mark.parametrize(
    ("missing", "settings"),
    [
        ("Kafka cannot be reached", {"TONGBAN_KAFKA": "127.0.0.1:1"}),
        ("identity: database", {"TONGBAN_IDENTITY_DATABASE_URL": "postgresql+asyncpg://u:hidden@127.0.0.1:1/d"}),
        ("Kafka's jars are not in", {"TONGBAN_KAFKA": "", "TONGBAN_KAFKA_HOME": "nothing", "PYTHONPATH": "without"}),
    ],
)
def test_what_is_not_there_is_one_line(tmp_path: Path, missing: str, settings: dict[str, str]) -> None:
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "jgo.py").write_text("raise ImportError")
    paths = {name: str(tmp_path / settings[name]) for name in ("TONGBAN_KAFKA_HOME", "PYTHONPATH") if name in settings}
    answer = Platform(tmp_path, settings={"TONGBAN_KAFKA": "127.0.0.1:1"} | settings | paths).tongban("run")
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1 and missing in answer.stderr, answer.stderr
    assert "hidden" not in answer.stderr


@pytest.mark.parametrize(
    "setting", ["TONGBAN_CASES_PORT", "TONGBAN_KAFKA_PORT", "TONGBAN_GATEWAY_MANAGEMENT_PORT", "TONGBAN_GATEWAY_PORT"]
)
def test_a_busy_port_is_one_line_that_names_the_setting(tmp_path: Path, setting: str) -> None:
    platform = Platform(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(platform.environment[setting])))
        taken.listen()
        answer = platform.tongban("run")
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1 and setting in answer.stderr and "in use" in answer.stderr
    assert not (platform.data_dir / "kafka").exists()


def test_an_unknown_setting_is_an_error(tmp_path: Path, command: Command) -> None:
    settings = {"TONGBAN_PROFILE": "test", "TONGBAN_CASES_PROT": "1"}
    platform = Platform(tmp_path, settings=settings)
    for words in (("run",), ("migrate",), ("serve", "cases"), ("outbox",)):
        answer = platform.tongban("run") if words == ("run",) else command(*words, **settings)
        assert answer.returncode == 1
        assert answer.stderr == "tongban: unknown setting TONGBAN_CASES_PROT: do you mean TONGBAN_CASES_PORT?\n"


@pytest.mark.parametrize("service", SERVICES)
def test_no_default_secret_outside_the_local_profile(tmp_path: Path, service: str, command: Command) -> None:
    answer = command("serve", service, TONGBAN_PROFILE="production", TONGBAN_DATA_DIR=str(tmp_path / "data"))
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1 and "TONGBAN_" in answer.stderr and "is not set" in answer.stderr
    assert not (tmp_path / "data").exists()


def test_run_is_not_for_production(tmp_path: Path) -> None:
    answer = Platform(tmp_path, settings={"TONGBAN_PROFILE": "production"}).tongban("run")
    assert answer.returncode == 1 and answer.stderr.count("\n") == 1


def test_failpoints_are_refused_outside_the_test_profile(tmp_path: Path) -> None:
    settings = {"TONGBAN_PROFILE": "local", "TONGBAN_FAILPOINTS": "relay.after_ack=kill"}
    platform = Platform(tmp_path, settings=settings)
    assert platform.tongban("migrate", "cases").returncode == 0
    answer = platform.tongban("serve", "cases")
    assert answer.returncode == 1 and "test profile only" in answer.stderr and answer.stderr.count("\n") == 1


def _events(platform: Platform) -> int:
    """Rows of the catalogue that the demonstration data made: a second run must add none."""
    with sqlite3.connect(f"file:{platform.data_dir / 'sqlite' / 'catalog.db'}?mode=ro", uri=True) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        # The outbox empties itself, and what search goes by is worked out in the background: neither is a measure.
        counted = [name for name in tables if name != "outbox" and not name.startswith("search_")]
        return sum(connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in counted)
