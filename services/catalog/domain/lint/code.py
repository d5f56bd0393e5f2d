"""code: an item code that does not check, or does not fit the item's kind, organisation, type or base item.

A code of our make-up whose credit code does not check is refused, and may be appealed: a few really issued credit codes
fail their check. GB/T 39554.1-2020: 12 digits for a base item, 31 characters for an implementation item (the
organisation's USCC, its level, the base code), 33 for a handling item (its implementation's code and two more). Codes
of other systems fit any kind.
"""

from collections.abc import Iterator
from typing import Final

from services.catalog.domain.codes import parse_item_code, uscc_problem
from services.catalog.domain.findings import Finding
from services.catalog.domain.items import ItemContent
from services.catalog.domain.lint.facts import Facts
from services.contracts.base import Text

RULE: Final = "code"
_LENGTHS: Final = {12: ("base", "基本目录"), 31: ("implementation", "实施清单"), 33: ("handling", "办理项")}
_KINDS: Final = {kind: (length, zh) for length, (kind, zh) in _LENGTHS.items()}
_SYSTEMS: Final = {"gb-12": "base", "gb-31": "implementation", "gb-33": "handling"}
_MINT: Final = Text(
    zh="由系统编码：新建事项时不要自己填。", en="Let the catalogue mint the code: leave it out of a new item."
)


def check(content: ItemContent, facts: Facts) -> Iterator[Finding]:
    parsed = parse_item_code(content.code)
    if parsed is None or parsed.code != content.code:
        yield _finding("code", "编码写法不对。", "The code is not written as one.")
        return
    # Twelve digits are a base code, 31 or 33 characters with a level and a base code in them are made as ours are.
    ours = parsed.organisation == content.code[:18] or (len(content.code) == 12 and content.code.isdigit())
    if parsed.system == "legacy" and (ours or (len(content.code) in _LENGTHS and content.code_system != "legacy")):
        part = "统一社会信用代码" if len(content.code) != 12 and uscc_problem(content.code[:18]) else "组成"
        english = "credit code in it" if part == "统一社会信用代码" else "make-up"
        yield _finding("code", f"编码的{part}不对，校验不通过。", f"The code does not check: its {english} is wrong.")
        return
    if parsed.system != content.code_system:
        yield _finding(
            "code_system",
            f"编码属于 {parsed.system}，写的是 {content.code_system}。",
            f"The code is of the system {parsed.system}, and {content.code_system} is written.",
        )
    if parsed.system == "legacy":
        return
    kind = _SYSTEMS[parsed.system]
    if kind != content.kind:
        length, zh = _KINDS[content.kind]
        yield _finding(
            "code",
            f"{zh}的编码是 {length} 位，这个是 {len(content.code)} 位。",
            f"The code of this kind ({content.kind}) has {length} characters, and this one {len(content.code)}.",
        )
        return
    base = content.code if kind == "base" else content.code[19:31]
    if base[2:4] != content.item_type:
        yield _finding(
            "item_type",
            f"编码里的事项类型是 {base[2:4]}，写的是 {content.item_type}。",
            f"The code holds the item type {base[2:4]}, and {content.item_type} is written.",
        )
    if kind == "base":
        return
    organisation = facts.organisations.get(content.organisation.id)
    uscc = organisation.uscc if organisation else content.organisation.id
    if uscc != content.code[:18]:
        yield _finding(
            "organisation",
            f"编码里的机构是 {content.code[:18]}，实施机构“{content.organisation.name.zh}”不是它。",
            f"The code holds the organisation {content.code[:18]}, which “"
            f"{content.organisation.name.en or content.organisation.name.zh}” is not.",
        )
    above = base if kind == "implementation" else content.code[:31]
    if content.base is not None and content.base != above and _of_our_system(content.base):
        yield _finding(
            "base",
            f"编码里的上一级事项是 {above}，写的是 {content.base}。",
            f"The code holds the item {above} above it, and {content.base} is written.",
        )


def _of_our_system(code: str) -> bool:
    parsed = parse_item_code(code)
    return parsed is not None and parsed.system != "legacy"


def _finding(field: str, zh: str, en: str) -> Finding:
    return Finding(RULE, field, Text(zh=zh, en=en), _MINT)
