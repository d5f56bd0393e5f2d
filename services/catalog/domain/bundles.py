"""One thing (一件事): items that people need together, what they ask for once, their order, one list of what to bring.

国务院关于进一步优化政务服务提升行政效能推动“高效办成一件事”的指导意见 (国发〔2024〕3号): one guide, one form, one
set of materials (一次告知、一表申请、一套材料). A bundle adds nothing to what its items ask for; it only asks it once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Final

from services.catalog.domain import conditions
from services.catalog.domain.conditions import ConditionProblem
from services.catalog.domain.findings import Finding
from services.catalog.domain.items import BundleContent, ItemContent
from services.catalog.domain.life import ItemStatus
from services.catalog.domain.links import asked_elements
from services.contracts.base import Text
from services.contracts.catalog_items import BundleMember, Material
from services.contracts.catalog_resources import ElementContent

FEWEST: Final = 2
MOST: Final = 50
"""Members of a bundle."""


@dataclass(frozen=True, slots=True)
class Member:
    """An item as a bundle meets it. `status` None: not in force yet, but approved to be by the bundle's day."""

    content: ItemContent
    status: ItemStatus | None
    status_reason: str = ""


@dataclass(frozen=True, slots=True)
class BundleFacts:
    """What there is to know of what a bundle names: items by code, data elements by code."""

    members: Mapping[str, Member] = field(default_factory=dict)
    elements: Mapping[str, ElementContent] = field(default_factory=dict)
    registers: bool = True
    """Whether the register of data elements is known: without it nothing is said about what it would hold."""
    catalogue: bool = True
    """Whether the items in force are known: else an item that is not among `members` may be there all the same."""

    def missing(self, code: str) -> bool:
        """Whether nothing can be said of an item, neither that it is there nor that it is not."""
        return code not in self.members and not self.catalogue


def findings(bundle: BundleContent, facts: BundleFacts) -> list[Finding]:
    """Everything that keeps a bundle from being published, each with its cause and mend."""
    return [
        *_members(bundle, facts),
        *_order(bundle),
        *_conditions(bundle, facts),
        *_shared_fields(bundle, facts),
        *_shared_materials(bundle, facts),
    ]


def _finding(rule: str, where: str, cause: tuple[str, str], mend: tuple[str, str]) -> Finding:
    return Finding(rule, where, Text(zh=cause[0], en=cause[1]), Text(zh=mend[0], en=mend[1]))


def _both(text: Text) -> tuple[str, str]:
    return text.zh, text.en or text.zh


def _members(bundle: BundleContent, facts: BundleFacts) -> Iterator[Finding]:
    """bundle-members: items that are in force, or will be by the bundle's day, and that somebody can apply for."""
    codes = [member.code for member in bundle.members]
    if not FEWEST <= len(set(codes)) == len(codes) <= MOST:
        yield _finding(
            "bundle-members",
            "members",
            (
                f"一件事要有 {FEWEST} 到 {MOST} 个事项，各列一次。",
                f"A bundle names {FEWEST} to {MOST} items, each once.",
            ),
            ("列出要一起办的事项，重复的删掉。", "List the items that are needed together; drop those named twice."),
        )
    for member in bundle.members:
        if facts.missing(member.code):
            continue
        if cause := _standing(member, facts.members.get(member.code)):
            mend = (
                "换成正在办理的实施清单或办理项，或者等它发布、恢复。",
                "Name an item that takes cases, or wait until this one does.",
            )
            yield _finding("bundle-members", f"members.{member.code}", cause, mend)


def _standing(member: BundleMember, found: Member | None) -> tuple[str, str] | None:
    zh, en = _both(member.name)
    if found is None:
        return (
            f"没有“{zh}”（{member.code}）这个事项，或者到生效那天还没有发布。",
            f"No item {member.code} (“{en}”) is in force by then.",
        )
    if found.content.kind == "base":
        return f"“{zh}”是基本目录，没有人能申请。", f"“{en}” is a base item, which nobody applies for."
    if found.status is ItemStatus.RETIRED:
        return f"“{zh}”已经停办。", f"“{en}” is retired."
    if found.status is ItemStatus.SUSPENDED:
        return f"“{zh}”暂停办理。", f"“{en}” is suspended."
    return None


def _order(bundle: BundleContent) -> Iterator[Finding]:
    """bundle-order: what goes before is a member too, and nothing goes before itself."""
    codes = {member.code for member in bundle.members}
    for member in bundle.members:
        for before in member.after:
            if before not in codes:
                yield _finding(
                    "bundle-order",
                    f"members.{member.code}",
                    (f"先办的 {before} 不在这件事里。", f"What goes before, {before}, is no member of the bundle."),
                    ("把它加进来，或者删掉这个先后。", "Make it a member, or drop this order."),
                )
    if circle := cycle(bundle.members):
        names = {member.code: member.name for member in bundle.members}
        zh = " → ".join(names[code].zh for code in circle)
        en = " → ".join(names[code].en or names[code].zh for code in circle)
        yield _finding(
            "bundle-order",
            f"members.{circle[0]}",
            (
                f"先后绕成了圈，哪一件都没法先办：{zh}。",
                f"The order goes in a circle, so that none can be first: {en}.",
            ),
            ("删掉圈里的一个先后。", "Drop one of these orders."),
        )


def cycle(members: Sequence[BundleMember]) -> list[str]:
    """Codes of a circle in the order, each going before the next and the first again at the end; empty without one."""
    try:
        TopologicalSorter(_before(members)).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def ordered(members: Sequence[BundleMember]) -> list[BundleMember]:
    """The members so that each comes after all that go before it, else as they are listed; those on a circle last."""
    left = _before(members)
    done: list[str] = []
    while (ready := next((code for code, before in left.items() if before <= set(done)), None)) is not None:
        done.append(ready)
        del left[ready]
    by_code = {member.code: member for member in members}
    return [by_code[code] for code in (*done, *left)]


def _before(members: Sequence[BundleMember]) -> dict[str, set[str]]:
    codes = {member.code for member in members}
    return {member.code: set(member.after) & codes for member in members}


def _conditions(bundle: BundleContent, facts: BundleFacts) -> Iterator[Finding]:
    """bundle-condition: when a member applies is said in words, and its expression can be evaluated."""
    types = {conditions.variable(code): element.data_type for code, element in facts.elements.items()}
    for member in bundle.members:
        if not member.when:
            continue
        where = f"members.{member.code}.when"
        try:
            program = conditions.compiled(member.when)
            if facts.registers:
                conditions.check_types(program, types)
        except ConditionProblem as problem:
            yield Finding("bundle-condition", where, problem.cause, problem.mend)
        if member.when_text is None or not member.when_text.zh.strip():
            zh, en = _both(member.name)
            yield _finding(
                "bundle-condition",
                where,
                (f"“{zh}”什么时候要办，没有用文字写。", f"When “{en}” applies is not said in words."),
                ("在 when_text 里写明什么情况下要办。", "Say in when_text when it applies."),
            )


def _shared_fields(bundle: BundleContent, facts: BundleFacts) -> Iterator[Finding]:
    """bundle-fields: what is asked once is asked by two members' forms at least."""
    for element in sorted(set(bundle.shared_fields)):
        asking = askers(bundle, element, facts.members)
        if facts.registers and element not in facts.elements:
            cause = (f"数据元 {element} 没有登记。", f"The data element {element} is not registered.")
        elif len(asking) < FEWEST and not any(facts.missing(member.code) for member in bundle.members):
            known = facts.elements.get(element)
            zh, en = _both(known.name) if known else (element, element)
            cause = (
                f"“{zh}”只有 {len(asking)} 个事项的表单在问。",
                f"“{en}” is asked for by {len(asking)} of the forms.",
            )
        else:
            continue
        mend = (
            "删掉它，或者在两个以上事项的表单里给字段写上这个 x-element。",
            "Drop it, or put it as x-element behind fields of two forms.",
        )
        yield _finding("bundle-fields", f"shared_fields.{element}", cause, mend)


def askers(bundle: BundleContent, element: str, members: Mapping[str, Member]) -> tuple[str, ...]:
    """Codes of the members whose forms ask for `element`."""
    return tuple(
        member.code
        for member in bundle.members
        if member.code in members and element in asked_elements(members[member.code].content).values()
    )


def _shared_materials(bundle: BundleContent, facts: BundleFacts) -> Iterator[Finding]:
    """bundle-materials: a group is materials of two members at least, one document, and each is in one group."""
    seen: set[str] = set()
    for number, group in enumerate(bundle.shared_materials):
        where = f"shared_materials.{number}"
        found = {reference: material_of(reference, facts.members) for reference in group}
        for reference in group:
            if facts.missing(reference.partition("#")[0]):
                continue
            if found[reference] is None:
                cause = (f"没有材料 {reference}。", f"There is no material {reference}.")
            elif reference in seen:
                cause = (f"材料 {reference} 列了两次。", f"The material {reference} is named twice.")
            else:
                seen.add(reference)
                continue
            mend = (
                "写成“事项编码#材料编号”，每份材料只在一组里。",
                "Write “item code#material id”, each material in one group.",
            )
            yield _finding("bundle-materials", where, cause, mend)
        if len({reference.partition("#")[0] for reference in group}) < FEWEST:
            yield _finding(
                "bundle-materials",
                where,
                ("一组共用的材料要来自两个以上的事项。", "Materials that are shared are of two items at least."),
                (
                    "加上另一个事项的同一份材料，或者删掉这一组。",
                    "Add the same document of another item, or drop the group.",
                ),
            )
        licences = {material.licence_type for material in found.values() if material and material.licence_type}
        if len(licences) > 1:
            yield _finding(
                "bundle-materials",
                where,
                ("这一组里是不同的证照，不是同一份。", "The group holds different licence types, not one document."),
                ("按证照类型分开。", "Part them by licence type."),
            )


def material_of(reference: str, members: Mapping[str, Member]) -> Material | None:
    """The material that "item code#material id" stands for."""
    code, _, id_ = reference.partition("#")
    materials = members[code].content.materials if code in members else ()
    return next((material for material in materials if material.id == id_), None)


@dataclass(frozen=True, slots=True)
class ToBring:
    """One entry of what to bring, for all members that ask for it."""

    name: Text
    note: Text | None
    required: bool
    members: tuple[str, ...]
    references: tuple[str, ...]


def to_bring(bundle: BundleContent, members: Mapping[str, Member]) -> list[ToBring]:
    """What to bring for all members, in their order: a shared document once, needed where any member needs it."""
    groups = {reference: group for group in bundle.shared_materials for reference in group}
    found: list[ToBring] = []
    told: set[str] = set()
    for member in ordered(bundle.members):
        if member.code not in members:
            continue
        for material in members[member.code].content.materials:
            reference = f"{member.code}#{material.id}"
            if reference in told:
                continue
            group = groups.get(reference, (reference,))
            told.update(group)
            found.append(_one_document(group, members))
    return found


def _one_document(group: Iterable[str], members: Mapping[str, Member]) -> ToBring:
    known = {reference: material for reference in group if (material := material_of(reference, members))}
    first = next(iter(known.values()))
    note = next((material.note for material in known.values() if material.note), None)
    return ToBring(
        name=first.name,
        note=note,
        required=any(material.required for material in known.values()),
        members=tuple(dict.fromkeys(reference.partition("#")[0] for reference in known)),
        references=tuple(known),
    )
