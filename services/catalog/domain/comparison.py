"""Two contents side by side: what of the one is not so in the other, field by field."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from services.catalog.domain.items import Content

_MISSING: Final = object()
_NAMED_BY: Final = {"materials": "id", "members": "code", "x-pages": "id"}
"""Lists whose entries have names of their own; entries of others are told by their place."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field (dotted: "materials.photo.required", "form.properties.name.title") that differs."""

    field: str
    kind: Literal["added", "removed", "changed"]
    left: Any
    right: Any


def changes(left: Content | None, right: Content | None) -> list[Change]:
    """What differs from `left` to `right`, in the order in which contents hold their fields; None: nothing is there."""
    return list(_differences(_whole(left), _whole(right), ""))


def _whole(content: Content | None) -> dict[str, Any]:
    return {**content.document(), "form": content.form} if content is not None else {}


def _differences(left: Any, right: Any, path: str) -> Iterator[Change]:
    if left == right and type(left) is type(right):
        return
    name = path.rpartition(".")[2]
    ours, theirs = _members(left, name), _members(right, name)
    if ours is not None and theirs is not None:
        for key in [*ours, *(key for key in theirs if key not in ours)]:
            where = f"{path}.{key}" if path else key
            yield from _differences(ours.get(key, _MISSING), theirs.get(key, _MISSING), where)
        shared = [key for key in ours if key in theirs]
        # Named entries, or fields of a form, in another order are asked for in another order.
        if (name in _NAMED_BY or name == "properties") and shared != [key for key in theirs if key in ours]:
            yield Change(f"{path}.*", "changed", list(ours), list(theirs))
    elif _empty(left):
        yield Change(path, "added", None, right)
    elif _empty(right):
        yield Change(path, "removed", left, None)
    else:
        yield Change(path, "changed", left, right)


def _members(value: Any, name: str) -> Mapping[str, Any] | None:
    if isinstance(value, dict):
        return value
    if not isinstance(value, (list, tuple)):
        return None
    key = _NAMED_BY.get(name)
    if key is not None:
        named = [str(each[key]) for each in value if isinstance(each, dict) and each.get(key)]
        if len(set(named)) == len(value):
            return dict(zip(named, value, strict=True))
    return {str(place): each for place, each in enumerate(value)}


def _empty(value: Any) -> bool:
    return value is None or value is _MISSING
