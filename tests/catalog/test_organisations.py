"""Organisations: kept by the registrar in a tree, every state of theirs, and what is refused of one."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from services.catalog.demo.for_people import DOG
from services.catalog.demo.organisations import DISTRICT, ORGANISATIONS, POLICE
from services.catalog.domain.codes import mint_uscc
from services.catalog.domain.items import Provenance
from services.catalog.domain.organisations import cycle_through, read
from services.catalog.handlers.organisations import register_organisations
from services.catalog.handlers.publishing import publish_items
from services.catalog.store.work import Work
from services.contracts.catalog_organisations import OrganisationRegistered
from services.kit.auth import Grant, Principal, caller
from services.kit.service import Service

YEAR = 2026
USCC = mint_uscc("11", "511602", "TB900001")
OTHER = mint_uscc("12", "511602", "TB900002")
THIRD = mint_uscc("11", "511602", "TB900003")
ISSUED_WRONG = "91350203M0001QKT19"
"""Really issued, and its check character is wrong."""


def raw(**changed: Any) -> dict[str, Any]:
    return {"name": {"zh": "示例区水务局"}, "division": DISTRICT, "uscc": USCC, "level": 4} | changed


FUNCTION = {
    "id": "water.supply",
    "name": {"zh": "城乡供水管理", "en": "Water supply"},
    "basis": {"law": "城市供水条例", "article": "第七条"},
    "items": ["510123002000"],
}


def test_what_is_set_right() -> None:
    state, problems = read(
        raw(name={"zh": " 示例区 水务局１ ", "en": " "}, uscc=f" {USCC.lower()} ", division="511602"), YEAR
    )
    assert not problems
    assert state is not None
    assert (state.id, state.name.zh, state.name.en) == (USCC, "示例区 水务局1", None)
    assert (state.division, state.uscc_verified) == (DISTRICT, True)
    nameless, _ = read({"name": {"zh": "区水务局"}, "division": DISTRICT}, YEAR)
    assert nameless is not None
    assert (nameless.id, nameless.uscc_verified) == (f"{DISTRICT}:区水务局", False)


def test_a_code_that_was_issued_wrong_is_kept_with_proof() -> None:
    assert read(raw(uscc=ISSUED_WRONG), YEAR)[0] is None
    state, _ = read(raw(uscc=ISSUED_WRONG, uscc_proof="登记证照片，2019 年发"), YEAR)
    assert state is not None
    assert (state.id, state.uscc, state.uscc_verified) == (ISSUED_WRONG, ISSUED_WRONG, False)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"name": {"zh": ""}}, ("name.zh", "required")),
        ({"name": {"zh": "  "}}, ("name.zh", "required")),
        ({"name": {"zh": "水" * 101}}, ("name.zh", "too_long")),
        ({"name": {"zh": "<b>水务局</b>"}}, ("name.zh", "markup")),
        ({"name": {"zh": "水务局\u202e"}}, ("name.zh", "bad_character")),
        ({"name": {"zh": "水务局", "en": "a\x00"}}, ("name.en", "bad_character")),
        ({"name": "水务局"}, ("name", "model_type")),
        ({"division": "511699000000"}, ("division", "unknown_division")),
        ({"division": "110103000000"}, ("division", "unknown_division")),  # 崇文区, until 2010
        ({"division": "here"}, ("division", "unknown_division")),
        ({"uscc": f"{USCC[:-1]}{'1' if USCC[-1] != '1' else '2'}"}, ("uscc", "check")),
        ({"uscc": ISSUED_WRONG}, ("uscc", "check")),
        ({"uscc": "12345"}, ("uscc", "malformed")),
        ({"uscc": "12345", "uscc_proof": "a photograph"}, ("uscc", "malformed")),  # no proof makes it a code
        ({"uscc_proof": "a photograph"}, ("uscc_proof", "unneeded")),
        ({"uscc": None, "uscc_proof": "a photograph"}, ("uscc_proof", "unneeded")),
        ({"kind": "club"}, ("kind", "literal_error")),
        ({"level": 0}, ("level", "range")),
        ({"level": 8}, ("level", "range")),
        ({"level": "four"}, ("level", "int_parsing")),
        ({"parent": USCC}, ("parent", "cycle")),
        ({"functions": [FUNCTION, FUNCTION]}, ("functions.1.id", "repeated")),
        ({"functions": [FUNCTION | {"id": "a b"}]}, ("functions.0.id", "format")),
        ({"functions": [FUNCTION | {"name": {"zh": ""}}]}, ("functions.0.name.zh", "required")),
        ({"functions": [FUNCTION | {"basis": {"law": ""}}]}, ("functions.0.basis.law", "required")),
        ({"functions": [FUNCTION | {"items": ["事项"]}]}, ("functions.0.items", "format")),
        ({"functions": [FUNCTION] * 201}, ("functions", "too_many")),
        ({"functions": "none"}, ("functions", "tuple_type")),
    ],
)
def test_what_is_refused(changed: dict[str, Any], problem: tuple[str, str]) -> None:
    state, problems = read(raw(**changed), YEAR)
    assert state is None
    assert [(each.field, each.reason) for each in problems] == [problem]


def test_chains_of_parents() -> None:
    assert cycle_through("a", {"a": "b", "b": "c", "c": None}) == ()
    assert cycle_through("a", {"a": "b", "b": "c", "c": "a"}) == ("a", "b", "c", "a")
    assert cycle_through("a", {"a": "a"}) == ("a", "a")
    # A cycle further up is another's.
    assert cycle_through("a", {"a": "b", "b": "c", "c": "b"}) == ()


@pytest.fixture
def registrar(catalog: Service, client: httpx.AsyncClient) -> httpx.AsyncClient:
    """The same client, as 周洁, who keeps the organisations."""
    who = Principal(
        sub="zhou",
        name="周洁",
        client_id="desk",
        realm="staff",
        grants=(Grant(org="*", role="registrar"),),
        jti="1",
        exp=2**31,
    )
    catalog.app.dependency_overrides[caller] = lambda: who  # type: ignore[attr-defined]
    return client


async def put(client: httpx.AsyncClient, id_: str, state: dict[str, Any], seen: str | None = None) -> httpx.Response:
    headers = {"If-Match": seen} if seen else {}
    return await client.put(f"/organisations/{id_}", json={"state": state, "reason": "依据三定方案"}, headers=headers)


def slug(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:tongban:problem:")


async def test_an_organisation_is_registered_and_changed(
    registrar: httpx.AsyncClient, catalog: Service, counts: Callable[..., Any]
) -> None:
    made = await put(registrar, USCC, raw(functions=[FUNCTION]))
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    child = await put(registrar, OTHER, raw(uscc=OTHER, name={"zh": "示例区自来水厂"}, kind="enterprise", parent=USCC))
    assert child.status_code == 201
    assert [above["id"] for above in child.json()["above"]] == [USCC]
    # Said again it changes nothing.
    again = await put(registrar, USCC, raw(functions=[FUNCTION]), '"1"')
    assert (again.status_code, again.headers["etag"]) == (200, '"1"')
    changed = await put(registrar, USCC, raw(level=3), '"1"')
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    shown = (await registrar.get(f"/organisations/{USCC}")).json()
    assert (shown["level"], shown["functions"], shown["children"], shown["items"]) == (3, [], 1, 0)
    assert [(past["version"], past["reason"]) for past in shown["history"]] == [
        (2, "依据三定方案"),
        (1, "依据三定方案"),
    ]
    past = (await registrar.get(f"/organisations/{USCC}/versions", params={"limit": 1})).json()
    assert [(each["version"], each["actor"], each["state"]["level"]) for each in past["items"]] == [(2, "zhou", 3)]
    before = (await registrar.get(f"/organisations/{USCC}/versions", params={"cursor": past["next"]})).json()
    assert [each["state"]["functions"][0]["id"] for each in before["items"]] == ["water.supply"]
    # Event, history and audit went with the state.
    assert await counts("outbox", "organisations", "organisation_versions", "audit") == {
        "outbox": 3,
        "organisations": 2,
        "organisation_versions": 3,
        "audit": 3,
    }
    table = catalog.context.tables.outbox
    async with Work(catalog.context, readonly=True) as work:
        rows = (await work.execute(table.select().where(table.c.key == USCC).order_by(table.c.id))).all()
    events = [OrganisationRegistered.model_validate_json(row.value) for row in rows]
    assert [(event.level, len(event.functions)) for event in events] == [(4, 1), (3, 0)]


async def test_lists_are_narrowed(registrar: httpx.AsyncClient) -> None:
    await put(registrar, USCC, raw())
    await put(registrar, OTHER, raw(uscc=OTHER, name={"zh": "示例区自来水厂"}, kind="enterprise", parent=USCC))
    await put(registrar, f"{DISTRICT}:区水文站", {"name": {"zh": "区水文站"}, "division": DISTRICT})
    for query, found in [
        ({}, {USCC, OTHER, f"{DISTRICT}:区水文站"}),
        ({"kind": "enterprise"}, {OTHER}),
        ({"parent": USCC}, {OTHER}),
        ({"q": "水"}, {USCC, OTHER, f"{DISTRICT}:区水文站"}),
        ({"q": "自来水"}, {OTHER}),
        ({"q": "%"}, set()),
        ({"q": USCC.lower()}, {USCC}),
        ({"division": "510000000000"}, set()),
        ({"status": "closed"}, set()),
        ({"status": "any"}, {USCC, OTHER, f"{DISTRICT}:区水文站"}),
    ]:
        answer = (await registrar.get("/organisations", params=query)).json()
        assert {each["id"] for each in answer["items"]} == found, query


async def test_the_tree_has_no_holes_and_no_cycles(registrar: httpx.AsyncClient) -> None:
    await put(registrar, USCC, raw())
    await put(registrar, OTHER, raw(uscc=OTHER, parent=USCC))
    await put(registrar, THIRD, raw(uscc=THIRD, parent=OTHER))
    refused = await put(registrar, USCC, raw(parent=THIRD), '"1"')
    assert slug(refused) == (422, "organisation-invalid")
    assert refused.json()["errors"] == [
        {"field": "parent", "reason": "cycle", "detail": f"{USCC} → {THIRD} → {OTHER} → {USCC}"}
    ]
    refused = await put(registrar, USCC, raw(parent="nobody"), '"1"')
    assert [each["reason"] for each in refused.json()["errors"]] == ["unknown"]


async def test_who_may_and_who_saw_what(registrar: httpx.AsyncClient, catalog: Service) -> None:
    assert slug(await put(registrar, USCC, raw(), '"1"')) == (412, "version-mismatch")
    assert (await put(registrar, USCC, raw())).status_code == 201
    assert slug(await put(registrar, USCC, raw(level=3))) == (428, "if-match-required")
    assert slug(await put(registrar, USCC, raw(level=3), '"2"')) == (412, "version-mismatch")
    # A new organisation has the id that its USCC, or division and name, make.
    assert slug(await put(registrar, "somebody", raw(uscc=OTHER))) == (422, "organisation-invalid")
    assert slug(await put(registrar, OTHER, {"name": {"zh": "x"}, "division": DISTRICT})) == (
        422,
        "organisation-invalid",
    )
    assert slug(await registrar.get("/organisations/nobody")) == (404, "organisation-not-found")
    assert slug(await registrar.get("/organisations/nobody/versions")) == (404, "organisation-not-found")
    for body in [{}, {"state": [], "reason": "x"}, {"state": raw()}, {"state": raw(), "reason": " "}]:
        assert (await registrar.put(f"/organisations/{USCC}", json=body)).status_code == 422, body
    grants = [(), (Grant(org="*", role="editor"),), (Grant(org=OTHER, role="registrar"),)]
    for grant in grants:
        who = Principal(sub="x", client_id="desk", realm="staff", grants=grant, jti="1", exp=2**31)
        catalog.app.dependency_overrides[caller] = lambda who=who: who  # type: ignore[attr-defined]
        assert (await put(registrar, USCC, raw(level=3), '"1"')).status_code == 403, grant
    citizen = Principal(sub="c", client_id="portal", realm="citizen", jti="1", exp=2**31)
    catalog.app.dependency_overrides[caller] = lambda: citizen  # type: ignore[attr-defined]
    assert (await put(registrar, USCC, raw(level=3), '"1"')).status_code == 403
    assert (await registrar.get(f"/organisations/{USCC}/versions")).status_code == 403


async def test_what_items_carry_changes_by_a_reform(registrar: httpx.AsyncClient, work: Callable[[], Work]) -> None:
    await register_organisations(ORGANISATIONS, Provenance.DEMO, work())
    await publish_items([DOG], Provenance.DEMO, work())
    state = POLICE.document() | {"name": {"zh": "示例区公安局"}}
    refused = await put(registrar, POLICE.id, state, '"1"')
    assert slug(refused) == (409, "reform-needed")
    assert [each["field"] for each in refused.json()["errors"]] == ["name"]
    # What items do not carry may change.
    assert (await put(registrar, POLICE.id, POLICE.document() | {"functions": [FUNCTION]}, '"1"')).status_code == 200


async def test_item_types_over_http(client: httpx.AsyncClient) -> None:
    types = (await client.get("/item-types")).json()["item_types"]
    national = [each for each in types if each["province"] is None]
    assert national[0] == {"code": "01", "name": {"zh": "行政许可", "en": "Licence"}, "province": None}
    assert (len(national), national[-1]["code"]) == (11, "20")
    assert [(each["code"], each["province"]) for each in types[11:]] == [("21", "440000000000")]


async def test_divisions_over_http(client: httpx.AsyncClient) -> None:
    provinces = (await client.get("/divisions", params={"limit": 100})).json()["items"]
    assert len(provinces) == 34
    first = (await client.get("/divisions", params={"parent": "110000000000", "on": 2009, "limit": 10})).json()
    rest = (
        await client.get("/divisions", params={"parent": "110000000000", "on": 2009, "cursor": first["next"]})
    ).json()
    names = [each["name"] for page in (first, rest) for each in page["items"]]
    assert (len(names), "崇文区" in names, rest["next"]) == (18, True, None)
    history = (await client.get("/divisions/110103000000", params={"on": 2009})).json()
    assert [(each["name"], each["until"]) for each in history["names"]] == [("崇文区", 2010)]
    assert history["names"][0]["successors"] == [{"code": "110101000000", "year": None}]
    assert [each["name"] for each in history["above"]] == ["北京市", "崇文区"]
    for path, status in [
        ("/divisions?parent=51", 422),
        ("/divisions?on=1980", 422),
        ("/divisions?on=x", 422),
        ("/divisions?cursor=WzFd", 400),
        ("/divisions/510199000000", 404),
        ("/divisions/x", 422),
    ]:
        assert (await client.get(path)).status_code == status, path


# From files.

KINDS = {"csv": "text/csv", "jsonl": "application/x-ndjson"}


async def sent(client: httpx.AsyncClient, text: str | bytes, kind: str = "csv") -> dict[str, Any]:
    answer = await client.post("/organisations/imports", content=text, headers={"Content-Type": KINDS[kind]})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def told(report: dict[str, Any]) -> list[tuple[int, str, str]]:
    return [(each["row"], each["field"], each["reason"]) for each in report["problems"]]


CSV = f"""名称,英文名称,行政区划,统一社会信用代码,类型,层级,上级,职能
示例区水务局,Demo Water Bureau,511602,{USCC},机关,县级,{THIRD},"[{{""id"":""w"",""name"":{{""zh"":""供水""}}}}]"
示例区自来水公司,,{DISTRICT},{OTHER.lower()},公共企事业单位,4,{USCC},
示例区人民政府,Demo District Government,{DISTRICT},{THIRD},organ,4,,
区水文站,,{DISTRICT},,,5,{USCC},
"""


async def test_a_file_of_organisations(registrar: httpx.AsyncClient, counts: Callable[..., Any]) -> None:
    report = await sent(registrar, "\ufeff" + CSV)
    assert (report["created"], report["refused"]) == (4, 0), report
    water = (await registrar.get(f"/organisations/{USCC}")).json()
    assert (water["name"]["en"], water["level"], water["parent"], water["children"]) == (
        "Demo Water Bureau",
        4,
        THIRD,
        2,
    )
    assert [function["id"] for function in water["functions"]] == ["w"]
    assert (await registrar.get(f"/organisations/{OTHER}")).json()["kind"] == "enterprise"
    before = await counts("outbox", "organisation_versions", "audit")
    assert (await sent(registrar, CSV))["unchanged"] == 4
    assert await counts("outbox", "organisation_versions", "audit") == before
    # What a file does not say stays.
    fewer = f"name,division,uscc\n示例区水务局,511602,{USCC}\n"
    assert (await sent(registrar, fewer))["changed"] == 0
    water = (await registrar.get(f"/organisations/{USCC}")).json()
    assert (water["parent"], [function["id"] for function in water["functions"]]) == (THIRD, ["w"])


async def test_good_rows_are_kept_and_bad_ones_told(registrar: httpx.AsyncClient) -> None:
    rows = [
        raw(parent=OTHER),  # 1: its parent comes later
        raw(uscc=OTHER, name="示例区人民政府"),
        raw(uscc=USCC),  # 3: a second one
        raw(uscc=ISSUED_WRONG),
        raw(uscc=ISSUED_WRONG, uscc_proof="登记证照片"),
        raw(uscc=THIRD, parent="nobody"),
        {"name": "甲", "division": DISTRICT, "parent": f"{DISTRICT}:乙"},
        {"name": "乙", "division": DISTRICT, "parent": f"{DISTRICT}:甲"},
        {"name": "丙", "division": DISTRICT, "parent": f"{DISTRICT}:甲"},
        {"name": "丁", "division": "110103"},
        {"name": ["戊"], "division": DISTRICT},
        {"name": "己", "division": DISTRICT, "functions": "{"},
        {"name": "庚\u202e", "division": DISTRICT},
        {"name": "辛", "division": DISTRICT, "id": "another"},
        {"name": "壬", "division": DISTRICT, "level": {"a": 1}},
    ]
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode() + b'\n{"name": "\xff"}\n[]\n'
    report = await sent(registrar, text, "jsonl")
    assert (report["rows"], report["created"]) == (17, 3)
    assert sorted(told(report)) == [
        (3, "id", "repeated_id"),
        (4, "uscc", "check"),
        (6, "parent", "unknown"),
        (7, "parent", "cycle"),
        (8, "parent", "cycle"),
        (9, "parent", "unknown"),
        (10, "division", "unknown_division"),
        (11, "name", "model_type"),
        (12, "functions", "malformed"),
        (13, "name.zh", "bad_character"),
        (14, "id", "mismatch"),
        (15, "level", "int_type"),
        (16, "row", "unreadable_json"),
        (17, "row", "unreadable_json"),
    ]
    [chain] = [each["detail"] for each in report["problems"] if each["row"] == 7]
    assert chain == f"{DISTRICT}:甲 → {DISTRICT}:乙 → {DISTRICT}:甲"
    assert (await registrar.get(f"/organisations/{USCC}")).json()["parent"] == OTHER


async def test_a_file_may_turn_the_tree_round_and_no_more(
    registrar: httpx.AsyncClient, work: Callable[[], Work]
) -> None:
    await sent(registrar, CSV)
    # The bureau becomes the top, the government goes below it: in the order of the rows a cycle, in the end none.
    turned = f"uscc,name,division,parent\n{THIRD},示例区人民政府,{DISTRICT},{USCC}\n{USCC},示例区水务局,{DISTRICT},\n"
    report = await sent(registrar, turned)
    assert (report["changed"], told(report)) == (2, [])
    assert (await registrar.get(f"/organisations/{THIRD}")).json()["parent"] == USCC
    # A name that items carry is no import's to change.
    await register_organisations(ORGANISATIONS, Provenance.DEMO, work())
    await publish_items([DOG], Provenance.DEMO, work())
    report = await sent(registrar, f"uscc,name,division\n{POLICE.id},别的局,{DISTRICT}\n")
    assert told(report) == [(2, "name", "reform-needed")]


async def test_what_is_no_such_file(registrar: httpx.AsyncClient, catalog: Service) -> None:
    for content, kind, status in [
        (b"", "text/csv", 400),
        (b"\xff\xfe", "text/csv", 400),
        (b"name,name\n", "text/csv", 400),
        (b"{}", "application/json", 415),
        (b"", "application/x-ndjson", 200),
    ]:
        answer = await registrar.post("/organisations/imports", content=content, headers={"Content-Type": kind})
        assert answer.status_code == status, (content, kind, answer.text)
    who = Principal(
        sub="x", client_id="desk", realm="staff", grants=(Grant(org=USCC, role="registrar"),), jti="1", exp=2**31
    )
    catalog.app.dependency_overrides[caller] = lambda: who  # type: ignore[attr-defined]
    answer = await registrar.post("/organisations/imports", content=CSV, headers={"Content-Type": "text/csv"})
    assert answer.status_code == 403
