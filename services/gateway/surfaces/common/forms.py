"""Forms from an item's JSON Schema: pages, fields in the reader's language, what was posted, what is wrong in words."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.kit.errors import FieldProblem
from services.kit.pages import ENGLISH, Form, full_day, language, ngettext, pick
from services.kit.pages import gettext as _

_PARTS = ("year", "month", "day")
_INPUT_MODES = {"integer": "numeric", "number": "decimal"}


@dataclass(frozen=True, slots=True)
class Field:
    """One question. `kind` is the widget: text, textarea, date, radio, select, tel or checkboxes."""

    name: str
    kind: str
    label: str
    hint: str
    options: tuple[tuple[str, str], ...]
    required: bool
    autocomplete: str
    longest: int | None
    value_type: str

    @property
    def id(self) -> str:
        """The id of its (first) control on the page."""
        return f"f-{self.name}"

    @property
    def input_mode(self) -> str:
        return "tel" if self.kind == "tel" else _INPUT_MODES.get(self.value_type, "")


@dataclass(frozen=True, slots=True)
class FormPage:
    """One page of a form."""

    id: str
    title: str
    hint: str
    fields: tuple[Field, ...]


def pages_of(schema: Mapping[str, Any], answers: Mapping[str, Any]) -> list[FormPage]:
    """The pages that these answers call for, in order. A schema without x-pages is one page."""
    properties: Mapping[str, Any] = schema.get("properties", {})
    listed = schema.get("x-pages") or [
        {"id": "form", "title": {"zh": "申请表", "en": "Application"}, "fields": [*properties]}
    ]
    found = []
    for page in listed:
        when = page.get("when")
        if when and answers.get(when["field"]) != when["const"]:
            continue
        needed = _required(schema, answers)
        fields = tuple(_field(name, properties[name], name in needed) for name in page["fields"] if name in properties)
        found.append(FormPage(str(page["id"]), pick(page["title"]), pick(page.get("hint")), fields))
    return found


def _required(schema: Mapping[str, Any], answers: Mapping[str, Any]) -> set[str]:
    """Fields that must be answered, those of a condition (allOf/if/then on one constant) among them."""
    needed = set(schema.get("required", ()))
    for rule in schema.get("allOf", ()):
        conditions = rule.get("if", {}).get("properties", {})
        if conditions and all(answers.get(name) == each.get("const") for name, each in conditions.items()):
            needed |= set(rule.get("then", {}).get("required", ()))
    return needed


def _field(name: str, schema: Mapping[str, Any], required: bool) -> Field:
    english = language() == ENGLISH
    titles = schema.get("x-enum-titles", {})
    value_type = str(schema.get("type", "string"))
    choices = schema.get("enum") or schema.get("items", {}).get("enum") or ()
    titles = titles or schema.get("items", {}).get("x-enum-titles", {})
    kind = "checkboxes" if value_type == "array" else str(schema.get("x-widget") or ("radio" if choices else "text"))
    return Field(
        name=name,
        kind=kind,
        label=str((schema.get("x-title-en") if english else None) or schema.get("title") or name),
        hint=str((schema.get("x-hint-en") if english else None) or schema.get("description") or ""),
        options=tuple((str(value), pick(titles.get(value)) or str(value)) for value in choices),
        required=required,
        autocomplete=str(schema.get("x-autocomplete") or ""),
        longest=schema.get("maxLength"),
        value_type=value_type,
    )


def posted(page: FormPage, form: Form) -> dict[str, Any]:
    """The answers of one page as they were posted; an empty field is no answer. Nothing is judged here."""
    answers: dict[str, Any] = {}
    for field in page.fields:
        value: Any
        if field.kind == "date":
            parts = [form.text(f"{field.name}.{part}", 40) for part in _PARTS]
            value = _date(parts) if any(parts) else ""
        elif field.kind == "checkboxes":
            value = form.many(field.name)
        else:
            value = form.text(field.name, 20_000)
            if field.value_type in ("integer", "number") and re.fullmatch(r"-?[0-9]{1,15}", value):
                value = int(value)
            elif field.value_type == "number" and re.fullmatch(r"-?[0-9]{1,15}\.[0-9]{1,15}", value):
                value = float(value)
        if value not in ("", []):
            answers[field.name] = value
    return answers


def _date(parts: Sequence[str]) -> str:
    if all(part.isascii() and part.isdecimal() for part in parts):
        return f"{int(parts[0]):04d}-{int(parts[1]):02d}-{int(parts[2]):02d}"
    return "-".join(parts)


def shown(field: Field, value: Any) -> Any:
    """A value as its control takes it."""
    if field.kind == "date":
        parts = [part.lstrip("0") for part in str(value or "").split("-")] + ["", "", ""]
        return dict(zip(_PARTS, parts, strict=False))
    if field.kind == "checkboxes":
        return value if isinstance(value, list) else []
    return "" if value is None else str(value)


def in_words(field: Field, value: Any) -> Any:
    """A value as people read it."""
    if value in (None, "", []):
        return _("没有填")
    if field.kind == "date":
        try:
            return full_day(date.fromisoformat(str(value)))
        except ValueError:
            return str(value)
    names = dict(field.options)
    if isinstance(value, list):
        return _("、").join(names.get(str(each), str(each)) for each in value)
    return names.get(str(value), str(value))


def problem_words(field: Field, reason: str, value: Any) -> str:
    """What is wrong with one answer: names the value and the way out."""
    choice = field.kind in ("radio", "select", "checkboxes")
    if reason == "required" or value in (None, "", []):
        return (_("请选一项：%(label)s") if choice else _("请填：%(label)s")) % {"label": field.label}
    typed = str(value)
    if len(typed) > 40:
        typed = typed[:40] + "…"
    values = {"label": field.label, "value": typed, "most": field.longest or 0}
    if field.kind == "date":
        return _date_words(field, typed)
    if reason == "too_long" and field.longest:
        over = len(str(value)) - field.longest
        return ngettext(
            "%(label)s最多 %(most)d 个字，多了 %(num)d 个", "%(label)s最多 %(most)d 个字，多了 %(num)d 个", over
        ) % (values | {"num": over})
    if field.kind == "tel":
        return _("“%(value)s”不像电话号码，请核对") % values
    if field.value_type in ("integer", "number"):
        if reason in ("too_small", "too_large"):
            return _("%(label)s“%(value)s”超出范围，请核对") % values
        return _("%(label)s要填数字，您填的是“%(value)s”") % values
    if reason == "choice":
        return _("请选一项：%(label)s") % values
    return _("%(label)s“%(value)s”写得不对，请核对") % values


def _date_words(field: Field, typed: str) -> str:
    try:
        date.fromisoformat(typed)
    except ValueError:
        return _("%(label)s：“%(value)s”不是一个日子，请核对年、月、日") % {"label": field.label, "value": typed}
    return _("%(label)s：“%(value)s”不行，请核对") % {"label": field.label, "value": typed}


def problems_on(
    page: FormPage, problems: Sequence[FieldProblem], answers: Mapping[str, Any]
) -> list[tuple[Field, str]]:
    """Those problems that lie on this page, each with its field and words, in the order of the page."""
    reasons: dict[str, str] = {}
    for problem in problems:
        parts = re.split(r"[./]", problem.field.lstrip("/"))
        name = parts[1] if len(parts) > 1 and parts[0] == "answers" else parts[0]
        reasons.setdefault(name, problem.reason)
    return [
        (field, problem_words(field, reasons[field.name], answers.get(field.name)))
        for field in page.fields
        if field.name in reasons
    ]
