"""Forms put together: the standard form of items without one, and the demonstration's."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from services.contracts.catalog_items import Subject

Widget = Literal["text", "textarea", "date", "radio", "select", "tel"]
Schema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
# Mainland mobile numbers (工信部 numbering plan) and fixed lines with area code.
PHONE: Final = r"^(1[3-9][0-9]{9}|0[0-9]{2,3}-?[0-9]{7,8})$"
USCC: Final = r"^[0-9A-HJ-NPQRTUWXYa-hj-npqrtuwxy]{18}$"


def text(
    zh: str,
    en: str,
    *,
    hint: tuple[str, str] | None = None,
    widget: Widget = "text",
    longest: int = 100,
    autocomplete: str | None = None,
    pattern: str | None = None,
) -> Schema:
    """A field of free text of 1 to `longest` characters."""
    field: Schema = {"type": "string", "minLength": 1, "maxLength": longest} | _labels(zh, en, hint, widget)
    if pattern:
        field["pattern"] = pattern
    if autocomplete:
        field["x-autocomplete"] = autocomplete
    return field


def phone(zh: str = "手机号", en: str = "Mobile number") -> Schema:
    """A telephone number, prefilled by the browser where it knows one."""
    hint = ("办理进度会发到这里。", "We send progress to this number.")
    return text(zh, en, hint=hint, widget="tel", longest=20, autocomplete="tel", pattern=PHONE)


def date(zh: str, en: str, *, hint: tuple[str, str] | None = None, autocomplete: str | None = None) -> Schema:
    """A calendar day, YYYY-MM-DD (RFC 3339 full-date)."""
    field: Schema = {"type": "string", "format": "date"} | _labels(zh, en, hint, "date")
    return field | ({"x-autocomplete": autocomplete} if autocomplete else {})


def choice(
    zh: str,
    en: str,
    options: Mapping[str, tuple[str, str]],
    *,
    widget: Literal["radio", "select"] = "radio",
    hint: tuple[str, str] | None = None,
) -> Schema:
    """One of `options` (value: Chinese and English label)."""
    return {
        "type": "string",
        "enum": list(options),
        "x-enum-titles": {value: {"zh": label[0], "en": label[1]} for value, label in options.items()},
    } | _labels(zh, en, hint, widget)


def number(zh: str, en: str, *, least: int, most: int, hint: tuple[str, str] | None = None) -> Schema:
    """A whole number between `least` and `most`."""
    return {"type": "integer", "minimum": least, "maximum": most} | _labels(zh, en, hint, "text")


def behind(element: str, field: Schema) -> Schema:
    """`field` with the code of the data element that it asks for."""
    return field | {"x-element": element}


def page(
    page_id: str, zh: str, en: str, fields: Mapping[str, Schema], *, when: tuple[str, str] | None = None
) -> Schema:
    """One page; `when` (field, value) shows it only after that answer."""
    found: Schema = {"id": page_id, "title": {"zh": zh, "en": en}, "fields": dict(fields)}
    return found | ({"when": {"field": when[0], "const": when[1]}} if when else {})


def form(pages: Iterable[Schema], *, optional: Iterable[str] = ()) -> Schema:
    """The form's schema from its pages. Every field is required but those in `optional` and those of a page with
    `when`, which are required under that condition. Raises ValueError for a field or page that comes twice."""
    properties: Schema = {}
    required: list[str] = []
    conditions: list[Schema] = []
    shown: list[Schema] = []
    free = set(optional)
    for each in pages:
        if properties.keys() & each["fields"].keys() or any(each["id"] == other["id"] for other in shown):
            raise ValueError(f"page {each['id']} repeats a page or a field")
        properties |= each["fields"]
        needed = [name for name in each["fields"] if name not in free]
        if when := each.get("when"):
            answered = {"properties": {when["field"]: {"const": when["const"]}}, "required": [when["field"]]}
            conditions.append({"if": answered, "then": {"required": needed}})
        else:
            required += needed
        shown.append(each | {"fields": list(each["fields"])})
    if unknown := free - properties.keys():
        raise ValueError(f"optional fields that no page has: {', '.join(sorted(unknown))}")
    found: Schema = {"$schema": DIALECT, "type": "object", "properties": properties, "required": required}
    if conditions:
        found["allOf"] = conditions
    return found | {"additionalProperties": False, "x-pages": shown}


def applicant_pages(subjects: Iterable[Subject]) -> list[Schema]:
    """Who applies: name and phone; for companies name and USCC too; first which of both, where both may apply."""
    kinds = set(subjects)
    pages = []
    if kinds == {"person", "company"}:
        labels = {"person": ("个人", "A person"), "company": ("企业或其他组织", "A company or other organisation")}
        pages.append(
            page(
                "kind",
                "谁来申请",
                "Who is applying",
                {"applicant_kind": choice("您替谁申请", "Who do you apply for", labels)},
            )
        )
    who = ("经办人姓名", "Your name") if kinds == {"company"} else ("姓名", "Your name")
    pages.append(
        page(
            "applicant",
            "您的联系方式",
            "How to reach you",
            {"name": text(*who, longest=50, autocomplete="name"), "phone": phone()},
        )
    )
    if "company" in kinds:
        company = {
            "company_name": text("单位名称", "Name of the organisation", autocomplete="organization"),
            "uscc": text(
                "统一社会信用代码",
                "Unified social credit code",
                hint=(
                    "营业执照或法人证书上的 18 位代码。",
                    "The 18 characters on the business licence or certificate.",
                ),
                longest=18,
                pattern=USCC,
            ),
        }
        when = ("applicant_kind", "company") if len(kinds) == 2 else None
        pages.append(page("company", "您的单位", "Your organisation", company, when=when))
    return pages


def standard_form(subjects: Iterable[Subject]) -> Schema:
    """The form of an item that brings none: who applies, then what for."""
    statement = text(
        "申请内容",
        "What you apply for",
        hint=("说说您要办什么、为什么办。不用写身份证号。", "What you need and why. Leave out identity numbers."),
        widget="textarea",
        longest=2000,
    )
    return form(
        [*applicant_pages(subjects), page("statement", "您要办什么", "What you need", {"statement": statement})]
    )


def _labels(zh: str, en: str, hint: tuple[str, str] | None, widget: Widget) -> Schema:
    found: Schema = {"title": zh, "x-title-en": en, "x-widget": widget}
    return found | ({"description": hint[0], "x-hint-en": hint[1]} if hint else {})
