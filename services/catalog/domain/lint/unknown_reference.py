"""unknown-reference: something named that is not registered, or no longer in use: data elements, licence types, other
items, organisations, the organisation's function (职能)."""

from collections.abc import Iterator
from typing import Final

from services.catalog.domain.findings import Finding
from services.catalog.domain.items import ItemContent
from services.catalog.domain.links import asked_elements
from services.catalog.domain.lint.facts import Facts
from services.contracts.base import Text
from services.contracts.catalog_resources import ElementContent, LicenceTypeContent

RULE: Final = "unknown-reference"


def check(content: ItemContent, facts: Facts) -> Iterator[Finding]:
    if facts.registers:
        yield from _registers(content, facts)
    if facts.catalogue:
        yield from _catalogue(content, facts)


def _registers(content: ItemContent, facts: Facts) -> Iterator[Finding]:
    for material in content.materials:
        for element in material.elements:
            yield from _entry(
                f"materials.{material.id}", element, facts.elements.get(element), "数据元", "data element"
            )
        if code := material.licence_type:
            found = facts.licence_types.get(code)
            yield from _entry(f"materials.{material.id}", code, found, "证照类型", "licence type")
    for name, element in asked_elements(content).items():
        yield from _entry(f"form.{name}", element, facts.elements.get(element), "数据元", "data element")
    for number, result in enumerate(content.results):
        if code := result.licence_type:
            found = facts.licence_types.get(code)
            yield from _entry(f"results.{number}", code, found, "证照类型", "licence type")


def _entry(
    field: str, code: str, found: ElementContent | LicenceTypeContent | None, zh: str, en: str
) -> Iterator[Finding]:
    if found is None:
        yield _finding(field, f"{zh}“{code}”没有登记。", f"The {en} “{code}” is not registered.")
    elif found.status == "closed":
        name = found.name
        yield _finding(
            field, f"{zh}“{name.zh}”（{code}）已经停用。", f"The {en} “{name.en or name.zh}” ({code}) is closed."
        )


def _catalogue(content: ItemContent, facts: Facts) -> Iterator[Finding]:
    for material in content.materials:
        if (code := material.result_of) and code not in facts.items and code != content.code:
            yield _finding(f"materials.{material.id}", f"没有编码为 {code} 的事项。", f"No item has the code {code}.")
    if content.base and content.base not in facts.items and facts.base is None:
        yield _finding(
            "base", f"没有编码为 {content.base} 的上一级事项。", f"No item above it has the code {content.base}."
        )
    own = facts.organisations.get(content.organisation.id)
    named = [("organisation", content.organisation)]
    named += [(f"cooperating.{number}", each) for number, each in enumerate(content.cooperating)]
    for field, organisation in named:
        found = facts.organisations.get(organisation.id)
        zh, en = organisation.name.zh, organisation.name.en or organisation.name.zh
        if found is None:
            yield _finding(field, f"机构“{zh}”没有登记。", f"The organisation “{en}” is not registered.")
        elif found.status == "closed":
            yield _finding(field, f"机构“{zh}”已经撤销。", f"The organisation “{en}” is closed.")
    if content.function and own and all(function.id != content.function for function in own.functions):
        yield _finding(
            "function",
            f"“{own.name.zh}”没有编号为 {content.function} 的职能。",
            f"“{own.name.en or own.name.zh}” has no function {content.function}.",
        )


def _finding(field: str, zh: str, en: str) -> Finding:
    mend = Text(
        zh="改成已经登记、在用的；还没有登记的，先请登记。",
        en="Name one that is registered and in use; have it registered first where it is not.",
    )
    return Finding(RULE, field, Text(zh=zh, en=en), mend)
