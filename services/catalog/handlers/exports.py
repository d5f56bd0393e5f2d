"""Exporting items as a stream: whole as JSON lines, or as a table in CSV or XLSX."""

import codecs
import csv
import io
from typing import TYPE_CHECKING, BinaryIO, Final, Literal, Protocol

import orjson

from services.catalog.domain.exports import cells, guarded, native
from services.catalog.domain.imports import Unreadable
from services.catalog.domain.items import Content, ItemContent
from services.catalog.domain.mapping import ColumnMapping
from services.catalog.store.exports import in_force
from services.catalog.store.work import Work

if TYPE_CHECKING:
    from services.catalog.handlers.imports.readers import Format

LONGEST_CELL: Final = 32_767
"""Of a spreadsheet (its makers' limit); openpyxl would cut a longer text without a word."""


class Writer(Protocol):
    """Writes rows of one format."""

    def write(self, content: Content) -> bool:
        """Write a content; False for one that the format has no place for."""

    def close(self) -> None: ...


async def export_items(target: BinaryIO, kind: "Format", mapping: ColumnMapping, work: Work) -> int:
    """Write all that is in force; how many. Raises Unreadable for what the format cannot hold."""
    writer: Writer = _Lines(target) if kind == "jsonl" else _Items(table(target, kind), mapping)
    count = 0
    async with work:
        async for content in in_force(work):
            count += writer.write(content)
    writer.close()
    return count


class _Lines:
    def __init__(self, target: BinaryIO) -> None:
        self._target = target

    def write(self, content: Content) -> bool:
        self._target.write(orjson.dumps(native(content), option=orjson.OPT_APPEND_NEWLINE))
        return True

    def close(self) -> None:
        pass


class Table(Protocol):
    """Rows of cells in one format."""

    def row(self, values: list[str]) -> None: ...

    def close(self) -> None: ...


class _Items:
    """Items as rows of a table; bundles have no row there."""

    def __init__(self, sheet: Table, mapping: ColumnMapping) -> None:
        self._sheet = sheet
        self._mapping = mapping
        self._sheet.row([name for name, _ in mapping.header()])

    def write(self, content: Content) -> bool:
        if isinstance(content, ItemContent):
            self._sheet.row(cells(content, self._mapping))
        return isinstance(content, ItemContent)

    def close(self) -> None:
        self._sheet.close()


class _Csv:
    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self._buffer = io.StringIO()
        self._csv = csv.writer(self._buffer)
        target.write(codecs.BOM_UTF8)  # without it spreadsheets take the file for another encoding

    def row(self, values: list[str]) -> None:
        self._csv.writerow([guarded(value) for value in values])
        self._target.write(self._buffer.getvalue().encode())
        self._buffer.seek(0)
        self._buffer.truncate()

    def close(self) -> None:
        pass


class _Xlsx:
    def __init__(self, target: BinaryIO) -> None:
        from openpyxl import Workbook  # 20 MB that a service does without

        self._target = target
        self._book = Workbook(write_only=True)  # rows go to a temporary file
        self._sheet = self._book.create_sheet("items")

    def row(self, values: list[str]) -> None:
        shown = [guarded(value) for value in values]
        if any(len(value) > LONGEST_CELL for value in shown):
            raise Unreadable(f"{shown[0]}: a cell of XLSX holds {LONGEST_CELL} characters; take csv or jsonl")
        self._sheet.append(shown)

    def close(self) -> None:
        self._book.save(self._target)


def table(target: BinaryIO, kind: Literal["csv", "xlsx"]) -> Table:
    """A table in CSV (RFC 4180, UTF-8 with a byte-order mark) or XLSX, with no cell that is a formula."""
    return _Csv(target) if kind == "csv" else _Xlsx(target)
