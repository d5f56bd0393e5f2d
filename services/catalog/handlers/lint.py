"""What the lint refuses of a content: facts gathered in few statements, every rule run, what is exempt left out."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import chain
from typing import Final, TypeVar

from services.catalog.domain.findings import Finding
from services.catalog.domain.items import ItemContent
from services.catalog.domain.links import asked_elements, demands_of
from services.catalog.domain.lint import Facts, circular_proof, findings, known_to_network
from services.catalog.domain.organisations import OrganisationState
from services.catalog.domain.periods import day_of
from services.catalog.domain.registers import elements_of
from services.catalog.store.registers import Entry
from services.catalog.store.work import Work
from services.contracts.base import Text
from services.contracts.catalog_resources import ElementContent, LicenceTypeContent, ResourceContent

Kept = TypeVar("Kept", ElementContent, LicenceTypeContent)
Supplier = TypeVar("Supplier", ResourceContent, LicenceTypeContent)


@dataclass(frozen=True, slots=True)
class Beside:
    """Items that are linted together (those of one file), as if they were in force already; `names` has all of them."""

    demands: Mapping[str, frozenset[str]] = field(default_factory=dict)
    givers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    names: Mapping[str, Text] = field(default_factory=dict)
    bases: Mapping[str, ItemContent] = field(default_factory=dict)
    """Those that others of them implement."""
    members: Mapping[str, ItemContent] = field(default_factory=dict)
    """Those that bundles among them name."""

    def needs(self) -> frozenset[str]:
        """All that they demand, and other ways to what they give."""
        return frozenset(chain(*self.demands.values(), (f"licence:{licence}" for licence in self.givers)))

    def joined(
        self, demands: Mapping[str, frozenset[str]], givers: Mapping[str, frozenset[str]]
    ) -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
        """The catalogue's demands and givers with these items instead of their versions in force."""
        kept = {licence: items - self.demands.keys() for licence, items in givers.items()}
        for licence, items in self.givers.items():
            kept[licence] = kept.get(licence, frozenset()) | items
        return {**demands, **self.demands}, kept


NOTHING: Final = Beside()


async def findings_of(content: ItemContent, work: Work, *, exempt: bool = True) -> list[Finding]:
    """What would refuse `content` at publishing today; with `exempt`, without what granted appeals let pass."""
    async with work:
        facts = await facts_of(content, work)
        passed = await exempt_of(content.code, day_of(work.now()), work) if exempt else frozenset()
        return findings(content, facts, exempt=passed)


async def exempt_of(code: str, today: date, work: Work) -> frozenset[tuple[str, str]]:
    """(rule, field) that granted appeals let pass today."""
    granted = await work.appeals.granted([code], today)
    return frozenset((appeal.rule, appeal.field) for appeal in granted.get(code, ()))


async def facts_of(content: ItemContent, work: Work, beside: Beside = NOTHING) -> Facts:
    """What the rules must know of the catalogue, and of what is linted `beside` it, to judge `content`."""
    # Expressions are read on another thread; the rules find them read. The parser's first load takes 0.3 s.
    named = await asyncio.to_thread(elements_named, content)
    materials, results = content.materials, content.results
    licences = {material.licence_type for material in materials if material.licence_type}
    licences |= {result.licence_type for result in results if result.licence_type}
    needs = demands_of(content)
    gives = {f"licence:{result.licence_type}" for result in results if result.licence_type}
    # Whoever gives the same licence is another way to it.
    demands, givers = await work.facts.proofs(needs | gives) if needs else ({}, {})
    demands, givers = beside.joined(demands, givers)
    licences |= {licence for found in demands.values() for licence in _licences(found)}
    entries = await work.registers.many({"element": named, "licence": licences})
    suppliers = await work.registers.suppliers(named)
    codes = {code for code in (content.base, *(material.result_of for material in materials)) if code}
    base = await work.items.item(content.base) if content.base else None
    facts = Facts(
        elements=_of_kind(entries.values(), ElementContent),
        licence_types=_of_kind(entries.values(), LicenceTypeContent),
        resources=_supplying(suppliers, ResourceContent),
        provers=_supplying(suppliers, LicenceTypeContent),
        organisations=await _organisations(content, work),
        items=await work.facts.known(codes) | (codes & beside.names.keys()),
        base=beside.bases.get(content.base or "")
        or (base.content if base and isinstance(base.content, ItemContent) else None),
        demands=demands,
        givers=givers,
        periods=tuple((await work.periods.known([content.code])).get(content.code, ())),
    )
    on_cycle = {
        node.removeprefix("item:") for way in circular_proof.cycles(content, facts).values() for node in way if node
    }
    if not on_cycle:
        return facts
    return replace(facts, names={**await work.facts.names(on_cycle), **beside.names})


async def supply_facts(contents: Iterable[ItemContent], work: Work) -> Facts:
    """Of the facts only what says which of the contents' materials the network has (`known_to_network.supplier_of`)."""
    materials = [material for content in contents for material in content.materials]
    elements = {element for material in materials for element in material.elements}
    licences = {material.licence_type for material in materials if material.licence_type}
    entries = await work.registers.many({"licence": licences}) if licences else {}
    suppliers = await work.registers.suppliers(elements) if elements else []
    return Facts(
        licence_types=_of_kind(entries.values(), LicenceTypeContent),
        resources=_supplying(suppliers, ResourceContent),
        provers=_supplying(suppliers, LicenceTypeContent),
    )


def elements_named(content: ItemContent) -> frozenset[str]:
    """Codes of the data elements that the content names: its fields, its materials, its conditions."""
    named = set(asked_elements(content).values())
    for material in content.materials:
        named.update(material.elements)
    for condition in content.conditions:
        if condition.expression:
            named |= _in_expression(condition.expression)
    return frozenset(named)


def _in_expression(expression: str) -> frozenset[str]:
    from services.catalog.domain import conditions  # its parser is read when the first expression is

    try:
        return conditions.elements_of(expression)
    except conditions.ConditionProblem:
        return frozenset()


def _licences(needs: Iterable[str]) -> Iterator[str]:
    return (need.removeprefix("licence:") for need in needs if need.startswith("licence:"))


def _of_kind(entries: Iterable[Entry], kind: type[Kept]) -> dict[str, Kept]:
    return {entry.content.code: entry.content for entry in entries if isinstance(entry.content, kind)}


def _supplying(suppliers: Iterable[Entry], kind: type[Supplier]) -> dict[str, Supplier]:
    """For each data element the entry that supplies it, one shared without a condition before others."""
    kept = [entry.content for entry in suppliers if isinstance(entry.content, kind)]
    ordered = sorted(filter(known_to_network.supplies, kept), key=lambda content: content.sharing != "unconditional")
    found: dict[str, Supplier] = {}
    for content in ordered:
        for element in elements_of(content):
            found.setdefault(element, content)
    return found


async def _organisations(content: ItemContent, work: Work) -> dict[str, OrganisationState]:
    named = {content.organisation.id, *(each.id for each in content.cooperating)}
    return {id_: state for id_, (state, _) in (await work.organisations.many(named)).items()}
