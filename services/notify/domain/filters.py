"""Filters of a subscription: the dialects of the CloudEvents Subscriptions API §3.2.4 that need no language.

A filter is a JSON object with one key: `exact`, `prefix`, `suffix` over context attributes, or `all`, `any`, `not` over
further filters. A list of filters means all of them.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

MAX_DEPTH = 5
MAX_PARTS = 50

_TEXT: Mapping[str, Callable[[str, str], bool]] = {
    "exact": str.__eq__,
    "prefix": str.startswith,
    "suffix": str.endswith,
}


def matches(filters: Iterable[Mapping[str, Any]], attributes: Mapping[str, Any]) -> bool:
    """Whether an event with these context attributes passes every filter. An absent one matches nothing."""
    return all(_passes(found, attributes) for found in filters)


def _passes(filter_: Mapping[str, Any], attributes: Mapping[str, Any]) -> bool:
    ((dialect, argument),) = filter_.items()
    if dialect == "all":
        return all(_passes(inner, attributes) for inner in argument)
    if dialect == "any":
        return any(_passes(inner, attributes) for inner in argument)
    if dialect == "not":
        return not _passes(argument, attributes)
    compare = _TEXT[dialect]
    return all(name in attributes and compare(str(attributes[name]), value) for name, value in argument.items())


def size(filters: Iterable[Mapping[str, Any]]) -> tuple[int, int]:
    """Depth and number of parts, to be held against MAX_DEPTH and MAX_PARTS."""
    depth, parts = 0, 0
    for filter_ in filters:
        ((dialect, argument),) = filter_.items()
        inner: list[Any] = argument if dialect in ("all", "any") else [argument] if dialect == "not" else []
        below, more = size(inner)
        depth = max(depth, 1 + below)
        parts += 1 + more + (len(argument) if dialect in _TEXT else 0)
    return depth, parts
