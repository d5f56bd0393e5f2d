"""Schemathesis over identity's OpenAPI document: nothing that fits or misfits it breaks the service."""

import asyncio
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
from schemathesis.checks import not_a_server_error

from services.identity import app
from services.identity.settings import IdentitySettings
from services.kit import migrations
from services.local import secrets


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The document of a served provider."""
    folder: Path = tmp_path_factory.mktemp("identity")
    secrets.make(folder)
    found = IdentitySettings.load(profile="test", data_dir=folder)
    bound = socket.create_server(("127.0.0.1", 0))
    servers: list[uvicorn.Server] = []
    ready = threading.Event()

    async def serve() -> None:
        await migrations.upgrade(found)
        service = app.build(found)
        await service.open(serving=True)
        servers.append(uvicorn.Server(uvicorn.Config(service.app, lifespan="off", log_config=None)))
        ready.set()
        await servers[0].serve(sockets=[bound])
        await service.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(60)
    yield schemathesis.openapi.from_url(f"http://127.0.0.1:{bound.getsockname()[1]}/openapi.json")
    servers[0].should_exit = True
    thread.join(10)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_nothing_breaks_the_back_channel(api: Any, mode: GenerationMode) -> None:
    checked = []
    for found in api.get_all_operations():
        operation = found.ok()

        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case) -> None:
            # The shapes of answers are the RFCs', tested one by one elsewhere.
            case.call_and_validate(checks=[not_a_server_error])

        try:
            check()
        except Unsatisfiable:
            continue  # an operation without parameters has nothing that could misfit
        checked.append(f"{operation.method.upper()} {operation.path}")
    assert {"POST /token", "POST /revoke", "POST /introspect"} <= set(checked)
