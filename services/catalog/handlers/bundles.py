"""Bundles (一件事): what keeps one from being published, its guide, and which of its items apply."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.catalog import errors
from services.catalog.domain import bundles, eligibility
from services.catalog.domain.bundles import BundleFacts, Member, ToBring
from services.catalog.domain.codes import normalise_code
from services.catalog.domain.eligibility import Checks
from services.catalog.domain.findings import Finding
from services.catalog.domain.items import BundleContent, ItemContent
from services.catalog.domain.life import ItemStatus
from services.catalog.domain.lint.known_to_network import supplier_of
from services.catalog.domain.periods import day_of
from services.catalog.handlers.eligibility import checks_of, typed
from services.catalog.handlers.lint import supply_facts
from services.catalog.store.bundles import ListedBundle
from services.catalog.store.items import StoredItem
from services.catalog.store.work import Work
from services.contracts.base import Text
from services.contracts.catalog_resources import ElementContent, LicenceTypeContent, ResourceContent


@dataclass(frozen=True, slots=True)
class AskedOnce:
    """A data element that several members' forms ask for."""

    element: ElementContent
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BundleGuide:
    """A bundle with all that its guide shows."""

    stored: StoredItem
    content: BundleContent
    members: Mapping[str, StoredItem]
    """By the code that the bundle names; what is no item any more is missing."""
    bring: Sequence[tuple[ToBring, ResourceContent | LicenceTypeContent | None]]
    """What to bring, each with what the network has in its place."""
    asked_once: Sequence[AskedOnce]
    checks: Checks
    """When the members apply, in the order of the bundle's content."""


async def findings_of(
    bundle: BundleContent, work: Work, *, by: datetime | None = None, beside: Mapping[str, ItemContent] | None = None
) -> list[Finding]:
    """What would refuse `bundle` at publishing. What is approved to be in force `by` then counts as in force, and so do
    the items `beside` it, by code: those of the same file."""
    async with work:
        codes = [member.code for member in bundle.members]
        members = _members(await work.items.many(codes))
        members |= {code: Member(content, ItemStatus.PUBLISHED) for code, content in (beside or {}).items()}
        for found in await work.revisions.approved(codes, lock=False):
            at, content = found.revision.effective_at, found.content
            if content.code not in members and isinstance(content, ItemContent) and at and at <= (by or work.now()):
                members[content.code] = Member(content, None)
        named = {*bundle.shared_fields} | await asyncio.to_thread(_named, bundle)
        facts = BundleFacts(members, await _elements(named, work))
        return bundles.findings(bundle, facts)


def _named(bundle: BundleContent) -> frozenset[str]:
    return eligibility.names_in(member.when for member in bundle.members)


def _members(found: Mapping[str, StoredItem]) -> dict[str, Member]:
    return {
        code: Member(item.content, item.status, item.status_reason)
        for code, item in found.items()
        if isinstance(item.content, ItemContent)
    }


async def _elements(codes: Iterable[str], work: Work) -> dict[str, ElementContent]:
    entries = (await work.registers.many({"element": codes})).values()
    return {each.content.code: each.content for each in entries if isinstance(each.content, ElementContent)}


async def guide(code: str, work: Work) -> BundleGuide:
    """The bundle in force (or last) with everything that its guide shows. Raises ItemNotFound."""
    async with work:
        stored, content = await _bundle(code, work)
        found = await work.items.many(member.code for member in content.members)
        members = _members(found)
        elements = await _elements(content.shared_fields, work)
        return BundleGuide(
            stored,
            content,
            {member.code: found[member.code] for member in content.members if member.code in members},
            await _bring(content, members, work),
            [
                AskedOnce(elements[element], bundles.askers(content, element, members))
                for element in content.shared_fields
                if element in elements
            ],
            await _checks(content, members, work),
        )


async def _bundle(code: str, work: Work) -> tuple[StoredItem, BundleContent]:
    stored = await work.items.item(normalise_code(code))
    if stored is None or not isinstance(stored.content, BundleContent):
        raise errors.ItemNotFound
    return stored, stored.content


async def _bring(
    content: BundleContent, members: Mapping[str, Member], work: Work
) -> list[tuple[ToBring, ResourceContent | LicenceTypeContent | None]]:
    facts = await supply_facts((member.content for member in members.values()), work)

    def known(each: ToBring) -> ResourceContent | LicenceTypeContent | None:
        materials = (bundles.material_of(reference, members) for reference in each.references)
        return next((found for material in materials if material and (found := supplier_of(material, facts))), None)

    return [(each, known(each)) for each in bundles.to_bring(content, members)]


async def _checks(content: BundleContent, members: Mapping[str, Member], work: Work) -> Checks:
    forms = [member.content.form for member in members.values()]
    return await checks_of([member.when for member in content.members], forms, work)


async def applying(code: str, answers: Mapping[str, Any], work: Work) -> list[tuple[str, Text, bool | None]]:
    """Which members apply by `answers` (by data element), None where they do not tell. Raises ItemNotFound, Invalid."""
    async with work:
        _, content = await _bundle(code, work)
        members = _members(await work.items.many(member.code for member in content.members))
        checks = await _checks(content, members, work)
    values = typed(answers, checks)
    today = day_of(work.now())
    told = zip(content.members, checks.programs, strict=True)
    return [
        (member.code, member.name, eligibility.applies(program, member.when, values, today)) for member, program in told
    ]


async def list_bundles(division: str | None, after: str | None, limit: int, work: Work) -> Sequence[ListedBundle]:
    """Bundles in force by code, from the one after `after`."""
    async with work:
        return await work.bundles.listed(division, after, limit)
