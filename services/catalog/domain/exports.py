"""Items as rows of a file, and what keeps a spreadsheet from running them."""

import re
from typing import Any, Final

from services.catalog.domain.items import Content, ItemContent
from services.catalog.domain.mapping import ColumnMapping
from services.catalog.domain.rows.fields import FIELDS

# OWASP, "CSV Injection": what a spreadsheet takes for a formula, the full-width forms among them.
_DANGEROUS: Final = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
_GUARDED: Final = re.compile("''*[=+\\-@\t\r\n＝＋－＠]")


def guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: with an apostrophe before it where it would be one."""
    return f"'{cell}" if _DANGEROUS.match(cell) else cell


def unguarded(cell: str) -> str:
    """The cell as it was before `guarded`."""
    return cell[1:] if _GUARDED.match(cell) else cell


def native(content: Content) -> dict[str, Any]:
    """The whole item as JSON values."""
    if isinstance(content, ItemContent):
        return {**content.document(), "form": content.form}
    return {"kind": content.kind, **content.document()}


def cells(content: ItemContent, mapping: ColumnMapping) -> list[str]:
    """The item as one row of a table, in the order of `mapping.header`."""
    row = []
    for _, rule in mapping.header():
        kind = FIELDS[rule.field]
        theirs = {ours: name for name, ours in reversed(list(rule.values.items()))}
        found = kind.written(content)
        if isinstance(found, str):
            row.append(theirs.get(found, found))
        else:
            row.append((rule.separator or kind.separator).join(theirs.get(each, each) for each in found))
    return row
