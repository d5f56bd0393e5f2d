"""known-to-network: a material or field that a registered, shareable resource or licence type supplies.

不得要求重复提供, 不得要求重复提交 (国务院令第716号 art. 7, 优化营商环境条例 art. 44). A material is refused when its
licence type is shared, or when all data elements that it proves are supplied; one that proves something else besides is
still needed for that. Conditional sharing supplies too: to meet the condition is the organisation's business, not the
applicant's.
"""

from collections.abc import Iterator
from typing import Final

from services.catalog.domain.findings import Finding
from services.catalog.domain.items import ItemContent
from services.catalog.domain.links import asked_elements
from services.catalog.domain.lint.facts import Facts
from services.contracts.base import Text
from services.contracts.catalog_items import Material
from services.contracts.catalog_resources import LicenceTypeContent, ResourceContent

RULE: Final = "known-to-network"


def check(content: ItemContent, facts: Facts) -> Iterator[Finding]:
    for material in content.materials:
        if supplier := supplier_of(material, facts):
            yield _finding(f"materials.{material.id}", material.name, supplier)
    titles = content.form.get("properties", {})
    for name, element in asked_elements(content).items():
        if supplier := _supplier(element, facts):
            title, english = titles[name].get("title"), titles[name].get("x-title-en")
            label = Text(zh=str(title or name), en=str(english or name))
            yield _finding(f"form.{name}", label, supplier)


def supplier_of(material: Material, facts: Facts) -> ResourceContent | LicenceTypeContent | None:
    """What the network has in place of `material`: the licence type that it is, or what gives all that it proves."""
    licence = facts.licence_types.get(material.licence_type or "")
    if licence and supplies(licence):
        return licence
    suppliers = [_supplier(element, facts) for element in material.elements]
    return suppliers[0] if suppliers and all(suppliers) else None


def supplies(entry: ResourceContent | LicenceTypeContent) -> bool:
    """Whether the network gets what `entry` holds from its source."""
    return entry.status == "active" and entry.sharing != "none"


def _supplier(element: str, facts: Facts) -> ResourceContent | LicenceTypeContent | None:
    for found in (facts.resources.get(element), facts.provers.get(element)):
        if found is not None and supplies(found):
            return found
    return None


def _finding(field: str, asked: Text, supplier: ResourceContent | LicenceTypeContent) -> Finding:
    zh, en = ("资源", "resource") if isinstance(supplier, ResourceContent) else ("证照类型", "licence type")
    named, holder = supplier.name, supplier.source.name
    return Finding(
        RULE,
        field,
        Text(
            zh=f"“{asked.zh}”不用申请人交：{zh}“{named.zh}”（{supplier.code}）已经登记为可共享，由{holder.zh}提供。",
            en=f"“{asked.en or asked.zh}” is known to the network: the {en} “{named.en or named.zh}” ({supplier.code}) "
            f"is registered as shared by {holder.en or holder.zh}.",
        ),
        Text(
            zh=f"删去这一项，办理时向{holder.zh}核验。",
            en=f"Drop it and ask {holder.en or holder.zh} when the case is handled.",
        ),
    )
