"""One migrated database with keys, clients and demonstration people, made once by each worker; a test gets a copy.

Made by the migrations and use cases themselves at the first test, so it is never older than the schema.
"""

import json
from pathlib import Path
from typing import Any

from joserfc import jwk
from sqlalchemy import case, update

from services.identity import app
from services.identity.demo import load_demo
from services.identity.domain import jose
from services.identity.handlers.keys import ensure_keys
from services.identity.settings import IdentitySettings
from services.identity.store.tables import KEYS
from services.kit import migrations
from services.kit.database import Database
from services.local import secrets
from tests.identity.party import ISSUER, PASSWORD

Pair = tuple[dict[str, Any], dict[str, Any]]


class RsaPairs:
    """RSA keys take time: the tests' providers share them. Only within one test each is handed out once."""

    def __init__(self) -> None:
        self._made: list[Pair] = []
        self._given = 0
        self._in_template = 0
        self._read: dict[str, jwk.Key] = {}

    def begin(self) -> None:
        """A test begins: hand out again what the template's database does not hold."""
        self._given = self._in_template

    def keep(self) -> None:
        """What was handed out so far is in the template's database, on whichever of the two."""
        self._in_template = max(self._in_template, self._given)

    def new_key(self, algorithm: str) -> Pair:
        """In place of `jose.new_key`."""
        if algorithm[:2] not in ("RS", "PS"):
            return jose.new_key(algorithm)
        if self._given == len(self._made):
            self._made.append(jose.new_key(algorithm))
        public, private = self._made[self._given]
        self._given += 1
        return public | {"alg": algorithm}, private | {"alg": algorithm}

    def import_key(self, key: dict[str, Any]) -> jwk.Key:
        """In place of `jwk.import_key`."""
        text = json.dumps(key, sort_keys=True)
        if text not in self._read:
            self._read[text] = jwk.import_key(key)
        return self._read[text]


class Template:
    """The database that tests of one dialect copy; `url` is where it is made."""

    def __init__(self, folder: Path, url: str, pairs: RsaPairs) -> None:
        self.folder = folder
        self.url = url
        self._pairs = pairs
        self._made = False

    async def make(self) -> None:
        """Make it, the first time."""
        if self._made:
            return
        secrets.make(self.folder)
        (self.folder / "secrets" / "demo-password").write_text(PASSWORD, "utf-8")
        settings = IdentitySettings.load(profile="test", data_dir=self.folder, database_url=self.url, issuer=ISSUER)
        await migrations.upgrade(settings)
        service = app.build(settings)
        self._pairs.begin()
        await service.open(serving=True)
        await ensure_keys(service.app.state.provider.work())  # type: ignore[attr-defined]
        await load_demo(service)
        await service.close()
        self._pairs.keep()
        self._made = True


async def publish_keys_now(database: Database, now: Any) -> None:
    """Let the copy's keys be as old as those that a new database would have got."""
    signing_at = case((KEYS.c.signing_at.is_not(None), now))
    await database.execute(update(KEYS).values(published_at=now, signing_at=signing_at))
