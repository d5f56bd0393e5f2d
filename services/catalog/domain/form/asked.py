"""What a form asks: fields that pages can show and that can be answered, pages that hold every field once."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args

from services.catalog.domain.form.build import Schema, Widget
from services.catalog.domain.form.problems import FormProblem, form_problem
from services.catalog.domain.texts import text_problem

MOST_FIELDS: Final = 200
MOST_PAGES: Final = 30
MOST_OPTIONS: Final = 1000
_LONGEST_LABEL: Final = 1000

_FIELD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_ELEMENT: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_PAGE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_AUTOFILL: Final = re.compile(r"[a-z]+[a-z0-9 -]{0,60}")
_IDENTITY_TITLE: Final = re.compile(
    r"身份证号|公民身份号码|身份证件号|\bidentity (card )?number\b|\bid (card )?number\b", re.IGNORECASE
)
_IDENTITY_NAME: Final = re.compile(
    r"(^|_)(id_?(card_?)?(number|no)|identity(_number)?|sfzh?m?|citizen_id|id_?card)($|_)", re.IGNORECASE
)
_TYPES: Final = frozenset({"string", "integer", "number", "array"})
_WIDGETS: Final = frozenset(get_args(Widget))


def field_problems(schema: Schema) -> Iterator[FormProblem]:
    properties = schema.get("properties")
    if schema.get("type") != "object" or not isinstance(properties, dict) or not properties:
        yield form_problem(
            "form",
            "type",
            "表单最外层是 type: object，properties 里至少有一个字段。",
            "A form is of type object and has at least one field in properties.",
        )
        return
    if len(properties) > MOST_FIELDS:
        yield form_problem(
            "form", "too_many", f"字段超过 {MOST_FIELDS} 个。", f"The form has more than {MOST_FIELDS} fields."
        )
        return
    for name in sorted(set(schema.get("required", ())) - properties.keys()):
        yield form_problem(
            "form", "required", f"必填的 {name[:64]} 没有这个字段。", f"The required {name[:64]} is no field."
        )
    for name, field in properties.items():
        yield from _field(name, field)


def _field(name: str, field: Any) -> Iterator[FormProblem]:
    where = f"form.{name[:64]}"
    if not _FIELD.fullmatch(name):
        yield form_problem(
            where,
            "name",
            "字段名用字母、数字和下划线，以字母开头，最多 64 个。",
            "A field's name is letters, digits and _, begins with a letter, and has at most 64 characters.",
        )
    if not isinstance(field, dict):
        yield form_problem(where, "type", "字段要写成一个对象。", "A field is an object.")
        return
    title, english = field.get("title"), field.get("x-title-en")
    if not isinstance(title, str) or not title.strip():
        yield form_problem(where, "title", "字段要有 title。", "A field has a title.")
    asked = (name, str(field.get("x-element", "")))
    if any(map(_IDENTITY_NAME.search, asked)) or any(_IDENTITY_TITLE.search(str(each)) for each in (title, english)):
        yield form_problem(
            where,
            "identity_number",
            "不要问身份证号：谁在申请，登录时就知道了。",
            "Do not ask for an identity number: who applies is known from the sign-in.",
        )
    for hint in ("title", "description", "x-title-en", "x-hint-en"):
        text = field.get(hint, "")
        if not isinstance(text, str) or text_problem(text, _LONGEST_LABEL, lines=True):
            yield form_problem(where, "text", f"{hint} 要是一段普通文字。", f"{hint} is a plain text.")
    yield from _shown(where, field)
    if "x-element" in field and not (isinstance(field["x-element"], str) and _ELEMENT.fullmatch(field["x-element"])):
        yield form_problem(where, "element", "x-element 写数据元的代码。", "x-element is the code of a data element.")


def _shown(where: str, field: Mapping[str, Any]) -> Iterator[FormProblem]:
    """Whether the pages can ask for the field, and read what is answered."""
    kind, widget = field.get("type"), field.get("x-widget")
    if not isinstance(kind, str) or kind not in _TYPES:
        yield form_problem(
            where,
            "type",
            "type 是 string、integer、number，或者一组选项的 array。",
            "type is string, integer, number, or array for several of the options.",
        )
        return
    items = field.get("items")
    holder = items if kind == "array" and isinstance(items, dict) else field
    options = holder.get("enum")
    if kind == "array" and options is None:
        yield form_problem(
            where, "choice", "array 要在 items 里列出选项（enum）。", "An array lists its options: items with enum."
        )
    if widget is not None and not (isinstance(widget, str) and widget in _WIDGETS):
        names = ", ".join(sorted(_WIDGETS))
        yield form_problem(where, "widget", f"x-widget 只能是 {names}。", f"x-widget is one of {names}.")
    elif (
        (widget in ("radio", "select") and (options is None or kind == "array"))
        or (widget == "date" and field.get("format") != "date")
        or (widget in ("date", "textarea", "tel") and kind != "string")
    ):
        yield form_problem(
            where, "widget", f"x-widget {widget} 和字段的类型不合。", f"x-widget {widget} does not suit the field."
        )
    if options is not None:
        yield from _options(where, holder, options, kind)
    token = field.get("x-autocomplete")
    if token is not None and not (isinstance(token, str) and _AUTOFILL.fullmatch(token)):
        yield form_problem(
            where, "autocomplete", "x-autocomplete 写 HTML 的自动填写词。", "x-autocomplete is an HTML autofill token."
        )


def _options(where: str, holder: Mapping[str, Any], options: Any, kind: str) -> Iterator[FormProblem]:
    plain = isinstance(options, list) and all(isinstance(each, str) and each for each in options)
    plain = plain and not any(text_problem(each, _LONGEST_LABEL) for each in options)
    if (
        not plain
        or kind not in ("string", "array")
        or not 1 <= len(options) <= MOST_OPTIONS
        or len(set(options)) < len(options)
    ):
        yield form_problem(
            where,
            "choice",
            f"选项是 1 到 {MOST_OPTIONS} 个不重复的文字。",
            f"The options are 1 to {MOST_OPTIONS} different texts.",
        )
        return
    titles = holder.get("x-enum-titles", {})
    if not isinstance(titles, dict) or titles.keys() - set(options) or not all(map(_is_text, titles.values())):
        yield form_problem(
            where,
            "choice",
            "x-enum-titles 给每个选项写中文（zh）和英文（en）。",
            "x-enum-titles gives options their words in Chinese (zh) and English (en).",
        )


def _is_text(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("zh"), str) or not value["zh"].strip():
        return False
    texts = (value["zh"], value.get("en") or "")
    return all(isinstance(each, str) and not text_problem(each, _LONGEST_LABEL, lines=True) for each in texts)


def page_problems(schema: Schema) -> Iterator[FormProblem]:
    """Every field is on one page; a page that an answer calls for comes after it and has nothing always required."""
    if "x-pages" not in schema:
        return
    pages, properties = schema["x-pages"], schema.get("properties")
    if not isinstance(pages, list) or not 1 <= len(pages) <= MOST_PAGES or not isinstance(properties, dict):
        yield form_problem(
            "form.x-pages",
            "pages",
            f"x-pages 是 1 到 {MOST_PAGES} 页的列表。",
            f"x-pages lists 1 to {MOST_PAGES} pages.",
        )
        return
    seen: set[str] = set()
    ids: set[str] = set()
    for number, page in enumerate(pages):
        where = f"form.x-pages.{number}"
        if (
            not isinstance(page, dict)
            or not isinstance(page.get("id"), str)
            or not _PAGE.fullmatch(page["id"])
            or page["id"] in ids
        ):
            yield form_problem(where, "pages", "每页有一个不重复的 id。", "Each page has an id of its own.")
            return
        ids.add(page["id"])
        if page.keys() - {"id", "title", "hint", "fields", "when"} or not _is_text(page.get("title")):
            yield form_problem(
                where,
                "pages",
                "每页有 title（zh、en）、fields，可以有 hint 和 when。",
                "A page has title (zh, en) and fields, and may have hint and when.",
            )
        if "hint" in page and not _is_text(page["hint"]):
            yield form_problem(where, "pages", "hint 写 zh 和 en。", "hint is zh and en.")
        fields = page.get("fields")
        if not isinstance(fields, list) or not all(isinstance(each, str) for each in fields):
            yield form_problem(where, "pages", "fields 是字段名的列表。", "fields lists names of fields.")
            return
        for name in fields:
            if name not in properties or name in seen or fields.count(name) > 1:
                yield form_problem(
                    where,
                    "pages",
                    f"字段 {name[:64]} 不存在，或者排了两次。",
                    f"The field {name[:64]} is none, or is on two pages.",
                )
        if "when" in page:
            yield from _when(where, page["when"], properties, seen, fields, schema)
        seen |= set(fields)
    for name in properties.keys() - seen:
        yield form_problem(f"form.{name[:64]}", "pages", "这个字段没有排进任何一页。", "The field is on no page.")


def _when(
    where: str, when: Any, properties: Mapping[str, Any], before: set[str], fields: list[str], schema: Schema
) -> Iterator[FormProblem]:
    asked = when.get("field") if isinstance(when, dict) and when.keys() == {"field", "const"} else None
    if not isinstance(asked, str) or asked not in before or asked not in properties:
        yield form_problem(
            where,
            "pages",
            "when 写前面某一页的字段（field）和答案（const）。",
            "when is a field of a page before (field) and its answer (const).",
        )
        return
    options = properties[asked].get("enum") if isinstance(properties[asked], dict) else None
    if isinstance(options, list) and when["const"] not in options:
        yield form_problem(where, "pages", f"{asked} 没有 when 里的答案。", f"{asked} has no answer as in when.")
    for name in sorted(set(fields) & set(schema.get("required", ()))):
        yield form_problem(
            f"form.{name[:64]}",
            "required",
            "这个字段总是必填，它的页却不总出现：改用 if/then。",
            "The field is always required and its page is not always shown: require it by if/then.",
        )
