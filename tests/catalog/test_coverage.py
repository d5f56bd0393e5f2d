"""Coverage (应上尽上): what a department should offer, has published, has online, and the reason for the rest."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from services.catalog.demo.for_people import RESIDENCE_PERMIT
from services.catalog.demo.organisations import HEALTH, LABOUR, POLICE
from services.catalog.domain.codes import base_code, implementation_code
from services.catalog.domain.items import ItemContent, Provenance
from services.catalog.handlers import coverage
from services.catalog.handlers.organisations import register_organisations
from services.catalog.handlers.publishing import publish_items
from services.catalog.store.work import Work
from services.contracts.base import Text
from services.contracts.catalog_items import Organisation
from services.contracts.catalog_organisations import Function
from services.kit.auth import Principal
from tests.catalog.people import CHEN, CITIZEN, CLERK, GATEWAY, ZHOU

BASES = [base_code("51", "01", "09", number) for number in range(1, 7)]


def item(number: int, depth: int | None, **fields: Any) -> ItemContent:
    changes = {
        "code": implementation_code(LABOUR.id, 4, BASES[number]),
        "base": BASES[number],
        "organisation": Organisation(id=LABOUR.id, name=LABOUR.name),
        "online_depth": depth,
        "name": Text(zh=f"事项{number}"),
    }
    return RESIDENCE_PERMIT.model_copy(update=changes | fields)


def function(name: str, *items: int, reason: str | None = None) -> Function:
    return Function(
        id=name, name=Text(zh=name), items=tuple(BASES[at] for at in items), reason=Text(zh=reason) if reason else None
    )


FUNCTIONS = (
    function("就业", 0, 1),
    function("工伤", 1, 2, 5),
    function("仲裁", reason="由仲裁院承担"),
    function("宣传"),
)


@pytest.fixture
async def filled(work: Callable[[], Work]) -> None:
    async with work() as held:
        labour, closed = replace(LABOUR, functions=FUNCTIONS), replace(POLICE, status="closed")
        await register_organisations([labour, replace(HEALTH, functions=()), closed], Provenance.DEMO, held)
        reviewed = [
            item(0, 4),
            item(1, 3, offline_reason=Text(zh="要面谈"), visit_reason=Text(zh="不用")),
            item(3, 1, visit_reason=Text(zh="核对原件")),
            item(4, None, kind="base", code=BASES[4], base=None),  # nobody applies for it
        ]
        await publish_items(reviewed, Provenance.EDITOR, held)
        await publish_items([item(2, None), item(5, 2)], Provenance.IMPORT, held)
        retired = {"code": item(5, 2).code}
        await held.execute(text("UPDATE items SET status = 'retired' WHERE code = :code"), retired)


@pytest.mark.usefixtures("filled")
async def test_what_is_there_what_is_not_and_why(signed_in: Callable[[Principal], Any]) -> None:
    found = (await signed_in(CHEN).get(f"/coverage/{LABOUR.id}")).json()
    assert found["organisation"] == {"id": LABOUR.id, "name": LABOUR.name.model_dump()}
    counted = {
        name: found[name] for name in ("functions", "expected", "fulfilled", "published", "unlinted", "by_depth")
    }
    assert counted == {
        "functions": 4,
        "expected": 4,
        "fulfilled": 3,
        "published": 4,
        "unlinted": 1,
        "by_depth": {"1": 1, "2": 0, "3": 1, "4": 1},
    }
    assert [(each["name"]["zh"], each["depth"], (each["reason"] or {}).get("zh")) for each in found["not_online"]] == [
        ("事项1", 3, "要面谈"),
        ("事项2", None, None),
        ("事项3", 1, "核对原件"),
    ]
    assert not found["not_online_more"]
    missing = [(each["function"]["id"], each["items"], (each["reason"] or {}).get("zh")) for each in found["missing"]]
    assert missing == [("工伤", [BASES[5]], None), ("仲裁", [], "由仲裁院承担"), ("宣传", [], None)]


@pytest.mark.usefixtures("filled")
async def test_officers_see_where_they_work(
    signed_in: Callable[[Principal], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coverage, "MOST_IN_LIST", 2)
    mine = (await signed_in(CHEN).get("/coverage")).json()
    assert [row["organisation"]["id"] for row in mine["items"]] == [LABOUR.id]
    assert (len(mine["items"][0]["not_online"]), mine["items"][0]["not_online_more"]) == (2, True)
    first = (await signed_in(ZHOU).get("/coverage", params={"limit": 1})).json()
    rest = (await signed_in(ZHOU).get("/coverage", params={"limit": 1, "cursor": first["next"]})).json()
    assert [page["items"][0]["organisation"]["id"] for page in (first, rest)] == sorted((LABOUR.id, HEALTH.id))
    assert rest["next"] is None  # a closed organisation offers nothing
    empty = next(row for page in (first, rest) for row in page["items"] if row["organisation"]["id"] == HEALTH.id)
    assert (empty["expected"], empty["published"], empty["missing"]) == (0, 0, [])
    for division, count in ((LABOUR.division, 2), ("110101000000", 0)):
        found = (await signed_in(ZHOU).get("/coverage", params={"division": division})).json()
        assert len(found["items"]) == count
    assert (await signed_in(CLERK).get("/coverage")).json()["items"] == []
    for who, id_, status in (
        (CHEN, HEALTH.id, 404),
        (CLERK, LABOUR.id, 404),
        (ZHOU, "nobody", 404),
        (CITIZEN, LABOUR.id, 403),
        (GATEWAY, LABOUR.id, 403),
    ):
        assert (await signed_in(who).get(f"/coverage/{id_}")).status_code == status, (who.sub, id_)
    assert (await signed_in(ZHOU).get("/coverage", params={"cursor": "x"})).status_code == 400
