"""The ruler: a span of days drawn as cells, used, paused, open and beyond, with flags under some of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.kit.pages.languages import gettext

PER_DAY_UP_TO = 45
"""Longer spans use one cell for five days."""
_GROUP = 5


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its style (u used, p paused, o over, w within the promise, s beyond it, "" open) and its flag."""

    style: str
    flag: str = ""


@dataclass(frozen=True, slots=True)
class Ruler:
    """Cells, and the same in words: the drawing is an image to a reader who does not see it."""

    cells: tuple[Cell, ...]
    label: str
    days_per_cell: int = 1


def ruler(styles: str, flags: Mapping[int, str], label: str) -> Ruler:
    """A ruler of one character of `styles` a day ("-" is open); `flags` maps a day's number (from 1) to its words."""
    step = 1 if len(styles) <= PER_DAY_UP_TO else _GROUP
    cells = []
    for start in range(0, len(styles), step):
        group = styles[start : start + step]
        words = gettext("，").join(text for number, text in sorted(flags.items()) if start < number <= start + step)
        cells.append(Cell(group[-1].replace("-", ""), words))
    return Ruler(tuple(cells), label, step)
