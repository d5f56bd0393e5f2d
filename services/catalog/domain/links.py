"""What an item names of the registers and of other items: who uses an entry, whose result proves what."""

import re
from collections.abc import Iterator
from typing import Any, Final

from services.catalog.domain.items import BundleContent, Content, ItemContent

ELEMENT: Final = "element"
"""A data element that a material proves or a field of the form asks for."""
LICENCE: Final = "licence"
"""A licence type that a material is proved by."""
NEEDS_ITEM: Final = "needs-item"
"""An item whose result a required material is."""
NEEDS_LICENCE: Final = "needs-licence"
"""A licence type that a required material is."""
GIVES: Final = "gives"
"""A licence type that is the item's result."""
LONGEST_TARGET: Final = 64
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")


def links_of(content: Content) -> frozenset[tuple[str, str]]:
    """(link, target) of everything that `content` names; targets longer than any code are none."""
    found = _item_links(content) if isinstance(content, ItemContent) else _bundle_links(content)
    return frozenset((link, target) for link, target in found if 0 < len(target) <= LONGEST_TARGET)


def _item_links(content: ItemContent) -> Iterator[tuple[str, str]]:
    for element in asked_elements(content).values():
        yield ELEMENT, element
    for material in content.materials:
        for element in material.elements:
            yield ELEMENT, element
        if material.licence_type:
            yield LICENCE, material.licence_type
    for need in demands_of(content):
        kind, _, target = need.partition(":")
        yield NEEDS_ITEM if kind == "item" else NEEDS_LICENCE, target
    for result in content.results:
        if result.licence_type:
            yield GIVES, result.licence_type
    for condition in content.conditions:
        # Every name in it: an expression is not evaluated here, and a name that is no data element matches no entry.
        for name in _NAME.findall(condition.expression or ""):
            yield ELEMENT, name


def _bundle_links(content: BundleContent) -> Iterator[tuple[str, str]]:
    for element in content.shared_fields:
        yield ELEMENT, element
    for member in content.members:
        for name in _NAME.findall(member.when or ""):
            yield ELEMENT, name


def asked_elements(content: ItemContent) -> dict[str, str]:
    """The data element behind each field of the form that has one, by the field's name."""
    found: dict[str, str] = {}
    properties: Any = content.form.get("properties")
    for name, schema in properties.items() if isinstance(properties, dict) else ():
        element = schema.get("x-element") if isinstance(schema, dict) else None
        if isinstance(element, str) and element:
            found[name] = element
    return found


def demands_of(content: ItemContent) -> frozenset[str]:
    """Whose results the required materials are: "item:CODE", "licence:CODE"."""
    found: set[str] = set()
    for material in content.materials:
        if material.required:
            found |= needs_of(material.result_of, material.licence_type)
    return frozenset(found)


def needs_of(result_of: str | None, licence_type: str | None) -> frozenset[str]:
    """What one material is the result of; an item named outright counts before the licence type that it gives."""
    if result_of:
        return frozenset({f"item:{result_of}"})
    return frozenset({f"licence:{licence_type}"} if licence_type else ())
