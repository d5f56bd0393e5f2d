"""The local profile's pieces: secrets, ports, run file, jars, failpoints."""

import base64
import json
import os
import socket
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from services.kit.settings import SERVICES
from services.kit.testing import FailpointReached, FailpointsRefused, arm, failpoint
from services.local import jars, runfile, secrets
from services.local.ports import PortBusy, PortUse, check_free, free_ports


def test_secrets_are_for_their_owner_alone_and_differ(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = secrets.make(tmp_path)
    finally:
        os.umask(before)
    place = secrets.folder(tmp_path)
    assert place.stat().st_mode & 0o777 == 0o700
    assert sorted(made) == sorted(path.name for path in place.iterdir())
    assert {path.stat().st_mode & 0o777 for path in place.iterdir()} == {0o600}
    assert len({path.read_bytes() for path in place.iterdir()}) == len(made)
    for name in SERVICES:
        assert len(base64.b64decode((place / f"{name}.master").read_text())) == 32
    for name in (*SERVICES, *secrets.SURFACES, secrets.DEPARTMENT):
        key = json.loads((place / f"{name}.jwk").read_text())
        assert key["crv"] == "P-256" and key["alg"] == "ES256" and key["d"]
        assert key["kid"] == ECKey.import_key(key).thumbprint()


def test_secrets_are_made_once(tmp_path: Path) -> None:
    secrets.make(tmp_path)
    before = {path: path.read_bytes() for path in secrets.folder(tmp_path).iterdir()}
    (secrets.folder(tmp_path) / "cases.jwk").unlink()
    assert secrets.make(tmp_path) == ["cases.jwk"]
    changed = [path.name for path, content in before.items() if path.read_bytes() != content]
    assert changed == ["cases.jwk"]


def test_two_data_folders_share_no_secret(tmp_path: Path) -> None:
    secrets.make(tmp_path / "a")
    secrets.make(tmp_path / "b")
    for path in secrets.folder(tmp_path / "a").iterdir():
        assert path.read_bytes() != (secrets.folder(tmp_path / "b") / path.name).read_bytes()


def test_a_busy_port_names_its_setting() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortBusy, match=f"port {port} on 127.0.0.1 is in use.*TONGBAN_CASES_PORT"):
            check_free([PortUse("TONGBAN_CASES_PORT", "127.0.0.1", port)])


def test_two_settings_cannot_claim_one_port() -> None:
    port = free_ports(1)[0]
    with pytest.raises(PortBusy, match="claimed by TONGBAN_A_PORT and TONGBAN_B_PORT"):
        check_free([PortUse("TONGBAN_A_PORT", "127.0.0.1", port), PortUse("TONGBAN_B_PORT", "127.0.0.1", port)])


def test_free_ports_differ() -> None:
    assert len(set(free_ports(20))) == 20


def test_a_data_folder_has_one_platform(tmp_path: Path) -> None:
    with runfile.lock(tmp_path):
        runfile.RunFile(profile="local", pid=4711).save(tmp_path)
        with pytest.raises(runfile.AlreadyRunning, match="process 4711"):
            runfile.lock(tmp_path)
    runfile.lock(tmp_path).close()


def test_commands_adopt_the_settings_of_the_platform_but_no_secret(tmp_path: Path) -> None:
    started = {
        "TONGBAN_PROFILE": "local",
        "TONGBAN_DATA_DIR": str(tmp_path),
        "TONGBAN_KAFKA_PORT": "4000",
        "TONGBAN_CASES_MASTER_KEY": "secret",
        "TONGBAN_KAFKA_PASSWORD": "secret",
        "TONGBAN_NOTIFY_DATABASE_URL": "postgresql+asyncpg://u:secret@h/d",
        "TONGBAN_KAFKA_PASSWORD_FILE": "/run/password",
        "HOME": "/somewhere",
    }
    runfile.RunFile(profile="local", settings=runfile.open_settings(started)).save(tmp_path)
    assert "secret" not in (tmp_path / runfile.NAME).read_text()
    assert (tmp_path / runfile.NAME).stat().st_mode & 0o777 == 0o600
    found = {"TONGBAN_DATA_DIR": str(tmp_path), "TONGBAN_KAFKA_PORT": "5000"}
    runfile.adopt(found)
    assert found == {
        "TONGBAN_DATA_DIR": str(tmp_path),
        "TONGBAN_PROFILE": "local",
        "TONGBAN_KAFKA_PORT": "5000",
        "TONGBAN_KAFKA_PASSWORD_FILE": "/run/password",
    }


def test_a_command_with_a_profile_adopts_nothing(tmp_path: Path) -> None:
    runfile.RunFile(profile="local", settings={"TONGBAN_PROFILE": "local", "TONGBAN_KAFKA_PORT": "1"}).save(tmp_path)
    found = {"TONGBAN_DATA_DIR": str(tmp_path), "TONGBAN_PROFILE": "production"}
    runfile.adopt(found)
    assert found == {"TONGBAN_DATA_DIR": str(tmp_path), "TONGBAN_PROFILE": "production"}


def test_a_damaged_run_file_is_as_none(tmp_path: Path) -> None:
    (tmp_path / runfile.NAME).write_text("{")
    assert runfile.load(tmp_path) is None


def test_a_jar_with_other_bytes_is_missing(tmp_path: Path) -> None:
    jar = jars.pinned()[0]
    assert len(jars.pinned()) == len({one.filename for one in jars.pinned()})
    assert jar in jars.missing(tmp_path)
    (tmp_path / jar.filename).write_bytes(b"other bytes")
    assert jar in jars.missing(tmp_path)


@pytest.mark.parametrize("text", ["relay", "relay=stop", "relay=kill:0", "relay=kill:x", "=kill"])
def test_failpoints_that_cannot_be_read_are_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGBAN_PROFILE", "test")
    with pytest.raises(FailpointsRefused):
        arm(text)


@pytest.mark.parametrize("profile", ["local", "production", ""])
def test_failpoints_exist_in_the_test_profile_only(profile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGBAN_PROFILE", profile)
    with pytest.raises(FailpointsRefused, match="test profile only"):
        arm("relay.after_ack=kill")


async def test_a_failpoint_fires_once_on_its_passage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGBAN_PROFILE", "test")
    arm("here=raise:3")
    try:
        await failpoint("here")
        await failpoint("elsewhere")
        await failpoint("here")
        with pytest.raises(FailpointReached):
            await failpoint("here")
        await failpoint("here")
    finally:
        arm("")
