"""Administrative divisions (行政区划, GB/T 2260) at county level and above, each with the years it was in force."""

import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

Level = Literal["province", "prefecture", "county"]


@dataclass(frozen=True, slots=True)
class Division:
    """One division as it was called from year `since` (included) to year `until` (excluded; None: still in force)."""

    code: str
    """12 digits; the last six are zeros at county level and above."""
    name: str
    since: int
    until: int | None

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
        code, since, until, name = line.split("\t")
        division = Division(f"{code}000000", name, int(since), int(until) if until else None)
        found.setdefault(division.code, []).append(division)
    return {code: tuple(rows) for code, rows in found.items()}


def division_code(text: str) -> str | None:
    """`text` as a 12-digit code: half-width, six-digit codes filled up; None for what is no division code."""
    digits = unicodedata.normalize("NFKC", text).strip()
    if not digits.isascii() or not digits.isdigit():
        return None
    return {6: f"{digits}000000", 12: digits}.get(len(digits))


def division(code: str, year: int) -> Division | None:
    """The division with this 12-digit code that was in force in `year`, if there is one."""
    return next((row for row in _table().get(code, ()) if row.in_force(year)), None)


def ever_in_force(code: str) -> bool:
    """Whether any division at county level or above has had this code since 1981."""
    return code in _table()


def ancestry(code: str, year: int) -> tuple[Division, ...]:
    """Province, prefecture and county of `code`, as far as they are in force in `year`, the widest first."""
    steps = dict.fromkeys((f"{code[:2]}0000000000", f"{code[:4]}00000000", code))
    return tuple(found for step in steps if (found := division(step, year)))
