"""The cases service on a new database, SQLite and PostgreSQL in turn, with an item of its own and people to act."""

import base64
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from services.cases import app, events
from services.cases.handlers import items
from services.cases.settings import CasesSettings
from services.cases.store.work import CasesContext, Work
from services.contracts.base import EVENT_TYPES, EventData
from services.contracts.catalog_items import ItemPublished
from services.kit import migrations
from services.kit.auth import Grant, Principal
from services.kit.errors import Unauthenticated
from services.kit.service import Service

ORGAN = "11511602008778325X"
OTHER_ORGAN = "11511602008778999X"
CODE = "511602010203"
START = datetime(2026, 11, 9, 4, 0, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)

FORM: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "shop": {"type": "string", "minLength": 1, "maxLength": 50},
        "opens": {"type": "string", "format": "date"},
        "rooms": {"type": "integer", "minimum": 1},
    },
    "required": ["shop"],
    "additionalProperties": False,
    "x-pages": [{"id": "shop", "fields": ["shop", "opens"]}, {"id": "rooms", "fields": ["rooms"]}],
}


def published(code: str = CODE, version: int = 1, **fields: Any) -> ItemPublished:
    """An item as the catalogue publishes it: a licence with one required and one optional material."""
    body: dict[str, Any] = {
        "code": code,
        "code_system": "gb-12",
        "item_version": version,
        "name": {"zh": "公共场所卫生许可", "en": "Public-place hygiene permit"},
        "organisation": {"id": ORGAN, "name": {"zh": "示例区卫生健康局", "en": "Demo District Health Bureau"}},
        "division": "511602000000",
        "item_type": "01",
        "subjects": ["person"],
        "materials": [
            {"id": "plan", "name": {"zh": "平面图"}, "required": True, "max_files": 2, "max_bytes": 1000},
            {"id": "photo", "name": {"zh": "照片"}, "required": False, "media_types": ["image/png"]},
        ],
        "form": FORM,
        "published_at": START,
    }
    return ItemPublished.model_validate(body | fields)


SIMPLE = "511602020304"
"""An item without materials, for direct submission."""


def _person(sub: str, name: str, realm: str, client: str, *grants: tuple[str, str]) -> Principal:
    return Principal.model_validate(
        {
            "sub": sub,
            "name": name,
            "realm": realm,
            "client_id": client,
            "grants": [Grant(org=org, role=role) for org, role in grants],
            "jti": sub,
            "exp": 2**31,
        }
    )


PEOPLE = {
    person.sub: person
    for person in (
        _person("lin", "林晓梅", "citizen", "portal"),
        _person("zhang", "张伟", "citizen", "kiosk"),
        _person("clerk", "李敏", "staff", "desk", ("*", "intake"), ("*", "deliver")),
        _person("officer", "王科", "staff", "desk", (ORGAN, "review"), (ORGAN, "decide")),
        _person("boss", "赵全", "staff", "desk", *((ORGAN, r) for r in ("intake", "review", "decide", "deliver"))),
        _person("stranger", "钱远", "staff", "desk", (OTHER_ORGAN, "intake"), (OTHER_ORGAN, "review")),
        _person("auditor", "孙查", "staff", "desk", ("*", "auditor")),
        _person("keeper", "陈静", "staff", "desk", (ORGAN, "editor")),
    )
}
LIN, ZHANG, CLERK, OFFICER, BOSS, STRANGER, AUDITOR, KEEPER = PEOPLE.values()


class Names:
    """A verifier that takes a person's id for their token: what tokens prove is tested with the kit."""

    resource = ""

    async def verify(self, token: str) -> Principal:
        if token not in PEOPLE:
            raise Unauthenticated
        return PEOPLE[token]


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def move(self, **step: float) -> None:
        self.now += timedelta(**step)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def service(database_url: str, tmp_path: Path, clock: Clock) -> AsyncIterator[Service]:
    """The migrated service with two items."""
    settings = CasesSettings.load(
        profile="test",
        data_dir=tmp_path,
        database_url=database_url,
        master_key=base64.b64encode(bytes(range(32))).decode(),
        number_block=3,
        max_open_drafts=5,
    )
    await migrations.upgrade(settings)
    found = app.build(settings)
    found.context.clock = clock
    found.app.state.verifier = Names()  # type: ignore[attr-defined]
    await found.open()
    for item in (published(), published(SIMPLE, materials=[])):
        await items.remember_item(Work(found.context), events.item_of(item))  # type: ignore[arg-type]
    yield found
    await found.close()


@pytest.fixture
def context(service: Service) -> CasesContext:
    assert isinstance(service.context, CasesContext)
    return service.context


@pytest.fixture
def work(context: CasesContext) -> Callable[[], Work]:
    """A new unit of work."""
    return lambda: Work(context)


@dataclass
class Rows:
    """Reads tables as they are."""

    context: CasesContext

    async def __call__(self, query: str) -> list[Any]:
        async with Work(self.context, readonly=True) as work:
            return list(await work.execute(text(query)))

    async def one(self, query: str) -> Any:
        return (await self(query))[0][0]

    async def events(self) -> list[EventData]:
        """What waits in the outbox, oldest first."""
        found = []
        for row in await self("SELECT headers, value FROM outbox ORDER BY id"):
            import orjson

            headers = dict(orjson.loads(row.headers))
            found.append(EVENT_TYPES[headers["ce_type"]].model_validate_json(row.value))
        return found


@pytest.fixture
def rows(context: CasesContext) -> Rows:
    return Rows(context)


@dataclass
class Client:
    """The service's HTTP as one person uses it."""

    http: httpx.AsyncClient
    person: str
    _keys: int = field(default=0)

    async def __call__(
        self,
        method: str,
        path: str,
        json: Any = None,
        *,
        key: str | None = None,
        seen: int | None = None,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
        params: dict[str, Any] | None = None,
    ) -> httpx.Response:
        sent = {"Authorization": f"Bearer {self.person}"} | (headers or {})
        if method == "POST":
            self._keys += 1
            sent["Idempotency-Key"] = key or f"{self.person}-{self._keys}"
        if seen is not None:
            sent["If-Match"] = f'"{seen}"'
        return await self.http.request(method, path, json=json, content=content, headers=sent, params=params)

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self("GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
async def http(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(service.app, raise_app_exceptions=False)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://cases") as found:
        yield found


@pytest.fixture
def as_(http: httpx.AsyncClient) -> Callable[[str], Client]:
    """The HTTP client of one of PEOPLE."""
    clients: dict[str, Client] = {}
    return lambda person: clients.setdefault(person, Client(http, person))
