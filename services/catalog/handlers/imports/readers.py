"""Files of rows: JSON lines, CSV, XLSX, read as a stream. One row that cannot be read is a row with a problem."""

import codecs
import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final, Literal

from services.catalog.domain.exports import unguarded
from services.catalog.domain.imports import Problem, Raw, Unreadable
from services.catalog.domain.texts import cleaned

Format = Literal["jsonl", "csv", "xlsx"]
FORMATS: Final[tuple[Format, ...]] = ("jsonl", "csv", "xlsx")
LONGEST_LINE: Final = 1024 * 1024
MOST_COLUMNS: Final = 500
_ENDINGS: Final[dict[str, Format]] = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl",
    ".csv": "csv", ".tsv": "csv", ".txt": "csv",
    ".xlsx": "xlsx", ".xlsm": "xlsx",
}  # fmt: skip
_QUOTED: Final = re.compile('"[^"]*"')


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a file; `header` are a table's columns, None where each row has its own."""

    header: tuple[str, ...] | None
    rows: Iterator[Raw]


def format_named(path: Path, name: str | None) -> Format:
    """The format called `name`, or without one that which the file's name tells. Raises Unreadable."""
    found = next((each for each in FORMATS if each == name), None) if name else _ENDINGS.get(path.suffix.lower())
    if found is None:
        raise Unreadable(f"{name or path.name}: the format is one of {', '.join(FORMATS)}")
    return found


def open_rows(path: Path, kind: Format) -> Rows:
    """The rows of a file. Raises Unreadable, now or while they are read, for a file that is not what it should be."""
    if kind == "jsonl":
        return Rows(None, _json_rows(path))
    if kind == "csv":
        return _csv_rows(path)
    from services.catalog.handlers.imports import xlsx  # 20 MB that a service does without

    header, rows = xlsx.sheet(path)
    return Rows(header, rows)


def lines_of(path: Path) -> Iterator[bytes]:
    """The lines of a file. An endless line is cut, so that it is refused, not kept. Raises OSError."""
    with path.open("rb") as source:
        while line := source.readline(LONGEST_LINE + 1):
            rest = line
            while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):
                rest = source.readline(LONGEST_LINE + 1)
            yield line


def table_header(cells: Sequence[str]) -> tuple[str, ...]:
    """A table's columns. Raises Unreadable for none, too many, or two of one name."""
    names = [cleaned(cell)[0] for cell in cells]
    while names and not names[-1]:
        names.pop()
    given = [name for name in names if name]
    if not given or len(names) > MOST_COLUMNS:
        raise Unreadable(f"the first row must name the columns (1 to {MOST_COLUMNS})")
    if twice := sorted({name for name in given if given.count(name) > 1}):
        raise Unreadable(f"the first row names columns twice: {', '.join(twice)[:200]}")
    return tuple(names)


def _json_rows(path: Path) -> Iterator[Raw]:
    for number, line in enumerate(lines_of(path), 1):
        if line.strip():
            yield json_row(number, line)


def json_row(number: int, line: bytes) -> Raw:
    """One line of JSON lines."""

    def unreadable(detail: str) -> Raw:
        return Raw(number, {}, Problem(number, "row", "unreadable_json", detail))

    if len(line) > LONGEST_LINE:
        return unreadable(f"longer than {LONGEST_LINE} bytes")
    try:
        # A byte-order mark is no part of JSON (RFC 8259 §8.1) but often opens a file.
        text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except UnicodeDecodeError as error:
        return unreadable(f"not UTF-8 at byte {error.start + 1}")
    except json.JSONDecodeError as error:
        return unreadable(f"{error.msg} at character {error.pos + 1}")
    except (RecursionError, ValueError) as error:
        return unreadable("nested too deeply" if isinstance(error, RecursionError) else str(error))
    return Raw(number, found) if isinstance(found, dict) else unreadable("not a JSON object")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice")
    return found


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _csv_rows(path: Path) -> Rows:
    texts = _Texts(path)
    first = next(texts, "")
    if texts.broken:
        raise Unreadable("the first row is not UTF-8: save the file as CSV UTF-8")
    delimiter = max(",;\t", key=_QUOTED.sub("", first).count)
    reader = csv.reader(chain([first], texts), delimiter=delimiter, strict=False)
    try:
        header = table_header(next(reader, []))
    except csv.Error as error:
        raise Unreadable(f"the first row cannot be read: {error}") from None
    return Rows(header, _csv_records(reader, texts, header))


def _csv_records(reader: Any, texts: "_Texts", header: tuple[str, ...]) -> Iterator[Raw]:
    number = 1
    while True:
        number += 1
        texts.broken = False
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Raw(number, {}, Problem(number, "row", "unreadable_csv", str(error)))
            continue
        if texts.broken:
            yield Raw(number, {}, Problem(number, "row", "not_utf8", "bytes that are not UTF-8"))
        elif not any(cells):
            continue
        elif len(cells) < len(header) or any(cells[len(header) :]):
            yield Raw(number, {}, Problem(number, "row", "cells", f"{len(cells)} cells under {len(header)} columns"))
        else:
            yield Raw(number, {name: unguarded(cell) for name, cell in zip(header, cells, strict=False) if name})


class _Texts(Iterator[str]):
    """The lines of a CSV file as text; `broken` once one was not UTF-8."""

    def __init__(self, path: Path) -> None:
        self._lines = lines_of(path)
        self._first = True
        self.broken = False

    def __next__(self) -> str:
        line = next(self._lines)
        if self._first:
            self._first = False
            line = line.removeprefix(codecs.BOM_UTF8)
        try:
            text = line.decode()
        except UnicodeDecodeError:
            self.broken = True
            text = line.decode(errors="replace")
        # A line that was cut must not pass for a whole one: longer than any field of `csv` may be, it is an error.
        return text if len(line) <= LONGEST_LINE else "x" * (csv.field_size_limit() + 1) + "\n"
