"""An item or bundle as a form on paper: from content to what is shown, from what was typed to content.

A content is nested JSON, a form is flat: "materials.0.name.zh" is one control. `Flat` keeps what was typed as it was
typed, so that nothing is lost where it cannot be understood.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from services.kit.pages import Form
from services.kit.pages import gettext as _

Flat = dict[str, str]
"""What stands in each control; of several ticks the values, one a line."""
Content = Mapping[str, Any]

LONGEST = 100_000
"""More than any control takes: what is too long comes back to be shortened, it is not thrown away."""
MOST_ROWS = 200
MEGABYTE = 1024 * 1024
_KEPT = frozenset({"name", "limits"})
"""Objects that are there even where nothing was typed into them."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One control.

    `kind`: line, lines, code (a program), choice, number (a choice of numbers), ticks, whole, megabytes, yesno, codes
    (several in a line), tags (ticks and others besides), groups (a line is a group of codes), json. `weak`: what stands
    in it alone makes no object (a unit without an amount).
    """

    path: str
    kind: str
    label: str
    hint: str = ""
    options: tuple[tuple[str, str], ...] = ()
    required: bool = False
    weak: bool = False
    start: bool = False
    """Whether a new line of controls begins with it."""

    @property
    def usual(self) -> str:
        """What stands in it where nothing was chosen."""
        return self.options[0][0] if self.weak and self.options else ""

    @property
    def long(self) -> bool:
        return self.kind in ("lines", "code", "json", "groups", "ticks", "tags")


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one kind. `key`: the member by which findings name a row; `title`: what names it for people."""

    path: str
    noun: str
    asks: tuple[Ask, ...]
    key: str = ""
    title: str = ""
    fresh: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """A section of the form: controls, then rows."""

    id: str
    title: str
    note: str = ""
    asks: tuple[Ask, ...] = ()
    rows: Rows | None = None


def row_asks(rows: Rows, number: int) -> list[Ask]:
    """The controls of one row, with their whole names."""
    return [replace(ask, path=f"{rows.path}.{number}.{ask.path}") for ask in rows.asks]


def count(flat: Flat, rows: Rows) -> int:
    """How many rows there are."""
    pattern = re.compile(re.escape(rows.path) + r"\.([0-9]{1,3})(\..+)?")
    numbers = [int(found[1]) for name in flat if (found := pattern.fullmatch(name))]
    return min(max(numbers, default=-1) + 1, MOST_ROWS)


def asks_of(parts: Sequence[Part], flat: Flat) -> Iterator[Ask]:
    """Every control of the form as it stands, rows and all."""
    for part in parts:
        yield from part.asks
        if part.rows is not None:
            for number in range(count(flat, part.rows)):
                yield from row_asks(part.rows, number)


def flattened(content: Content, parts: Sequence[Part]) -> Flat:
    """The form of a content."""
    flat: Flat = {}
    for part in parts:
        for ask in part.asks:
            flat[ask.path] = written(ask, _get(content, ask.path))
        if part.rows is not None:
            for number in range(len(_get(content, part.rows.path) or ())):
                for ask in row_asks(part.rows, number):
                    flat[ask.path] = written(ask, _get(content, ask.path))
    return flat


def read(form: Form, parts: Sequence[Part]) -> Flat:
    """What was typed, control by control."""
    given = {name: "\n".join(form.many(name))[:LONGEST] for name in form}
    flat: Flat = {}
    for ask in asks_of(parts, given):
        typed = given.get(ask.path, "")
        flat[ask.path] = typed.rstrip() if ask.kind in ("lines", "code", "json") else typed.strip()
    return flat


def composed(flat: Flat, parts: Sequence[Part], stored: Content) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The content that was typed over the stored one, and what cannot be understood: pairs of path and words."""
    content: dict[str, Any] = deepcopy(dict(stored))
    wrong: list[tuple[str, str]] = []
    for part in parts:
        _compose(content, part.asks, flat, "", wrong)
        if part.rows is not None:
            found: list[dict[str, Any]] = [{} for _number in range(count(flat, part.rows))]
            for number, row in enumerate(found):
                _compose(row, part.rows.asks, flat, f"{part.rows.path}.{number}.", wrong)
            content[part.rows.path] = found
    return content, wrong


def _compose(target: dict[str, Any], asks: Sequence[Ask], flat: Flat, at: str, wrong: list[tuple[str, str]]) -> None:
    filled = {prefix for ask in asks if flat.get(at + ask.path) and not ask.weak for prefix in _prefixes(ask.path)}
    for ask in asks:
        absent = [prefix for prefix in _prefixes(ask.path) if prefix not in filled and prefix not in _KEPT]
        if absent:
            _put(target, absent[0], None)
            continue
        typed = flat.get(at + ask.path, "") or ask.usual
        if ask.required and not typed:
            wrong.append((at + ask.path, _("请填：%(label)s") % {"label": ask.label}))
        value, problem = _understood(ask, typed)
        if problem:
            wrong.append((at + ask.path, problem))
        _put(target, ask.path, value)


def tidied(flat: Flat, parts: Sequence[Part]) -> Flat:
    """The form without the rows into which nothing was typed."""
    for part in parts:
        if part.rows is None:
            continue
        for number in reversed(range(count(flat, part.rows))):
            at = f"{part.rows.path}.{number}."
            told = [ask.path for ask in part.rows.asks if not ask.weak and ask.kind not in ("ticks", "tags")]
            if not any(flat.get(at + path) for path in told if path not in part.rows.fresh):
                flat = without(flat, part.rows, number)
    return flat


def added(flat: Flat, rows: Rows) -> Flat:
    """The form with one more row at the end."""
    number = count(flat, rows)
    if number >= MOST_ROWS:
        return flat
    fresh = dict(rows.fresh)
    if rows.key and rows.key in fresh:
        taken = {flat.get(f"{rows.path}.{each}.{rows.key}") for each in range(number)}
        fresh[rows.key] = next(name for n in range(1, MOST_ROWS + 2) if (name := f"{fresh[rows.key]}{n}") not in taken)
    return flat | {ask.path: fresh.get(ask.path.split(".", 2)[2], "") for ask in row_asks(rows, number)}


def without(flat: Flat, rows: Rows, number: int) -> Flat:
    """The form without this row; those behind it move up."""
    order = [each for each in range(count(flat, rows)) if each != number]
    return _ordered(flat, rows, order)


def raised(flat: Flat, rows: Rows, number: int) -> Flat:
    """The form with this row before the one that stood before it."""
    order = list(range(count(flat, rows)))
    if 0 < number < len(order):
        order[number - 1], order[number] = order[number], order[number - 1]
    return _ordered(flat, rows, order)


def _ordered(flat: Flat, rows: Rows, order: Sequence[int]) -> Flat:
    rest = {name: value for name, value in flat.items() if not name.startswith(rows.path + ".")}
    for new, old in enumerate(order):
        for to, from_ in zip(row_asks(rows, new), row_asks(rows, old), strict=True):
            rest[to.path] = flat.get(from_.path, "")
    return rest


def place(field_: str, flat: Flat, parts: Sequence[Part]) -> str:
    """The id on the page of what a finding or problem is about; "" where the form has no such place.

    Services name a row by its number or its own key: "materials.0.basis.law", "materials.photo".
    """
    names = field_.replace("/", ".").strip(".").split(".")
    known = {ask.path.split(".")[0] for ask in asks_of(parts, flat)} | {part.id for part in parts}
    known |= {part.rows.path for part in parts if part.rows is not None}
    # Problems of a body begin with the way to the content in it.
    while len(names) > 1 and names[0] not in known:
        names = names[1:]
    for part in parts:
        rows = part.rows
        if rows is None or names[0] != rows.path:
            continue
        if len(names) == 1:
            return rows.path
        keys = [flat.get(f"{rows.path}.{n}.{rows.key}", "") for n in range(count(flat, rows))] if rows.key else []
        if names[1] in keys:
            names[1] = str(keys.index(names[1]))
        elif not (names[1].isascii() and names[1].isdecimal() and int(names[1]) < count(flat, rows)):
            return rows.path
        if len(names) == 2:
            return f"{rows.path}.{names[1]}"
    whole = ".".join(names)
    for ask in asks_of(parts, flat):
        if ask.path == whole or ask.path.startswith(whole + "."):
            return f"f-{ask.path}"
    for ask in asks_of(parts, flat):
        if whole.startswith(ask.path + "."):
            return f"f-{ask.path}"
    return names[0] if names[0] in {part.id for part in parts} else ""


def _understood(ask: Ask, typed: str) -> tuple[Any, str]:
    """The value of what was typed, or what is wrong with it (then the text stays as it is)."""
    match ask.kind:
        case "number" | "whole" if typed:
            if re.fullmatch(r"[0-9]{1,9}", typed):
                return int(typed), ""
            return typed, _("%(label)s要填整数，现在是“%(typed)s”") % {"label": ask.label, "typed": typed[:40]}
        case "megabytes":
            if re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", typed) and float(typed) > 0:
                return round(float(typed) * MEGABYTE), ""
            return typed, _("%(label)s要填一个数，比如 10") % {"label": ask.label}
        case "yesno":
            return {"yes": True, "no": False}.get(typed), ""
        case "ticks":
            return typed.split("\n") if typed else [], ""
        case "codes" | "tags":
            return [code for code in re.split(r"[\s,，、;；]+", typed) if code], ""
        case "groups":
            lines = (re.split(r"[\s,，、;；]+", line.strip()) for line in typed.split("\n"))
            return [[code for code in line if code] for line in lines if any(line)], ""
        case "json":
            return _json(ask, typed)
    # A Chinese text is a text; what else is empty is absent.
    return typed or ("" if ask.path.rpartition(".")[2] == "zh" else None), ""


def _json(ask: Ask, typed: str) -> tuple[Any, str]:
    try:
        found = json.loads(typed or "{}")
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 0)
        return {}, _("%(label)s不是 JSON，第 %(line)d 行读不懂") % {"label": ask.label, "line": line}
    if isinstance(found, dict):
        return found, ""
    return {}, _("%(label)s要写成 JSON 对象，用 { } 括起来") % {"label": ask.label}


def written(ask: Ask, value: Any) -> str:
    """A value as it stands in its control."""
    if value is None:
        return ask.usual
    match ask.kind:
        case "yesno":
            return "yes" if value else "no"
        case "ticks" | "tags":
            return "\n".join(map(str, value))
        case "codes":
            return " ".join(map(str, value))
        case "groups":
            return "\n".join(" ".join(map(str, group)) for group in value)
        case "json":
            return json.dumps(value, ensure_ascii=False, indent=2)
        case "megabytes":
            return f"{value / MEGABYTE:.3f}".rstrip("0").rstrip(".")
    return str(value)


def _prefixes(path: str) -> list[str]:
    """The objects that a control lies in, from outside: of "limits.promised.amount" limits and limits.promised."""
    names = path.split(".")
    return [".".join(names[:length]) for length in range(1, len(names))]


def _get(value: Any, path: str) -> Any:
    for name in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, Sequence) and not isinstance(value, str):
            value = value[int(name)]
        else:
            return None
    return value


def _put(target: dict[str, Any], path: str, value: Any) -> None:
    *outer, last = path.split(".")
    for name in outer:
        inner = target.get(name)
        if not isinstance(inner, dict):
            inner = target[name] = {}
        target = inner
    target[last] = value
