"""What the README tells to type does what it says."""

import re
import shlex
import signal
import sys
import time
from pathlib import Path

from services.local.process import spawn, stop
from tests.harness.platform import ROOT, Platform


def _commands(readme: str) -> list[str]:
    """The block on servers that are there, without its comments."""
    text = (ROOT / readme).read_text("utf-8")
    (block,) = re.findall(r"```\n(make setup\nexport TONGBAN_PROFILE.*?)\n```", text, re.DOTALL)
    return [line.partition("#")[0].strip() for line in block.splitlines()]


def test_both_readmes_tell_the_same() -> None:
    assert _commands("README.md") == _commands("README.zh-CN.md")


def test_the_platform_runs_on_servers_that_are_there(
    tmp_path: Path, postgres_admin: str, kafka: str, topic_prefix: str
) -> None:
    told = Platform(tmp_path).environment | {"TONGBAN_TOPIC_PREFIX": topic_prefix}
    del told["TONGBAN_PROFILE"], told["TONGBAN_KAFKA_PORT"], told["TONGBAN_KAFKA_CONTROLLER_PORT"]
    script = "\n".join(_commands("README.md"))
    for written, ours in (
        ("make setup", "set -e"),  # done: this environment is its outcome
        ("postgresql://postgres:…@db:5432/postgres", postgres_admin),
        ("broker:9092", kafka),
        ("--replication 3", "--replication 1"),
        (".venv/bin/tongban run", "exec .venv/bin/tongban run"),
        (".venv/bin/tongban", f"{shlex.quote(sys.executable)} -m services.cli"),
    ):
        assert written in script
        script = script.replace(written, ours)
    log = tmp_path / "run.log"
    process = spawn(["bash", "-c", script], log, cwd=ROOT, env=told)
    try:
        deadline = time.monotonic() + 120
        while "is ready after" not in log.read_text("utf-8"):
            assert process.poll() is None and time.monotonic() < deadline, log.read_text("utf-8")
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGINT)
        assert stop(process, 30) == 0
    assert f"Kafka at {kafka}" in log.read_text("utf-8")
    assert log.read_text("utf-8").count("postgresql://") >= 5
