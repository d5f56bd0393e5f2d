"""HTTP: bundles (一件事) in force, their guides, which of their items apply. Any verified caller may read."""

import hashlib
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Response
from pydantic import BaseModel, Field

from services.catalog.api.doors import Code, Division, Reading
from services.catalog.api.eligibility import Answers, QuestionShown, shown
from services.catalog.api.items import ItemSummary
from services.catalog.domain import bundles as rules
from services.catalog.domain.life import ItemStatus
from services.catalog.events import bundle_published
from services.catalog.handlers import bundles
from services.catalog.handlers.bundles import BundleGuide
from services.catalog.store.bundles import ListedBundle
from services.catalog.store.items import StoredItem
from services.contracts.base import Text
from services.contracts.catalog_items import BundlePublished, Organisation, Subject
from services.contracts.catalog_resources import LicenceTypeContent, ResourceContent
from services.kit.auth import caller
from services.kit.errors import Malformed
from services.kit.http import Keyset, ListKeyset, Page

router = APIRouter(dependencies=[Depends(caller)])


class BundleSummary(BaseModel):
    """A bundle as a list shows it."""

    code: str
    version: int
    name: Text
    summary: Text | None = None
    organisation: Organisation
    division: str
    subjects: tuple[Subject, ...]
    topics: tuple[str, ...] = ()
    members: int

    @classmethod
    def of(cls, found: ListedBundle) -> "BundleSummary":
        document = found.document
        return cls.model_validate({**document, "version": found.version, "members": len(document["members"])})


class MemberShown(ItemSummary):
    """An item of the bundle as it stands now, under the code that the bundle names."""

    status: ItemStatus
    status_reason: str

    @classmethod
    def at(cls, code: str, item: StoredItem) -> "MemberShown":
        standing = {"version": item.version, "status": item.status, "status_reason": item.status_reason}
        return cls.model_validate({**item.content.document(), **standing, "code": code})


class StepShown(BaseModel):
    """One item in the order in which they are handled."""

    code: str
    name: Text
    when_text: Text | None = Field(default=None, description="When it applies; always, where absent")
    after: tuple[str, ...] = Field(description="Codes of those that go before")
    status: ItemStatus | None = Field(description="Where the item stands; null where there is none any more")


class KnownBy(BaseModel):
    """What the network has in a material's place: it is registered as shared."""

    code: str
    name: Text
    source: Organisation

    @classmethod
    def of(cls, found: ResourceContent | LicenceTypeContent | None) -> "KnownBy | None":
        return cls(code=found.code, name=found.name, source=found.source) if found else None


class BringShown(BaseModel):
    """One document to bring, for every item that asks for it."""

    name: Text
    note: Text | None = None
    required: bool
    items: tuple[str, ...] = Field(alias="for", description="Codes of the items that ask for it")
    known_by: KnownBy | None = Field(default=None, description="Who has it already, where the network does")


class AskedOnceShown(BaseModel):
    element: str
    name: Text
    items: tuple[str, ...] = Field(alias="for", description="Codes of the items whose forms ask for it")


class BundleShown(BundlePublished):
    """The bundle as it was published, and how its items stand now."""

    status: ItemStatus
    status_reason: str
    items: list[MemberShown]
    steps: list[StepShown]
    bring: list[BringShown]
    asked_once: list[AskedOnceShown]
    questions: list[QuestionShown] = Field(description="What tells which items apply")


class Applying(BaseModel):
    code: str
    name: Text
    applies: bool | None = Field(description="null where the answers do not tell")


class ApplyingMembers(BaseModel):
    members: list[Applying]


@router.get("/bundles", summary="Bundles in force")
async def list_bundles(work: Reading, keyset: ListKeyset, division: Division = None) -> Page[BundleSummary]:
    found = await bundles.list_bundles(division, _cursor(keyset), keyset.limit + 1, work)
    page, following = keyset.page(found, lambda each: (each.document["code"],))
    return Page(items=[BundleSummary.of(each) for each in page], next=following)


@router.get(
    "/bundles/{code}",
    summary="A bundle's guide",
    response_model=BundleShown,
    responses={304: {"description": "It is as the caller has it"}},
)
async def get_bundle(
    code: Code, work: Reading, if_none_match: Annotated[str | None, Header(max_length=200)] = None
) -> Response:
    body = _guide(await bundles.guide(code, work)).model_dump_json(by_alias=True).encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if if_none_match and tag in if_none_match:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


@router.post("/bundles/{code}/eligibility", summary="Which items apply by these answers; nothing of them is kept")
async def check_answers(code: Code, body: Answers, work: Reading, response: Response) -> ApplyingMembers:
    response.headers["Cache-Control"] = "no-store"
    found = await bundles.applying(code, body.answers, work)
    return ApplyingMembers(members=[Applying(code=code, name=name, applies=told) for code, name, told in found])


def _guide(found: BundleGuide) -> BundleShown:
    content, stored = found.content, found.stored
    published = bundle_published(content, stored.version, stored.published_at)
    return BundleShown.model_validate(
        {
            **published.model_dump(),
            "status": stored.status,
            "status_reason": stored.status_reason,
            "items": [MemberShown.at(code, item) for code, item in found.members.items()],
            "steps": _steps(found),
            "bring": [
                {**_told(each), "for": each.members, "known_by": KnownBy.of(known)} for each, known in found.bring
            ],
            "asked_once": [
                {"element": each.element.code, "name": each.element.name, "for": each.members}
                for each in found.asked_once
            ],
            "questions": shown(found.checks),
        }
    )


def _told(each: rules.ToBring) -> dict[str, object]:
    return {"name": each.name, "note": each.note, "required": each.required}


def _steps(found: BundleGuide) -> Sequence[StepShown]:
    return [
        StepShown(
            code=member.code,
            name=member.name,
            when_text=member.when_text,
            after=member.after,
            status=found.members[member.code].status if member.code in found.members else None,
        )
        for member in rules.ordered(found.content.members)
    ]


def _cursor(keyset: Keyset) -> str | None:
    match keyset.after:
        case None:
            return None
        case [str(last)] if "\0" not in last:
            return last
    raise Malformed("the cursor is not one that this list gave")
