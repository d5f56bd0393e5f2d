"""Settings of identity: what the operator is told at once, and what follows from what."""

from pathlib import Path
from typing import Any

import pytest

from services.identity.settings import IdentitySettings
from services.kit.settings import SettingsError

PRODUCTION = {
    "profile": "production",
    "database_url": "postgresql+asyncpg://localhost/identity",
    "kafka": "localhost:9092",
    "master_key": "x",
}


def test_the_sso_session_outlives_the_idle_time_of_a_surface() -> None:
    assert IdentitySettings().session_idle_seconds == 15 * 60 + 300 + 60
    assert IdentitySettings(access_token_seconds=600).session_idle_seconds == 15 * 60 + 600 + 60
    assert IdentitySettings(session_idle_seconds=30).session_idle_seconds == 30


@pytest.mark.parametrize(
    "issuer",
    [
        "http://id.example.org",
        "https://id.example.org/",
        "http://localhost:8083/",
        "id.example.org",
        "https://id.example.org?x=1",
        "https://id.example.org#x",
        "ftp://id.example.org",
        "https://",
        "https://[",
    ],
)
def test_an_issuer_that_no_client_could_trust_is_refused_in_one_line(issuer: str) -> None:
    with pytest.raises(SettingsError) as caught:
        IdentitySettings.load(**PRODUCTION, issuer=issuer)
    assert "TONGBAN_IDENTITY_ISSUER" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("issuer", ["https://id.example.org", "https://id.example.org:8443", "http://localhost:8083"])
def test_a_good_issuer_is_taken(issuer: str) -> None:
    assert IdentitySettings.load(**PRODUCTION, issuer=issuer).issuer == issuer


def test_http_is_for_loopback_alone_except_in_the_local_profiles(tmp_path: Path) -> None:
    given: dict[str, Any] = {"data_dir": tmp_path, "master_key": "x", "issuer": "http://id.test:8083"}
    assert IdentitySettings.load(profile="test", **given).issuer == "http://id.test:8083"
