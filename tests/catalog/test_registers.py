"""The registers: codes, rows that people send, one source for each entry, what is announced and kept."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from services.catalog.demo.for_people import DOG
from services.catalog.demo.organisations import CIVIL_AFFAIRS, HEALTH, ORGANISATIONS, POLICE
from services.catalog.domain.items import Provenance
from services.catalog.domain.licences import check_character, licence_identifier, parse_identifier
from services.catalog.domain.registers import ResourceCode, code_problem, parse_resource_code, read
from services.catalog.handlers.organisations import register_organisations
from services.catalog.handlers.publishing import publish_items
from services.catalog.store.work import Work
from services.contracts.base import Text
from services.contracts.catalog_items import Material, Result
from services.kit.service import Service
from tests.catalog.acting import Doors, officer

REGISTRAR = officer("registrar", "registrar@*")
POLICE_EDITOR = officer("police", f"editor@{POLICE.id}")
HEALTH_EDITOR = officer("health", f"editor@{HEALTH.id}")
LICENCE = f"{POLICE.id}001"
NEW = {"If_None_Match": "*"}
WHY = "人口登记的基础数据"


@pytest.fixture
async def doors(catalog: Service, work: Callable[[], Work]) -> AsyncIterator[Doors]:
    await register_organisations(ORGANISATIONS, Provenance.DEMO, work())
    found = Doors(catalog)
    async with found.client:
        yield found


def element(name: str = "户籍地址", source: str = POLICE.id, **more: Any) -> dict[str, Any]:
    return {"content": {"name": {"zh": name}, "source": {"id": source}, **more}, "reason": WHY}


# Codes --------------------------------------------------------------------------------------------------------------

CODES: dict[str, list[tuple[str, bool]]] = {
    "element": [
        ("person_name", True),
        ("a", True),
        ("a" * 64, True),
        ("a" * 65, False),
        ("1a", False),
        ("Name", False),
        ("home-address", False),  # an expression would read a minus
        ("姓名", False),
        ("true", False),
        ("today", False),
        ("", False),
    ],
    "resource": [
        ("101001/000001", True),
        ("3070010A2/12", True),
        ("101001", False),  # no sequence
        ("401001/1", False),  # no such class
        ("10100/1", False),  # sub-class of two digits
        ("101001/", False),
        ("101001/1/2", False),
        ("101001/１", False),
        ("101001/" + "1" * 60, False),
    ],
    "licence": [
        (LICENCE, True),
        (f"{POLICE.id}00", False),
        (f"{POLICE.id}0010", False),
        (f"{POLICE.id[:17]}{'0' if POLICE.id[17] != '0' else '1'}001", False),  # its credit code does not check
        (f"{POLICE.id}00A", False),
    ],
}


@pytest.mark.parametrize("register", CODES)
def test_codes_of_the_registers(register: Any) -> None:
    assert [(code, code_problem(register, code) is None) for code, _ in CODES[register]] == CODES[register]


def test_a_resource_code_is_read_part_by_part() -> None:
    assert parse_resource_code("3070010A2/12") == ResourceCode("3", "07", "001", "0A2", "12")
    assert parse_resource_code("307") is None


def test_the_check_of_a_licence_identifier() -> None:
    """ISO/IEC 7064 MOD 37,36, worked by hand for A1: P 36; A: 36+10=46, mod 36 10, P 20; 1: 21, P 42 mod 37 5; the
    check c makes 5+c ≡ 1 (mod 36), so c = 32, W."""
    assert check_character("A1") == "W"
    # Published examples of the same system: Global Release Identifier (IFPI) and ISAN of ISO 15706.
    assert check_character("A12425GABC1234002") == "M"
    assert check_character("B159D8FA01240000") == "K"
    whole = licence_identifier(LICENCE, POLICE.id, "510000202600001", "001")
    assert whole.startswith(f"1.2.156.3005.2.{LICENCE}.{POLICE.id}.510000202600001.001.")
    parts = parse_identifier(whole)
    assert parts is not None
    assert (parts.licence_type, parts.issuer, parts.serial, parts.version) == (
        LICENCE,
        POLICE.id,
        "510000202600001",
        "001",
    )
    wrong = [
        whole[:-1] + ("0" if whole[-1] != "0" else "1"),
        whole.replace("202600001", "202600010"),  # two digits changed places
        whole.lower(),
        whole.replace(".001.", ".1."),
        whole.replace("3005.2", "3005.3"),
        whole.replace(LICENCE, "X" * 21),
        "",
    ]
    assert [parse_identifier(each) for each in wrong] == [None] * len(wrong)
    with pytest.raises(ValueError, match="needs"):
        licence_identifier("1", POLICE.id, "1", "001")


# Rows ---------------------------------------------------------------------------------------------------------------

_SOURCE = {"id": POLICE.id}
HOSTILE: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "no name": ("element", "a", {"source": _SOURCE}, "name"),
    "no source": ("element", "a", {"name": {"zh": "甲"}}, "source"),
    "empty name": ("element", "a", {"name": {"zh": " \u200b"}, "source": _SOURCE}, "name.zh"),
    "name is a list": ("element", "a", {"name": ["甲"], "source": _SOURCE}, "name"),
    "name nests": ("element", "a", {"name": {"zh": {"zh": "甲"}}, "source": _SOURCE}, "name.zh"),
    "name too long": ("element", "a", {"name": {"zh": "甲" * 201}, "source": _SOURCE}, "name.zh"),
    "turned name": ("element", "a", {"name": {"zh": "甲\u202e乙"}, "source": _SOURCE}, "name.zh"),
    "markup": ("element", "a", {"name": {"zh": "甲<b>"}, "source": _SOURCE}, "name.zh"),
    "control": ("element", "a", {"name": {"zh": "甲", "en": "a\x07b"}, "source": _SOURCE}, "name.en"),
    "unknown member": ("element", "a", {"name": {"zh": "甲"}, "source": _SOURCE, "sharing": "none"}, "sharing"),
    "another code": ("element", "a", {"code": "b", "name": {"zh": "甲"}, "source": _SOURCE}, "code"),
    "unknown type": ("element", "a", {"name": {"zh": "甲"}, "source": _SOURCE, "data_type": "blob"}, "data_type"),
    "source id": ("element", "a", {"name": {"zh": "甲"}, "source": {"id": "x" * 129}}, "source.id"),
    "source is text": ("element", "a", {"name": {"zh": "甲"}, "source": POLICE.id}, "source"),
    "unknown sharing": (
        "resource",
        "101001/1",
        {"name": {"zh": "甲"}, "source": _SOURCE, "sharing": "some"},
        "sharing",
    ),
    "no sharing": ("resource", "101001/1", {"name": {"zh": "甲"}, "source": _SOURCE}, "sharing"),
    "unsaid condition": (
        "resource",
        "101001/1",
        {"name": {"zh": "甲"}, "source": _SOURCE, "sharing": "conditional"},
        "condition.zh",
    ),
    "unsaid reason": (
        "resource",
        "101001/1",
        {"name": {"zh": "甲"}, "source": _SOURCE, "sharing": "none", "condition": {"zh": " "}},
        "condition.zh",
    ),
    "condition on nothing": (
        "resource",
        "101001/1",
        {"name": {"zh": "甲"}, "source": _SOURCE, "sharing": "unconditional", "condition": {"zh": "乙"}},
        "condition",
    ),
    "base register": (
        "resource",
        "301001/1",
        {"name": {"zh": "甲"}, "source": _SOURCE, "sharing": "unconditional", "base_register": "population"},
        "base_register",
    ),
    "element code": (
        "licence",
        LICENCE,
        {"name": {"zh": "甲"}, "source": _SOURCE, "elements": ["Nicht so!"]},
        "elements.0",
    ),
    "many elements": (
        "licence",
        LICENCE,
        {"name": {"zh": "甲"}, "source": _SOURCE, "elements": [f"e{n}" for n in range(201)]},
        "elements",
    ),
    "elements is text": ("licence", LICENCE, {"name": {"zh": "甲"}, "source": _SOURCE, "elements": 7}, "elements"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_row_is_refused_by_its_field(case: str) -> None:
    register, code, raw, field = HOSTILE[case]
    content, problems = read(register, code, raw)  # type: ignore[arg-type]
    assert content is None
    assert [problem.field for problem in problems] == [field]


def test_what_is_sure_is_set_right() -> None:
    raw = {"name": {"zh": " 经营　面积１ "}, "source": _SOURCE, "unit": {"zh": " 平方米 "}, "data_type": "number"}
    content, problems = read("element", " Floor_Area ", raw)
    assert problems == ()
    assert content is not None
    assert (content.code, content.name.zh) == ("floor_area", "经营 面积1")
    assert getattr(content, "unit", None) == Text(zh="平方米")
    licence, _ = read("licence", LICENCE.lower(), {"name": {"zh": "证"}, "source": _SOURCE, "elements": ["A", "a"]})
    assert licence is not None
    assert (licence.code, getattr(licence, "elements", ())) == (LICENCE, ("a",))


# One source ---------------------------------------------------------------------------------------------------------


async def test_one_source_for_each_entry(doors: Doors, catalog: Service, counts: Callable[..., Any]) -> None:
    path = "/registers/element/home_address"
    status, made = await doors(POLICE_EDITOR, "PUT", path, element(), **NEW)
    assert (status, made["register"], made["version"]) == (200, "element", 1)
    assert made["content"]["source"]["name"]["zh"] == "示例区公安分局"  # the register says what the source is called
    # A second claim, by its code and by its name, also in another writing.
    for claim in (path, "/registers/element/address_of_home"):
        status, problem = await doors(HEALTH_EDITOR, "PUT", claim, element("户籍地址 ", HEALTH.id), **NEW)
        assert (status, problem["type"]) == (409, "urn:tongban:problem:second-source")
        assert problem["holder"]["name"]["zh"] == "示例区公安分局"
        assert "示例区公安分局" in problem["detail"]
    status, problem = await doors(HEALTH_EDITOR, "PUT", path, element(source=HEALTH.id), If_Match='"1"')
    assert (status, problem["type"].rpartition(":")[2]) == (409, "second-source")
    # Nor does an editor enter what another organisation is the source of, a citizen anything.
    for who in (HEALTH_EDITOR, officer("reviewer", f"reviewer@{POLICE.id}"), officer("c", realm="citizen")):
        assert (await doors(who, "PUT", "/registers/element/other", element("别的"), **NEW))[0] == 403
    # The same source under a second name, an unknown and no source.
    refused = [
        (element(), 409, "register-name-taken"),
        (element("别的", "nobody"), 422, "invalid"),
        (element("别的") | {"reason": " "}, 422, "invalid"),
        (element("别的") | {"more": 1}, 422, "invalid"),
    ]
    for body, wanted, slug in refused:
        status, problem = await doors(REGISTRAR, "PUT", "/registers/element/another", body, **NEW)
        assert (status, problem["type"].rpartition(":")[2]) == (wanted, slug), body
    # What is there is changed by who saw it; the same again changes nothing; the registrar alone moves it.
    changed = element(definition={"zh": "户口簿上的地址"})
    assert (await doors(POLICE_EDITOR, "PUT", path, changed, **NEW))[0] == 412
    assert (await doors(POLICE_EDITOR, "PUT", path, changed))[0] == 428
    assert (await doors(POLICE_EDITOR, "PUT", path, changed, If_Match='"7"'))[0] == 412
    assert (await doors(POLICE_EDITOR, "PUT", path, changed, If_None_Match='"1"'))[0] == 400
    assert (await doors(POLICE_EDITOR, "PUT", path, changed, If_Match='"1"'))[1]["version"] == 2
    assert (await doors(POLICE_EDITOR, "PUT", path, changed, If_Match='"2"'))[1]["version"] == 2
    assert (await doors(POLICE_EDITOR, "PUT", "/registers/element/none", changed, If_Match='"1"'))[0] == 404
    status, moved = await doors(REGISTRAR, "PUT", path, element(source=CIVIL_AFFAIRS.id), If_Match='"2"')
    assert (status, moved["version"], moved["content"]["source"]["id"]) == (200, 3, CIVIL_AFFAIRS.id)
    assert await counts("register_entries", "register_versions") == {"register_entries": 1, "register_versions": 3}
    table, audit = catalog.context.tables.outbox, catalog.context.tables.audit.audit
    async with Work(catalog.context, readonly=True) as unit:
        rows = await unit.execute(table.select().order_by(table.c.id))
        sent = [row for row in rows if row.key.startswith("element:")]
        assert [row.key for row in sent] == ["element:home_address"] * 3
        assert all(b"data-element-registered" in row.headers for row in sent)
        acts = [(r.actor, r.action, r.purpose) for r in await unit.execute(audit.select().order_by(audit.c.id))][1:]
    assert acts == [
        ("police", "registers.enter", WHY),
        ("police", "registers.change", WHY),
        ("registrar", "registers.change", WHY),
    ]


async def test_registers_are_read_and_searched(doors: Doors) -> None:
    await doors(REGISTRAR, "PUT", "/registers/element/home_address", element(), **NEW)
    await doors(REGISTRAR, "PUT", "/registers/element/birth_date", element("出生日期", data_type="date"), **NEW)
    await doors(REGISTRAR, "PUT", "/registers/element/vaccination", element("免疫情况", HEALTH.id), **NEW)
    resource = {
        "name": {"zh": "人口基础信息"},
        "source": {"id": POLICE.id},
        "sharing": "conditional",
        "condition": {"zh": "办理政务服务事项时使用"},
        "base_register": "population",
        "elements": ["home_address", "birth_date"],
    }
    body = {"content": resource, "reason": WHY}
    status, made = await doors(REGISTRAR, "PUT", "/registers/resource/101001/000001", body, **NEW)
    assert (status, made["content"]["elements"]) == (200, ["home_address", "birth_date"])
    anyone = officer("gateway")
    assert (await doors(anyone, "GET", "/registers/resource/101001%2F000001"))[1] == made
    assert (await doors(anyone, "GET", "/registers/element/Birth_Date"))[1]["content"]["data_type"] == "date"
    assert (await doors(anyone, "GET", "/registers/element/nothing"))[0] == 404
    assert (await doors(anyone, "GET", "/registers/organ/x"))[0] == 422

    async def codes(query: str) -> list[str]:
        status, page = await doors(anyone, "GET", f"/registers/element{query}")
        assert status == 200, page
        return [entry["content"]["code"] for entry in page["items"]]

    assert await codes("") == ["birth_date", "home_address", "vaccination"]
    assert await codes("?q=日期") == ["birth_date"]
    assert await codes("?q=ADDRESS") == ["home_address"]
    assert await codes("?q=%25") == []  # no wildcard of people's making
    assert await codes(f"?source={HEALTH.id}") == ["vaccination"]
    licence = {"content": {"name": {"zh": "身份证"}, "source": {"id": POLICE.id}}, "reason": WHY}
    assert (await doors(REGISTRAR, "PUT", f"/registers/licence/{LICENCE}", licence, **NEW))[0] == 200
    assert len((await doors(anyone, "GET", f"/registers/licence?q={LICENCE[:12]}"))[1]["items"]) == 1
    first = (await doors(anyone, "GET", "/registers/element?limit=2"))[1]
    assert await codes(f"?limit=2&cursor={first['next']}") == ["vaccination"]
    # An element that is not registered cannot be given.
    unknown = {"content": resource | {"name": {"zh": "别的"}, "elements": ["home_address", "nothing"]}, "reason": WHY}
    status, problem = await doors(REGISTRAR, "PUT", "/registers/resource/101001/2", unknown, **NEW)
    assert (status, problem["errors"][0]["field"]) == (422, "elements.1")


async def test_what_is_in_use_is_not_closed(doors: Doors, work: Callable[[], Work]) -> None:
    await doors(REGISTRAR, "PUT", "/registers/element/home_address", element(), **NEW)
    licence = {"name": {"zh": "户口簿"}, "source": {"id": POLICE.id}, "elements": ["home_address"]}
    path = f"/registers/licence/{LICENCE}"
    assert (await doors(REGISTRAR, "PUT", path, {"content": licence, "reason": WHY}, **NEW))[0] == 200
    needs = Material(id="book", name=Text(zh="户口簿"), required=True, licence_type=LICENCE, elements=("home_address",))
    form = {
        **DOG.form,
        "properties": {**DOG.form["properties"], "extra": {"type": "string", "x-element": "home_address"}},
    }
    item = DOG.model_copy(update={"materials": (needs,), "results": (Result(name=Text(zh="证")),), "form": form})
    await publish_items([item], Provenance.DEMO, work())
    closed = {"status": "closed"}
    abolished = {"content": licence | closed, "reason": "废止"}
    status, problem = await doors(REGISTRAR, "PUT", path, abolished, If_Match='"1"')
    assert (status, problem["type"].rpartition(":")[2]) == (409, "register-entry-still-used")
    assert (problem["items"], problem["more"]) == ([DOG.code], False)
    shut = element(**closed)
    status, problem = await doors(REGISTRAR, "PUT", "/registers/element/home_address", shut, If_Match='"1"')
    assert (status, problem["items"], problem["entries"]) == (409, [DOG.code], [LICENCE])
    # Once no version in force names it, it closes, and opens again.
    await publish_items([DOG], Provenance.DEMO, work())
    assert (await doors(REGISTRAR, "PUT", path, abolished, If_Match='"1"'))[0] == 200
    status, entry = await doors(REGISTRAR, "PUT", "/registers/element/home_address", shut, If_Match='"1"')
    assert (status, entry["content"]["status"]) == (200, "closed")
    status, problem = await doors(REGISTRAR, "PUT", path, {"content": licence, "reason": "恢复"}, If_Match='"2"')
    assert (status, problem["errors"][0]["reason"]) == (422, "closed")
    assert (await doors(REGISTRAR, "PUT", "/registers/element/home_address", element(), If_Match='"2"'))[0] == 200


async def test_what_an_item_names_is_told_with_what_the_network_has(doors: Doors, work: Callable[[], Work]) -> None:
    for code, name in (("home_address", "户籍地址"), ("vaccination", "接种记录")):
        assert (await doors(REGISTRAR, "PUT", f"/registers/element/{code}", element(name), **NEW))[0] == 200
    resource = {
        "name": {"zh": "住址"},
        "source": {"id": POLICE.id},
        "sharing": "conditional",
        "elements": ["home_address"],
    }
    resource |= {"condition": {"zh": "办事时用"}, "base_register": "population"}
    await doors(REGISTRAR, "PUT", "/registers/resource/101001/1", {"content": resource, "reason": WHY}, **NEW)
    licence = {"name": {"zh": "犬证"}, "source": {"id": POLICE.id}, "elements": []}
    await doors(REGISTRAR, "PUT", f"/registers/licence/{LICENCE}", {"content": licence, "reason": WHY}, **NEW)
    asked = [("address", ("home_address",)), ("both", ("home_address", "vaccination")), ("unknown", ("nothing",))]
    needs = [Material(id=id_, name=Text(zh=id_), required=True, elements=named) for id_, named in asked]
    needs.append(Material(id="licence", name=Text(zh="证"), required=True, licence_type=LICENCE))
    item = DOG.model_copy(update={"materials": tuple(needs), "results": (Result(name=Text(zh="证")),)})
    await publish_items([item], Provenance.DEMO, work())
    path, anyone = f"/items/{DOG.code}/named", officer("gateway")
    status, told = await doors(anyone, "GET", path)
    assert status == 200, told
    entries = {(each["register"], each["code"]) for each in told["entries"]}
    assert entries == {("element", "home_address"), ("element", "vaccination"), ("licence", LICENCE)}
    known = {each["material"]: each["source"]["id"] for each in told["known"]}
    assert known == {"address": POLICE.id, "licence": POLICE.id}, "what proves something else besides is still needed"
    assert (await doors(anyone, "GET", f"{path}?version=1"))[1] == told
    for query, status in (("?version=9", 404), ("?version=0", 422)):
        assert (await doors(anyone, "GET", path + query))[0] == status
    assert (await doors(anyone, "GET", "/items/NOTHING/named"))[0] == 404


async def test_of_two_claims_at_once_one_is_refused(doors: Doors) -> None:
    claims = [("home_address", POLICE.id), ("home_address", HEALTH.id), ("address", CIVIL_AFFAIRS.id)]
    answers = await asyncio.gather(
        *(
            doors(REGISTRAR, "PUT", f"/registers/element/{code}", element(source=source), **NEW)
            for code, source in claims
        )
    )
    assert sorted(status for status, _ in answers) == [200, 409, 409]
    holder = next(body["content"]["source"] for status, body in answers if status == 200)
    assert [body["holder"] for status, body in answers if status == 409] == [holder, holder]
