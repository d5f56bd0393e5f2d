"""Schemathesis over the catalogue's OpenAPI document: nothing that fits or misfits it breaks the service."""

import asyncio
import base64
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

from services.catalog import app
from services.catalog.demo import load_demo
from services.catalog.settings import CatalogSettings
from services.kit import migrations
from services.kit.auth import Principal, caller

TOKEN = {"Authorization": "Bearer any"}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The document of a served catalogue with demonstration data; any token passes."""
    folder: Path = tmp_path_factory.mktemp("catalog")
    key = base64.b64encode(bytes(32)).decode()
    database_url = f"sqlite+aiosqlite:///{folder / 'catalog.db'}"
    given = CatalogSettings.load(profile="test", data_dir=folder, database_url=database_url, master_key=key)
    bound = socket.create_server(("127.0.0.1", 0))
    servers: list[uvicorn.Server] = []
    ready = threading.Event()

    async def serve() -> None:
        await migrations.upgrade(given)
        service = app.build(given)
        principal = Principal(sub="gateway", client_id="gateway", jti="1", exp=2**31)
        service.app.dependency_overrides[caller] = lambda: principal  # type: ignore[attr-defined]
        await load_demo(service)
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
        # Of a file any text fits, and so it does where nothing is asked: there is nothing that does not.
        asked = (*operation.query, *operation.path_parameters)
        structured = any(each.media_type == "application/json" for each in operation.body)
        if mode is GenerationMode.NEGATIVE and not (asked or structured):
            continue

        @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case) -> None:
            if mode is GenerationMode.POSITIVE:
                # A cursor is opaque: what fits its pattern is still refused unless the list gave it.
                case.query.pop("cursor", None)
            case.call_and_validate(headers=TOKEN)

        check()
        checked.append(operation.path)
    assert {"/items", "/items/{code}", "/items/{code}/versions/{version}", "/organisations"} <= set(checked)
