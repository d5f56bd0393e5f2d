"""The catalogue over HTTP: what a guide page gets, who may ask, and what hostile queries get."""

import base64
import datetime
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import insert

from services.catalog.demo import DEMO_ITEMS, load_demo
from services.catalog.demo.bundles import DEMO_BUNDLES
from services.catalog.demo.for_people import DOG, RESIDENCE_PERMIT
from services.catalog.demo.organisations import DISTRICT, POLICE
from services.catalog.domain.items import ItemContent, Outcome, Provenance
from services.catalog.domain.life import ItemStatus
from services.catalog.domain.periods import day_of
from services.catalog.handlers import publishing
from services.catalog.store.tables import appeals
from services.catalog.store.work import Work
from services.contracts.catalog_items import ItemPublished
from services.kit.service import Service


@pytest.fixture(autouse=True)
async def demo(catalog: Service) -> None:
    await load_demo(catalog)


async def test_demo_data_loads_once(catalog: Service, counts: Callable[..., Any]) -> None:
    tables = ("outbox", "items", "item_versions", "organisations", "search_documents", "search_names")
    before = await counts(*tables)
    found = len(DEMO_ITEMS) + len(DEMO_BUNDLES)
    assert (before["search_documents"], before["item_versions"]) == (found, before["items"])
    await load_demo(catalog)
    assert await counts(*tables) == before


async def test_items_are_what_was_published(client: httpx.AsyncClient) -> None:
    for content in DEMO_ITEMS:
        await _compare(client, content)


async def _compare(client: httpx.AsyncClient, content: ItemContent) -> None:
    answer = await client.get(f"/items/{content.code}")
    assert answer.status_code == 200
    assert answer.headers["etag"].startswith('"1-')
    item = ItemPublished.model_validate(answer.json())
    assert item.item_version == 1
    for name in type(content).model_fields:
        assert getattr(item, name) == getattr(content, name), name
    # The order of fields and pages is what people are asked in, so it survives the database.
    assert list(item.form["properties"]) == list(content.form["properties"])
    assert (await client.get(f"/items/{content.code.lower()}")).json() == answer.json()


async def test_the_event_is_what_the_api_shows(client: httpx.AsyncClient, catalog: Service) -> None:
    table = catalog.context.tables.outbox
    async with Work(catalog.context, readonly=True) as work:
        [row] = (await work.execute(table.select().where(table.c.key == DOG.code))).all()
    assert row.topic == "catalog.items"
    event = ItemPublished.model_validate_json(row.value)
    standing = {"status": "published", "status_reason": "", "current_version": 1}
    assert event.model_dump(mode="json") | standing == (await client.get(f"/items/{DOG.code}")).json()
    headers = dict(json.loads(row.headers))
    assert headers["ce_type"] == "cn.tongban.catalog.item-published.v1"
    assert headers["ce_aggregateversion"] == "1"


async def test_old_versions_stay(client: httpx.AsyncClient, work: Callable[[], Work]) -> None:
    changed = RESIDENCE_PERMIT.model_copy(update={"visits": 1})
    assert await publishing.publish_items([changed], Provenance.DEMO, work()) == [Outcome.CHANGED]
    assert await publishing.publish_items([changed], Provenance.DEMO, work()) == [Outcome.UNCHANGED]
    path = f"/items/{changed.code}"
    now, old = (await client.get(path)).json(), (await client.get(f"{path}/versions/1")).json()
    assert (now["item_version"], now["visits"], now["current_version"]) == (2, 1, 2)
    assert (old["item_version"], old["visits"], old["current_version"]) == (1, 0, 2)
    assert (await client.get(f"{path}/versions/2")).json() == now


async def test_a_guide_is_sent_once(client: httpx.AsyncClient, work: Callable[[], Work]) -> None:
    """Its ETag stands for all that it shows: content, status, aliases."""
    path = f"/items/{DOG.code}"
    tags = []

    async def changed() -> None:
        answer = await client.get(path, headers={"If-None-Match": ", ".join(['"x"', *tags[-1:]])})
        assert answer.status_code == 200
        tags.append(answer.headers["etag"])
        for known in (tags[-1], f"W/{tags[-1]}", f'"x", {tags[-1]}', "*"):
            again = await client.get(path, headers={"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tags[-1])

    await changed()
    async with work() as unit:
        await unit.codes.add_aliases({"OLD-CODE": DOG.code}, "改革 (reform)", unit.now())
    await changed()
    assert (await client.get("/items/old-code")).json() == (await client.get(path)).json()
    assert (await client.get(path)).json()["aliases"] == ["OLD-CODE"]
    async with work() as unit:
        row = {
            "id": "7" * 32, "code": DOG.code, "rule": "visit-reason", "field": "visits", "state": "granted",
            "author": "a", "author_name": "陈静", "reason": "r", "decided_by": "b", "decision": "三个月内改为网上办",
            "until": day_of(unit.now()), "created_at": unit.now(),
        }  # fmt: skip
        await unit.execute(insert(appeals), [row, {**row, "id": "8" * 32, "until": datetime.date(2020, 1, 1)}])
    await changed()
    exemption = {"rule": "visit-reason", "field": "visits", "reason": "三个月内改为网上办"}
    assert (await client.get(path)).json()["exemptions"] == [exemption | {"until": row["until"].isoformat()}]
    async with work() as unit:
        await unit.items.change_status(DOG.code, 2, ItemStatus.SUSPENDED, "系统升级")
        await unit.search.index([DOG])
    await changed()
    assert (await client.get(path)).json()["status_reason"] == "系统升级"
    assert (await client.get("/items", params={"q": "犬类"})).json()["items"] == []
    async with work() as unit:
        await unit.items.change_status(DOG.code, 3, ItemStatus.PUBLISHED, "")
        await unit.search.index([DOG])
    await changed()
    later = DOG.model_copy(update={"visits": 7})
    assert await publishing.publish_items([later], Provenance.DEMO, work()) == [Outcome.CHANGED]
    await changed()
    assert tags[4] == tags[2] != tags[3]
    assert len(set(tags)) == 5
    [found] = (await client.get("/items", params={"q": "犬类"})).json()["items"]
    assert (found["version"], found["visits"]) == (2, 7)


async def test_a_list_tells_what_a_list_shows(client: httpx.AsyncClient) -> None:
    [found] = (await client.get("/items", params={"q": "犬类", "division": DISTRICT})).json()["items"]
    assert found["code"] == DOG.code
    assert found["name"] == {"zh": "犬类准养登记", "en": "Dog registration"}
    assert found["organisation"]["id"] == POLICE.id
    assert found["limits"] == {"statutory": None, "promised": None}
    assert found["subjects"] == ["person", "company"]
    organisations = (await client.get("/organisations", params={"division": DISTRICT})).json()["items"]
    [police] = [organisation for organisation in organisations if organisation["id"] == POLICE.id]
    assert (police["items"], police["uscc_verified"]) == (2, True)


async def test_no_token_no_answer(catalog: Service) -> None:
    transport = httpx.ASGITransport(catalog.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://catalog") as stranger:
        for path in ["/items", "/items/X", "/items/X/versions/1", "/organisations"]:
            answer = await stranger.get(path)
            assert answer.status_code == 401, path
            assert answer.json()["type"] == "urn:tongban:problem:unauthenticated"
            assert (await stranger.get(path, headers={"Authorization": "Bearer x.y.z"})).status_code == 401, path


def cursor(*values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


BAD_INPUT = [
    ("/items/NOT-THERE", 404, "item-not-found"),
    ("/items/%E4%BA%8B", 404, "item-not-found"),
    ("/items/NOT-THERE/versions/1", 404, "item-not-found"),
    (f"/items/{DOG.code}/versions/9", 404, "item-version-not-found"),
    (f"/items/{DOG.code}/versions/0", 422, "invalid"),
    (f"/items/{DOG.code}/versions/99999999999", 422, "invalid"),
    ("/items/" + "9" * 200, 422, "invalid"),
    ("/items?subject=dog", 422, "invalid"),
    ("/items?division=51", 422, "invalid"),
    ("/items?limit=0", 422, "invalid"),
    ("/items?limit=101", 422, "invalid"),
    ("/items?q=" + "x" * 101, 422, "invalid"),
    ("/items?q=a&q=b", 400, "malformed"),
    ("/items?q=%00", 400, "malformed"),
    ("/items?q=%ff", 400, "malformed"),
    ("/items?cursor=%21", 422, "invalid"),
    ("/items?cursor=abc", 400, "malformed"),
    (f"/items?cursor={cursor('a', 1)}", 400, "malformed"),
    (f"/items?cursor={cursor(2**40, 'a')}", 400, "malformed"),
    (f"/items?cursor={cursor(True, 'a')}", 400, "malformed"),
    (f"/items?cursor={cursor(1, chr(0))}", 400, "malformed"),
    (f"/organisations?cursor={cursor(1)}", 400, "malformed"),
    (f"/organisations?cursor={cursor(chr(0))}", 400, "malformed"),
]


async def test_bad_input(client: httpx.AsyncClient) -> None:
    answers = [await client.get(path) for path, _, _ in BAD_INPUT]
    found = [
        (path, answer.status_code, answer.json()["type"].removeprefix("urn:tongban:problem:"))
        for (path, _, _), answer in zip(BAD_INPUT, answers, strict=True)
    ]
    assert found == BAD_INPUT
    assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}


async def test_only_punctuation_finds_nothing(client: httpx.AsyncClient) -> None:
    found = (await client.get("/items", params={"q": "？！"})).json()
    assert (found["items"], found["next"], found["total"]) == ([], None, {"count": 0, "more": False})
