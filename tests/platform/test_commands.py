"""What operators do, on a running platform of each kind: every command does its work or says in one line why not."""

import asyncio
import json
import re
import secrets
import subprocess
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from sqlalchemy import text as sql
from sqlalchemy.ext.asyncio import create_async_engine

from services.kit.settings import SERVICES
from tests.harness.platform import Platform
from tests.platform.conftest import Command


def _ok(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def _refused(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1, done.stdout
    assert done.stderr.startswith("tongban: ") and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_outbox_empties_itself_and_shows_each_service(platform: Platform) -> None:
    text = _ok(platform.tongban("outbox", "--list"))
    for name in SERVICES:
        assert re.search(rf"^{name} +\d+ +[\d.]+ s$", text, re.MULTILINE)
    assert re.search(r"^catalog +0 ", text, re.MULTILINE), "demonstration items were not sent"


async def test_a_command_with_a_narrower_environment_leaves_the_clients_as_they_are(platform: Platform) -> None:
    async def clients() -> list[tuple[object, ...]]:
        engine = create_async_engine(platform.database_url("identity"))
        try:
            async with engine.connect() as connection:
                rows = await connection.execute(sql("SELECT client_id, enabled, updated_at FROM clients ORDER BY 1"))
                return [tuple(row) for row in rows]
        finally:
            await engine.dispose()

    before = await clients()
    assert before
    for command in (("outbox", "identity"), ("audit", "verify", "identity")):
        _ok(await asyncio.to_thread(lambda: platform.tongban(*command, TONGBAN_IDENTITY_CLIENTS="[]")))  # noqa: B023
    assert await clients() == before


def test_nothing_is_set_aside_and_nothing_can_be_replayed(platform: Platform) -> None:
    assert _ok(platform.tongban("dead-letters", "list", "--all")) == "none\n"
    assert "nothing is parked under 4711" in _refused(platform.tongban("dead-letters", "replay", "notify", "4711"))
    assert "one event, or --all" in _refused(platform.tongban("dead-letters", "replay", "notify"))


async def test_what_cannot_be_read_is_set_aside_tried_again_and_given_up(platform: Platform) -> None:
    key = f"broken-{secrets.token_hex(4)}".encode()
    producer = AIOKafkaProducer(bootstrap_servers=platform.kafka)
    await producer.start()
    try:
        await producer.send_and_wait("cases.events", b"{", key=key)
    finally:
        await producer.stop()

    number = await _dead(platform, key)
    consumer = AIOKafkaConsumer("cases.events.dead", bootstrap_servers=platform.kafka, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(20):
            while (await consumer.getone()).key != key:
                pass
    finally:
        await consumer.stop()

    assert _ok(platform.tongban("dead-letters", "replay", "notify", number)) == "1 to be tried again\n"
    assert await _dead(platform, key) == number, "it was tried again, and is no better"
    assert _ok(platform.tongban("dead-letters", "drop", "notify", number)) == "dropped\n"
    assert _ok(platform.tongban("dead-letters", "list", "notify", "--all")) == "none\n"
    _refused(platform.tongban("dead-letters", "drop", "notify", number))


async def _dead(platform: Platform, key: bytes) -> str:
    """The number of the dead event of `key` in notify's list, as soon as it is there."""
    pattern = rf"^notify +(\d+) +dead +cases\.events/\d+/\d+ +{key.decode()} +\S.*ce_id is missing$"
    async with asyncio.timeout(60):
        while True:
            text = _ok(await asyncio.to_thread(lambda: platform.tongban("dead-letters", "list", "notify")))
            if found := re.search(pattern, text, re.MULTILINE):
                return found[1]


def test_topics_are_there_and_stay(platform: Platform) -> None:
    assert "created" not in _ok(platform.tongban("topics", "apply"))


def test_staff_are_given_roles_and_lose_them(platform: Platform) -> None:
    given = _ok(platform.tongban("staff", "grant", "clerk", "auditor", "--organisation", "11511602008778325X"))
    assert re.search(r"^clerk +auditor +11511602008778325X$", given, re.MULTILINE)
    assert _ok(platform.tongban("staff", "grant", "clerk", "auditor", "--organisation", "11511602008778325X")) == given
    taken = _ok(platform.tongban("staff", "revoke", "clerk", "auditor", "--organisation", "11511602008778325X"))
    assert "auditor" not in taken
    _refused(platform.tongban("staff", "grant", "nobody", "intake", "--organisation", "*"))
    _refused(platform.tongban("staff", "grant", "clerk", "emperor", "--organisation", "*"))


def test_signing_keys_rotate_and_a_key_is_retired(platform: Platform) -> None:
    before = _ok(platform.tongban("keys", "list"))
    assert sorted(re.findall(r" (?:ES|RS)256 +(\w+)", before)) == ["published"] * 2 + ["signing"] * 2
    _refused(platform.tongban("keys", "rotate"))  # verifiers may not know the next key yet
    _ok(platform.tongban("keys", "rotate", "--force"))
    after = _ok(platform.tongban("keys", "list"))
    retired = re.findall(r"^(\S+) +\S+ +retired ", after, re.MULTILINE)
    assert len(retired) == 2
    _ok(platform.tongban("keys", "retire", retired[0]))
    assert retired[0] not in _ok(platform.tongban("keys", "list"))
    _refused(platform.tongban("keys", "retire", "unknown"))


@pytest.mark.deep
def test_a_data_key_is_added(platform: Platform) -> None:
    """Takes a minute: the command waits until every process writes with the new key."""
    before = _ok(platform.tongban("keys", "list", "--data", "cases")).splitlines()
    _ok(platform.tongban("keys", "rotate", "--data", "cases"))
    assert len(_ok(platform.tongban("keys", "list", "--data", "cases")).splitlines()) == len(before) + 1


def test_the_audit_chains_hold(platform: Platform) -> None:
    text = _ok(platform.tongban("audit", "verify"))
    assert [line.partition(":")[0] for line in text.splitlines()] == list(SERVICES)
    assert text.count(": intact, ") == len(SERVICES)
    head = "1:" + "0" * 64
    assert platform.tongban("audit", "verify", "identity", "--head", head).returncode == 1


def test_items_are_imported_once(platform: Platform, tmp_path: Path) -> None:
    common = {"department": "区卫生健康局", "area_code": "511602000000", "task_type": "1"}
    rows = [
        common | {"name": "测试事项甲", "item_code": f"T{platform.pid('kafka')}A"},
        common | {"name": "", "item_code": "TESTB"},
    ]
    file = tmp_path / "items.jsonl"
    file.write_text("\n".join([*(json.dumps(row, ensure_ascii=False) for row in rows), "{"]), "utf-8")
    first = platform.tongban("items", "import", str(file))
    assert re.search(r"^taken +1 \(1 created\)$", _ok(first), re.MULTILINE)
    assert "row 2: refused: name: " in first.stderr and "row 3: refused: " in first.stderr
    again = _ok(platform.tongban("items", "import", "--quiet", str(file)))
    assert re.search(r"^taken +1 \(1 unchanged\)$", again, re.MULTILINE)
    _refused(platform.tongban("items", "import", str(tmp_path / "missing")))


def test_an_import_that_takes_nothing_fails(platform: Platform, tmp_path: Path) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text("{}\n", "utf-8")
    assert platform.tongban("items", "import", str(file)).returncode == 1


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


def test_a_running_platform_is_not_backed_up(platform: Platform, tmp_path: Path) -> None:
    text = _refused(platform.tongban("backup", str(tmp_path / "backup.tar.gz")))
    assert ("PostgreSQL" if platform.postgres else "running") in text
