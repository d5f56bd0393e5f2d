"""The local profile's secrets: made once for each data folder, readable by their owner alone (0600 in a 0700 folder).

Nothing here is a default: two data folders share no key and no password. Outside the local and test profiles secrets
come from the environment and this module is not used.
"""

import base64
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from joserfc.jwk import ECKey

from services.kit.settings import SERVICES

SURFACES = ("portal", "kiosk", "desk")
DEPARTMENT = "dept-demo"
PASSWORD_FILE = "demo-password"

# Without letters and digits that are taken for one another: the password is read off a screen.
_LEGIBLE = "abcdefghjkmnpqrstuvwxyz23456789"


def folder(data_dir: Path) -> Path:
    """Where the secrets of a data folder are."""
    return data_dir / "secrets"


def make(data_dir: Path) -> list[str]:
    """Make the secrets that are missing; existing ones are never touched. Names of the files made."""
    place = folder(data_dir)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    place.chmod(0o700)
    made = [f"{name}.jwk" for name in (*SERVICES, *SURFACES, DEPARTMENT) if _write(place / f"{name}.jwk", _client_key)]
    made += [f"{name}.master" for name in SERVICES if _write(place / f"{name}.master", _master_key)]
    if _write(place / PASSWORD_FILE, _password):
        made.append(PASSWORD_FILE)
    return made


def write(path: Path, text: str) -> None:
    """Write a secret so that nobody else can read it, whole or not at all, replacing what was there."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def password(data_dir: Path) -> str:
    """The demo people's password. Raises FileNotFoundError before `make`."""
    return (folder(data_dir) / PASSWORD_FILE).read_text("utf-8").strip()


def _write(path: Path, make_text: Callable[[], str]) -> bool:
    if path.exists():
        return False
    write(path, make_text())
    return True


def _client_key() -> str:
    """A private JWK for `private_key_jwt` (RFC 7523): ES256, key id = its thumbprint (RFC 7638)."""
    key = ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"}, auto_kid=True)
    return json.dumps(key.as_dict(private=True))


def _master_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _password() -> str:
    return "-".join("".join(secrets.choice(_LEGIBLE) for _ in range(4)) for _ in range(4))
