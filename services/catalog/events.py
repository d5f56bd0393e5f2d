"""Domain to contract: what the catalogue tells the others."""

from datetime import datetime

from services.catalog.domain.items import BundleContent, ItemContent
from services.catalog.domain.organisations import OrganisationState
from services.catalog.store.items import Published
from services.contracts.catalog_items import BundlePublished, Exemption, ItemPublished
from services.contracts.catalog_organisations import OrganisationRegistered


def published(
    each: Published, published_at: datetime, aliases: tuple[str, ...] = ()
) -> ItemPublished | BundlePublished:
    """A version is in force."""
    if isinstance(each.content, BundleContent):
        return bundle_published(each.content, each.version, published_at)
    return item_published(each.content, each.version, published_at, provenance=each.provenance.value, aliases=aliases)


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
