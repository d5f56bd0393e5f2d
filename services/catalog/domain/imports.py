"""Rows of an import file: what is taken, what is refused and why.

A row is one JSON object: name, item_code, area_code, task_type, department, department_code, optionally subject.

Who implements an item is read from the composite item_code and from nowhere else. In published data department_code
names the department that lists the item, and dirtily: of 225 rows in which both are valid codes 16 differ (an
institution under the department does the work), and three quarters of the department codes are no USCC at all. It
serves only to choose between names: where it equals the implementing code, the department names itself.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from json import JSONDecodeError, loads
from typing import Any, Final

from services.catalog.domain import codes, divisions
from services.catalog.domain.form import Schema, standard_form
from services.catalog.domain.items import STANDARD_MATERIALS, ItemContent, Outcome
from services.catalog.domain.organisations import OrganisationState, organisation_id
from services.catalog.domain.texts import PROBLEMS, cleaned, text_problem
from services.contracts.base import Text
from services.contracts.catalog_items import Organisation, Subject

LONGEST_LINE: Final = 64 * 1024
LONGEST_NAME: Final = 200
LONGEST_DEPARTMENT: Final = 100
UNNAMED: Final = "未注明部门"
"""Who offers an item whose row gives neither a valid USCC nor a department: taken all the same, and warned of."""

_SUBJECTS: Final[dict[str, tuple[Subject, ...]]] = {
    "person": ("person",),
    "个人": ("person",),
    "自然人": ("person",),
    "company": ("company",),
    "法人": ("company",),
    "企业": ("company",),
}
_BOTH: Final[tuple[Subject, ...]] = ("person", "company")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing about one row: row number (the first line is 1), field, stable reason, words for people."""

    row: int
    field: str
    reason: str
    detail: str


class Refused(Exception):
    """A row that cannot be taken."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Row:
    """A row that can be taken: the item, its organisation, and what to warn of."""

    number: int
    content: ItemContent
    organisation: OrganisationState
    names_itself: bool
    """The department's own code is the implementing one, so its name is that organisation's own."""
    warnings: tuple[Problem, ...]


@dataclass
class ImportReport:
    """What an import did. Problems beyond the counts go to `on_problem`, so that the report stays small."""

    on_problem: Callable[[Problem, bool], None] | None = None
    rows: int = 0
    taken: Counter[Outcome] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    """Rows refused, by reason."""
    warned: Counter[str] = field(default_factory=Counter)
    """Warnings about rows that were taken, by reason."""
    organisations: Counter[Outcome] = field(default_factory=Counter)

    @property
    def failed(self) -> bool:
        """Nothing could be taken: the command's exit code is not 0."""
        return self.taken.total() == 0

    def refuse(self, problem: Problem) -> None:
        self.refused[problem.reason] += 1
        if self.on_problem:
            self.on_problem(problem, True)

    def warn(self, problem: Problem) -> None:
        self.warned[problem.reason] += 1
        if self.on_problem:
            self.on_problem(problem, False)


def read_row(number: int, line: bytes, year: int) -> Row:
    """Read one line of an import file; divisions count as of `year`. Raises Refused."""
    row = _Reader(number, _object(number, line))
    name = row.text("name", LONGEST_NAME)
    code = codes.parse_item_code(row.text("item_code", 1000))
    if code is None:
        raise row.refused("item_code", "malformed", "not an item code (letters, digits, hyphens; at most 64)")
    area = row.text("area_code", 1000)
    division = divisions.division_code(area)
    if division is None or divisions.division(division, year) is None:
        known = division is not None and divisions.ever_in_force(division)
        raise row.refused("area_code", "unknown_division", f"no division in force in {year}" if known else "unknown")
    item_type = codes.item_type(row.text("task_type", 1000))
    if item_type is None:
        raise row.refused("task_type", "unknown_type", "not an item type of GB/T 39046-2020")
    department = row.text("department", LONGEST_DEPARTMENT, required=False)
    uscc_problem = codes.uscc_problem(code.organisation)
    uscc = code.organisation if uscc_problem is None else None
    name_of = Text(zh=department or uscc or UNNAMED)
    organisation = OrganisationState(uscc or organisation_id(division, name_of.zh), name_of, division, uscc)
    subjects = _SUBJECTS.get(row.text("subject", 100, required=False).casefold(), _BOTH)
    warnings: list[Problem] = []
    if not department:
        warnings.append(Problem(number, "department", "department_absent", f"no department name; kept as {name_of.zh}"))
    if uscc_problem:
        reason = "uscc_absent" if uscc_problem == "absent" else "uscc_invalid"
        detail = f"implementing USCC {code.organisation or 'absent'} ({uscc_problem}); organisation kept as unverified"
        warnings.append(Problem(number, "item_code", reason, detail))
    content = ItemContent(
        code=code.code,
        code_system=code.system,
        name=Text(zh=name),
        organisation=Organisation(id=organisation.id, name=name_of),
        division=division,
        item_type=item_type,
        subjects=subjects,
        materials=STANDARD_MATERIALS,
        form=_standard_form(subjects),
    )
    own = codes.normalise_code(row.text("department_code", 1000, required=False))
    return Row(number, content, organisation, bool(department) and own == uscc, tuple(warnings))


@cache
def _standard_form(subjects: tuple[Subject, ...]) -> Schema:
    return standard_form(subjects)


def _object(number: int, line: bytes) -> dict[str, Any]:
    def unreadable(detail: str) -> Refused:
        return Refused(Problem(number, "row", "unreadable_json", detail))

    if len(line) > LONGEST_LINE:
        raise unreadable(f"longer than {LONGEST_LINE} bytes")
    try:
        # A byte-order mark is no part of JSON (RFC 8259 §8.1) but often opens a file.
        found = loads(line.decode("utf-8-sig" if number == 1 else "utf-8"), object_pairs_hook=_once)
    except UnicodeDecodeError as error:
        raise unreadable(f"not UTF-8 at byte {error.start + 1}") from None
    except JSONDecodeError as error:
        raise unreadable(f"{error.msg} at character {error.pos + 1}") from None
    except (RecursionError, ValueError) as error:
        raise unreadable("nested too deeply" if isinstance(error, RecursionError) else str(error)) from None
    if not isinstance(found, dict):
        raise unreadable("not a JSON object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice")
    return found


@dataclass(frozen=True, slots=True)
class _Reader:
    number: int
    row: dict[str, Any]

    def refused(self, field_: str, reason: str, detail: str) -> Refused:
        return Refused(Problem(self.number, field_, reason, detail))

    def text(self, field_: str, longest: int, *, required: bool = True) -> str:
        """The field as trimmed text; whole numbers count as text, since codes are often written so."""
        value = self.row.get(field_)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value) if abs(value) < 10**18 else None
        if value is None or value == "":
            value = ""
        elif not isinstance(value, str):
            raise self.refused(field_, "not_text", "text was expected")
        value, _ = cleaned(value)
        if (problem := text_problem(value, longest)) is not None:
            raise self.refused(field_, problem, PROBLEMS[problem].format(longest=longest))
        if required and not value:
            raise self.refused(field_, "missing", "missing or empty")
        return value
