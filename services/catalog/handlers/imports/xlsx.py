"""The first sheet of an XLSX file as rows (ECMA-376 part 1, 18.3). Imported only where such a file is read.

openpyxl finds the parts of the package (all XML goes through defusedxml: no entities); the rows and the shared strings
are read here, as streams, since openpyxl keeps every shared string in memory. Formulas are refused and never evaluated;
macros and links to other files are not read at all.
"""

import re
import tempfile
import zipfile
from array import array
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, Final
from xml.etree.ElementTree import Element, ParseError

import openpyxl
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse
from openpyxl.reader.excel import ExcelReader
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.xml.constants import SHARED_STRINGS

from services.catalog.domain.exports import unguarded
from services.catalog.domain.imports import Problem, Raw, Unreadable
from services.catalog.handlers.imports.readers import MOST_COLUMNS, table_header

MOST_ENTRIES: Final = 2000
MOST_BYTES: Final = 4 * 1024**3
"""Of all parts together, uncompressed."""
LARGEST_PART: Final = 16 * 1024**2
"""Of a part that is read as a whole: all but sheets and shared strings."""
LARGEST_ELEMENT: Final = 32 * 1024**2
"""Of one row or one shared string."""
HIGHEST_RATIO: Final = 200
"""Deflate reaches 1032 on a bomb, and some 20 to 60 on a sheet."""
FREE_BYTES: Final = 1024**2
"""A part that is no greater may have any ratio."""
MOST_EXACT: Final = 10**15
"""A spreadsheet keeps 15 digits of a number; a code with more has lost some."""
_MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_REFERENCE: Final = re.compile(r"([A-Z]{1,3})\d+")
_STREAMED: Final = re.compile(r"xl/(worksheets/[^/]+\.xml|sharedStrings\.xml)", re.IGNORECASE)
_BROKEN: Final = (
    zipfile.BadZipFile, zipfile.LargeZipFile, InvalidFileException, ParseError, DefusedXmlException,
    KeyError, ValueError, IndexError, AttributeError, TypeError, EOFError, NotImplementedError, RuntimeError,
)  # fmt: skip
"""What openpyxl and zipfile raise for files that are not what they should be."""


def sheet(path: Path) -> tuple[tuple[str, ...], Iterator[Raw]]:
    """Columns and rows of the first sheet. Raises Unreadable, now or while rows are read."""
    if not openpyxl.DEFUSEDXML:
        raise Unreadable("XLSX is not read without defusedxml")
    try:
        check_archive(path)
        rows = _rows(path)
        header = table_header([_text(value) for value in next(rows, (0, [], None))[1]])
    except _BROKEN as error:
        raise _unreadable(error) from None
    return header, _records(rows, header)


def check_archive(path: Path) -> None:
    """Refuse a zip bomb before any of it is unpacked. Raises Unreadable.

    The sizes that an archive tells are those that `zipfile` unpacks at most.
    """
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
    if len(parts) > MOST_ENTRIES:
        raise Unreadable(f"the archive has {len(parts)} parts, more than {MOST_ENTRIES}")
    if sum(part.file_size for part in parts) > MOST_BYTES:
        raise Unreadable(f"unpacked the archive is larger than {MOST_BYTES} bytes")
    for part in parts:
        if part.file_size > FREE_BYTES and part.file_size > HIGHEST_RATIO * max(part.compress_size, 1):
            raise Unreadable(f"{part.filename[:100]} is packed more than {HIGHEST_RATIO}:1")
        if part.file_size > LARGEST_PART and not _STREAMED.fullmatch(part.filename):
            raise Unreadable(f"{part.filename[:100]} is larger than {LARGEST_PART} bytes")
        if part.flag_bits & 1:
            raise Unreadable("the file is encrypted")


def _unreadable(error: BaseException) -> Unreadable:
    return Unreadable(f"not an XLSX file that can be read ({type(error).__name__})")


class _Package(ExcelReader):  # type: ignore[misc]
    """openpyxl's reader of the package, with the shared strings outside of memory."""

    def read_strings(self) -> None:
        part = self.package.find(SHARED_STRINGS)
        if part is not None:
            with self.archive.open(part.PartName[1:]) as source:
                self.shared_strings = _Strings(source)


class _Strings(Sequence[str]):
    """Shared strings in a temporary file: a million items have some two million."""

    def __init__(self, source: IO[bytes]) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed with this object
        self._ends = array("Q", [0])
        for element in _elements(source, "si"):
            self._file.write(_string(element).encode("utf-8", "surrogatepass"))
            self._ends.append(self._file.tell())
        self._cached = lru_cache(4096)(self._read)

    def _read(self, place: int) -> str:
        start, end = self._ends[place], self._ends[place + 1]
        self._file.seek(start)
        return self._file.read(end - start).decode("utf-8", "surrogatepass")

    def __getitem__(self, place: Any) -> Any:
        if not 0 <= place < len(self):
            raise IndexError(place)
        return self._cached(place)

    def __len__(self) -> int:
        return len(self._ends) - 1


class _Watched:
    """A stream that ends with an error where one element goes on and on: its tree would fill the memory."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.since = 0

    def read(self, size: int = -1) -> bytes:
        found = self._source.read(size)
        self.since += len(found)
        if self.since > LARGEST_ELEMENT:
            raise Unreadable(f"one row is longer than {LARGEST_ELEMENT} bytes")
        return found


def _elements(source: IO[bytes], name: str) -> Iterator[Element]:
    """The elements of this name, each gone once the next is asked for."""
    watched = _Watched(source)
    parents: list[Element] = []
    for event, element in iterparse(watched, events=("start", "end"), forbid_dtd=True):
        if event == "start":
            parents.append(element)
            continue
        parents.pop()
        if element.tag == _MAIN + name:
            yield element
            watched.since = 0
            # Emptied elements that stay under their parent would be 64 MB of a million rows.
            parents[-1].clear()


def _string(element: Element) -> str:
    """The text of a shared or inline string: its own and that of its runs, not its phonetic hints (18.4.8)."""
    parts = [found.text or "" for found in element if found.tag == f"{_MAIN}t"]
    parts += [text.text or "" for run in element if run.tag == f"{_MAIN}r" for text in run if text.tag == f"{_MAIN}t"]
    return "".join(parts)


def _rows(path: Path) -> Iterator[tuple[int, list[Any], str | None]]:
    """Number and cells of each row, with what is wrong with one."""
    package = _Package(path, read_only=True, keep_vba=False, data_only=False, keep_links=False)
    package.read()
    with closing(package.wb):
        [first, *_] = package.wb.worksheets
        number = 0
        with package.archive.open(first._worksheet_path) as source:
            for element in _elements(source, "row"):
                number = int(element.get("r") or number + 1)
                yield number, *_cells(element, package.shared_strings)


def _cells(row: Element, strings: Sequence[str]) -> tuple[list[Any], str | None]:
    found: list[Any] = []
    problem = None
    for cell in row:
        reference = _REFERENCE.fullmatch(cell.get("r") or "")
        place = _column(reference[1]) if reference else len(found)
        if place >= MOST_COLUMNS:
            return found, f"more than {MOST_COLUMNS} columns"
        found += [None] * (place + 1 - len(found))
        try:
            found[place] = _value(cell, strings)
        except ValueError as error:
            problem = problem or f"{cell.get('r') or place + 1}: {error}"
    return found, problem


def _column(letters: str) -> int:
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - 64
    return place - 1


def _value(cell: Element, strings: Sequence[str]) -> Any:
    kind = cell.get("t", "n")
    if cell.find(f"{_MAIN}f") is not None:
        raise ValueError("a formula")
    if kind == "inlineStr":
        inline = cell.find(f"{_MAIN}is")
        return _string(inline) if inline is not None else None
    text = cell.findtext(f"{_MAIN}v")
    if text is None or text == "":
        return None
    if kind == "s":
        return strings[int(text)]
    if kind == "e":
        raise ValueError("an error of a formula")
    if kind == "b":
        return "1" if text == "1" else "0"
    if kind != "n":
        return text
    number = float(text)
    if not abs(number) < MOST_EXACT:
        raise ValueError("a number that has lost digits: format the column as text")
    return int(number) if number.is_integer() else number


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _records(rows: Iterator[tuple[int, list[Any], str | None]], header: tuple[str, ...]) -> Iterator[Raw]:
    width = len(header)
    try:
        for number, cells, problem in rows:
            wrong = problem
            if wrong is None and any(cell is not None for cell in cells[width:]):
                wrong = f"{len(cells)} cells under {width} columns"
            if wrong is not None:
                yield Raw(number, {}, Problem(number, "row", "cells", wrong))
            elif any(cell is not None for cell in cells):
                given = zip(header, [*cells, *[None] * (width - len(cells))], strict=False)
                yield Raw(number, {k: unguarded(v) if isinstance(v, str) else v for k, v in given if k})
    except _BROKEN as error:
        raise _unreadable(error) from None
