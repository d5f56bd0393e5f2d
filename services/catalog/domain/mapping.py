"""Which column of a file holds which field: a mapping file, and the one that is built in.

    fields:
      code: 实施编码                          # their column
      division: {constant: "511602000000"}   # the same for every row
      item_type:
        column: 事项类型
        values: {行政许可: "01", 公共服务: "20"}
      subjects: {column: [服务对象, 对象], separator: "、"}   # the first of these columns that the file has

YAML or JSON. Every scalar is read as text, so that 01 stays 01 and 否 stays 否.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as member
from typing import Any, Final

import yaml

from services.catalog.domain.imports import Unreadable
from services.catalog.domain.rows.fields import FIELDS

LONGEST_FILE: Final = 256 * 1024
_KEYS: Final = frozenset({"column", "constant", "values", "separator"})
_REQUIRED: Final = ("code", "name", "division", "item_type")


@dataclass(frozen=True, slots=True)
class Rule:
    """Where one field comes from."""

    field: str
    columns: tuple[str, ...]
    constant: str | None = None
    values: Mapping[str, str] = member(default_factory=dict)
    """Their value → ours."""
    separator: str | None = None
    """Between the values of a list; None: the field's own."""


@dataclass(frozen=True)
class ColumnMapping:
    """The rules of one mapping."""

    rules: tuple[Rule, ...]

    def by_column(self, header: Iterable[str]) -> dict[str, Rule]:
        """Column → rule, for the columns that a file has."""
        present = set(header)
        found = {}
        for rule in self.rules:
            for column in rule.columns:
                if column in present:
                    found[column] = rule
                    break
        return found

    def missing(self, header: Iterable[str]) -> list[str]:
        """Fields that every row needs and no column of the file can give."""
        given = {rule.field for rule in self.by_column(header).values()}
        given |= {rule.field for rule in self.rules if rule.constant is not None}
        return [name for name in _REQUIRED if name not in given]

    def constants(self) -> dict[str, str]:
        """Field → the value that is the same for every row."""
        return {rule.field: rule.constant for rule in self.rules if rule.constant is not None}

    def header(self) -> list[tuple[str, Rule]]:
        """The columns of an export, each with its rule."""
        return [(rule.columns[0], rule) for rule in self.rules if rule.columns]


# The names that published lists of items use (see `rows.reader`) before our own.
_DATA: Final = {"code": "item_code", "division": "area_code", "item_type": "task_type", "subjects": "subject"}
DEFAULT: Final = ColumnMapping(
    tuple(Rule(name, (_DATA[name], name) if name in _DATA else (name,)) for name in FIELDS),
)


def parse_mapping(text: bytes) -> ColumnMapping:
    """Read a mapping file. Raises Unreadable with one line that names what is wrong."""
    if len(text) > LONGEST_FILE:
        raise Unreadable(f"the mapping is longer than {LONGEST_FILE} bytes")
    try:
        # BaseLoader: every scalar is text, nothing is an object.
        found = yaml.load(text.decode("utf-8-sig"), Loader=yaml.BaseLoader)  # noqa: S506
    except UnicodeDecodeError:
        raise Unreadable("the mapping is not UTF-8") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise Unreadable(f"the mapping is neither YAML nor JSON: {' '.join(str(error).split())[:200]}") from None
    fields = found.get("fields") if isinstance(found, dict) else None
    if not isinstance(fields, dict) or not fields:
        raise Unreadable("the mapping has no fields")
    if unknown := fields.keys() - FIELDS.keys():
        raise Unreadable(f"the mapping names fields that an item does not have: {', '.join(sorted(unknown))}")
    rules = tuple(_rule(name, given) for name, given in fields.items())
    columns = [column for rule in rules for column in rule.columns]
    if twice := sorted({column for column in columns if columns.count(column) > 1}):
        raise Unreadable(f"the mapping names columns twice: {', '.join(twice)}")
    if absent := [name for name in _REQUIRED if name not in fields]:
        raise Unreadable(f"the mapping lacks {', '.join(absent)}")
    return ColumnMapping(rules)


def _rule(name: str, given: Any) -> Rule:
    if isinstance(given, str | list):
        given = {"column": given}
    if not isinstance(given, dict) or not given or given.keys() - _KEYS:
        raise Unreadable(f"the mapping of {name} is not a column or an object of {', '.join(sorted(_KEYS))}")
    columns = given.get("column", ())
    columns = (columns,) if isinstance(columns, str) else tuple(columns or ())
    constant = given.get("constant")
    values = given.get("values", {})
    separator = given.get("separator")
    texts = [*columns, *([] if constant is None else [constant])]
    if not all(isinstance(text, str) and text for text in texts) or bool(columns) == (constant is not None):
        raise Unreadable(f"the mapping of {name} names either a column or a constant")
    if not isinstance(values, dict) or not all(isinstance(text, str) for text in values.values()):
        raise Unreadable(f"the values of {name} are not texts")
    if separator is not None and not (isinstance(separator, str) and separator and FIELDS[name].many):
        raise Unreadable(f"the separator of {name} is empty, or the field is no list")
    return Rule(name, columns, constant, values, separator)


def canonical(mapping: ColumnMapping) -> bytes:
    """The mapping as bytes that are the same whenever it says the same (see the digest of an import)."""
    rules: Sequence[Any] = [
        [rule.field, rule.columns, rule.constant, sorted(rule.values.items()), rule.separator]
        for rule in sorted(mapping.rules, key=lambda rule: rule.field)
    ]
    return json.dumps(rules, ensure_ascii=False).encode()
