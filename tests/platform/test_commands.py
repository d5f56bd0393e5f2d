"""What operators do, on a running platform of each kind: every command does its work or says in one line why not."""

import asyncio
import json
import re
import secrets
import subprocess
import time
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from sqlalchemy import text as sql
from sqlalchemy.ext.asyncio import create_async_engine

from services.kit.settings import SERVICES
from tests.harness.platform import Platform
from tests.platform.conftest import Command

Tongban = Command


@pytest.fixture
def tongban(platform: Platform, command: Command) -> Tongban:
    """A command on the running platform."""
    own = {name: value for name, value in platform.environment.items() if name.startswith("TONGBAN_")}
    return lambda *arguments, **extra: command(*arguments, **(own | extra))


def _ok(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def _refused(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1, done.stdout
    assert done.stderr.startswith("tongban: ") and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_outbox_empties_itself_and_shows_each_service(tongban: Tongban) -> None:
    text = _ok(tongban("outbox", "--list"))
    for name in SERVICES:
        assert re.search(rf"^{name} +\d+ +[\d.]+ s$", text, re.MULTILINE)
    assert re.search(r"^catalog +0 ", text, re.MULTILINE), "demonstration items were not sent"


def test_a_command_with_a_narrower_environment_leaves_the_clients_as_they_are(
    platform: Platform, tongban: Tongban
) -> None:
    before = asyncio.run(_clients(platform))
    assert before
    for command in (("outbox", "identity"), ("audit", "verify", "identity")):
        _ok(tongban(*command, TONGBAN_IDENTITY_CLIENTS="[]"))
    assert asyncio.run(_clients(platform)) == before


async def _clients(platform: Platform) -> list[tuple[object, ...]]:
    engine = create_async_engine(platform.database_url("identity"))
    try:
        async with engine.connect() as connection:
            rows = await connection.execute(sql("SELECT client_id, enabled, updated_at FROM clients ORDER BY 1"))
            return [tuple(row) for row in rows]
    finally:
        await engine.dispose()


def test_nothing_is_set_aside_and_nothing_can_be_replayed(tongban: Tongban) -> None:
    assert _ok(tongban("dead-letters", "list", "--all")) == "none\n"
    assert "nothing is parked under 4711" in _refused(tongban("dead-letters", "replay", "notify", "4711"))
    assert "one event, or --all" in _refused(tongban("dead-letters", "replay", "notify"))


def test_what_cannot_be_read_is_set_aside_tried_again_and_given_up(platform: Platform, tongban: Tongban) -> None:
    key = f"broken-{secrets.token_hex(4)}"
    asyncio.run(_send(platform.kafka, key))
    number = _dead(tongban, key)
    asyncio.run(_announced(platform.kafka, key))
    assert _ok(tongban("dead-letters", "replay", "notify", number)) == "1 to be tried again\n"
    assert _dead(tongban, key) == number, "it was tried again, and is no better"
    assert _ok(tongban("dead-letters", "drop", "notify", number)) == "dropped\n"
    assert _ok(tongban("dead-letters", "list", "notify", "--all")) == "none\n"
    _refused(tongban("dead-letters", "drop", "notify", number))


async def _send(kafka: str, key: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        await producer.send_and_wait("cases.events", b"{", key=key.encode())
    finally:
        await producer.stop()


async def _announced(kafka: str, key: str) -> None:
    """Return when the dead-letter topic has it."""
    consumer = AIOKafkaConsumer("cases.events.dead", bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            while (await consumer.getone()).key != key.encode():
                pass
    finally:
        await consumer.stop()


def _dead(tongban: Tongban, key: str) -> str:
    """The number of the dead event of `key` in notify's list, as soon as it is there."""
    pattern = rf"^notify +(\d+) +dead +cases\.events/\d+/\d+ +{key} +\S.*ce_id is missing$"
    deadline = time.monotonic() + 60
    while not (found := re.search(pattern, _ok(tongban("dead-letters", "list", "notify")), re.MULTILINE)):
        assert time.monotonic() < deadline
    return found[1]


def test_topics_are_there_and_stay(tongban: Tongban) -> None:
    assert "created" not in _ok(tongban("topics", "apply"))


def test_staff_are_given_roles_and_lose_them(tongban: Tongban) -> None:
    given = _ok(tongban("staff", "grant", "clerk", "auditor", "--organisation", "11511602008778325X"))
    assert re.search(r"^clerk +auditor +11511602008778325X$", given, re.MULTILINE)
    assert _ok(tongban("staff", "grant", "clerk", "auditor", "--organisation", "11511602008778325X")) == given
    taken = _ok(tongban("staff", "revoke", "clerk", "auditor", "--organisation", "11511602008778325X"))
    assert "auditor" not in taken
    _refused(tongban("staff", "grant", "nobody", "intake", "--organisation", "*"))
    _refused(tongban("staff", "grant", "clerk", "emperor", "--organisation", "*"))


def test_signing_keys_rotate_and_a_key_is_retired(tongban: Tongban) -> None:
    before = _ok(tongban("keys", "list"))
    states = re.findall(r" (?:ES256|RS256|PS256|EdDSA) +(\w+)", before)
    assert sorted(states) == ["published"] * 4 + ["signing"] * 4
    _refused(tongban("keys", "rotate"))  # verifiers may not know the next key yet
    _ok(tongban("keys", "rotate", "--force"))
    after = _ok(tongban("keys", "list"))
    retired = re.findall(r"^(\S+) +\S+ +retired ", after, re.MULTILINE)
    assert len(retired) == 4
    _ok(tongban("keys", "retire", retired[0]))
    assert retired[0] not in _ok(tongban("keys", "list"))
    for unknown in ("unknown", "-h8iYNRfyQPV", "-l8iYNRfyQPV"):  # a key id may begin with a hyphen
        assert "`tongban keys list` shows them" in _refused(tongban("keys", "retire", unknown))


@pytest.mark.deep
def test_a_data_key_is_added(tongban: Tongban) -> None:
    """Takes a minute: the command waits until every process writes with the new key."""
    before = _ok(tongban("keys", "list", "--data", "cases")).splitlines()
    _ok(tongban("keys", "rotate", "--data", "cases"))
    assert len(_ok(tongban("keys", "list", "--data", "cases")).splitlines()) == len(before) + 1


def test_the_audit_chains_hold(tongban: Tongban) -> None:
    text = _ok(tongban("audit", "verify"))
    assert [line.partition(":")[0] for line in text.splitlines()] == list(SERVICES)
    assert text.count(": intact, ") == len(SERVICES)
    head = "1:" + "0" * 64
    assert tongban("audit", "verify", "identity", "--head", head).returncode == 1


def test_items_are_imported_once(platform: Platform, tongban: Tongban, tmp_path: Path) -> None:
    common = {"department": "区卫生健康局", "area_code": "511602000000", "task_type": "1"}
    rows = [
        common | {"name": "测试事项甲", "item_code": f"T{platform.pid('kafka')}A"},
        common | {"name": "", "item_code": "TESTB"},
    ]
    file = tmp_path / "items.jsonl"
    file.write_text("\n".join([*(json.dumps(row, ensure_ascii=False) for row in rows), "{"]), "utf-8")
    first = tongban("items", "import", "--as-published", "某区", str(file))
    assert re.search(r"^taken +1 \(1 created\)$", _ok(first), re.MULTILINE)
    assert "row 2: refused: name: " in first.stderr and "row 3: refused: " in first.stderr
    again = _ok(tongban("items", "import", "--quiet", "--as-published", "某区", str(file)))
    assert re.search(r"^taken +1 \(1 unchanged\)$", again, re.MULTILINE)
    # What is in force already makes no draft; what is not, does, and the report says what became of the rest.
    rows[0]["name"] = "测试事项乙"
    file.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    report = tmp_path / "report.jsonl"
    drafts = _ok(tongban("items", "import", "--quiet", str(file), "--report", str(report)))
    assert re.search(r"^taken +1 \(1 changed\)$", drafts, re.MULTILINE)
    assert json.loads(report.read_text("utf-8"))["reason"] == "missing"
    out = tmp_path / "out.csv"
    _ok(tongban("items", "export", "-o", str(out)))
    assert "测试事项甲" in out.read_text("utf-8-sig")
    again = _ok(tongban("items", "import", "--quiet", "--as-published", "某区", str(out)))
    assert re.search(r"^taken +\d+ \(\d+ unchanged\)$", again, re.MULTILINE)
    _refused(tongban("items", "import", str(tmp_path / "missing")))


def test_an_import_that_takes_nothing_fails(tongban: Tongban, tmp_path: Path) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text("{}\n", "utf-8")
    assert tongban("items", "import", str(file)).returncode == 1
    for wrong in (["--mapping", str(file)], ["--report", "x.pdf"], ["--format", "pdf"], ["--as-published", " "]):
        _refused(tongban("items", "import", str(file), *wrong))


def test_made_up_items_are_the_same_for_the_same_seed(tongban: Tongban) -> None:
    first, again, other = (_ok(tongban("demo", "generate", "--rows", "20", "--seed", n, "-o", "-")) for n in "112")
    assert first == again != other
    assert len(first.splitlines()) == 20


@pytest.mark.parametrize("name", ["outbox", "migrate", "serve"])
def test_an_unknown_service_is_one_line(command: Command, tmp_path: Path, name: str) -> None:
    answer = command(name, "nobody", TONGBAN_PROFILE="local", TONGBAN_DATA_DIR=str(tmp_path / "data"))
    assert "there is no service 'nobody'" in _refused(answer)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "words", ["bogus", "serve", "serve cases --role none", "outbox --limit 0", "dead-letters replay notify first"]
)
def test_wrong_usage_is_one_line_and_exit_status_2(command: Command, words: str) -> None:
    done = command(*words.split(), TONGBAN_PROFILE="local")
    assert done.returncode == 2
    assert done.stderr.startswith("tongban: ") and done.stderr.count("\n") == 1, done.stderr


def test_a_running_platform_is_not_backed_up(platform: Platform, tongban: Tongban, tmp_path: Path) -> None:
    text = _refused(tongban("backup", str(tmp_path / "backup.tar.gz")))
    assert ("PostgreSQL" if platform.postgres else "running") in text
