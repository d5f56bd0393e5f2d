"""The report of an import as a file, written as the import goes: one line for each thing about a row."""

import csv
import io
import json
from pathlib import Path
from typing import BinaryIO, Final

from services.catalog.domain.exports import guarded
from services.catalog.domain.imports import Problem, Unreadable

_COLUMNS: Final = ("row", "outcome", "field", "reason", "detail", "kept")


class ReportFile:
    """CSV or JSON lines, as the name's ending says. Raises Unreadable for another."""

    def __init__(self, path: Path) -> None:
        self._csv = path.suffix.lower() == ".csv"
        if not self._csv and path.suffix.lower() not in (".jsonl", ".ndjson"):
            raise Unreadable(f"{path.name}: a report is .csv or .jsonl")
        self._path = path
        self._file: BinaryIO | None = None

    def open(self, kept: int) -> None:
        """Begin the file anew, or go on behind its first `kept` bytes."""
        going_on = 0 < kept <= (self._path.stat().st_size if self._path.is_file() else 0)
        self._file = self._path.open("r+b" if going_on else "wb")
        if going_on:
            self._file.truncate(kept)
            self._file.seek(kept)
        elif self._csv:
            self._file.write(b"\xef\xbb\xbf" + _csv_line(_COLUMNS))

    def write(self, problem: Problem, outcome: str) -> None:
        """One thing about one row."""
        assert self._file is not None
        values = (problem.row, outcome, problem.field, problem.reason, problem.detail, problem.kept)
        if self._csv:
            self._file.write(_csv_line([guarded(str(value)) for value in values]))
        else:
            line = json.dumps(dict(zip(_COLUMNS, values, strict=True)), ensure_ascii=False)
            self._file.write(line.encode("utf-8", "replace") + b"\n")

    def flush(self) -> int:
        """What was written is in the file; its length."""
        assert self._file is not None
        self._file.flush()
        return self._file.tell()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _csv_line(values: tuple[str, ...] | list[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue().encode("utf-8", "replace")
