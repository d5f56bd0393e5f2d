"""The plan of a reform (机构改革): what goes where, under which code, and what is refused."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from services.catalog.demo.for_people import DOG
from services.catalog.demo.organisations import DISTRICT, POLICE
from services.catalog.domain.codes import handling_code, mint_uscc
from services.catalog.domain.items import Content
from services.catalog.domain.organisations import OrganisationState, organisation_id
from services.catalog.domain.reform import Carried, Plan, Reform, Refused, SourceItem, carried_content, plan
from services.contracts.base import Text
from services.contracts.catalog_organisations import Function

BASE, OTHER_BASE = "510123002000", "512009001000"


def organisation(number: int, zh: str, **fields: Any) -> OrganisationState:
    uscc = mint_uscc("11", DISTRICT[:6], f"RF{number:06d}")
    return OrganisationState(uscc, Text(zh=zh), DISTRICT, uscc, level=4, **fields)


TOP = organisation(0, "示例区人民政府")
A = organisation(1, "甲局", parent=TOP.id, functions=(Function(id="f1", name=Text(zh="职能一")),))
B = organisation(2, "乙局", parent=TOP.id, functions=(Function(id="f1", name=Text(zh="职能二"), items=(BASE,)),))
C = organisation(3, "丙局", parent=TOP.id)
KNOWN = {state.id: state for state in (TOP, A, B, C)}
NAMELESS = OrganisationState(organisation_id(DISTRICT, "某站"), Text(zh="某站"), DISTRICT, level=4)


def code(of: OrganisationState, base: str = BASE, end: str = "") -> str:
    return f"{of.uscc}4{base}{end}"


def item(of: OrganisationState, base: str = BASE, **fields: Any) -> SourceItem:
    return SourceItem(code(of, base), "implementation", of.id, fields.get("function"))


def planned(
    kind: Any,
    sources: tuple[OrganisationState, ...],
    targets: tuple[OrganisationState, ...],
    found: tuple[SourceItem, ...] = (),
    *,
    known: Mapping[str, OrganisationState] = KNOWN,
    children: tuple[OrganisationState, ...] = (),
    taken: tuple[str, ...] = (),
    items: Mapping[str, str] | None = None,
    functions: Mapping[str, str] | None = None,
) -> Plan:
    asked = Reform(kind, tuple(each.id for each in sources), targets, items or {}, functions or {})
    return plan(asked, known, children, found, taken)


def after(made: Plan) -> dict[str, OrganisationState]:
    return {state.id: state for state in made.states}


def test_a_merger() -> None:
    legacy = SourceItem("GA-1", "implementation", B.id, "f1")
    base = SourceItem(BASE, "base", B.id, None)
    made = planned("merge", (A, B), (C,), (base, item(A), item(B, OTHER_BASE), legacy), children=(NAMELESS,))
    states = after(made)
    assert [(states[each.id].status, states[each.id].successors) for each in (A, B)] == [("closed", (C.id,))] * 2
    # Two functions of one id and different names stay two; who carries one out has its new id.
    assert [(each.id, each.name.zh) for each in states[C.id].functions] == [("f1", "职能一"), ("f1-2", "职能二")]
    assert made.functions == {(B.id, "f1"): "f1-2"}
    assert made.items == {
        code(A): Carried(code(C), C.id),
        code(B, OTHER_BASE): Carried(code(C, OTHER_BASE), C.id),
        "GA-1": Carried("GA-1", C.id),  # codes of other systems stay, and so do base codes
        BASE: Carried(BASE, C.id),
    }


def test_into_one_of_them() -> None:
    made = planned("merge", (A, B), (A,), (item(A), item(B)), taken=(code(A),), children=(replace(C, parent=B.id),))
    states = after(made)
    assert A.id not in made.heirs
    assert states[B.id].successors == (A.id,)
    assert [each.name.zh for each in states[A.id].functions] == ["职能一", "职能二"]
    assert states[C.id].parent == A.id
    # The same base item twice is one item (一事一码).
    assert made.items == {code(A): Carried(code(A), A.id), code(B): Carried(code(A), A.id, merged=True)}


def test_handling_items_go_with_their_item_and_keep_apart() -> None:
    handling = SourceItem(code(B, end="01"), "handling", B.id, None, code(B))
    made = planned("merge", (B,), (A,), (item(B), handling), taken=(code(A), code(A, end="01")))
    assert made.items[handling.code] == Carried(code(A, end="02"), A.id)
    made = planned("split", (B,), (A, C), (item(B), handling), items={code(B): C.id}, functions={"f1": A.id})
    assert made.items[handling.code] == Carried(code(C, end="01"), C.id)


def test_a_split() -> None:
    found = (item(B, function="f1"), item(B, OTHER_BASE))
    with pytest.raises(Refused) as refused:
        planned("split", (B,), (A, C), found, items={code(B): A.id})
    assert [(each.field, each.reason) for each in refused.value.problems] == [
        (f"items.{code(B, OTHER_BASE)}", "no_target")
    ]
    with pytest.raises(Refused) as refused:
        planned("split", (B,), (A, C), found)
    # The function goes with its item, of which it is asked.
    assert {each.field for each in refused.value.problems} == {f"items.{code(B)}", f"items.{code(B, OTHER_BASE)}"}
    made = planned("split", (B,), (A, C), found, items={code(B): A.id, code(B, OTHER_BASE): C.id})
    states = after(made)
    assert states[B.id].successors == (A.id, C.id)
    assert [each.name.zh for each in states[A.id].functions] == [
        "职能一",
        "职能二",
    ]  # with the item that it gives rise to
    assert C.id not in states  # nothing of it changes
    # A part is split off: the source goes on, with what is not told to go.
    made = planned("split", (B,), (B, C), found, items={code(B): C.id}, functions={"f1": C.id})
    states = after(made)
    assert (states[B.id].status, states[B.id].functions, made.heirs) == ("active", (), {})
    assert [each.id for each in states[C.id].functions] == ["f1"]
    assert made.items[code(B, OTHER_BASE)] == Carried(code(B, OTHER_BASE), B.id)
    with pytest.raises(Refused) as refused:
        planned("split", (B,), (A, C))
    assert [(each.field, each.reason) for each in refused.value.problems] == [("functions.f1", "no_target")]


def test_a_renaming_keeps_the_codes_and_a_new_uscc_changes_them() -> None:
    made = planned("rename", (A,), (replace(A, name=Text(zh="新甲局")),), (item(A),))
    assert (made.items, list(after(made))) == ({code(A): Carried(code(A), A.id)}, [A.id])
    new = organisation(9, "新甲局")
    made = planned("rename", (A,), (new,), (item(A),))
    assert made.items == {code(A): Carried(code(new), new.id)}
    assert after(made)[new.id].parent == TOP.id  # where its predecessor was


def test_an_abolition() -> None:
    child = replace(C, parent=A.id)
    made = planned("abolish", (A,), (), (item(A),), children=(child,))
    states = after(made)
    assert made.retired == (code(A),)
    assert (states[A.id].status, states[A.id].successors, states[C.id].parent) == ("closed", (), TOP.id)
    # The organisation below takes over: its parent is the one above.
    made = planned("abolish", (A,), (child,), (item(A),), known=KNOWN | {C.id: child}, children=(child,))
    assert after(made)[C.id].parent == TOP.id
    assert made.items == {code(A): Carried(code(C), C.id)}


CLOSED = replace(C, status="closed", successors=(A.id,))
UNCHECKED = replace(organisation(7, "无码局"), uscc=None)


@pytest.mark.parametrize(
    ("kind", "sources", "targets", "more", "problems"),
    [
        ("merge", (A, B), (A, C), {}, [("targets", "number")]),
        ("merge", (A,), (A,), {}, [("targets", "number")]),
        ("split", (A,), (B,), {}, [("targets", "number")]),
        ("split", (A, B), (B, C), {}, [("targets", "number")]),
        ("rename", (A, B), (C,), {}, [("targets", "number")]),
        ("abolish", (A, B), (B,), {}, [("targets", "number")]),
        ("merge", (A, A), (C,), {}, [("sources", "repeated")]),
        ("merge", (), (C,), {}, [("sources", "number")]),
        ("merge", (NAMELESS,), (A,), {}, [("sources.0", "unknown")]),
        ("merge", (A,), (CLOSED,), {"known": KNOWN | {C.id: CLOSED}}, [("targets.0", "closed")]),
        ("merge", (CLOSED,), (A,), {"known": KNOWN | {C.id: CLOSED}}, [("sources.0", "closed")]),
        ("merge", (A,), (C,), {"items": {code(A): B.id}}, [(f"items.{code(A)}", "unknown_target")]),
        ("merge", (A,), (C,), {"items": {"X": C.id}}, [("items.X", "unknown")]),
        ("merge", (A,), (C,), {"functions": {"X": C.id}}, [("functions.X", "unknown")]),
        ("merge", (A,), (UNCHECKED,), {"found": (item(A),)}, [(f"items.{code(A)}", "no_uscc")]),
    ],
)
def test_what_is_refused(
    kind: str, sources: Any, targets: Any, more: dict[str, Any], problems: list[tuple[str, str]]
) -> None:
    with pytest.raises(Refused) as refused:
        planned(kind, sources, targets, **more)
    assert [(each.field, each.reason) for each in refused.value.problems] == problems


# In the database, over HTTP.


def test_contents_are_rewritten_without_losing_anything() -> None:
    new = organisation(8, "新局")
    handling: Content = DOG.model_copy(
        update={"code": handling_code(DOG.code, 1), "base": DOG.code, "kind": "handling"}
    )
    made = planned(
        "merge",
        (POLICE,),
        (new,),
        (
            SourceItem(DOG.code, "implementation", POLICE.id, None),
            SourceItem(handling.code, "handling", POLICE.id, None, DOG.code),
        ),
        known={POLICE.id: POLICE},
    )
    carried = carried_content(handling, POLICE, new, made)
    assert (carried.base, carried.code) == (code(new, DOG.code[19:]), code(new, DOG.code[19:], "01"))
    same = carried.model_copy(
        update={name: getattr(handling, name) for name in ("code", "base", "organisation", "division")}
    )
    assert same == handling
