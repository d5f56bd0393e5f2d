"""同一事项、同一标准、同一编码: what an implementation may not make of its base item, and a handling item of its own.

国发〔2022〕5号, part 2 (政务服务标准化): the same item has the same name, type, basis, conditions and code everywhere;
a local version may shorten limits and drop materials.
"""

import unicodedata
from collections.abc import Iterator
from typing import Final

from services.catalog.domain.findings import Finding
from services.catalog.domain.items import STANDARD_MATERIALS, ItemContent
from services.catalog.domain.limits import longer, told
from services.contracts.base import Text
from services.contracts.catalog_items import Basis, Condition, Material

RULE: Final = "alignment"
_KINDS: Final = {"implementation": "base", "handling": "implementation"}
_TAKE_OVER: Final = ("照着上一级事项改回来。", "Take it over from the item above.")


def misaligned(base: ItemContent, implementation: ItemContent) -> list[Finding]:
    """What `implementation` makes otherwise than `base`, or than the implementation item that a handling item is of."""
    return [
        *_code(base, implementation),
        *_named(base, implementation),
        *_basis(base, implementation),
        *_conditions(base, implementation),
        *_limits(base, implementation),
        *_materials(base, implementation),
    ]


def _finding(field: str, cause: tuple[str, str], mend: tuple[str, str] = _TAKE_OVER) -> Finding:
    return Finding(RULE, field, Text(zh=cause[0], en=cause[1]), Text(zh=mend[0], en=mend[1]))


def _code(base: ItemContent, implementation: ItemContent) -> Iterator[Finding]:
    wanted = _KINDS.get(implementation.kind)
    if base.kind != wanted:
        yield _finding(
            "base",
            (f"{base.code} 不是它能依据的上一级事项。", f"{base.code} is no item that this one can be a version of."),
            (
                "实施清单写基本目录的编码，办理项写实施清单的编码。",
                "Name a base item, or for a handling item an implementation.",
            ),
        )
        return
    # Codes of other systems hold no base code to compare; theirs is named in `base` alone.
    if implementation.code_system == "legacy":
        return
    part = implementation.code[19:31] if wanted == "base" else implementation.code[:31]
    if base.code_system != "legacy" and part != base.code:
        yield _finding(
            "code",
            (f"编码里的 {part} 不是 {base.code}。", f"Its code contains {part} and not {base.code}."),
            ("换成包含上一级编码的编码。", "Give it a code that contains the code above it."),
        )


def _named(base: ItemContent, implementation: ItemContent) -> Iterator[Finding]:
    if not _same_name(base, implementation):
        yield _finding(
            "name", (f"名称和“{base.name.zh}”不一致。", f"Its name is not “{base.name.en or base.name.zh}”.")
        )
    if implementation.item_type != base.item_type:
        yield _finding(
            "item_type",
            (
                f"事项类型和上一级的 {base.item_type} 不一致。",
                f"Its type is not {base.item_type} as that of the item above.",
            ),
        )
    if base.case_kind == "immediate" and implementation.case_kind not in (None, "immediate"):
        yield _finding(
            "case_kind",
            ("上一级是即办件，这里不是，办得更慢了。", "The item above is done at once, and this one is not."),
            ("改为即办件。", "Make it immediate."),
        )


def _same_name(base: ItemContent, implementation: ItemContent) -> bool:
    wanted, found = _key(base.name.zh), _key(implementation.name.zh)
    # A handling item is one situation of its item, which it names in brackets after the item's name.
    situation = found.startswith(wanted) and found[len(wanted) :].startswith("(") and found.endswith(")")
    if found != wanted and not (implementation.kind == "handling" and situation):
        return False
    translated = implementation.kind != "handling" and base.name.en and implementation.name.en
    return not translated or _key(base.name.en or "") == _key(implementation.name.en or "")


def _basis(base: ItemContent, implementation: ItemContent) -> Iterator[Finding]:
    wanted, found = set(map(_law, base.basis)), set(map(_law, implementation.basis))
    for basis in base.basis:
        if _law(basis) not in found:
            yield _finding("basis", (f"少了设定依据{_cited(basis)}。", f"The legal basis {_cited(basis)} is missing."))
    for basis in implementation.basis:
        if _law(basis) not in wanted:
            yield _finding(
                "basis",
                (f"上一级没有{_cited(basis)}这条设定依据。", f"The item above has no legal basis {_cited(basis)}."),
                ("删去，或者请上一级事项的部门补上。", "Leave it out, or have the item above changed."),
            )


def _conditions(base: ItemContent, implementation: ItemContent) -> Iterator[Finding]:
    wanted, found = set(map(_rule, base.conditions)), set(map(_rule, implementation.conditions))
    for condition in base.conditions:
        if _rule(condition) not in found:
            cause = f"申请条件“{condition.zh}”没有照上一级写。"
            yield _finding("conditions", (cause, f"The condition “{condition.en or condition.zh}” is not as above."))
    for condition in implementation.conditions:
        if _rule(condition) not in wanted:
            yield _finding(
                "conditions",
                (
                    f"申请条件“{condition.zh}”是上一级没有的。",
                    f"“{condition.en or condition.zh}” is no condition above.",
                ),
                ("删去，或者请上一级事项的部门补上。", "Leave it out, or have the item above changed."),
            )


def _limits(base: ItemContent, implementation: ItemContent) -> Iterator[Finding]:
    pairs = (
        ("limits.statutory", "法定时限", "statutory", base.limits.statutory, implementation.limits.statutory),
        ("limits.promised", "承诺时限", "promised", base.limits.promised, implementation.limits.promised),
    )
    for field, zh, en, wanted, found in pairs:
        if wanted is None or (found is not None and not longer(found, wanted)):
            continue
        above = told(wanted)
        if found is None:
            cause = (f"没有写{zh}，上一级是 {above[0]}。", f"It has no {en} limit; the item above has {above[1]}.")
        else:
            here = told(found)
            cause = (
                f"{zh} {here[0]}，比上一级的 {above[0]}长。",
                f"Its {en} limit of {here[1]} is longer than the {above[1]} of the item above.",
            )
        yield _finding(field, cause, (f"写 {above[0]}，或者更短。", f"Make it {above[1]} or shorter."))


def _materials(base: ItemContent, implementation: ItemContent) -> Iterator[Finding]:
    by_name = {_key(material.name.zh): material for material in base.materials}
    for material in implementation.materials:
        if material in STANDARD_MATERIALS:
            continue  # what an applicant may add of their own: nothing is demanded
        above = by_name.get(_key(material.name.zh))
        field = f"materials.{material.id}"
        if above is None:
            yield _finding(
                field,
                (
                    f"材料“{material.name.zh}”是上一级没有的。",
                    f"The item above asks for no “{_named_material(material)}”.",
                ),
                ("删去这份材料。", "Leave it out."),
            )
        elif material.required and not above.required:
            yield _finding(
                field,
                (f"材料“{material.name.zh}”在上一级是可交可不交的。", f"“{_named_material(above)}” is optional above."),
                ("改为可不交。", "Make it optional."),
            )


def _key(text: str) -> str:
    """`text` without what does not make it another: width, case, space."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _law(basis: Basis) -> tuple[str, str]:
    # The quoted text is the law's own: quoting it, or not, changes no basis.
    return _key(basis.law).strip("《》"), _key(basis.article or "")


def _cited(basis: Basis) -> str:
    return f"《{basis.law.strip('《》')}》{basis.article or ''}"


def _rule(condition: Condition) -> tuple[str, str]:
    return _key(condition.zh), condition.expression or ""


def _named_material(material: Material) -> str:
    return material.name.en or material.name.zh
