"""What the registers say of what an item names: licence types and data elements by name, what the network has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.catalog import errors
from services.catalog.domain.codes import normalise_code
from services.catalog.domain.items import ItemContent
from services.catalog.domain.lint.known_to_network import supplier_of
from services.catalog.domain.registers import Register
from services.catalog.handlers.lint import supply_facts
from services.catalog.store.registers import Entry
from services.catalog.store.work import Work
from services.contracts.catalog_items import Material
from services.contracts.catalog_resources import LicenceTypeContent, ResourceContent


@dataclass(frozen=True, slots=True)
class Named:
    """Entries that the materials and results of a version name, and materials that the network has, with what holds
    them: nobody may be asked for these (不得要求重复提供)."""

    entries: Mapping[tuple[Register, str], Entry]
    known: Sequence[tuple[Material, ResourceContent | LicenceTypeContent]]


async def named(code: str, version: int | None, work: Work) -> Named:
    """Of the version in force (the last one of what is suspended or retired), or the one asked for.

    Raises ItemNotFound, VersionNotFound.
    """
    async with work:
        code = normalise_code(code)
        found = await work.items.item(code, version)
        if found is None:
            raise errors.VersionNotFound if version and await work.items.known(code) else errors.ItemNotFound
        content = found.content
        if not isinstance(content, ItemContent):
            raise errors.ItemNotFound
        licences = {material.licence_type for material in content.materials if material.licence_type}
        licences |= {result.licence_type for result in content.results if result.licence_type}
        elements = {element for material in content.materials for element in material.elements}
        entries = await work.registers.many({"element": elements, "licence": licences})
        facts = await supply_facts([content], work)
        held = [(material, supplier_of(material, facts)) for material in content.materials]
        return Named(entries, [(material, supplier) for material, supplier in held if supplier])
