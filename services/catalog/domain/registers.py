"""The registers (数据元, 信息资源, 证照类型): codes, what an entry may hold, and one source for each (一数一源).

Codes: a data element's is a name that expressions can hold (small letters, digits, `_`); a resource's is class 1, item
2, sub-class 3, detail, "/" and sequence (政务信息资源目录编制指南, 发改高技〔2017〕1272号); a licence type's is the
defining organisation's USCC and three digits (GB/T 36904-2018).
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from pydantic import ValidationError

from services.catalog.domain.codes import normalise_code, uscc_problem
from services.catalog.domain.terms import fold
from services.catalog.domain.texts import PROBLEMS, cleaned, text_problem
from services.contracts.base import Text
from services.contracts.catalog_resources import ElementContent, LicenceTypeContent, ResourceContent
from services.kit.errors import FieldProblem

Register = Literal["element", "resource", "licence"]
RegisterContent = ElementContent | ResourceContent | LicenceTypeContent
REGISTERS: Final[tuple[Register, ...]] = get_args(Register)
CONTENTS: Final[Mapping[str, type[RegisterContent]]] = {
    "element": ElementContent,
    "resource": ResourceContent,
    "licence": LicenceTypeContent,
}
NAMES: Final[Mapping[Register, tuple[str, str]]] = {
    "element": ("数据元", "data element"),
    "resource": ("信息资源", "resource"),
    "licence": ("证照类型", "licence type"),
}
LONGEST_NAME: Final = 200
LONGEST_TEXT: Final = 1000
LONGEST_UNIT: Final = 20
MOST_ELEMENTS: Final = 200

_ELEMENT: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_RESOURCE: Final = re.compile(
    r"(?P<class>[123])(?P<item>[0-9]{2})(?P<sub_class>[0-9]{3})(?P<detail>[0-9A-Z]*)/(?P<sequence>[0-9]+)"
)
_LICENCE: Final = re.compile(r"[0-9A-Z]{18}[0-9]{3}")
_BASE_CLASS: Final = "1"
# Names of CEL that no data element can have, and what expressions say for the day on which they are evaluated.
_RESERVED: Final = frozenset(("true", "false", "null", "in", "today"))


@dataclass(frozen=True, slots=True)
class ResourceCode:
    """The parts of a resource code: 1 base, 2 theme or 3 department resources; item, sub-class, detail; sequence."""

    class_: str
    item: str
    sub_class: str
    detail: str
    sequence: str


def normalise(register: Register, code: str) -> str:
    """`code` as the register keeps it."""
    return unicodedata.normalize("NFKC", code).strip().lower() if register == "element" else normalise_code(code)


def parse_resource_code(code: str) -> ResourceCode | None:
    """The parts of a resource code, None for what is none."""
    found = _RESOURCE.fullmatch(code) if len(code) <= 64 else None
    return ResourceCode(*found.group("class", "item", "sub_class", "detail", "sequence")) if found else None


def code_problem(register: Register, code: str) -> str | None:
    """What is wrong with a normalised code."""
    match register:
        case "element":
            if not _ELEMENT.fullmatch(code) or code in _RESERVED:
                return "a name of small letters, digits and _, beginning with a letter, at most 64 characters"
        case "resource":
            if parse_resource_code(code) is None:
                return "class (1-3), item (2 digits), sub-class (3 digits), detail, then / and a sequence number"
        case "licence":
            if not _LICENCE.fullmatch(code):
                return "the defining organisation's credit code (18 characters) and three digits"
            if problem := uscc_problem(code[:18]):
                return f"its credit code is not valid ({problem})"
    return None


def name_key(name: str) -> str:
    """What makes two names the same."""
    return fold(name)[:LONGEST_NAME]


def elements_of(content: RegisterContent) -> tuple[str, ...]:
    """Codes of the data elements that the entry gives or proves, each once."""
    return () if isinstance(content, ElementContent) else tuple(dict.fromkeys(content.elements))


def read(
    register: Register, code: str, raw: Mapping[str, Any]
) -> tuple[RegisterContent | None, Sequence[FieldProblem]]:
    """An entry from what somebody wrote, set right where there is no doubt, and what is wrong with it."""
    # What no entry has is refused instead of lost: it may be a member misspelt.
    if unknown := sorted(map(str, raw.keys() - CONTENTS[register].model_fields.keys())):
        return None, [FieldProblem(name[:100], "unknown", "no entry of this register has it") for name in unknown[:100]]
    source = raw.get("source")
    if isinstance(source, Mapping) and "name" not in source:
        # Whoever names the source by its id need not know what it is called: the register fills that in.
        raw = {**raw, "source": {**source, "name": {"zh": ""}}}
    try:
        content = CONTENTS[register].model_validate({**raw, "code": raw.get("code", code)}, strict=False)
    except ValidationError as error:
        found = [FieldProblem(".".join(map(str, e["loc"])), e["type"], e["msg"][:200]) for e in error.errors()]
        return None, found[:100]
    content = _set_right(register, content)
    problems = list(_problems(register, code, content))
    return (None, problems) if problems else (content, ())


def _set_right(register: Register, content: RegisterContent) -> RegisterContent:
    changed: dict[str, Any] = {"code": normalise(register, content.code)}
    for name in ("name", "definition", "unit", "condition"):
        if isinstance(text := getattr(content, name, None), Text):
            changed[name] = Text(zh=cleaned(text.zh)[0], en=cleaned(text.en)[0] or None if text.en else None)
    if isinstance(content, ElementContent):
        unit = changed.get("unit")
        changed["unit"] = unit if unit is not None and unit.zh else None
    else:
        changed["elements"] = tuple(dict.fromkeys(normalise("element", element) for element in content.elements))
    return content.model_copy(update=changed)


def _problems(register: Register, code: str, content: RegisterContent) -> Iterator[FieldProblem]:
    if content.code != normalise(register, code):
        yield FieldProblem("code", "mismatch", "not the code in the address")
    if problem := code_problem(register, content.code):
        yield FieldProblem("code", "format", problem)
    if not content.name.zh:
        yield FieldProblem("name.zh", "required")
    if not content.source.id or len(content.source.id) > 128 or not content.source.id.isprintable():
        yield FieldProblem("source.id", "format", "the id of a registered organisation")
    bounds = {"name": LONGEST_NAME, "definition": LONGEST_TEXT, "unit": LONGEST_UNIT, "condition": LONGEST_TEXT}
    for field, longest in bounds.items():
        text: Text | None = getattr(content, field, None)
        if text is not None:
            yield from _text(f"{field}.zh", text.zh, longest)
            yield from _text(f"{field}.en", text.en, longest)
    if isinstance(content, ElementContent):
        return
    if len(content.elements) > MOST_ELEMENTS:
        yield FieldProblem("elements", "too_many", f"at most {MOST_ELEMENTS}")
    for number, element in enumerate(content.elements[:MOST_ELEMENTS]):
        if problem := code_problem("element", element):
            yield FieldProblem(f"elements.{number}", "format", problem)
    if isinstance(content, ResourceContent):
        yield from _resource(content)


def _resource(content: ResourceContent) -> Iterator[FieldProblem]:
    given = content.condition is not None and content.condition.zh != ""
    if content.sharing != "unconditional" and not given:
        why = "what sharing is bound to" if content.sharing == "conditional" else "why it is not shared"
        yield FieldProblem("condition.zh", "required", why)
    if content.sharing == "unconditional" and given:
        yield FieldProblem("condition", "unexpected", "shared unconditionally")
    if content.base_register and not content.code.startswith(_BASE_CLASS):
        yield FieldProblem("base_register", "mismatch", "resources of a base registry are of class 1")


def _text(field: str, text: str | None, longest: int) -> Iterator[FieldProblem]:
    if text and (problem := text_problem(text, longest)):
        yield FieldProblem(field, problem, PROBLEMS[problem].format(longest=longest))
