"""Schemathesis over the service's OpenAPI document: whatever fits or misfits it, the service answers as it says."""

import asyncio
import base64
import itertools
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
from schemathesis.specs.openapi.checks import positive_data_acceptance

from services.cases import app, events
from services.cases.handlers import items
from services.cases.settings import CasesSettings
from services.cases.store.work import CasesContext, Work
from services.kit import migrations
from tests.cases.conftest import SIMPLE, Names, published

PEOPLE = ("lin", "boss")
KEYS = itertools.count()


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The document of a served service with two items; a person's id is their token."""
    folder: Path = tmp_path_factory.mktemp("cases")
    given = CasesSettings.load(
        profile="test",
        data_dir=folder,
        database_url=f"sqlite+aiosqlite:///{folder / 'cases.db'}",
        master_key=base64.b64encode(bytes(32)).decode(),
    )
    bound = socket.create_server(("127.0.0.1", 0))
    servers: list[uvicorn.Server] = []
    ready = threading.Event()

    async def serve() -> None:
        await migrations.upgrade(given)
        service = app.build(given)
        assert isinstance(service.context, CasesContext)
        service.app.state.verifier = Names()  # type: ignore[attr-defined]
        await service.open()
        for item in (published(), published(SIMPLE, materials=[])):
            await items.remember_item(Work(service.context), events.item_of(item))
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
def test_nothing_breaks_the_service(api: Any, mode: GenerationMode) -> None:
    checked = set()
    for found in api.get_all_operations():
        operation = found.ok()

        @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case) -> None:
            person = PEOPLE["/desk" in case.path]
            # Ids, versions and cursors that fit their pattern are still nobody's: 4xx is as it should be.
            headers = {"Authorization": f"Bearer {person}", "If-Match": '"1"', "Idempotency-Key": str(next(KEYS))}
            case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])

        try:
            check()
        except Unsatisfiable:
            # What takes nothing cannot be given anything wrong.
            assert (mode, operation.path) == (GenerationMode.NEGATIVE, "/desk/queues")
        checked.add(operation.path)
    assert len(checked) == 23
