"""Schemathesis over notify's OpenAPI document: nothing that fits or misfits it breaks the service."""

import asyncio
import base64
import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from services.kit import migrations
from services.kit.auth import Principal, caller, citizen
from services.kit.ids import new_id
from services.notify import app
from services.notify.api.subscriptions import sink_check
from services.notify.settings import NotifySettings

TOKEN = {"Authorization": "Bearer any"}


class AgreeingSink:
    """Every sink may be called and agrees: what generated URLs lead to is none of this test's business."""

    async def permitted(self, sink: str) -> bool:
        return True

    async def refusal(self, *_: Any) -> str | None:
        return None


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The document of a served notify; any token passes as a citizen and as an integrator of everything."""
    folder: Path = tmp_path_factory.mktemp("notify")
    key = base64.b64encode(bytes(32)).decode()
    database_url = f"sqlite+aiosqlite:///{folder / 'notify.db'}"
    loaded = NotifySettings.load(profile="test", data_dir=folder, database_url=database_url, master_key=key)
    bound = socket.create_server(("127.0.0.1", 0))
    servers: list[uvicorn.Server] = []
    ready = threading.Event()

    async def serve() -> None:
        await migrations.upgrade(loaded)
        service = app.build(loaded)
        grants = [{"org": "*", "role": "integrator"}]
        lin = Principal(sub="lin", client_id="portal", realm="citizen", jti="1", exp=2**31)
        department = Principal.model_validate(
            {"sub": "d", "client_id": "d", "jti": "1", "exp": 2**31, "grants": grants}
        )
        overrides = service.app.dependency_overrides  # type: ignore[attr-defined]
        overrides[citizen] = lambda: lin
        overrides[caller] = lambda: department
        overrides[sink_check] = AgreeingSink
        await service.open()
        servers.append(uvicorn.Server(uvicorn.Config(service.app, lifespan="off", log_config=None)))
        ready.set()
        await servers[0].serve(sockets=[bound])
        await service.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(30)
    # NUL is refused in every service before any route sees it (kit.http, with tests of its own).
    config = schemathesis.Config.from_dict({"generation": {"allow-x00": False}})
    yield schemathesis.openapi.from_url(f"http://127.0.0.1:{bound.getsockname()[1]}/openapi.json", config=config)
    servers[0].should_exit = True
    thread.join(10)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_the_document_is_kept(api: Any, mode: GenerationMode) -> None:
    checked = []
    for found in api.get_all_operations():
        operation = found.ok()

        @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: Any) -> None:
            if mode is GenerationMode.POSITIVE:
                # A cursor is opaque: what fits its pattern is still refused unless the list gave it.
                case.query.pop("cursor", None)
            headers = dict(TOKEN)
            if mode is GenerationMode.POSITIVE or "idempotency-key" not in {name.lower() for name in case.headers}:
                headers["Idempotency-Key"] = new_id()
            case.call_and_validate(headers=headers)

        # What takes no parameter and no body cannot be asked wrongly.
        with contextlib.suppress(Unsatisfiable) if mode is GenerationMode.NEGATIVE else contextlib.nullcontext():
            check()
        checked.append((operation.method.upper(), operation.path))
    assert len(checked) == 14
