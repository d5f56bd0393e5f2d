"""Domain to contract: what the catalogue tells the others."""

from datetime import datetime

from services.catalog.domain.items import ItemContent, OrganisationState
from services.contracts.catalog_items import ItemPublished
from services.contracts.catalog_organisations import OrganisationRegistered


def item_published(content: ItemContent, version: int, published_at: datetime) -> ItemPublished:
    """`content` is in force as `version`. Not validated again: the content was, and a bulk import is large."""
    fields = {name: getattr(content, name) for name in type(content).model_fields}
    return ItemPublished.model_construct(**fields, item_version=version, published_at=published_at)


def organisation_registered(organisation: OrganisationState) -> OrganisationRegistered:
    """The latest state of an organisation."""
    return OrganisationRegistered(
        organisation_id=organisation.id,
        name=organisation.name,
        division=organisation.division,
        uscc=organisation.uscc,
        uscc_verified=organisation.uscc_verified,
    )
