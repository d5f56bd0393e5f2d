"""notify on a new database, SQLite and PostgreSQL in turn, with callers of every sort."""

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from services.contracts.base import Envelope, EventData, Text
from services.contracts.cases_events import (
    CaseAccepted,
    CaseDecided,
    CaseDelivered,
    CaseItem,
    CaseReturned,
    CaseReviewed,
    CaseSubmitted,
    Due,
)
from services.contracts.catalog_items import Organisation
from services.kit import migrations
from services.kit.auth import TokenVerifier
from services.kit.ids import new_id
from services.kit.service import Service
from services.notify import app
from services.notify.consumers import consumers
from services.notify.handlers import Work
from services.notify.settings import NotifySettings

ISSUER = "http://localhost:8083"
ORG = "11511602008778325X"
OTHER_ORG = "511602000000:区司法局"
KEY = ECKey.generate_key("P-256", {"kid": "k1", "alg": "ES256", "use": "sig"})


@pytest.fixture
def given(database_url: str, tmp_path: Path) -> dict[str, Any]:
    """Settings of a test: fast deliveries, loopback allowed."""
    return {
        "profile": "test",
        "data_dir": tmp_path,
        "database_url": database_url,
        "master_key": base64.b64encode(bytes(32)).decode(),
        "issuer": ISSUER,
        "delivery_schedule": (0, 0.1, 0.1, 0.3),
        "delivery_probe_seconds": 0.3,
        "delivery_timeout_seconds": 1.0,
        "outbound_allowed_networks": "127.0.0.0/8",
    }


@pytest.fixture
async def notify(given: dict[str, Any]) -> AsyncIterator[Service]:
    """The migrated service with a key set of our own."""
    settings = NotifySettings.load(**given)
    await migrations.upgrade(settings)
    service = app.build(settings)

    async def keys() -> dict[str, Any]:
        return {"keys": [KEY.as_dict(private=False)]}

    service.app.state.verifier = TokenVerifier(settings, keys)  # type: ignore[attr-defined]
    await service.open()
    yield service
    await service.close()


@pytest.fixture
def work(notify: Service) -> Callable[[], Work]:
    return lambda: Work(notify.context)


@pytest.fixture
async def delivering(notify: Service) -> AsyncIterator[None]:
    """The deliveries worker, running; it looks for due rows every 50 ms."""
    worker = next(each for each in notify.workers if each.name == "deliveries")
    object.__setattr__(worker.policy, "poll", 0.05)  # type: ignore[attr-defined]
    task = asyncio.create_task(worker.run())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.fixture
async def http(notify: Service) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(notify.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://notify") as found:
        yield found


def token(sub: str, realm: str | None, grants: tuple[tuple[str, str], ...] = (), **claims: Any) -> dict[str, str]:
    """An Authorization header for a caller."""
    now = int(time.time())
    payload = {
        "iss": ISSUER,
        "aud": "urn:tongban:notify",
        "sub": sub,
        "client_id": "portal" if realm == "citizen" else "desk" if realm else sub,
        "grants": [{"org": organisation, "role": role} for organisation, role in grants],
        "iat": now,
        "exp": now + 24 * 3600,  # made once, when the tests are collected: a long run must not outlive them
        "jti": new_id(),
    }
    if realm:
        payload |= {"realm": realm, "auth_time": payload["exp"]}
    signed = jwt.encode({"alg": "ES256", "kid": "k1", "typ": "at+jwt"}, payload | claims, KEY)
    return {"Authorization": f"Bearer {signed}"}


LIN = token("lin", "citizen")
ZHANG = token("zhang", "citizen")
OFFICER = token("wang", "staff", ((ORG, "integrator"), (ORG, "review")))
STRANGER = token("li", "staff", ((OTHER_ORG, "integrator"),))
CLERK = token("min", "staff", (("*", "intake"),))
DEPARTMENT = token("dept-demo", None, (("*", "integrator"),))

ITEM = CaseItem(
    code="X1", version=1, name=Text(zh="三级运动员称号授予", en="Third-class athlete title"), item_type="01"
)
PROMISED = Due(basis="promised", working_days=8, date=date(2036, 12, 3))


def case_event(model: type[EventData], case_id: str, version: int, **given: Any) -> Envelope:
    """An event of a case of `lin` at `ORG`."""
    status = {CaseSubmitted: "submitted", CaseAccepted: "accepted", CaseReturned: "returned"}.get(model, "decided")
    extra: dict[type[EventData], dict[str, Any]] = {
        CaseSubmitted: {"due": PROMISED},
        CaseAccepted: {"due": PROMISED, "officer": "min"},
        CaseReturned: {"officer": "min", "gaps": 2},
        CaseReviewed: {"officer": "wang", "opinion": "refuse"},
        CaseDecided: {"officer": "wang", "outcome": "granted"},
        CaseDelivered: {"officer": "min", "outcome": "granted", "document_sha256": "0" * 64},
    }
    fields = {
        "case_id": case_id,
        "number": f"2026-{case_id}",
        "status": status,
        "item": ITEM,
        "organisation": Organisation(id=ORG, name=Text(zh="前锋区教科体局")),
        "division": "511602000000",
        "applicant": "lin",
        "channel": "portal",
        "occurred_at": datetime.now(UTC),
    }
    data = model.model_validate(fields | extra.get(model, {}) | given)
    return Envelope(new_id(), "urn:tongban:cases", case_id, version, datetime.now(UTC), data)


@pytest.fixture
def hear(work: Callable[[], Work]) -> Callable[..., Awaitable[Envelope]]:
    """Let notify handle an event as its consumer does: every handler, one transaction."""

    async def handle(model: type[EventData], case_id: str, version: int, **given: Any) -> Envelope:
        event = case_event(model, case_id, version, **given)
        async with work() as one:
            for handler in consumers.handlers(event):
                await handler(event, one)
        return event

    return handle


@pytest.fixture
def unique() -> Iterator[Callable[[], dict[str, str]]]:
    """Headers with a fresh Idempotency-Key."""
    yield lambda: {"Idempotency-Key": new_id()}
