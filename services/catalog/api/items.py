"""HTTP: items in force, their versions, search. Any verified caller may read."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from services.catalog import errors
from services.catalog.api.doors import Code, Division, Reading, Version
from services.catalog.domain.items import ItemContent, SearchQuery
from services.catalog.domain.terms import LONGEST_QUERY, fold, query_terms
from services.catalog.events import item_published
from services.catalog.handlers import reading
from services.catalog.store.items import StoredItem
from services.catalog.store.search import FoundItem
from services.contracts.base import Text
from services.contracts.catalog_items import Fee, ItemPublished, Limits, Organisation, Subject
from services.kit.auth import caller
from services.kit.errors import Malformed
from services.kit.http import Keyset, ListKeyset, Page, etag

# Deny by default: the whole router asks for a token, so a new route cannot forget to.
router = APIRouter(dependencies=[Depends(caller)])


class ItemSummary(BaseModel):
    """An item as a list shows it."""

    code: str
    version: int
    name: Text
    summary: Text | None = None
    organisation: Organisation
    division: str
    item_type: str = Field(description="Two digits, GB/T 39046-2020: 01 licence … 20 public service")
    subjects: tuple[Subject, ...]
    case_kind: Literal["immediate", "promised", "other"] | None = None
    limits: Limits
    fee: Fee | None = None
    visits: int | None = None

    @classmethod
    def of(cls, found: FoundItem) -> "ItemSummary":
        return cls.model_validate({**found.document, "version": found.version})


@router.get("/items", summary="Search the items in force")
async def list_items(
    work: Reading,
    keyset: ListKeyset,
    q: Annotated[str, Query(max_length=LONGEST_QUERY, description="Words to search for")] = "",
    subject: Subject | None = None,
    organisation: Annotated[str | None, Query(max_length=128)] = None,
    division: Division = None,
) -> Page[ItemSummary]:
    query = SearchQuery(
        terms=query_terms(q),
        phrase=fold(q),
        subject=subject,
        organisation=organisation,
        division=division,
        limit=keyset.limit + 1,
        after=_item_cursor(keyset),
    )
    found = await reading.search_items(query, work)
    shown, following = keyset.page(found, lambda item: (item.score, item.document["code"]))
    return Page[ItemSummary](items=[ItemSummary.of(item) for item in shown], next=following)


@router.get("/items/{code}", summary="An item's version in force")
async def get_item(code: Code, work: Reading, response: Response) -> ItemPublished:
    return _shown(await reading.item_in_force(code, work), response)


@router.get("/items/{code}/versions/{version}", summary="One version of an item")
async def get_item_version(code: Code, version: Version, work: Reading, response: Response) -> ItemPublished:
    return _shown(await reading.item_version(code, version, work), response)


def _shown(item: StoredItem, response: Response) -> ItemPublished:
    if not isinstance(item.content, ItemContent):
        raise errors.ItemNotFound
    response.headers["ETag"] = etag(item.version)
    return item_published(item.content, item.version, item.published_at, provenance=item.provenance)


def _item_cursor(keyset: Keyset) -> tuple[int, str] | None:
    match keyset.after:
        case None:
            return None
        case [int(score), str(code)] if not isinstance(score, bool) and abs(score) < 2**31 and "\0" not in code:
            return score, code
    raise Malformed("the cursor is not one that this list gave")
