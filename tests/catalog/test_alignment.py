"""同一事项、同一标准、同一编码: what an implementation may make otherwise than its base item, and what not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.domain.alignment import misaligned
from services.catalog.domain.form import standard_form
from services.catalog.domain.items import STANDARD_MATERIALS, ItemContent
from services.catalog.domain.limits import calendar_days, longer
from services.contracts.base import Text
from services.contracts.catalog_items import Basis, Condition, Limit, Limits, Material, Organisation

BASE_CODE = "510123002000"
USCC = "91350100M000100Y43"


def limit(amount: int, unit: Any = "working_day") -> Limit:
    return Limit(amount=amount, unit=unit)


def material(name: str, *, required: bool = True) -> Material:
    return Material(id=f"m-{name}", name=Text(zh=name), required=required)


BASE = ItemContent(
    code=BASE_CODE,
    code_system="gb-12",
    kind="base",
    name=Text(zh="公共场所卫生许可", en="Public-place hygiene permit"),
    organisation=Organisation(id="x", name=Text(zh="示例省卫生健康委员会")),
    division="510000000000",
    item_type="01",
    subjects=("company",),
    limits=Limits(statutory=limit(20), promised=limit(10)),
    conditions=(Condition(zh="场所在本地。", expression="place == 'here'"), Condition(zh="卫生检测合格。")),
    basis=(
        Basis(law="公共场所卫生管理条例", article="第四条"),
        Basis(law="中华人民共和国行政许可法", article="第四十二条"),
    ),
    materials=(material("平面图"), material("检测报告", required=False)),
    form=standard_form(("company",)),
)
HERE = {"code": f"{USCC}4{BASE_CODE}", "code_system": "gb-31", "kind": "implementation", "base": BASE_CODE}
IMPLEMENTATION = BASE.model_copy(update=HERE)
HANDLING = IMPLEMENTATION.model_copy(
    update={"code": f"{IMPLEMENTATION.code}01", "code_system": "gb-33", "kind": "handling", "base": IMPLEMENTATION.code}
)


def fields(base: ItemContent, other: ItemContent, **changed: Any) -> list[str]:
    return [finding.field for finding in misaligned(base, other.model_copy(update=changed))]


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"limits": Limits(statutory=limit(20), promised=limit(1))},
        {"limits": Limits(statutory=limit(10), promised=limit(10))},
        {"limits": Limits(statutory=limit(1, "month"), promised=limit(10))},  # 28 to 31 days: no telling
        {"limits": Limits(statutory=limit(20), promised=limit(14, "day"))},
        {"materials": ()},
        {"materials": (material("平面图", required=False), *STANDARD_MATERIALS)},
        {"materials": (BASE.materials[0].model_copy(update={"id": "another-id", "note": Text(zh="手画的也行")}),)},
        {"case_kind": "immediate"},
        {"basis": tuple(reversed(BASE.basis))},
        {"basis": (Basis(law="《公共场所卫生管理条例》", article="第四条", text="国家对公共场所……"), BASE.basis[1])},
        {"conditions": tuple(reversed(BASE.conditions))},
        {"name": Text(zh="公共场所卫生许可")},
        {"organisation": Organisation(id="y", name=Text(zh="示例区卫生健康局")), "division": "511602000000"},
        {"code": "511A0138000000-511602000000-000-115113010833722043-1-00", "code_system": "legacy"},
    ],
)
def test_what_an_implementation_may_do(changed: dict[str, Any]) -> None:
    assert fields(BASE, IMPLEMENTATION, **changed) == []


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"code": f"{USCC}4510123003000"}, ["code"]),
        ({"name": Text(zh="公共场所许可")}, ["name"]),
        ({"name": Text(zh="公共场所卫生许可", en="Another name")}, ["name"]),
        ({"name": Text(zh="公共场所卫生许可（新办）")}, ["name"]),  # a situation is a handling item's
        ({"item_type": "07"}, ["item_type"]),
        ({"limits": Limits(statutory=limit(21), promised=limit(10))}, ["limits.statutory"]),
        (
            {"limits": Limits(statutory=limit(2, "month"), promised=limit(31, "day"))},
            ["limits.statutory", "limits.promised"],
        ),
        ({"limits": Limits(statutory=limit(20))}, ["limits.promised"]),
        ({"limits": Limits()}, ["limits.statutory", "limits.promised"]),
        ({"basis": BASE.basis[:1]}, ["basis"]),
        ({"basis": (*BASE.basis, Basis(law="示例区办法"))}, ["basis"]),
        ({"basis": (Basis(law="公共场所卫生管理条例", article="第五条"), BASE.basis[1])}, ["basis", "basis"]),
        ({"conditions": BASE.conditions[:1]}, ["conditions"]),
        ({"conditions": (*BASE.conditions, Condition(zh="注册在本区。"))}, ["conditions"]),
        ({"conditions": (Condition(zh="场所在本地。"), BASE.conditions[1])}, ["conditions", "conditions"]),
        ({"materials": (material("平面图"), material("社区盖章证明"))}, ["materials.m-社区盖章证明"]),
        ({"materials": (material("检测报告"),)}, ["materials.m-检测报告"]),
    ],
)
def test_what_it_may_not(changed: dict[str, Any], found: list[str]) -> None:
    assert fields(BASE, IMPLEMENTATION, **changed) == found
    for finding in misaligned(BASE, IMPLEMENTATION.model_copy(update=changed)):
        assert finding.rule == "alignment"
        assert all((finding.cause.zh, finding.cause.en, finding.mend.zh, finding.mend.en))


def test_what_was_immediate_stays_so() -> None:
    at_once = BASE.model_copy(update={"case_kind": "immediate"})
    assert fields(at_once, IMPLEMENTATION, case_kind="promised") == ["case_kind"]
    assert fields(at_once, IMPLEMENTATION, case_kind="immediate") == []


def test_a_handling_item_is_held_to_its_implementation() -> None:
    assert misaligned(IMPLEMENTATION, HANDLING) == []
    assert fields(IMPLEMENTATION, HANDLING, name=Text(zh="公共场所卫生许可（新办）", en="New permit")) == []
    assert fields(IMPLEMENTATION, HANDLING, name=Text(zh="公共场所卫生许可证补办")) == ["name"]
    assert fields(IMPLEMENTATION, HANDLING, code=f"{USCC}3{BASE_CODE}01") == ["code"]
    assert fields(IMPLEMENTATION, HANDLING, materials=(material("另一份"),)) == ["materials.m-另一份"]
    # An implementation cannot be a version of another implementation, nor a handling item one of a base item.
    assert fields(IMPLEMENTATION, IMPLEMENTATION)[0] == "base"
    assert fields(BASE, HANDLING)[0] == "base"


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ((21, "working_day"), (20, "working_day"), True),
        ((20, "working_day"), (20, "working_day"), False),
        ((21, "day"), (20, "working_day"), False),  # 20 working days are 28 calendar days in most weeks
        ((51, "day"), (20, "working_day"), True),  # more than weekends and the longest holiday explain
        ((32, "day"), (1, "month"), True),
        ((31, "day"), (1, "month"), False),
        ((31, "working_day"), (30, "day"), True),  # each takes a day at least
        ((30, "working_day"), (30, "day"), False),
        ((1, "day"), (0, "working_day"), True),
        ((2, "month"), (20, "working_day"), True),
        ((1, "month"), (20, "working_day"), False),
    ],
)
def test_limits_of_different_units(one: tuple[int, str], other: tuple[int, str], found: bool) -> None:
    assert longer(limit(*one), limit(*other)) is found


ANY_LIMIT = st.builds(limit, st.integers(0, 400), st.sampled_from(["day", "working_day", "month"]))


@given(ANY_LIMIT, ANY_LIMIT)
def test_no_limit_is_both_longer_and_shorter(one: Limit, other: Limit) -> None:
    assert not (longer(one, other) and longer(other, one))
    assert not longer(one, one)
    least, most = calendar_days(one)
    assert least <= most
