"""Publishing: versions rise by one whoever publishes, and the migrations make what the store declares."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from services.catalog import events
from services.catalog.demo.base_items import BASE_ITEMS
from services.catalog.demo.for_people import DOG, PEOPLE_ITEMS
from services.catalog.demo.organisations import ORGANISATIONS
from services.catalog.domain.items import Outcome, Provenance
from services.catalog.handlers import organisations, publishing
from services.catalog.store.items import Published
from services.catalog.store.work import Work
from services.contracts.base import Text
from services.contracts.catalog_items import Exemption, ItemPublished
from services.kit.clock import utc_now
from services.kit.service import Service


async def test_two_who_publish_at_once_make_two_versions(catalog: Service, work: Callable[[], Work]) -> None:
    await organisations.register_organisations(ORGANISATIONS, Provenance.DEMO, work())
    contents = [DOG.model_copy(update={"visits": visits}) for visits in range(8)]
    outcomes = await asyncio.gather(
        *(publishing.publish_items([content], Provenance.DEMO, work()) for content in contents)
    )
    assert sorted(outcome for [outcome] in outcomes) == [Outcome.CHANGED] * 7 + [Outcome.CREATED]
    async with work() as unit:
        stored = await unit.items.item(DOG.code)
    assert stored is not None and stored.version == 8
    table = catalog.context.tables.outbox
    async with Work(catalog.context, readonly=True) as unit:
        query = table.select().where(table.c.key == DOG.code).order_by(table.c.id)
        headers = [row.headers.decode() for row in await unit.execute(query)]
    versions = [number for header in headers for number in range(1, 9) if f'"ce_aggregateversion","{number}"' in header]
    assert versions == list(range(1, 9))


async def test_whatever_is_written_leaves_one_record(catalog: Service, work: Callable[[], Work]) -> None:
    for _ in range(2):  # the second time nothing changes, and nothing is recorded
        await organisations.register_organisations(ORGANISATIONS, Provenance.IMPORT, work())
        await publishing.publish_items([DOG], Provenance.DEMO, work())
    await organisations.register_organisations(
        [replace(ORGANISATIONS[0], name=Text(zh="另一个名字"))], Provenance.DEMO, work()
    )
    table = catalog.context.tables.audit.audit
    async with Work(catalog.context, readonly=True) as unit:
        rows = [(r.actor, r.action, r.object_id) for r in await unit.execute(table.select().order_by(table.c.id))]
    assert rows == [
        ("system:import", "organisations.register", ORGANISATIONS[0].id),
        ("system:demo", "items.publish", DOG.code),
        ("system:demo", "organisations.register", ORGANISATIONS[0].id),
    ]


def test_an_event_tells_in_json_what_its_data_says() -> None:
    exempt = Exemption(rule="no-basis", field="materials.photo", reason="条例正在改", until=date(2027, 1, 1))
    for content in (*PEOPLE_ITEMS, *BASE_ITEMS):
        told = Published(content, 2, 7, Provenance.EDITOR)
        for besides in ({}, {"aliases": ("OLD-1",), "exemptions": (exempt,)}):
            data = events.published(told, utc_now(), **besides)
            encoded = events.encoded(content, data)
            assert encoded is not None
            assert ItemPublished.model_validate_json(encoded) == data
            assert json.loads(encoded).keys() == json.loads(data.model_dump_json()).keys()


async def test_what_fails_leaves_nothing(work: Callable[[], Work], counts: Callable[..., object]) -> None:
    async def fail() -> None:
        async with work() as unit:
            await organisations.register_organisations(ORGANISATIONS, Provenance.DEMO, unit)
            await publishing.publish_items([DOG], Provenance.DEMO, unit)
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        await fail()
    assert await counts("outbox", "items", "item_versions", "organisations", "audit") == {
        "outbox": 0,
        "items": 0,
        "item_versions": 0,
        "organisations": 0,
        "audit": 0,
    }
