"""Domain to contract: what the catalogue tells the others."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import orjson

from services.catalog.domain.items import BundleContent, Content, ItemContent
from services.catalog.domain.life import ItemStatus
from services.catalog.domain.organisations import OrganisationState
from services.catalog.domain.registers import RegisterContent
from services.catalog.store.items import Published
from services.contracts.base import EventData
from services.contracts.catalog_items import (
    BundlePublished,
    BundleRetired,
    Exemption,
    ItemPublished,
    ItemRetired,
    ItemSuspended,
)
from services.contracts.catalog_organisations import OrganisationRegistered
from services.contracts.catalog_resources import (
    DataElementRegistered,
    ElementContent,
    LicenceTypeContent,
    LicenceTypeRegistered,
    ResourceContent,
    ResourceRegistered,
)

_REGISTERED: Final[Mapping[type[RegisterContent], type[EventData]]] = {
    ElementContent: DataElementRegistered,
    ResourceContent: ResourceRegistered,
    LicenceTypeContent: LicenceTypeRegistered,
}


def published(
    each: Published,
    published_at: datetime,
    aliases: tuple[str, ...] = (),
    exemptions: tuple[Exemption, ...] = (),
) -> ItemPublished | BundlePublished:
    """A version is in force."""
    if isinstance(each.content, BundleContent):
        return bundle_published(each.content, each.version, published_at)
    return item_published(
        each.content,
        each.version,
        published_at,
        provenance=each.provenance.value,
        aliases=aliases,
        exemptions=exemptions,
    )


def encoded(content: Content, data: ItemPublished | BundlePublished) -> bytes | None:
    """`data`, which tells of `content`, as JSON, made of the document that is kept; None for a bundle: a bulk import
    announces items."""
    if not isinstance(content, ItemContent) or not isinstance(data, ItemPublished):
        return None
    besides = {
        "form": content.form,
        "item_version": data.item_version,
        "published_at": data.published_at,
        "provenance": data.provenance,
        "aliases": data.aliases,
        "exemptions": [each.model_dump(mode="json") for each in data.exemptions],
    }
    return content.document_json[:-1] + b"," + orjson.dumps(besides)[1:]


def left(
    content: Content, version: int, status: ItemStatus, reason: str, at: datetime
) -> ItemSuspended | ItemRetired | BundleRetired:
    """An item or bundle is in force no longer, for a time or for good."""
    if content.kind == "bundle":
        return BundleRetired(code=content.code, bundle_version=version, retired_at=at, reason=reason)
    if status is ItemStatus.SUSPENDED:
        return ItemSuspended(code=content.code, item_version=version, suspended_at=at, reason=reason)
    return ItemRetired(code=content.code, item_version=version, retired_at=at, reason=reason)


def item_published(
    content: ItemContent,
    version: int,
    published_at: datetime,
    *,
    provenance: str = "",
    aliases: tuple[str, ...] = (),
    exemptions: tuple[Exemption, ...] = (),
) -> ItemPublished:
    """`content` is in force as `version`. Not validated again: the content was, and a bulk import is large."""
    fields = {name: getattr(content, name) for name in type(content).model_fields}
    return ItemPublished.model_construct(
        **fields,
        item_version=version,
        published_at=published_at,
        provenance=provenance,
        aliases=aliases,
        exemptions=exemptions,
    )


def bundle_published(content: BundleContent, version: int, published_at: datetime) -> BundlePublished:
    """The bundle is in force as `version`."""
    fields = {name: getattr(content, name) for name in type(content).model_fields}
    return BundlePublished.model_construct(**fields, bundle_version=version, published_at=published_at)


def registered(content: RegisterContent) -> EventData:
    """The latest state of an entry of a register."""
    return _REGISTERED[type(content)].model_validate(content.model_dump())


def organisation_registered(organisation: OrganisationState) -> OrganisationRegistered:
    """The latest state of an organisation."""
    return OrganisationRegistered(
        organisation_id=organisation.id,
        name=organisation.name,
        division=organisation.division,
        uscc=organisation.uscc,
        uscc_verified=organisation.uscc_verified,
        kind=organisation.kind,
        level=organisation.level,
        parent=organisation.parent,
        functions=organisation.functions,
        status=organisation.status,
        successors=organisation.successors,
    )
