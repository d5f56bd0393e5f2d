"""How single values are written in a cell and read again. What cannot be read is a ValueError with words for people.

A reader gets the item as it is and gives the fields that change, so that what a cell cannot hold stays: a limit keeps
its basis, a material its details, a text its English.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Final, Literal, TypeVar

from services.catalog.domain import codes, drafts
from services.catalog.domain.form import Schema, standard_form
from services.catalog.domain.items import STANDARD_MATERIALS, ItemContent
from services.contracts.base import Text
from services.contracts.catalog_items import Basis, Condition, Contact, Fee, Limit, Material, Result, Subject

LONGEST_TEXT: Final = drafts.LONGEST
LONGEST_NAME: Final = 200
LONGEST_DEPARTMENT: Final = 100
LONGEST_TOPIC: Final = 50
MOST_VALUES: Final = drafts.MOST_ENTRIES
"""Of one list."""

Update = Mapping[str, Any]
Reader = Callable[[Any, ItemContent], Update]
T = TypeVar("T")

BOTH: Final[tuple[Subject, ...]] = ("person", "company")
_SUBJECTS: Final[dict[str, Subject]] = {
    **dict.fromkeys(("person", "个人", "自然人"), "person"),
    **dict.fromkeys(("company", "法人", "企业", "法人和其他组织", "非法人组织"), "company"),
}
_KINDS: Final = {
    "base": "base",
    "基本目录": "base",
    "implementation": "implementation",
    "实施清单": "implementation",
    "handling": "handling",
    "办理项": "handling",
}
# GB/T 39046-2020: case kinds 1, 2, 9; channel forms 1–4, 9.
_CASE_KINDS: Final = {
    "immediate": "immediate", "即办": "immediate", "即办件": "immediate", "1": "immediate",
    "promised": "promised", "承诺": "promised", "承诺件": "promised", "2": "promised",
    "other": "other", "其他": "other", "9": "other",
}  # fmt: skip
_CHANNELS: Final = {
    "window": "window", "窗口": "window", "1": "window",
    "computer": "computer", "电脑": "computer", "网上": "computer", "2": "computer",
    "mobile": "mobile", "移动端": "mobile", "手机": "mobile", "3": "mobile",
    "courier": "courier", "快递": "courier", "邮寄": "courier", "4": "courier",
    "kiosk": "kiosk", "自助终端": "kiosk", "自助机": "kiosk",
    "hotline": "hotline", "电话": "hotline", "热线": "hotline",
    "wechat": "wechat", "微信": "wechat",
    "other": "other", "其他": "other", "9": "other",
}  # fmt: skip
_UNITS: Final[dict[str, Literal["working_day", "day", "month"]]] = {
    "": "working_day", "working_day": "working_day", "工作日": "working_day",
    "day": "day", "天": "day", "日": "day", "自然日": "day",
    "month": "month", "月": "month",
}  # fmt: skip
_UNIT_NAMES: Final = {"working_day": "工作日", "day": "日", "month": "月"}
_LIMIT: Final = re.compile(r"(?P<amount>\d{1,4}) ?个?(?P<unit>[a-z_]*|工作日|自然日|天|日|月)")
_LAW: Final = re.compile(r"《(?P<law>[^》]+)》\s*(?P<article>.*)")
_YES: Final = {"是": True, "收费": True, "yes": True, "true": True, "1": True}
_NO: Final = {"否": False, "不收费": False, "no": False, "false": False, "0": False}
_OPTIONAL: Final = "（可不交）"


def chinese(text: Text | None) -> str:
    """The Chinese of a text that may be absent."""
    return text.zh if text else ""


def is_uscc(text: str | None) -> bool:
    """Whether `text` is a valid unified social credit code."""
    return codes.uscc_problem(text) is None


def named(text: Text | None, zh: str) -> Text | None:
    """`text` with this Chinese; its English belongs to what it said before, and goes."""
    if not zh:
        return None
    return text if text is not None and text.zh == zh else Text(zh=zh)


def text_of(name: str) -> Reader:
    """A text of the item."""
    return lambda value, content: {name: named(getattr(content, name), value)}


def subjects(value: tuple[str, ...], content: ItemContent) -> Update:
    """Who it is for; both where a word is not known, for whoever is shut out by mistake cannot apply at all."""
    found = {_SUBJECTS.get(word.casefold()) for word in value}
    chosen = BOTH if not found or None in found else tuple(each for each in BOTH if each in found)
    own = content.form == form_for(content.subjects)
    return {"subjects": chosen} | ({"form": form_for(chosen)} if own else {})


def kind(value: str, content: ItemContent) -> Update:
    if not value:
        return {}
    found = _one(value, _KINDS, "base, implementation or handling")
    # Nobody applies for a base item.
    form = {} if found == "base" else content.form or form_for(content.subjects)
    return {"kind": found, "form": form}


def base(value: str, _: ItemContent) -> Update:
    if not value:
        return {"base": None}
    code = codes.parse_item_code(value)
    if code is None:
        raise ValueError("not an item code")
    return {"base": code.code}


def topics(value: tuple[str, ...], _: ItemContent) -> Update:
    if any(len(topic) > LONGEST_TOPIC for topic in value):
        raise ValueError(f"a topic longer than {LONGEST_TOPIC} characters")
    return {"topics": tuple(dict.fromkeys(value))}


def case_kind(value: str, _: ItemContent) -> Update:
    return {"case_kind": _one(value, _CASE_KINDS, "immediate, promised or other") if value else None}


def limit_text(limit_: Limit | None) -> str:
    return f"{limit_.amount} {_UNIT_NAMES[limit_.unit]}" if limit_ else ""


def limit(which: Literal["statutory", "promised"]) -> Reader:
    """A time limit such as "20 工作日", "3 个月", "15 day"; a bare number is working days (行政许可法 art. 82)."""

    def read(value: str, content: ItemContent) -> Update:
        if not value:
            return {"limits": content.limits.model_copy(update={which: None})}
        found = _LIMIT.fullmatch(value.casefold())
        if found is None or found["unit"] not in _UNITS:
            raise ValueError("not a limit such as 20 工作日, 15 日, 3 月")
        before = getattr(content.limits, which)
        parts = {"amount": int(found["amount"]), "unit": _UNITS[found["unit"]]}
        after = before.model_copy(update=parts) if before else Limit(**parts)
        return {"limits": content.limits.model_copy(update={which: after})}

    return read


def charged_text(content: ItemContent) -> str:
    return "" if content.fee is None else ("是" if content.fee.charged else "否")


def charged(value: str, content: ItemContent) -> Update:
    if not value:
        return {"fee": None}
    found = (_YES | _NO).get(value.casefold())
    if found is None:
        raise ValueError("neither 是 nor 否")
    return {"fee": content.fee.model_copy(update={"charged": found}) if content.fee else Fee(charged=found)}


def fee_note(value: str, content: ItemContent) -> Update:
    if content.fee is None:
        if value:
            raise ValueError("a note on a fee that is not told: say in fee_charged whether there is one")
        return {}
    return {"fee": content.fee.model_copy(update={"note": named(content.fee.note, value)})}


def number(name: str, most: int, *, least: int = 0) -> Reader:
    """A whole number of the item."""

    def read(value: str, _: ItemContent) -> Update:
        if not value:
            return {name: None}
        if not (value.isascii() and value.isdigit() and len(value) < 4 and least <= int(value) <= most):
            raise ValueError(f"not a whole number from {least} to {most}")
        return {name: int(value)}

    return read


def channels(value: tuple[str, ...], _: ItemContent) -> Update:
    return {"channels": tuple(dict.fromkeys(_one(each, _CHANNELS, "a channel") for each in value))}


def conditions(value: tuple[str, ...], content: ItemContent) -> Update:
    return {"conditions": _kept(value, content.conditions, chinese, lambda zh, _: Condition(zh=zh))}


def basis_text(found: Basis) -> str:
    return f"《{found.law}》{found.article or ''}"


def basis(value: tuple[str, ...], content: ItemContent) -> Update:
    """Laws, one a line: 《行政许可法》第四十二条."""

    def made(line: str, _: int) -> Basis:
        found = _LAW.fullmatch(line)
        return Basis(law=found["law"], article=found["article"] or None) if found else Basis(law=line)

    return {"basis": _kept(value, content.basis, basis_text, made)}


def material_text(found: Material) -> str:
    return found.name.zh + ("" if found.required else _OPTIONAL)


def materials(value: tuple[str, ...], content: ItemContent) -> Update:
    """Materials, one a line; one that need not be handed in ends in （可不交）."""
    taken = {material.id for material in content.materials}

    def made(line: str, place: int) -> Material:
        id_ = next(name for extra in range(MOST_VALUES * 2) if (name := f"m{place + 1 + extra}") not in taken)
        taken.add(id_)
        return Material(id=id_, name=Text(zh=line.removesuffix(_OPTIONAL)), required=not line.endswith(_OPTIONAL))

    found = _kept(value, content.materials, material_text, made)
    return {"materials": found or STANDARD_MATERIALS}


def results(value: tuple[str, ...], content: ItemContent) -> Update:
    def made(line: str, _: int) -> Result:
        return Result(name=Text(zh=line))

    return {"results": _kept(value, content.results, lambda result: result.name.zh, made)}


def contact_text(content: ItemContent, name: str) -> str:
    found = getattr(content.contact, name) if content.contact else None
    return chinese(found) if isinstance(found, Text) else found or ""


def contact(name: Literal["phone", "complaint_phone", "address", "hours"]) -> Reader:
    """A part of the contact; without any part there is none."""

    def read(value: str, content: ItemContent) -> Update:
        before = content.contact or Contact()
        text = name in ("address", "hours")
        after = before.model_copy(update={name: named(getattr(before, name), value) if text else value or None})
        return {"contact": after if after != Contact() else None}

    return read


@cache
def form_for(who: tuple[Subject, ...]) -> Schema:
    """The form of an item whose row brings none."""
    return standard_form(who)


def _one(value: str, known: Mapping[str, str], wanted: str) -> str:
    found = known.get(value.casefold())
    if found is None:
        raise ValueError(f"{value[:20]} is not {wanted}")
    return found


def _kept(
    lines: Iterable[str], before: Iterable[T], written: Callable[[T], str], made: Callable[[str, int], T]
) -> tuple[T, ...]:
    # What stands as it was written keeps everything that a line cannot hold.
    known = {written(each): each for each in before}
    return tuple(known.get(line) or made(line, place) for place, line in enumerate(dict.fromkeys(lines)))
