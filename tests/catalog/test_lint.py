"""What is refused at publishing: every rule with contents that pass and contents that do not."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.catalog.demo import DEMO_ITEMS, load_demo
from services.catalog.demo.base_items import BASE_ITEMS
from services.catalog.demo.drafts import REFUSED_DRAFT
from services.catalog.demo.for_people import DOG
from services.catalog.demo.organisations import DISTRICT, HEALTH, ORGANISATIONS, POLICE
from services.catalog.demo.registers import REGISTER_ENTRIES
from services.catalog.domain.codes import base_code, implementation_code
from services.catalog.domain.items import STANDARD_MATERIALS, ItemContent, Provenance
from services.catalog.domain.life import ItemStatus
from services.catalog.domain.lint import APPEALABLE, NEEDS, RULES, Facts, circular_proof, findings, unjudged
from services.catalog.domain.lint.facts import Facts as RuleFacts
from services.catalog.domain.periods import Period
from services.catalog.handlers.lint import facts_of, findings_of
from services.catalog.handlers.organisations import register_organisations
from services.catalog.handlers.publishing import publish_items
from services.catalog.handlers.registers import take_in
from services.catalog.store.registers import Entry
from services.catalog.store.revisions import RevisionFilter
from services.catalog.store.work import Work
from services.contracts.base import Text
from services.contracts.catalog_items import Basis, Condition, Fee, Limit, Limits, Material, Organisation, Result
from services.contracts.catalog_organisations import Function
from services.contracts.catalog_resources import ElementContent, LicenceTypeContent, ResourceContent
from services.kit.service import Service

SOURCE = Organisation(id=POLICE.id, name=POLICE.name)
HELD_BY_HEALTH = Organisation(id=HEALTH.id, name=HEALTH.name)
LAW = Basis(law="中华人民共和国动物防疫法", article="第三十条")
BASE = base_code(DISTRICT[:2], "01", "09", 2)
CODE = implementation_code(POLICE.id, 4, BASE)
WRONG = f"{CODE[:17]}{'1' if CODE[17] == '0' else '0'}{CODE[18:]}"
LICENCE, OTHER_LICENCE = f"{POLICE.id}001", f"{HEALTH.id}001"
FORM = {"type": "object", "properties": {"address": {"type": "string", "title": "住址", "x-title-en": "Address"}}}


def material(**fields: Any) -> Material:
    """A material that passes: with basis, made by the applicant."""
    given_ = {"id": "m", "name": Text(zh="申请书", en="Letter"), "required": True, "basis": LAW, "made_by": "applicant"}
    return Material.model_validate({**given_, **fields})


def element(code: str, **fields: Any) -> ElementContent:
    return ElementContent.model_validate({"code": code, "name": {"zh": f"数据元{code}"}, "source": SOURCE, **fields})


def licence(code: str = LICENCE, **fields: Any) -> LicenceTypeContent:
    return LicenceTypeContent.model_validate(
        {"code": code, "name": {"zh": "居民户口簿", "en": "Household register"}, "source": SOURCE, **fields}
    )


def resource(**fields: Any) -> ResourceContent:
    given_ = {"code": "101001/1", "name": {"zh": "人口基础信息"}, "source": SOURCE, "sharing": "unconditional"}
    return ResourceContent.model_validate({**given_, **fields})


PLAIN = ItemContent(
    code=CODE,
    code_system="gb-31",
    name=Text(zh="犬类准养登记", en="Dog registration"),
    organisation=SOURCE,
    division=DISTRICT,
    item_type="01",
    subjects=("person",),
    materials=(material(),),
    form=FORM,
)
KNOWN = Facts(
    elements={"address": element("address"), "height": element("height"), "shut": element("shut", status="closed")},
    resources={"address": resource()},
    provers={"height": licence(OTHER_LICENCE, name={"zh": "体检证明"})},
    licence_types={
        LICENCE: licence(),
        OTHER_LICENCE: licence(OTHER_LICENCE, sharing="none"),
        "SHUT": licence("SHUT", status="closed"),
    },
    organisations={POLICE.id: replace(POLICE, functions=(Function(id="f1", name=Text(zh="养犬管理")),))},
    items=frozenset({"A", "B"}),
)
ASKS = {"type": "object", "properties": {"address": {"type": "string", "title": "住址", "x-element": "address"}}}
ASKS_OTHER = {"type": "object", "properties": {"address": {"type": "string", "x-element": "shut"}}}
JOINT = (Organisation(id=POLICE.id, name=POLICE.name),)


def limits(statutory: Limit | None = None, promised: Limit | None = None) -> dict[str, Any]:
    return {"limits": Limits(statutory=statutory, promised=promised)}


DAYS, MONTH = "day", "month"
Case = tuple[Mapping[str, Any], list[str]]
"""What the content has otherwise than PLAIN, and the fields that the rule refuses."""
TABLE: dict[str, dict[str, Case]] = {
    "known-to-network": {
        "nothing of a register": ({}, []),
        "a shared licence": ({"materials": (material(licence_type=LICENCE),)}, ["materials.m"]),
        "an optional one": (
            {"materials": (material(licence_type=LICENCE, required=False),)},
            ["materials.m"],
        ),
        "a licence that is not shared": ({"materials": (material(licence_type=OTHER_LICENCE),)}, []),
        "all that it proves is given": ({"materials": (material(elements=("address", "height")),)}, ["materials.m"]),
        "it proves more than that": ({"materials": (material(elements=("address", "shut")),)}, []),
        "a field that is given": ({"form": ASKS}, ["form.address"]),
        "a field that nobody gives": ({"form": ASKS_OTHER}, []),
        "a form without fields": ({"form": {"type": "object", "properties": [1]}}, []),
    },
    "no-basis": {
        "a law": ({}, []),
        "none": ({"materials": (material(basis=None),)}, ["materials.m"]),
        "optional and none": ({"materials": (material(basis=None, required=False),)}, ["materials.m"]),
        "a blank law": ({"materials": (material(basis={"law": " "}),)}, ["materials.m"]),
        "whatever one likes": ({"materials": STANDARD_MATERIALS}, []),
    },
    "unobtainable": {
        "the applicant's": ({}, []),
        "nobody's": ({"materials": (material(made_by=None),)}, ["materials.m"]),
        "some organ's": ({"materials": (material(made_by="organ"),)}, ["materials.m"]),
        "a blank organ's": ({"materials": (material(made_by="organ", issuer={"zh": " "}),)}, ["materials.m"]),
        "an organ's": ({"materials": (material(made_by="organ", issuer={"zh": "动物诊疗机构"}),)}, []),
        "an item's result": ({"materials": (material(made_by=None, result_of="A"),)}, []),
        "a licence": ({"materials": (material(made_by=None, licence_type=LICENCE),)}, []),
        "whatever one likes": ({"materials": STANDARD_MATERIALS}, []),
    },
    "visit-reason": {
        "no visit": ({"visits": 0, "online_depth": 4}, []),
        "not online": ({"visits": 1, "online_depth": 2}, []),
        "online by depth": ({"visits": 1, "online_depth": 3}, ["visit_reason"]),
        "online by channel": ({"visits": 2, "channels": ("window", "mobile")}, ["visit_reason"]),
        "a blank reason": ({"visits": 1, "online_depth": 4, "visit_reason": Text(zh=" ")}, ["visit_reason"]),
        "no law": ({"visits": 1, "online_depth": 4, "visit_reason": Text(zh="现场核验")}, ["visit_basis"]),
        "reason and law": (
            {"visits": 1, "online_depth": 4, "visit_reason": Text(zh="现场核验"), "visit_basis": LAW},
            [],
        ),
    },
    "promised-over-statutory": {
        "no statutory one": (limits(promised=Limit(amount=90)), []),
        "the same": (limits(Limit(amount=20), Limit(amount=20)), []),
        "one day over": (limits(Limit(amount=20), Limit(amount=21)), ["limits.promised"]),
        "months": (limits(Limit(amount=1, unit=MONTH), Limit(amount=2, unit=MONTH)), ["limits.promised"]),
        "working days over days": (limits(Limit(amount=15, unit=DAYS), Limit(amount=20)), ["limits.promised"]),
        "days that may be fewer": (limits(Limit(amount=15), Limit(amount=20, unit=DAYS)), []),
        "two months over 20 working days": (limits(Limit(amount=20), Limit(amount=2, unit=MONTH)), ["limits.promised"]),
        "a month and 20 working days": (limits(Limit(amount=20), Limit(amount=1, unit=MONTH)), []),
    },
    "statutory-over-law": {
        "20 working days": (limits(Limit(amount=20)), []),
        "21": (limits(Limit(amount=21)), ["limits.statutory"]),
        "21 by another law": (limits(Limit(amount=21, basis=LAW)), []),
        "21 by that law itself": (
            limits(Limit(amount=21, basis=Basis(law="《中华人民共和国行政许可法》"))),
            ["limits.statutory"],
        ),
        "no licence": ({**limits(Limit(amount=60)), "item_type": "07"}, []),
        "45 jointly": ({**limits(Limit(amount=45)), "cooperating": JOINT}, []),
        "46 jointly": ({**limits(Limit(amount=46)), "cooperating": JOINT}, ["limits.statutory"]),
        "30 days are perhaps 20 working days": (limits(Limit(amount=30, unit=DAYS)), []),
        "two months are not": (limits(Limit(amount=2, unit=MONTH)), ["limits.statutory"]),
    },
    "fee-basis": {
        "unsaid": ({}, []),
        "free": ({"fee": Fee(charged=False)}, []),
        "charged by law": ({"fee": Fee(charged=True, basis=LAW)}, []),
        "charged": ({"fee": Fee(charged=True)}, ["fee.basis"]),
        "charged by nothing": ({"fee": Fee(charged=True, basis=Basis(law=""))}, ["fee.basis"]),
    },
    "code": {
        "checks and fits": ({}, []),
        "a base item's": ({"code": BASE, "code_system": "gb-12", "kind": "base"}, []),
        "a handling item's": (
            {"code": CODE + "01", "code_system": "gb-33", "kind": "handling", "base": CODE},
            [],
        ),
        "another system's": ({"code": "511A0138000000-511602000000-000-1-0", "code_system": "legacy"}, []),
        "no code": ({"code": "没有"}, ["code"]),
        "written small": ({"code": CODE.lower()}, ["code"]),
        "its credit code does not check": ({"code": WRONG}, ["code"]),
        "nor does it as another system's": ({"code": WRONG, "code_system": "legacy"}, ["code"]),
        "a base code of no type": ({"code": "519900000000", "code_system": "legacy", "kind": "base"}, ["code"]),
        "of no system that it says": ({"code_system": "gb-33"}, ["code_system"]),
        "of another kind": ({"kind": "base"}, ["code"]),
        "of another type": ({"item_type": "07"}, ["item_type"]),
        "of another organisation": ({"organisation": Organisation(id=HEALTH.id, name=HEALTH.name)}, ["organisation"]),
        "of another base": ({"base": base_code(DISTRICT[:2], "01", "09", 3)}, ["base"]),
        "of a base of another system": ({"base": "OLD-1"}, []),
    },
    "unknown-reference": {
        "all known": ({"materials": (material(licence_type=LICENCE, elements=("address",)),)}, []),
        "an element": ({"materials": (material(elements=("nothing",)),)}, ["materials.m"]),
        "a closed element": ({"form": ASKS_OTHER}, ["form.address"]),
        "a licence type": ({"materials": (material(licence_type="NONE"),)}, ["materials.m"]),
        "a closed licence type": ({"results": (Result(name=Text(zh="证"), licence_type="SHUT"),)}, ["results.0"]),
        "another item": ({"materials": (material(result_of="A"),)}, []),
        "no other item": ({"materials": (material(result_of="C"),)}, ["materials.m"]),
        "a base item": ({"base": "C"}, ["base"]),
        "an organisation": ({"organisation": Organisation(id="x", name=Text(zh="某局"))}, ["organisation"]),
        "who helps": ({"cooperating": (Organisation(id="x", name=Text(zh="某局")),)}, ["cooperating.0"]),
        "a function": ({"function": "f2"}, ["function"]),
        "its function": ({"function": "f1"}, []),
    },
    "condition": {
        "in words": ({"conditions": (Condition(zh="住在本区"),)}, []),
        "an expression": ({"conditions": (Condition(zh="甲", expression='address == "x"'),)}, []),
        "no expression": ({"conditions": (Condition(zh="甲", expression="address =="),)}, ["conditions.0.expression"]),
        "a name of no register": (
            {"conditions": (Condition(zh="甲"), Condition(zh="乙", expression="nothing > 1"))},
            ["conditions.1.expression"],
        ),
        "a closed element": (
            {"conditions": (Condition(zh="甲", expression='shut == "x"'),)},
            ["conditions.0.expression"],
        ),
        "the wrong type": (
            {"conditions": (Condition(zh="甲", expression="address > 1"),)},
            ["conditions.0.expression"],
        ),
    },
}


@pytest.mark.parametrize("rule", TABLE)
def test_each_rule_refuses_what_it_is_for(rule: str) -> None:
    found = {}
    for case, (otherwise, _) in TABLE[rule].items():
        content = PLAIN.model_copy(update=otherwise)
        found[case] = [each.field for each in RULES[rule](content, KNOWN)]
        for each in RULES[rule](content, KNOWN):
            assert each.rule == rule
            assert each.cause.zh and each.cause.en and each.mend.zh and each.mend.en
    assert found == {case: fields for case, (_, fields) in TABLE[rule].items()}


def test_every_rule_has_a_table_or_a_test_of_its_own() -> None:
    assert RULES.keys() - TABLE.keys() == {"circular-proof", "overlap", "alignment"}
    assert RULES.keys() - APPEALABLE == {"unknown-reference", "condition", "overlap"}
    assert NEEDS.keys() <= RULES.keys()


def test_a_refusal_names_the_thing_and_its_holder() -> None:
    content = PLAIN.model_copy(update={"materials": (material(licence_type=LICENCE),), "form": ASKS})
    by_field = {each.field: each for each in RULES["known-to-network"](content, KNOWN)}
    for field, named in (("materials.m", "居民户口簿"), ("form.address", "人口基础信息")):
        assert named in by_field[field].cause.zh
        assert "示例区公安分局" in by_field[field].cause.zh
        assert "示例区公安分局" in by_field[field].mend.zh
        assert "Demo District Public Security Bureau" in (by_field[field].cause.en or "")
    closed = replace(KNOWN, resources={"address": resource(status="closed")})
    unshared = replace(KNOWN, resources={"address": resource(sharing="none", condition={"zh": "涉密"})})
    for facts in (closed, unshared):
        assert [each.field for each in RULES["known-to-network"](content, facts)] == ["materials.m"]


def test_without_registers_nothing_is_said_about_them() -> None:
    content = PLAIN.model_copy(
        update={"materials": (material(elements=("nothing",), result_of="C"),), "form": ASKS, "base": "C"}
    )
    blind = Facts(registers=False, catalogue=False)
    assert findings(content, blind) == []
    assert unjudged(blind) == ("known-to-network", "unknown-reference", "circular-proof", "alignment", "overlap")
    assert unjudged(replace(blind, registers=True)) == ("unknown-reference", "circular-proof", "alignment", "overlap")
    assert unjudged(Facts()) == ()


def test_what_is_exempt_is_left_out() -> None:
    content = PLAIN.model_copy(update={"materials": (material(basis=None), material(id="n", basis=None))})
    assert [each.field for each in findings(content, KNOWN)] == ["materials.m", "materials.n"]
    assert [each.field for each in findings(content, KNOWN, exempt=[("no-basis", "materials.m")])] == ["materials.n"]
    assert len(findings(content, KNOWN, exempt=[("fee-basis", "materials.m")])) == 2


def test_versions_do_not_overlap() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    days = [start + timedelta(days=each) for each in range(5)]

    def refused(*periods: tuple[int, int, int | None]) -> list[str]:
        found = [
            Period(version, ItemStatus.PUBLISHED, days[since], None if until is None else days[until])
            for version, since, until in periods
        ]
        return [each.cause.zh for each in RULES["overlap"](PLAIN, RuleFacts(periods=tuple(found)))]

    assert refused((1, 0, 1), (2, 1, None)) == []
    assert refused((1, 0, 1), (2, 2, None)) == []
    assert refused((1, 0, 0), (2, 0, None)) == []  # put right in the moment it began
    assert refused((1, 0, 2), (2, 1, None)) == ["2026-01-02 起，第 1 版和第 2 版同时有效。"]
    assert len(refused((1, 0, None), (2, 1, None))) == 1
    assert len(refused((2, 1, None), (1, 0, None))) == 1
    suspended = Period(1, ItemStatus.SUSPENDED, days[0], None)
    in_force = Period(2, ItemStatus.PUBLISHED, days[1], None)
    assert list(RULES["overlap"](PLAIN, Facts(periods=(suspended, in_force)))) == []


# Circular proof -----------------------------------------------------------------------------------------------------


def circular(
    needs: list[str], demands: dict[str, list[str]], givers: dict[str, list[str]] | None = None, gives: str = ""
) -> dict[str, tuple[str, ...]]:
    """The cycles of an item PLAIN that demands `needs` ("item:…", "licence:…") and gives the licence `gives`."""
    kinds = {"item": "result_of", "licence": "licence_type"}
    materials = []
    for number, need in enumerate(needs):
        kind, _, code = need.partition(":")
        materials.append(material(id=f"m{number}", **{kinds[kind]: code}))
    results = (Result(name=Text(zh="证"), licence_type=gives),) if gives else ()
    content = PLAIN.model_copy(update={"materials": tuple(materials), "results": results})
    facts = Facts(
        demands={code: frozenset(found) for code, found in demands.items()},
        givers={code: frozenset(found) for code, found in (givers or {}).items()},
    )
    return circular_proof.cycles(content, facts)


ME = f"item:{CODE}"


def test_a_cycle_of_results_and_materials() -> None:
    assert circular(["item:A"], {"A": []}) == {}
    assert circular(["item:A"], {"A": [ME]}) == {"m0": (ME, "item:A", ME)}
    assert circular([ME], {}) == {"m0": (ME, ME)}
    assert circular(["item:B", "item:A"], {"A": ["item:C"], "C": [ME], "B": []}) == {"m1": (ME, "item:A", "item:C", ME)}
    # By the licence that I give.
    assert circular(["item:A"], {"A": ["licence:L"]}, {"L": [CODE]}, "L") == {"m0": (ME, "item:A", "licence:L", ME)}
    # Somebody else gives it too, and asks for nothing of mine: there is a way.
    assert circular(["item:A"], {"A": ["licence:L"], "D": []}, {"L": [CODE, "D"]}, "L") == {}
    # Somebody else gives it, and asks for the same: there is none.
    way = circular(["item:A"], {"A": ["licence:L"], "D": ["item:A"]}, {"L": [CODE, "D"]}, "L")
    assert way == {"m0": (ME, "item:A", "licence:L", ME)}
    # A licence that no item gives comes from elsewhere; my own old one is renewed.
    assert circular(["licence:X"], {}) == {}
    assert circular(["licence:L"], {}, {"L": [CODE]}, "L") == {}
    assert circular(["licence:M"], {"A": ["licence:L"]}, {"M": ["A"], "L": [CODE]}, "L") == {
        "m0": (ME, "licence:M", "item:A", "licence:L", ME)
    }
    # Others' cycle is not mine: whoever made it is refused.
    assert circular(["item:A"], {"A": ["item:B"], "B": ["item:A"]}) == {}
    # An optional material demands nothing.
    optional = PLAIN.model_copy(update={"materials": (material(result_of="A", required=False),)})
    assert list(RULES["circular-proof"](optional, Facts(demands={"A": frozenset({ME})}))) == []


def test_the_cycle_is_told_by_names() -> None:
    content = PLAIN.model_copy(
        update={
            "materials": (material(id="m", result_of="A"),),
            "results": (Result(name=Text(zh="证"), licence_type=LICENCE),),
        }
    )
    facts = replace(
        KNOWN,
        demands={"A": frozenset({f"licence:{LICENCE}"})},
        givers={LICENCE: frozenset({CODE})},
        names={"A": Text(zh="落户", en="Registration")},
    )
    [found] = RULES["circular-proof"](content, facts)
    assert found.field == "materials.m"
    assert "犬类准养登记 → 落户 → 居民户口簿 → 犬类准养登记" in found.cause.zh
    assert "Dog registration → Registration → Household register → Dog registration" in (found.cause.en or "")


def test_a_long_cycle_needs_no_recursion() -> None:
    length = 30_000
    chain = {str(number): [f"item:{number + 1}"] for number in range(length)}
    assert circular(["item:0"], {**chain, str(length): []}) == {}
    way = circular(["item:0"], {**chain, str(length): [ME]})
    assert len(way["m0"]) == length + 3


@given(
    st.dictionaries(st.integers(0, 7), st.frozensets(st.integers(0, 7), max_size=3), max_size=8),
    st.frozensets(st.integers(0, 7), min_size=1, max_size=3),
)
@settings(max_examples=60)
def test_a_cycle_is_found_where_one_is(graph: dict[int, frozenset[int]], mine: frozenset[int]) -> None:
    """With items alone, a material is refused exactly when it leads back: item 0 is the one that is linted."""

    def leads_back(first: int) -> bool:
        seen, todo = set(), [first]
        while todo:
            node = todo.pop()
            if node == 0:
                return True
            if node not in seen:
                seen.add(node)
                todo += graph.get(node, ())
        return False

    def name(node: int) -> str:
        return ME if node == 0 else f"item:{node}"

    demands = {str(node): [name(each) for each in found] for node, found in graph.items() if node}
    needs = [name(node) for node in sorted(mine)]
    found = circular(needs, demands)
    assert set(found) == {f"m{number}" for number, node in enumerate(sorted(mine)) if leads_back(node)}
    for way in found.values():
        assert way[0] == way[-1] == ME
        assert all(later in demands.get(earlier.removeprefix("item:"), needs) for earlier, later in pairwise(way))


# Facts from the catalogue -------------------------------------------------------------------------------------------


async def test_the_lint_gathers_its_facts(work: Callable[[], Work]) -> None:
    await register_organisations(ORGANISATIONS, Provenance.DEMO, work())
    entries = [
        element("address"),
        element("born", data_type="date"),
        element("rabies_vaccinated_on", data_type="date"),
        resource(elements=("address",)),
        licence(),
        licence(
            OTHER_LICENCE, name={"zh": "体检证明"}, source={"id": HEALTH.id, "name": HEALTH.name}, elements=("born",)
        ),
    ]
    registers = ["element", "element", "element", "resource", "licence", "licence"]
    rows: Any = [(number, *row) for number, row in enumerate(zip(registers, entries, strict=True))]
    assert (await take_in(rows, "system:demo", "", work())).refused == []
    first = PLAIN.model_copy(update={"results": (Result(name=Text(zh="犬证"), licence_type=LICENCE),)})
    fields = {**DOG.form["properties"], "address": {"type": "string", "x-element": "address"}}
    second = DOG.model_copy(
        update={
            "code": implementation_code(POLICE.id, 4, base_code(DISTRICT[:2], "01", "09", 8)),
            "name": Text(zh="养犬场所备案"),
            "materials": (material(licence_type=LICENCE, elements=("born",)), material(id="n", result_of="NONE")),
            "conditions": (Condition(zh="住在本区", expression='address == "本区"'),),
            "form": {**DOG.form, "properties": fields},
            "function": None,
        }
    )
    await publish_items([first, second], Provenance.DEMO, work())
    found = {(each.rule, each.field) for each in await findings_of(second, work())}
    assert found == {
        ("known-to-network", "materials.m"),
        ("known-to-network", "form.address"),
        ("unknown-reference", "materials.n"),
    }
    # The item that gives the licence asks in turn for what the other gives: nobody can begin.
    again = first.model_copy(update={"materials": (material(result_of=second.code),)})
    [cycle] = [each for each in await findings_of(again, work()) if each.rule == "circular-proof"]
    assert "犬类准养登记 → 养犬场所备案 → 居民户口簿 → 犬类准养登记" in cycle.cause.zh
    async with work() as unit:
        facts = await facts_of(again, unit)
    assert [each.version for each in facts.periods] == [1]
    assert set(facts.organisations) == {POLICE.id}


async def test_every_item_of_the_demonstration_passes(catalog: Service, work: Callable[[], Work]) -> None:
    await load_demo(catalog)
    # Again changes nothing, not even what people have made of it since.
    entry = REGISTER_ENTRIES[0][1]
    changed = entry.model_copy(update={"source": HELD_BY_HEALTH, "name": Text(zh="别的名字")})
    async with work() as unit:
        await unit.registers.save(Entry("element", changed, 2, unit.now()), "", "registrar", "")
    await load_demo(catalog)
    async with work() as unit:
        assert (await unit.registers.one("element", entry.code)).content == changed  # type: ignore[union-attr]
    for content in (*BASE_ITEMS, *DEMO_ITEMS):
        assert await findings_of(content, work()) == [], content.name.zh
    # One draft is there to be mended.
    found = [(each.rule, each.field) for each in await findings_of(REFUSED_DRAFT, work())]
    assert found == [
        ("known-to-network", "materials.identity-card"),
        ("no-basis", "materials.proof"),
        ("unobtainable", "materials.proof"),
        ("visit-reason", "visit_reason"),
        ("promised-over-statutory", "limits.promised"),
    ]
    async with work() as unit:
        assert len(await unit.revisions.listed(RevisionFilter(frozenset({"*"})), None, 10)) == 1
        assert len(await unit.registers.listed("element", "", None, None, 100)) >= 10
