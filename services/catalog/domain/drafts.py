"""A draft's content as it came in: what it may hold, and what is wrong with it, field by field.

What is sure is set right (`domain.texts`); members that no content has are refused instead of lost. Whether the content
may be published is the lint's business: a draft may be wrong in many ways and still be kept.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from services.catalog.domain.codes import item_types, parse_item_code
from services.catalog.domain.divisions import ever_in_force
from services.catalog.domain.items import BundleContent, Content, ItemContent, Kind
from services.catalog.domain.texts import PROBLEMS, cleaned, text_problem
from services.kit.errors import FieldProblem

Problems = list[FieldProblem]
MOST_ENTRIES: Final = 200
DEEPEST: Final = 40
LONGEST: Final = 5000
_LONGEST_BY_NAME: Final = {
    **dict.fromkeys(("code", "base", "function", "result_of", "licence_type"), 64),
    **dict.fromkeys(("law", "article", "phone", "complaint_phone"), 200),
    **dict.fromkeys(("name", "post", "issuer"), 200),
    **dict.fromkeys(("topics", "elements", "after", "shared_fields", "shared_materials"), 200),
    "id": 128,
    "division": 12,
    "item_type": 2,
}
_ONE_LINE: Final = frozenset(_LONGEST_BY_NAME)
_AS_WRITTEN: Final = frozenset({"expression", "when", "form"})
"""Programs, not texts: spaces in them may mean something, and they are checked where they are compiled."""
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DIVISION: Final = re.compile(r"[0-9]{12}")
_ITEM_TYPE: Final = re.compile(r"[0-9]{2}")
_BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "visits": (0, 99),
    "amount": (0, 9999),
    "online_depth": (1, 4),
    "max_files": (1, 50),
    "max_bytes": (1, 100 * 1024 * 1024),
}
LARGEST_INTEGER: Final = 2**53 - 1
"""RFC 8259 §6: the integers that all readers of JSON agree upon."""


def content_from(body: Mapping[str, Any], kind: Kind, code: str) -> tuple[Content | None, Problems]:
    """The content that `body` describes, under `code`, and what is wrong with it; no content where it has no shape."""
    given = body.get("code")
    if given is not None and given != code:
        return None, [FieldProblem("code", "fixed", "a code does not change")]
    if body.get("kind", kind) != kind:
        return None, [FieldProblem("kind", "fixed", f"this is a {kind}")]
    problems: Problems = []
    tidy = _tidied({**body, "code": code}, problems)
    bundle = kind == "bundle"
    if bundle:
        tidy.pop("kind", None)
    else:
        parsed = parse_item_code(code)
        tidy |= {"kind": kind, "code_system": parsed.system if parsed else "legacy"}
        if kind == "base":
            tidy.setdefault("form", {})  # nobody applies for a base item
    if problems:
        return None, problems
    model: type[ItemContent] | type[BundleContent] = BundleContent if bundle else ItemContent
    try:
        # As JSON and strict: arrays are tuples there, and "3" is no number.
        content = model.model_validate_json(json.dumps(tidy), strict=True)
    except ValidationError as error:
        return None, [
            FieldProblem(".".join(map(str, each["loc"])), each["type"], each["msg"][:300]) for each in error.errors()
        ]
    problems += _unknown(tidy, content.model_dump(mode="json"), "")
    problems += rules(content)
    return content, problems


def _tidied(body: dict[str, Any], problems: Problems) -> dict[str, Any]:
    """`body` with its texts set right; what is wrong with them goes to `problems`."""

    def walk(value: Any, path: str, name: str, depth: int = 0) -> Any:
        if depth > DEEPEST:
            problems.append(FieldProblem(path[:100], "too_deep", f"at most {DEEPEST} levels"))
            return None
        if isinstance(value, dict):
            found = {}
            for key, inner in value.items():
                where = f"{path}.{key}" if path else str(key)
                # The two languages of a text are bounded as the text is.
                found[key] = walk(inner, where, name if key in ("zh", "en") else str(key), depth + 1)
            return found
        if isinstance(value, list):
            if len(value) > MOST_ENTRIES and name != "form":
                problems.append(FieldProblem(path, "too_many", f"at most {MOST_ENTRIES}"))
                return []
            return [walk(inner, f"{path}.{place}", name, depth + 1) for place, inner in enumerate(value)]
        if isinstance(value, str):
            return _text(value, path, name, problems)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if not abs(value) <= LARGEST_INTEGER:  # nor NaN
                problems.append(FieldProblem(path, "number", f"at most {LARGEST_INTEGER}"))
                return 0
            if (bounds := _BOUNDS.get(name)) and not bounds[0] <= value <= bounds[1]:
                problems.append(FieldProblem(path, "out_of_range", f"from {bounds[0]} to {bounds[1]}"))
        return value

    form = body.get("form")
    tidy: dict[str, Any] = walk({key: value for key, value in body.items() if key != "form"}, "", "")
    if form is not None:
        _numbers(form, problems)
        tidy["form"] = form
    return tidy


def _numbers(form: Any, problems: Problems) -> None:
    """A form is judged by `domain.form`; only what JSON of databases and programs cannot hold is told here."""
    waiting = [(form, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > DEEPEST:
            problems.append(FieldProblem("form", "too_deep", f"at most {DEEPEST} levels"))
            return
        if isinstance(value, dict):
            waiting += [(inner, depth + 1) for inner in value.values()]
        elif isinstance(value, list):
            waiting += [(inner, depth + 1) for inner in value]
        elif isinstance(value, (int, float)) and not abs(value) <= LARGEST_INTEGER:
            problems.append(FieldProblem("form", "number", f"at most {LARGEST_INTEGER}"))
            return


def _text(value: str, path: str, name: str, problems: Problems) -> str:
    lines = name not in _ONE_LINE
    text = value if name in _AS_WRITTEN else cleaned(value, lines=lines)[0]
    longest = _LONGEST_BY_NAME.get(name, LONGEST)
    problem = text_problem(text, longest, lines=lines)
    if problem == "markup" and name in _AS_WRITTEN:
        problem = None  # a < of an expression
    if problem is not None:
        problems.append(FieldProblem(path, problem, PROBLEMS[problem].format(longest=longest)))
    return text


def _unknown(given: Any, kept: Any, path: str) -> Iterator[FieldProblem]:
    """Members of `given` that are not in what was `kept` of it."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for key, value in given.items():
            where = f"{path}.{key}" if path else str(key)
            if key not in kept:
                yield FieldProblem(where, "unknown", "no content has this member")
            else:
                yield from _unknown(value, kept[key], where)
    elif isinstance(given, list) and isinstance(kept, list):
        for place, (one, other) in enumerate(zip(given, kept, strict=False)):
            yield from _unknown(one, other, f"{path}.{place}")


def rules(content: Content) -> Iterator[FieldProblem]:
    """What is wrong with a content whose shape is right."""
    yield from _shared_rules(content)
    if isinstance(content, ItemContent):
        yield from _item_rules(content)


def _shared_rules(content: Content) -> Iterator[FieldProblem]:
    if not _DIVISION.fullmatch(content.division) or not ever_in_force(f"{content.division[:6]}000000"):
        yield FieldProblem("division", "unknown", "a division code of 12 digits (GB/T 2260)")
    if not content.name.zh:
        yield FieldProblem("name.zh", "required", "a name in Chinese is needed")
    if not content.subjects:
        yield FieldProblem("subjects", "required", "say who may apply: person, company, or both")
    yield from _repeated("subjects", content.subjects)
    yield from _repeated("topics", content.topics)


def _item_rules(content: ItemContent) -> Iterator[FieldProblem]:
    if not _ITEM_TYPE.fullmatch(content.item_type):
        yield FieldProblem("item_type", "format", "two digits (GB/T 39046-2020)")
    elif content.item_type not in item_types(content.division):
        yield FieldProblem("item_type", "unknown", "no item type of GB/T 39046-2020, nor one that its province added")
    if content.kind == "base" and content.base is not None:
        yield FieldProblem("base", "not_allowed", "a base item implements nothing")
    if content.kind == "handling" and not content.base:
        yield FieldProblem("base", "required", "name the implementation item that it is part of")
    yield from _repeated("materials", [material.id for material in content.materials])
    yield from _repeated("channels", content.channels)
    for place, material in enumerate(content.materials):
        if not _PLAIN_ID.fullmatch(material.id):
            yield FieldProblem(f"materials.{place}.id", "format", "letters, digits, - and _, at most 64")
        if not material.name.zh:
            yield FieldProblem(f"materials.{place}.name.zh", "required", "a name in Chinese is needed")
        if not material.media_types:
            yield FieldProblem(f"materials.{place}.media_types", "required", "name one type of file at least")


def _repeated(field: str, values: Sequence[str]) -> Iterator[FieldProblem]:
    if len(set(values)) == len(values):
        return
    for value, count in Counter(values).items():
        if count > 1:
            yield FieldProblem(field, "repeated", f"{value} is named {count} times")
