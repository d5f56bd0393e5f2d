"""The form as a schema: JSON Schema 2020-12 that leans on nothing outside itself, and ends.

What walks the schema is bounded before: first its size and depth, then its references, then the metaschema.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from services.catalog.domain.form.build import DIALECT, Schema
from services.catalog.domain.form.pattern import pattern_problem
from services.catalog.domain.form.problems import FormProblem, form_problem

MOST_BYTES: Final = 256 * 1024
DEEPEST: Final = 24
DEEPEST_REFERENCE: Final = 8
MOST_EXPANDED: Final = 3_000
"""Schemas that are met when every reference is followed: `$defs` that name each other twice grow as 2^n."""

_INSIDE: Final = re.compile(r"#/\$defs/([A-Za-z0-9_.-]{1,64})")
_MAPS: Final = frozenset({"properties", "patternProperties", "$defs", "dependentSchemas"})
_LISTS: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SINGLE: Final = frozenset(
    {
        *("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"),
        *("unevaluatedItems", "unevaluatedProperties"),
    }
)
_PLAIN: Final = frozenset(
    {
        *("$schema", "$ref", "$dynamicRef", "$comment", "type", "enum", "const", "multipleOf", "maximum", "minimum"),
        *("exclusiveMaximum", "exclusiveMinimum", "maxLength", "minLength", "pattern", "maxItems", "minItems"),
        *("uniqueItems", "maxContains", "minContains", "maxProperties", "minProperties", "required"),
        *("dependentRequired", "title", "description", "default", "deprecated", "readOnly", "writeOnly", "examples"),
        "format",
    }
)
_ANCHORS: Final = frozenset(
    {"$id", "id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$recursiveRef", "$vocabulary"}
)
_HINTS: Final = frozenset(
    {"x-title-en", "x-hint-en", "x-widget", "x-autocomplete", "x-enum-titles", "x-element", "x-pages"}
)
_FORMATS: Final = frozenset({"date", "time", "date-time", "email", "uri"})


def unreadable(schema: object) -> FormProblem | None:
    """Size and depth, without recursion: what comes later may recurse."""
    if not isinstance(schema, dict):
        return form_problem("form", "type", "表单要是一个 JSON 对象。", "A form is a JSON object.")
    level: list[Any] = [schema]
    for _ in range(DEEPEST):
        level = [part for whole in level for part in _parts(whole)]
        if not level:
            break
    else:
        return form_problem(
            "form", "too_deep", f"表单嵌套超过 {DEEPEST} 层。", f"The form is nested deeper than {DEEPEST}."
        )
    try:
        document = orjson.dumps(schema)
    except (TypeError, ValueError):
        return form_problem("form", "format", "表单里有 JSON 写不出的内容。", "The form holds what JSON cannot.")
    if b"\\u0000" in document:
        # PostgreSQL takes no NUL in a text (manual, 8.3).
        return form_problem("form", "format", "表单里有空字符（NUL）。", "The form holds a NUL character.")
    if len(document) > MOST_BYTES:
        return form_problem(
            "form",
            "too_large",
            f"表单超过 {MOST_BYTES // 1024} KB。",
            f"The form is larger than {MOST_BYTES // 1024} KB.",
        )
    return None


def _parts(value: Any) -> Iterator[Any]:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in inside:
        if isinstance(part, dict | list):
            yield part


def _subschemas(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for keyword, value in schema.items():
        if keyword in _MAPS and isinstance(value, dict):
            yield from ((f"{keyword}.{name}", each) for name, each in value.items())
        elif keyword in _LISTS and isinstance(value, list):
            yield from ((f"{keyword}.{number}", each) for number, each in enumerate(value))
        elif keyword in _SINGLE:
            yield keyword, value


def keyword_problems(schema: Schema) -> Iterator[FormProblem]:
    """Words that are not taken, patterns and formats that are refused, wherever they stand."""
    yield from _keywords(schema, "form", root=True)


def _keywords(schema: Any, field: str, *, root: bool = False) -> Iterator[FormProblem]:
    """Keywords, patterns and formats of `schema` and of those in it; `field` stays at the field that they are of."""
    if not isinstance(schema, dict):
        return
    for keyword, value in schema.items():
        if keyword in _ANCHORS:
            yield form_problem(
                field,
                "anchor",
                f"不能用 {keyword}：表单只引用自己的 #/$defs/…。",
                f"{keyword} is not taken: a form refers to its own #/$defs/… only.",
            )
        elif keyword not in (_MAPS | _LISTS | _SINGLE | _PLAIN | _HINTS):
            shown = keyword[:40]
            yield form_problem(
                field,
                "unknown_keyword",
                f"“{shown}”不是 JSON Schema 2020-12 的关键字，也不是显示提示。",
                f"“{shown}” is neither a keyword of JSON Schema 2020-12 nor a display hint.",
            )
        elif keyword == "$schema" and (not root or value != DIALECT):
            yield form_problem(
                field,
                "dialect",
                f"$schema 只写在最外层，写 {DIALECT}。",
                f"$schema stands at the root and is {DIALECT}.",
            )
        elif keyword == "pattern" and isinstance(value, str):
            yield from _pattern(value, field)
        elif keyword == "patternProperties" and isinstance(value, dict):
            for each in value:
                yield from _pattern(each, field)
        elif keyword == "format" and not (isinstance(value, str) and value in _FORMATS):
            names = ", ".join(sorted(_FORMATS))
            yield form_problem(field, "format", f"format 只能是 {names}。", f"format is one of {names}.")
    for place, each in _subschemas(schema):
        inner = f"form.{place.partition('.')[2]}" if root and place.startswith("properties.") else field
        yield from _keywords(each, inner)


def _pattern(pattern: str, field: str) -> Iterator[FormProblem]:
    if words := pattern_problem(pattern):
        yield form_problem(field, "pattern", f"{words[0]}。", f"{words[1].capitalize()}.")


def reference_problems(schema: Schema) -> Iterator[FormProblem]:
    """Every reference leads to `$defs` of the form itself, none in a circle, and all together do not multiply."""
    definitions = schema.get("$defs")
    definitions = definitions if isinstance(definitions, dict) else {}
    sizes: dict[str, int] = {}

    def expanded(each: Any, under: tuple[str, ...]) -> int:
        if not isinstance(each, dict):
            return 1
        size = 1
        for keyword in ("$ref", "$dynamicRef"):
            if keyword in each:
                size += followed(each[keyword], under)
        for place, inner in _subschemas(each):
            if not place.startswith("$defs."):
                size += expanded(inner, under)
        return size

    def followed(reference: Any, under: tuple[str, ...]) -> int:
        inside = _INSIDE.fullmatch(reference) if isinstance(reference, str) else None
        if inside is None or inside[1] not in definitions:
            raise _Reference(
                "reference",
                f"引用 {str(reference)[:80]} 不在表单自己的 #/$defs/… 里。",
                f"The reference {str(reference)[:80]} leads to none of the form's own #/$defs/….",
            )
        name = inside[1]
        if name in under:
            circle = " → ".join([*under[under.index(name) :], name])
            raise _Reference("circle", f"引用绕成了圈：{circle}。", f"References go in a circle: {circle}.")
        if name not in sizes:
            if len(under) >= DEEPEST_REFERENCE:
                raise _Reference(
                    "too_deep",
                    f"引用超过 {DEEPEST_REFERENCE} 层。",
                    f"References are nested deeper than {DEEPEST_REFERENCE}.",
                )
            sizes[name] = expanded(definitions[name], (*under, name))
        if sizes[name] > MOST_EXPANDED:
            raise _Reference(
                "too_large",
                f"表单里的规则超过 {MOST_EXPANDED} 条（引用展开算）。",
                f"The form has more than {MOST_EXPANDED} rules, references followed.",
            )
        return sizes[name]

    try:
        total = expanded(schema, ()) + sum(followed(f"#/$defs/{name}", ()) for name in definitions)
    except _Reference as problem:
        yield problem.found
        return
    if total > MOST_EXPANDED:
        yield form_problem(
            "form",
            "too_large",
            f"表单里的规则超过 {MOST_EXPANDED} 条（引用展开算）。",
            f"The form has more than {MOST_EXPANDED} rules, references followed.",
        )


class _Reference(Exception):
    def __init__(self, reason: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.found = form_problem("form", reason, zh, en)


def metaschema_problems(schema: Schema) -> list[FormProblem]:
    # Imported at the first form: a service's start does not need it.
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        path = [str(part) for part in error.absolute_path]
        field = f"form.{path[1]}" if path[:1] == ["properties"] and len(path) > 1 else "form"
        place = ".".join(path)[:100] or "form"
        return [
            form_problem(
                field, "schema", f"{place} 不符合 JSON Schema 2020-12。", f"{place} is not as JSON Schema 2020-12 asks."
            )
        ]
    return []
