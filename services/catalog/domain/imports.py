"""What an import is: its modes, one row of its file, what there is to say of a row, the sums at the end."""

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Any, Final, TypeVar

from services.catalog.domain.items import Content, Outcome
from services.catalog.domain.organisations import OrganisationState

T = TypeVar("T")


class Mode(StrEnum):
    """What an import makes of its rows."""

    DRAFTS = "drafts"
    """Drafts, for somebody to review."""
    AS_PUBLISHED = "as-published"
    """Versions in force, published elsewhere before and not linted here."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing about one row: row number (the first is 1), field, stable reason, words for people, what is kept."""

    row: int
    field: str
    reason: str
    detail: str
    kept: str = ""


class Refused(Exception):
    """A row that cannot be taken."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class Unreadable(Exception):
    """A file that cannot be read as what it is said to be; one line."""


@dataclass(frozen=True, slots=True)
class Raw:
    """One row as the file has it: column → value, or why there is none."""

    number: int
    values: Mapping[str, Any]
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row that can be taken: the item as the row alone makes it, its organisation, and what to warn of."""

    number: int
    content: Content
    organisation: OrganisationState
    names_itself: bool
    """The department's own code is the implementing one, so its name is that organisation's own."""
    warnings: tuple[Problem, ...]
    cells: Mapping[str, Any] | None
    """Our field → value, of a row of columns: laid over what is there. None: the row says all there is (native)."""


@dataclass
class ImportReport:
    """What an import did, in sums, so that it stays small."""

    rows: int = 0
    taken: Counter[Outcome] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    """Rows refused, by reason."""
    warned: Counter[str] = field(default_factory=Counter)
    """Warnings about rows that were taken, by reason."""
    organisations: Counter[Outcome] = field(default_factory=Counter)
    resumed_at: int = 0
    """The last row of a run before this one, which was killed."""

    @property
    def failed(self) -> bool:
        """Nothing could be taken: the command's exit code is not 0."""
        return self.taken.total() == 0

    def document(self) -> dict[str, Any]:
        """The sums as JSON values."""
        counts = {name: dict(getattr(self, name)) for name in _COUNTS}
        return {"rows": self.rows} | counts

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "ImportReport":
        """The sums as they were kept."""
        report = cls(rows=document["rows"])
        for name in _COUNTS:
            kind = Outcome if name in ("taken", "organisations") else str
            getattr(report, name).update({kind(key): count for key, count in document[name].items()})
        return report


_COUNTS: Final = ("taken", "refused", "warned", "organisations")


class Seen:
    """Which codes came before: a set of digests of eight bytes, which takes 16 to 32 MB for a million codes where a
    set of Python's takes some 70. Two codes of a million meet with a probability of 3 in 10⁸."""

    def __init__(self) -> None:
        self._table = array("Q", bytes(8 << 12))
        self._count = 0

    def add(self, code: str) -> bool:
        """Remember `code`; whether it is new."""
        digest = int.from_bytes(hashlib.blake2b(code.encode(), digest_size=8).digest()) or 1
        if not _put(self._table, digest):
            return False
        self._count += 1
        if self._count * 2 > len(self._table):
            wider = array("Q", [0]) * (2 * len(self._table))
            for kept in self._table:
                if kept:
                    _put(wider, kept)
            self._table = wider
        return True


def _put(table: "array[int]", digest: int) -> bool:
    mask = len(table) - 1
    place = digest & mask
    while kept := table[place]:
        if kept == digest:
            return False
        place = (place + 1) & mask
    table[place] = digest
    return True


def batches(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Some values after the other, `size` at a time (Python 3.12 has it as `itertools.batched`)."""
    source = iter(values)
    while batch := list(islice(source, size)):
        yield batch
