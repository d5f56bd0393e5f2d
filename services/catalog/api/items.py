"""HTTP: items in force, their versions, search. Any verified caller may read."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.background import BackgroundTask
from starlette.responses import Response

from services.catalog.api.doors import Code, Division, Reading, Version
from services.catalog.domain import topics
from services.catalog.domain.items import Kind
from services.catalog.domain.life import ItemStatus
from services.catalog.domain.search.queries import SearchQuery
from services.catalog.domain.search.ranking import Count
from services.catalog.domain.terms import LONGEST_QUERY
from services.catalog.events import item_published
from services.catalog.handlers import reading, search
from services.catalog.store.work import Work
from services.contracts.base import Text
from services.contracts.catalog_items import Channel, Fee, ItemPublished, Limits, Organisation, Subject
from services.kit.auth import caller
from services.kit.errors import Malformed
from services.kit.http import Keyset, ListKeyset, encode_cursor

MOST_BODIES: Final = 200
"""Guides kept as they were last sent, some 20 kB each."""

# Deny by default: the whole router asks for a token, so a new route cannot forget to.
router = APIRouter(dependencies=[Depends(caller)])


class ItemSummary(BaseModel):
    """An item as a list shows it; a bundle (一件事) among them is of its own kind and has a guide of its own."""

    code: str
    version: int
    kind: Kind = "implementation"
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
    topics: tuple[str, ...] = ()
    online_depth: int | None = None


class Total(BaseModel):
    count: int
    more: bool = Field(description="There are more than that")


class FacetValue(BaseModel):
    value: str
    label: Text | None = None
    count: int
    more: bool = Field(description="Counted over the hits used most; there may be more")


class ItemsFound(BaseModel):
    """One page of hits, how many there are, and what they have in common."""

    items: list[ItemSummary]
    next: str | None = None
    total: Total
    facets: dict[str, list[FacetValue]]
    did_you_mean: str | None = Field(
        default=None, description="Words that find something, where those typed find nothing or only some of them"
    )


class GuideShown(ItemPublished):
    """An item's version, and where the item stands now."""

    status: ItemStatus
    status_reason: str = Field(description="Why it is suspended or retired")
    current_version: int = Field(description="The version in force, or last")


@router.get("/items", summary="Search the items in force", response_model=ItemsFound)
async def list_items(
    request: Request,
    keyset: ListKeyset,
    q: Annotated[str, Query(max_length=LONGEST_QUERY, description="Words to search for")] = "",
    subject: Subject | None = None,
    organisation: Annotated[str | None, Query(max_length=128)] = None,
    division: Division = None,
    topic: Annotated[str | None, Query(max_length=50)] = None,
    item_type: Annotated[str | None, Query(pattern=r"^\d{2}$")] = None,
    channel: Channel | None = None,
    case_kind: Literal["immediate", "promised", "other"] | None = None,
    free: bool = False,
    no_visit: bool = False,
) -> Response:
    """The best first. A word that is typed wrongly is mended where it finds nothing; `did_you_mean` says so."""
    given = {
        "subject": subject,
        "organisation": organisation,
        "division": division,
        "topic": topic,
        "item_type": item_type,
        "channel": channel,
        "case_kind": case_kind,
        "free": "true" if free else None,
        "no_visit": "true" if no_visit else None,
    }
    filters = {facet: value for facet, value in given.items() if value}
    answers: search.Answers = request.app.state.answers
    found = await answers.to(SearchQuery(q, filters, keyset.limit, _item_cursor(keyset)))
    # What a list shows is kept as JSON and goes out as it is.
    body = orjson.dumps(
        {
            "items": [orjson.Fragment(summary) for _, _, summary in found.page],
            "next": encode_cursor(found.following) if found.following else None,
            "total": {"count": found.total.count, "more": found.total.more},
            "facets": {
                facet: [_facet(facet, each, found.organisations or {}) for each in counts]
                for facet, counts in (found.facets or {}).items()
            },
            "did_you_mean": found.did_you_mean,
        }
    )
    noted = BackgroundTask(search.note_miss, q, Work(request.app.state.context)) if found.missed else None
    return Response(body, media_type="application/json", background=noted)


def _facet(facet: str, count: Count, organisations: Mapping[str, Mapping[str, str | None]]) -> dict[str, Any]:
    shown: dict[str, Any] = {"value": count.value, "count": count.count, "more": count.more}
    if facet == "organisation" and count.value in organisations:
        shown["label"] = organisations[count.value]
    elif facet == "topic" and (topic := topics.BY_CODE.get(count.value)):
        shown["label"] = topic.name.model_dump()
    return shown


_NOT_CHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "As the ETag in If-None-Match says"}}


@router.get("/items/{code}", summary="An item's version in force", response_model=GuideShown, responses=_NOT_CHANGED)
async def get_item(code: Code, work: Reading, request: Request) -> Response:
    """Of what is suspended or retired, the last version. By another code that it goes by, too."""
    guide = await reading.guide(code, None, work)
    uses: reading.Uses = request.app.state.uses
    due = uses.opened(guide.shown.code)
    return await _guide(guide, work, request, BackgroundTask(uses.write) if due else None)


@router.get(
    "/items/{code}/versions/{version}",
    summary="One version of an item",
    response_model=GuideShown,
    responses=_NOT_CHANGED,
)
async def get_item_version(code: Code, version: Version, work: Reading, request: Request) -> Response:
    return await _guide(await reading.guide(code, version, work), work, request)


async def _guide(
    guide: reading.Guide, work: Work, request: Request, background: BackgroundTask | None = None
) -> Response:
    """The guide, or that it is as the caller knows it (RFC 9110 §13.1.2)."""
    tag = f'"{guide.tag}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    known = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    if tag in known or known == ["*"]:
        return Response(status_code=304, headers=headers, background=background)
    bodies: OrderedDict[str, bytes] = request.app.state.guides
    # The ETag stands for all that is shown, and a version's content never changes: what is kept by it is never old.
    kept = f"{guide.shown.code} {guide.tag}"
    body = bodies.get(kept)
    if body is None:
        body = bodies[kept] = await _body(guide, work)
        while len(bodies) > MOST_BODIES:
            bodies.popitem(last=False)
    else:
        bodies.move_to_end(kept)
    return Response(body, media_type="application/json", headers=headers, background=background)


async def _body(guide: reading.Guide, work: Work) -> bytes:
    shown = guide.shown
    item = item_published(
        await reading.content(shown, work),
        shown.version,
        shown.published_at,
        provenance=shown.provenance,
        aliases=guide.aliases,
        exemptions=guide.exemptions,
    )
    fields: dict[str, Any] = vars(item) | {
        "status": ItemStatus(shown.status),
        "status_reason": shown.status_reason,
        "current_version": shown.current,
    }
    # Not validated again: the content was.
    return GuideShown.model_construct(**fields).model_dump_json().encode()


def _item_cursor(keyset: Keyset) -> tuple[int, str] | None:
    match keyset.after:
        case None:
            return None
        case [int(score), str(code)] if not isinstance(score, bool) and abs(score) < 2**31 and "\0" not in code:
            return score, code
    raise Malformed("the cursor is not one that this list gave")
