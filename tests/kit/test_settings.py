"""Settings: no default secret outside the local profile, unknown names refused, one line that names the setting."""

from pathlib import Path
from typing import ClassVar

import pytest

from services.kit.settings import Profile, ServiceSettings, SettingsError, check_names, known_names


class CaseSettings(ServiceSettings):
    service: ClassVar[str] = "cases"

    draft_days: int = 90


@pytest.fixture(autouse=True)
def _production(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "TONGBAN_DATABASE_URL": "postgresql+asyncpg://u:p@db/cases",
        "TONGBAN_KAFKA": "k1:9092, k2:9092",
        "TONGBAN_ISSUER": "https://id.example",
        "TONGBAN_MASTER_KEY": "x",
    }.items():
        monkeypatch.setenv(name, value)


def test_the_default_profile_is_production_and_lists_are_split() -> None:
    settings = CaseSettings.load()
    assert settings.profile is Profile.PRODUCTION
    assert settings.kafka == ("k1:9092", "k2:9092")
    assert settings.outbound_allowed_networks == ()


def test_a_service_s_own_name_goes_before_the_common_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGBAN_CASES_DATABASE_URL", "postgresql+asyncpg://own@db/cases")
    assert CaseSettings.load().database_url == "postgresql+asyncpg://own@db/cases"


@pytest.mark.parametrize("name", ["TONGBAN_MASTER_KEY", "TONGBAN_DATABASE_URL", "TONGBAN_KAFKA", "TONGBAN_ISSUER"])
@pytest.mark.parametrize("value", [None, ""])
def test_without_a_needed_setting_production_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str | None
) -> None:
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name) as caught:
        CaseSettings.load()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["TONGBAN_CASES_PORT", "TONGBAN_PORT", "TONGBAN_CASES_MANAGEMENT_PORT"])
def test_a_value_that_cannot_be_used_is_one_line_with_the_name_that_was_read(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "bad")
    with pytest.raises(SettingsError, match=f"^{name}: ") as caught:
        CaseSettings.load()
    assert "\n" not in str(caught.value)


def test_the_port_of_another_service_is_checked_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TONGBAN_IDENTITY_PORT", "bad")
    with pytest.raises(SettingsError, match=r"^TONGBAN_IDENTITY_PORT: 'bad' is not a port number"):
        CaseSettings.load(profile="local", data_dir=tmp_path)


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-a-file\n")
    monkeypatch.delenv("TONGBAN_MASTER_KEY")
    monkeypatch.setenv("TONGBAN_CASES_MASTER_KEY_FILE", str(tmp_path / "key"))
    assert CaseSettings.load().master_key.get_secret_value() == "from-a-file"
    monkeypatch.setenv("TONGBAN_CASES_MASTER_KEY_FILE", str(tmp_path / "gone"))
    with pytest.raises(SettingsError, match="TONGBAN_CASES_MASTER_KEY_FILE"):
        CaseSettings.load()


def test_a_wrong_value_is_one_line_that_names_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGBAN_CASES_PORT", "no-number")
    with pytest.raises(SettingsError, match="TONGBAN_CASES_PORT") as caught:
        CaseSettings.load()
    assert "no-number" not in str(caught.value) and "\n" not in str(caught.value)


def test_the_local_profile_derives_but_makes_no_secret_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "KAFKA", "ISSUER", "MASTER_KEY"):
        monkeypatch.delenv(f"TONGBAN_{name}")
    monkeypatch.setenv("TONGBAN_PROFILE", "local")
    monkeypatch.setenv("TONGBAN_DATA_DIR", str(tmp_path))
    with pytest.raises(SettingsError, match="tongban migrate"):
        CaseSettings.load()
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "cases.master").write_text("made-by-migrate")
    settings = CaseSettings.load()
    assert settings.database_url.endswith("/sqlite/cases.db")
    assert settings.port == 8085 and settings.issuer == "http://localhost:8083"


def test_an_unknown_name_is_refused_with_the_one_that_was_meant() -> None:
    check_names([CaseSettings], {"TONGBAN_CASES_DRAFT_DAYS": "1", "PATH": "x"})
    with pytest.raises(SettingsError, match="TONGBAN_CASES_DRAFT_DAY: do you mean TONGBAN_CASES_DRAFT_DAYS"):
        check_names([CaseSettings], {"TONGBAN_CASES_DRAFT_DAY": "1"})
    assert "TONGBAN_MASTER_KEY_FILE" in known_names([CaseSettings])


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "x" not in repr(CaseSettings.load().master_key)
    monkeypatch.setenv("TONGBAN_CASES_PREVIOUS_MASTER_KEYS", "first-old, second-old")
    settings = CaseSettings.load()
    assert "old" not in repr(settings) + settings.model_dump_json()
    assert [key.get_secret_value() for key in settings.previous_master_keys] == ["first-old", "second-old"]
