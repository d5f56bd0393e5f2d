"""What is refused at publishing: every rule with contents that pass and contents that do not."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.catalog.demo import DEMO_ITEMS, load_demo
from services.catalog.demo.base_items import BASE_ITEMS
from services.catalog.demo.drafts import REFUSED_DRAFT
from services.catalog.demo.for_people import DOG
from services.catalog.demo.organisations import DISTRICT, HEALTH, ORGANISATIONS, POLICE
from services.catalog.demo.registers import REGISTER_ENTRIES
from services.catalog.domain.codes import base_code, implementation_code
from services.catalog.domain.items import STANDARD_MATERIALS, Provenance
from services.catalog.domain.life import ItemStatus
from services.catalog.domain.lint import APPEALABLE, NEEDS, RULES, Facts, findings, unjudged
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
from services.contracts.catalog_items import Basis, Condition, Fee, Limit, Limits, Organisation, Result
from services.kit.service import Service
from tests.catalog.linted import (
    BASE,
    CODE,
    HELD_BY_HEALTH,
    KNOWN,
    LAW,
    LICENCE,
    OTHER_LICENCE,
    PLAIN,
    WRONG,
    element,
    licence,
    material,
    resource,
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
