"""Forms: what an item's JSON Schema (2020-12) asks, page by page, and what is wrong with the answers given.

The catalogue puts `x-pages` at the schema's root: id, title, fields and, for a page that only one answer calls for,
`when` (field, const). A schema without pages is one page named `form`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import orjson
from jsonschema import Draft202012Validator, SchemaError, ValidationError

from services.kit.errors import FieldProblem

Answers = Mapping[str, Any]
Schema = Mapping[str, Any]

MAX_BYTES: Final = 128 * 1024
"""Largest set of answers, as JSON bytes."""

_REASONS: Final = {
    "required": ("required", "an answer is needed"),
    "type": ("type", "an answer of another kind is needed"),
    "format": ("format", "the answer is not written as it should be"),
    "pattern": ("pattern", "the answer is not written as it should be"),
    "enum": ("choice", "choose one of the options"),
    "const": ("choice", "choose one of the options"),
    "minLength": ("too_short", "the answer is too short"),
    "maxLength": ("too_long", "the answer is too long"),
    "minimum": ("too_small", "the number is too small"),
    "exclusiveMinimum": ("too_small", "the number is too small"),
    "maximum": ("too_large", "the number is too large"),
    "exclusiveMaximum": ("too_large", "the number is too large"),
    "multipleOf": ("step", "the number is not a multiple of the step"),
    "minItems": ("too_few", "more entries are needed"),
    "maxItems": ("too_many", "there are too many entries"),
    "uniqueItems": ("repeated", "an entry is repeated"),
    "additionalProperties": ("unknown", "the form has no such field"),
    "unevaluatedProperties": ("unknown", "the form has no such field"),
}
"""Keyword of the schema: stable reason, words. The answer itself is never repeated: it is personal."""


@dataclass(frozen=True, slots=True)
class FormPage:
    """One page of a form: its fields, and the answer on which it depends."""

    id: str
    fields: tuple[str, ...]
    when: tuple[str, Any] | None = None

    def applies(self, answers: Answers) -> bool:
        """Whether these answers call for the page."""
        return self.when is None or answers.get(self.when[0]) == self.when[1]


class Form:
    """One version of an item's form, compiled. Raises ValueError for a schema that is none."""

    def __init__(self, schema: Schema) -> None:
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            raise ValueError(f"the form is no JSON Schema 2020-12: {error.json_path}") from None
        self._validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
        self._fields = tuple(schema.get("properties", {}))
        try:
            self.pages = _pages(schema, self._fields)
        except (KeyError, TypeError, AttributeError):
            raise ValueError("x-pages is not as it should be") from None

    def page(self, page_id: str) -> FormPage | None:
        """The page of that id, or None."""
        return next((page for page in self.pages if page.id == page_id), None)

    def called_for(self, answers: Answers) -> dict[str, Any]:
        """The answers without those to pages that the other answers do not call for, and without unknown fields."""
        hidden = {name for page in self.pages if not page.applies(answers) for name in page.fields}
        return {name: value for name, value in answers.items() if name in self._fields and name not in hidden}

    def problems(self, answers: Answers) -> list[FieldProblem]:
        """What is wrong with the answers as a whole, in the order of the form; one problem a field."""
        found: dict[str, FieldProblem] = {}
        for error in self._validator.iter_errors(dict(answers)):
            for field, keyword in _places(error):
                if field.split(".")[0] and field not in found:
                    reason, detail = _REASONS.get(keyword, ("invalid", "the answer is not right"))
                    found[field] = FieldProblem(f"answers.{field}", reason, detail)
        order = {name: index for index, name in enumerate(self._fields)}
        return [found[field] for field in sorted(found, key=lambda f: (order.get(f.split(".")[0], len(order)), f))]

    def page_problems(self, page: FormPage, answers: Answers) -> list[FieldProblem]:
        """Those problems that lie on one page."""
        return [problem for problem in self.problems(answers) if problem.field.split(".")[1] in page.fields]


@lru_cache(maxsize=4096)
def compiled(schema: bytes) -> Form:
    """The form of a schema, compiled once for all items and versions that ask with the same bytes of JSON.

    Compiling takes milliseconds, in the consumer within its transaction: hundreds of imported items share one form.
    """
    return Form(orjson.loads(schema))


def _pages(schema: Schema, fields: tuple[str, ...]) -> tuple[FormPage, ...]:
    listed = schema.get("x-pages")
    if not listed:
        return (FormPage("form", fields),)
    pages = []
    for page in listed:
        when = page.get("when")
        pages.append(
            FormPage(
                page["id"],
                tuple(page["fields"]),
                (when["field"], when["const"]) if when else None,
            )
        )
    return tuple(pages)


def _places(error: ValidationError) -> Iterator[tuple[str, str]]:
    """Where an error lies: a missing or unknown property is a place of its own, below the object that it is about."""
    path = [str(part) for part in error.absolute_path]
    keyword = str(error.validator)
    if keyword == "required":
        present: Any = error.instance
        for name in _strings(error.validator_value):
            if name not in present:
                yield ".".join([*path, str(name)]), keyword
    elif keyword in ("additionalProperties", "unevaluatedProperties") and isinstance(error.instance, dict):
        known = error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else {}
        for name in error.instance:
            if name not in known:
                yield ".".join([*path, str(name)]), keyword
    elif keyword in ("minLength", "pattern") and error.instance == "":
        yield ".".join(path), "required"
    elif path:
        yield ".".join(path), keyword
    else:
        yield "form", keyword


def _strings(value: Any) -> list[str]:
    return [part for part in value if isinstance(part, str)] if isinstance(value, list) else []


def answered(posted: Answers) -> dict[str, Any]:
    """Answers without the empty ones: an empty field of a page is an answer not given."""
    return {name: value for name, value in posted.items() if value not in ("", None, [])}


def is_storable(answers: Answers) -> bool:
    """Whether the answers are JSON that every reader can read (RFC 8259 §8.1: UTF-8) and not too large."""
    try:
        return len(orjson.dumps(answers)) <= MAX_BYTES
    except (TypeError, ValueError, RecursionError):
        return False
