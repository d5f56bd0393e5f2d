"""Administrative divisions (行政区划, GB/T 2260) at county level and above, each with the years it was in force."""

import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, Literal

Level = Literal["province", "prefecture", "county"]
FIRST_YEAR: Final = 1981


@dataclass(frozen=True, slots=True)
class Successor:
    """A division that took over, whole or in part, and from which year on."""

    code: str
    year: int | None
    """Where it differs from the year in which the old one ended."""


@dataclass(frozen=True, slots=True)
class Division:
    """One division as it was called from year `since` (included) to year `until` (excluded; None: still in force)."""

    code: str
    """12 digits; the last six are zeros at county level and above."""
    name: str
    since: int
    until: int | None
    successors: tuple[Successor, ...] = ()

    @property
    def level(self) -> Level:
        if self.code[2:6] == "0000":
            return "province"
        return "prefecture" if self.code[4:6] == "00" else "county"

    def in_force(self, year: int) -> bool:
        return self.since <= year and (self.until is None or year < self.until)


@cache
def _table() -> dict[str, tuple[Division, ...]]:
    # Read once and lazily: importing a rule must not cost 7,000 objects.
    found: dict[str, list[Division]] = {}
    for line in files("services.catalog.data").joinpath("divisions.tsv").read_text("utf-8").splitlines():
        code, since, until, name, following = line.split("\t")
        successors = tuple(map(_successor, filter(None, following.split(";"))))
        division = Division(f"{code}000000", name, int(since), int(until) if until else None, successors)
        found.setdefault(division.code, []).append(division)
    return {code: tuple(rows) for code, rows in found.items()}


def _successor(text: str) -> Successor:
    return Successor(f"{text[:6]}000000", int(text[7:11]) if len(text) > 6 else None)


def division_code(text: str) -> str | None:
    """`text` as a 12-digit code: half-width, six-digit codes filled up; None for what is no division code."""
    digits = unicodedata.normalize("NFKC", text).strip()
    if not digits.isascii() or not digits.isdigit():
        return None
    return {6: f"{digits}000000", 12: digits}.get(len(digits))


def division(code: str, year: int) -> Division | None:
    """The division with this 12-digit code that was in force in `year`, if there is one."""
    return next((row for row in _table().get(code, ()) if row.in_force(year)), None)


def holder(code: str, year: int) -> Division | None:
    """The narrowest division of the table in force in `year` that `code` stands for or lies in: the county of a
    township or village, whose last six digits are no zeros."""
    return division(code, year) or division(f"{code[:6]}000000", year)


def history(code: str) -> tuple[Division, ...]:
    """All that has had this 12-digit code, the earliest first."""
    return _table().get(code, ())


def counties(year: int) -> tuple[Division, ...]:
    """The divisions of county level that are in force in `year`, by code."""
    in_force = (row for rows in _table().values() for row in rows if row.level == "county" and row.in_force(year))
    return tuple(sorted(in_force, key=lambda row: row.code))


@lru_cache(maxsize=256)
def children(parent: str | None, year: int) -> tuple[Division, ...]:
    """The divisions right below `parent` (None: the provinces) that are in force in `year`, by code.

    Under a province stand its prefectures, and the counties that belong to none: those of municipalities (直辖市) and
    those that a province governs itself (省直辖).
    """
    in_force = [row for rows in _table().values() for row in rows if row.in_force(year)]
    if parent is None:
        return tuple(row for row in in_force if row.level == "province")
    above = division(parent, year)
    if above is None or above.level == "county":
        return ()
    if above.level == "prefecture":
        return tuple(row for row in in_force if row.level == "county" and row.code[:4] == parent[:4])
    inside = [row for row in in_force if row.code[:2] == parent[:2] and row.level != "province"]
    prefectures = {row.code[:4] for row in inside if row.level == "prefecture"}
    return tuple(row for row in inside if row.level == "prefecture" or row.code[:4] not in prefectures)


def ever_in_force(code: str) -> bool:
    """Whether any division at county level or above has had this code since 1981."""
    return code in _table()


def ancestry(code: str, year: int) -> tuple[Division, ...]:
    """Province, prefecture and county of `code`, as far as they are in force in `year`, the widest first."""
    steps = dict.fromkeys((f"{code[:2]}0000000000", f"{code[:4]}00000000", code))
    return tuple(found for step in steps if (found := division(step, year)))
