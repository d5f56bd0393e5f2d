"""Rows of an import file: what is taken, what is refused and why.

A row has columns (see `domain.mapping`), or is a whole item as `tongban items export` writes it (`rows.native`).

Who implements an item is read from its code and from nowhere else. In published data department_code names the
department that lists the item, and dirtily: of 225 rows in which both are valid codes 16 differ (an institution under
the department does the work), and three quarters of the department codes are no USCC at all. It serves only to choose
between names: where it equals the implementing code, the department names itself.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.catalog.domain import codes, divisions
from services.catalog.domain.drafts import rules
from services.catalog.domain.imports import Problem, Raw, Refused, Row
from services.catalog.domain.items import STANDARD_MATERIALS, Content, ItemContent
from services.catalog.domain.mapping import ColumnMapping, Rule
from services.catalog.domain.organisations import OrganisationState, organisation_id
from services.catalog.domain.rows import native
from services.catalog.domain.rows.fields import FIELDS, FlatField
from services.catalog.domain.rows.values import BOTH, MOST_VALUES, form_for
from services.catalog.domain.texts import PROBLEMS, cleaned, cleaned_code, text_problem
from services.contracts.base import Text
from services.contracts.catalog_items import Organisation

UNNAMED: Final = "未注明部门"
"""Who offers an item whose row gives neither a valid USCC nor a department: taken all the same, and warned of."""
_CODES: Final = frozenset({"code", "division", "item_type", "department_code", "base"})
_LIST_SEPARATORS: Final = re.compile("[;；、,，\n]")
_KINDS: Final = {"gb-12": "base", "gb-33": "handling"}


class RowReader:
    """Reads the rows of one file, whose columns are known; divisions count as of `year`."""

    def __init__(self, mapping: ColumnMapping, year: int, *, header: tuple[str, ...] | None = None) -> None:
        self._mapping = mapping
        self._year = year
        self._constants = mapping.constants()
        # A table's columns are those of its header, JSON's those of each object.
        self._columns = mapping.by_column(header) if header is not None else None
        self._header: tuple[str, ...] = ()
        self._latest: dict[str, Rule] = {}

    def read(self, raw: Raw) -> Row:
        """What can be taken of a row. Raises Refused."""
        if raw.problem is not None:
            raise Refused(raw.problem)
        if native.is_native(raw.values):
            return native.read(raw)
        cells = _Cells(raw.number)
        for name, constant in self._constants.items():
            cells.put(FIELDS[name], name, constant, None)
        for column, rule in self._of(raw.values).items():
            if column in raw.values:
                cells.put(FIELDS[rule.field], rule.field, raw.values[column], rule)
        return _row(cells, self._year)

    def _of(self, values: Mapping[str, Any]) -> dict[str, Rule]:
        if self._columns is not None:
            return self._columns
        header = tuple(values)
        if header != self._header:
            self._header, self._latest = header, self._mapping.by_column(header)
        return self._latest


@dataclass(frozen=True, slots=True)
class Several:
    """The values of a list in one cell, and the cell itself."""

    parts: tuple[str, ...]
    text: str
    separator: str | None


class _Cells:
    """The cells of one row, cleaned; what was set right is a warning."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.values: dict[str, Any] = {}
        self.warnings: list[Problem] = []

    def refused(self, field: str, reason: str, detail: str) -> Refused:
        return Refused(Problem(self.number, field, reason, detail))

    def put(self, kind: FlatField, field: str, value: Any, rule: Rule | None) -> None:
        values = rule.values if rule else {}
        if not kind.many:
            text = self._text(kind, field, value, kind.lines)
            self.values[field] = values.get(text, text)
            return
        text, separator = "", (rule.separator if rule else None)
        if isinstance(value, list):
            parts = [self._text(kind, field, part, kind.lines) for part in value]
        else:
            text = self._text(kind, field, value, True)
            if separator is None and kind.separator != "\n":
                parts = _LIST_SEPARATORS.split(text)
            else:
                parts = text.split(separator or kind.separator)
        parts = [part for each in parts if (part := each.strip())]
        if len(parts) > MOST_VALUES:
            raise self.refused(field, "too_many", f"more than {MOST_VALUES} values")
        self.values[field] = Several(tuple(values.get(part, part) for part in parts), text, separator)

    def _text(self, kind: FlatField, field: str, value: Any, lines: bool) -> str:
        """A cell as text; whole numbers count as text, since codes are often written so."""
        if isinstance(value, str):
            text = value
        elif value is None:
            return ""
        elif isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
            text = str(value)
        else:
            raise self.refused(field, "not_text", "text was expected")
        if not text:
            return ""
        kept, notes = cleaned_code(text) if field in _CODES else cleaned(text, lines=lines)
        longest = kind.longest * MOST_VALUES if kind.many else kind.longest
        if (problem := text_problem(kept, longest, lines=lines)) is not None:
            raise self.refused(field, problem, PROBLEMS[problem].format(longest=longest))
        if notes:
            self.warnings.append(Problem(self.number, field, "normalised", ", ".join(notes), kept))
        return kept

    def needed(self, field: str) -> str:
        found: str = self.values.get(field, "")
        if not found:
            raise self.refused(field, "missing", "missing or empty")
        return found


def _row(cells: _Cells, year: int) -> Row:
    number, values = cells.number, cells.values
    name = cells.needed("name")
    code = codes.parse_item_code(cells.needed("code"))
    if code is None:
        raise cells.refused("code", "malformed", "not an item code (letters, digits, hyphens; at most 64)")
    division = divisions.division_code(cells.needed("division"))
    if division is None or divisions.division(division, year) is None:
        known = division is not None and divisions.ever_in_force(division)
        raise cells.refused("division", "unknown_division", f"no division in force in {year}" if known else "unknown")
    item_type = codes.item_type(cells.needed("item_type"), division)
    if item_type is None:
        raise cells.refused("item_type", "unknown_type", "not an item type of GB/T 39046-2020")
    department = values.get("department", "")
    uscc_problem = codes.uscc_problem(code.organisation)
    uscc = code.organisation if uscc_problem is None else None
    name_of = Text(zh=department or uscc or UNNAMED)
    organisation = OrganisationState(uscc or organisation_id(division, name_of.zh), name_of, division, uscc)
    warnings = cells.warnings
    if not department:
        detail = f"no department name; kept as {name_of.zh}"
        warnings.append(Problem(number, "department", "department_absent", detail, name_of.zh))
    if uscc_problem and code.system != "gb-12":
        reason = "uscc_absent" if uscc_problem == "absent" else "uscc_invalid"
        detail = f"implementing USCC {code.organisation or 'absent'} ({uscc_problem}); organisation kept as unverified"
        warnings.append(Problem(number, "code", reason, detail, organisation.id))
    content = ItemContent(
        code=code.code,
        code_system=code.system,
        kind=_KINDS.get(code.system, "implementation"),
        base=None if code.system == "legacy" else codes.code_above(code.code),
        name=Text(zh=name),
        organisation=Organisation(id=organisation.id, name=name_of),
        division=division,
        item_type=item_type,
        subjects=BOTH,
        materials=STANDARD_MATERIALS,
        form={} if code.system == "gb-12" else form_for(BOTH),  # nobody applies for a base item
    )
    content = _laid_over(content, values, number)
    own = bool(department) and values.get("department_code", "") == uscc
    cells.values["division"], cells.values["item_type"] = division, item_type
    return Row(number, content, organisation, own, tuple(warnings), values)


def laid_over(row: Row, before: Content) -> Content:
    """What `row` makes of the item as it is: a field without a column stays, and so does all that a cell says in other
    words or cannot hold. Raises Refused."""
    if row.cells is None or not isinstance(before, ItemContent):
        return row.content
    changed: dict[str, Any] = {name: row.cells[name] for name in ("division", "item_type")}
    department = row.cells.get("department", "")
    if department and department != before.organisation.name.zh:
        changed["organisation"] = row.content.organisation
    if any(getattr(before, name) != value for name, value in changed.items()):
        before = before.model_copy(update=changed)
    return _laid_over(before, row.cells, row.number)


def _laid_over(content: ItemContent, cells: Mapping[str, Any], number: int) -> ItemContent:
    own = False
    for name, value in cells.items():
        field = FIELDS[name]
        if field.read is None or _says(field, value, content):
            continue
        try:
            given = value.parts if isinstance(value, Several) else value
            update = field.read(given, content)
        except ValueError as error:
            raise Refused(Problem(number, name, "malformed", str(error))) from None
        if own:
            content.__dict__.update(update)  # a copy that nobody else has seen yet: a copy for each cell is slow
        else:
            content, own = content.model_copy(update=update), True
    if problem := next(rules(content), None):
        raise Refused(Problem(number, problem.field, problem.reason, problem.detail))
    return content


def _says(field: FlatField, value: Any, content: ItemContent) -> bool:
    """Whether the item says already what a cell says."""
    written = field.written(content)
    if isinstance(value, Several):
        if written == value.parts:
            return True
        # One value may hold what separates them.
        found = field.cell(content, value.separator)
        return bool(value.text) and value.text in (found, cleaned(found, lines=True)[0])
    return bool(written == value or (written and value == cleaned(str(written), lines=field.lines)[0]))
