"""A content in words: the name of each member, its value as lines, what differs between two contents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.gateway.surfaces.desk.catalogue import asked
from services.gateway.surfaces.desk.catalogue.sheet import Ask, Part, asks_of, flattened, written
from services.kit.pages import ENGLISH, language
from services.kit.pages import gettext as _


@dataclass(frozen=True, slots=True)
class Change:
    """One member that differs: its name, both sides as lines, added, removed or changed."""

    label: str
    left: list[str]
    right: list[str]
    kind: str


def changes(found: Sequence[Mapping[str, Any]], kind: str) -> list[Change]:
    """The catalogue's comparison in words."""
    words = Names(kind)
    return [
        Change(
            words.label(each["field"]),
            words.lines(each.get("left"), each["field"]),
            words.lines(each.get("right"), each["field"]),
            each["kind"],
        )
        for each in found
    ]


def differences(left: Mapping[str, str], right: Mapping[str, str], kind: str) -> list[Change]:
    """What differs between two forms, control by control."""
    words = Names(kind)
    return [
        Change(words.label(path), _split(left.get(path)), _split(right.get(path)), "changed")
        for path in dict.fromkeys([*left, *right])
        if left.get(path, "") != right.get(path, "")
    ]


def _split(written: str | None) -> list[str]:
    return written.split("\n") if written else []


Told = list[tuple[str, list[tuple[str, list[str]]]]]
"""Sections with their members: label and lines."""


def told(content: Mapping[str, Any], kind: str, without: Sequence[str] = ()) -> Told:
    """A content section by section, only what it says, without these members."""
    parts = asked.parts(kind)
    words = Names(kind)
    flat = flattened(content, parts)
    found: Told = []
    for part in parts:
        lines = [
            (words.label(ask.path) if part.rows is None else _in_row(part, ask), words.lines_of(ask, flat[ask.path]))
            for ask in asks_of((part,), flat)
            if ask.path in flat and ask.path.split(".")[0] not in without and flat[ask.path] not in ("", "{}")
        ]
        if lines:
            found.append((part.title, lines))
    return found


def _in_row(part: Part, ask: Ask) -> str:
    assert part.rows is not None
    _path, number, *_rest = ask.path.split(".")
    return f"{int(number) + 1}. {ask.label}"


class Names:
    """The words for the members of one kind of content."""

    def __init__(self, kind: str) -> None:
        self._parts = asked.parts(kind)
        self._titles = {part.id: part.title for part in self._parts} | _more()
        self._asks = {ask.path: ask for part in self._parts for ask in part.asks}
        self._rows = {part.rows.path: part for part in self._parts if part.rows is not None}

    def label(self, field: str) -> str:
        """A member's name: of "materials.photo.name.zh" the section, the row and the control."""
        names = field.split(".")
        part = self._rows.get(names[0])
        if part is None:
            if field in self._titles and field not in self._asks:
                return self._titles[field]
            ask = self._ask(field) if names[0] != "form" else None
            ask = ask or next((each for path, each in self._asks.items() if path.startswith(field + ".")), None)
            if ask is not None:
                return ask.label
            # Of a form the field in it is named as it is written there.
            return _("，").join([self._titles.get(names[0], names[0]), *([".".join(names[1:])] if names[1:] else [])])
        found = [part.title]
        if len(names) > 1:
            found.append(str(int(names[1]) + 1) if names[1].isdecimal() else names[1])
        if len(names) > 2:
            found.append(_label_in(part, ".".join(names[2:])))
        return _("，").join(found)

    def lines(self, value: Any, field: str = "") -> list[str]:
        """A value, line by line; nothing for what is absent."""
        if value is None or value == "" or value == [] or value == {}:
            return []
        if isinstance(value, bool):
            return [_("是") if value else _("否")]
        if isinstance(value, Mapping):
            return self._mapping(value, field)
        if isinstance(value, Sequence) and not isinstance(value, str):
            return [
                line
                for number, each in enumerate(value)
                for line in self._numbered(number, each, field, plain=not isinstance(each, Mapping))
            ]
        return self._option(field, value).split("\n")

    def lines_of(self, ask: Ask, written: str) -> list[str]:
        """What stands in a control, line by line, choices by their names."""
        options = dict(ask.options)
        return [options.get(line, line) for line in written.split("\n")]

    def _numbered(self, number: int, value: Any, field: str, *, plain: bool) -> list[str]:
        lines = self.lines(value, field if plain else f"{field}.{number}")
        return lines if plain else [f"{number + 1}. {lines[0]}", *lines[1:]] if lines else []

    def _mapping(self, value: Mapping[str, Any], field: str) -> list[str]:
        if set(value) <= {"zh", "en"}:
            return [each for each in (value.get("zh"), value.get("en")) if each]
        found = []
        for name, each in value.items():
            lines = self.lines(each, f"{field}.{name}" if field else name)
            if not lines:
                continue
            label = self._short(f"{field}.{name}" if field else name)
            if isinstance(each, Mapping) and not set(each) <= {"zh", "en"}:
                found += lines
                continue
            colon = ": " if language() == ENGLISH else "："
            found += [f"{label}{colon}{lines[0]}" if label else lines[0], *lines[1:]]
        return found

    def _short(self, field: str) -> str:
        names = field.split(".")
        part = self._rows.get(names[0])
        if part is not None and len(names) > 2:
            return _label_in(part, ".".join(names[2:]))
        return self.label(field)

    def _option(self, field: str, value: Any) -> str:
        """A plain value as its control has it, a choice by its name."""
        ask = self._ask(field)
        if ask is None:
            return str(value)
        shown = written(ask, value) if ask.kind == "megabytes" and not isinstance(value, str) else str(value)
        return dict(ask.options).get(shown, shown)

    def _ask(self, field: str) -> Ask | None:
        """The control of a member; of one in a list of plain values, the list's."""
        names = field.split(".")
        part = self._rows.get(names[0])
        if part is None or part.rows is None:
            return next(
                (ask for path, ask in self._asks.items() if field == path or field.startswith(path + ".")), None
            )
        inner = ".".join(names[2:])
        return next((ask for ask in part.rows.asks if inner == ask.path or inner.startswith(ask.path + ".")), None)


def _label_in(part: Part, path: str) -> str:
    assert part.rows is not None
    for ask in part.rows.asks:
        if ask.path == path or ask.path.startswith(path + "."):
            return ask.label
    return path


def _more() -> dict[str, str]:
    return {
        "code": _("编码"),
        "kind": _("种类"),
        "base": _("所属事项"),
        "organisation": _("机构"),
        "division": _("区划"),
        "aliases": _("别的编码"),
        "exemptions": _("放行"),
    }
