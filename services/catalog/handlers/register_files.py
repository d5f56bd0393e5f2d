"""Files of register entries: JSON lines, one entry a line, `{"register": "element", "code": …, …}`."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.catalog.domain.lint import Facts, known_to_network
from services.catalog.domain.registers import REGISTERS, Register, RegisterContent, elements_of, read
from services.catalog.handlers.imports.readers import json_row, lines_of
from services.contracts.catalog_resources import ElementContent, LicenceTypeContent, ResourceContent
from services.kit.errors import FieldProblem


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """One line: an entry, or what is wrong with it."""

    number: int
    register: Register | None
    content: RegisterContent | None
    problems: tuple[FieldProblem, ...] = ()


def rows_of(path: Path) -> Iterator[RegisterRow]:
    """The rows of a file, a second one of an entry refused. Raises OSError."""
    seen: set[tuple[str, str]] = set()
    for number, line in enumerate(lines_of(path), 1):
        if not line.strip():
            continue
        row = _row(number, line)
        if row.register and row.content:
            key = (row.register, row.content.code)
            if key in seen:
                problem = FieldProblem("code", "twice", "an earlier row has this code")
                row = RegisterRow(number, row.register, None, (problem,))
            seen.add(key)
        yield row


def _row(number: int, line: bytes) -> RegisterRow:
    raw = json_row(number, line)
    if raw.problem is not None:
        found = raw.problem
        return RegisterRow(number, None, None, (FieldProblem(found.field, found.reason, found.detail),))
    cells: Mapping[str, Any] = raw.values
    register = next((name for name in REGISTERS if name == cells.get("register")), None)
    if register is None:
        problem = FieldProblem("register", "unknown", f"one of {', '.join(REGISTERS)}")
        return RegisterRow(number, None, None, (problem,))
    code = cells.get("code")
    if not isinstance(code, str):
        return RegisterRow(number, register, None, (FieldProblem("code", "required", "a text"),))
    content, problems = read(register, code, {name: cell for name, cell in cells.items() if name != "register"})
    return RegisterRow(number, register, content, tuple(problems))


def facts_from(entries: Iterable[RegisterContent]) -> Facts:
    """What the lint knows by a file of entries alone, without a catalogue."""
    elements: dict[str, ElementContent] = {}
    licences: dict[str, LicenceTypeContent] = {}
    resources: dict[str, ResourceContent] = {}
    provers: dict[str, LicenceTypeContent] = {}
    for content in entries:
        if isinstance(content, ElementContent):
            elements[content.code] = content
            continue
        if isinstance(content, LicenceTypeContent):
            licences[content.code] = content
        for element in elements_of(content) if known_to_network.supplies(content) else ():
            if isinstance(content, ResourceContent):
                resources.setdefault(element, content)
            else:
                provers.setdefault(element, content)
    return Facts(elements=elements, licence_types=licences, resources=resources, provers=provers, catalogue=False)
