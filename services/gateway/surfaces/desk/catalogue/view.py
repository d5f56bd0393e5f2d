"""A form of `sheet` as a page shows it: what stands in each control, what is wrong where, which row was touched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.gateway.surfaces.desk.catalogue import sheet, words
from services.gateway.surfaces.desk.catalogue.sheet import Ask, Flat, Part, Rows
from services.kit.errors import Malformed

LIMITS = {"limit": 1024 * 1024, "max_fields": 8000}
"""An item with two hundred rows is larger than other forms."""
FEW = 4
"""Rows with so few controls stand open."""
ROW_ACTS = ("add", "remove", "up")


@dataclass
class View:
    """The form as it is shown: what stands in it, what is wrong where, which row was touched."""

    path: str
    parts: Sequence[Part]
    flat: Flat
    errors: Mapping[str, str] = field(default_factory=dict)
    found: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    places: list[str] = field(default_factory=list)
    fields: Sequence[tuple[str, str, str, str]] = ()
    touched: str = ""
    words: Any = words

    def count(self, rows: Rows) -> int:
        return sheet.count(self.flat, rows)

    def asks(self, rows: Rows, number: int) -> list[Ask]:
        return sheet.row_asks(rows, number)

    def wrong_in(self, place: str) -> int:
        """How much is wrong in a row."""
        inside = (f"f-{place}.", place)
        wrong = sum(name == place or name.startswith(inside[0]) for name in self.errors)
        return wrong + sum(
            len(each) for name, each in self.found.items() if name == place or name.startswith(inside[0])
        )

    def wrong_of(self, part: Part) -> int:
        """How much is wrong in a section."""
        rows = sum(self.wrong_in(f"{part.rows.path}.{n}") for n in range(self.count(part.rows))) if part.rows else 0
        own = {f"f-{ask.path}" for ask in part.asks} | {part.id} | ({part.rows.path} if part.rows else set())
        return rows + sum(name in own for name in self.errors) + sum(len(self.found.get(name, ())) for name in own)

    def open(self, rows: Rows, number: int) -> bool:
        """Whether a row stands open: one that was touched, is wrong, is small or has nothing in it yet."""
        place = f"{rows.path}.{number}"
        title = self.flat.get(f"{place}.{rows.title}", "")
        return place == self.touched or len(rows.asks) <= FEW or not title or self.wrong_in(place) > 0


def _in(name: str, place: str) -> bool:
    return name == place or name.startswith(f"f-{place}.")


def rowed(flat: Flat, parts: Sequence[Part], act: str, rest: str) -> tuple[Flat, str]:
    """The form after one of `ROW_ACTS` ("materials:2" says on which row), and the row to come back to."""
    path, _colon, number = rest.partition(":")
    rows = next((part.rows for part in parts if part.rows is not None and part.rows.path == path), None)
    if rows is None or not (act == "add" or (number.isascii() and number.isdecimal() and len(number) < 4)):
        raise Malformed("there are no such rows")
    if act == "add":
        flat = sheet.added(flat, rows)
        return flat, f"{path}.{sheet.count(flat, rows) - 1}"
    if act == "remove":
        return sheet.without(flat, rows, int(number)), f"{path}.{max(0, int(number) - 1)}"
    return sheet.raised(flat, rows, int(number)), f"{path}.{max(0, int(number) - 1)}"
