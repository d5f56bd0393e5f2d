"""HTTP: revisions, from the draft to the approval. Staff of the organisation only."""

import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from services.catalog.api.doors import Body, Id, Reading, Reason, Seen, Staff, Writing, after_id
from services.catalog.api.history import ChangeView
from services.catalog.domain.findings import Finding
from services.catalog.domain.items import Kind
from services.catalog.domain.life import Act, Revision, RevisionState
from services.catalog.domain.lint import APPEALABLE
from services.catalog.handlers import drafting, reviewing
from services.catalog.store.revisions import ListedRevision, StoredRevision
from services.contracts.base import Text
from services.kit.http import ListKeyset, Page, etag

router = APIRouter(tags=["revisions"])

RevisionId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
CONTENT = "The content as `ItemPublished` (of a bundle: `BundlePublished`) has it: everything that its author writes"


class Draft(Body):
    """What is to be drafted: something new (no code), or a change to what has this code."""

    kind: Kind
    code: str | None = Field(default=None, min_length=1, max_length=128)
    content: dict[str, Any] = Field(description=CONTENT)
    reason: Reason
    department: str | None = Field(
        default=None, pattern=r"^[0-9]{2}$", description="Class of the department in a new base code"
    )


class Edit(Body):
    content: dict[str, Any] = Field(description=CONTENT)
    reason: Reason


class Why(Body):
    reason: Reason


class ApprovalOf(Body):
    reason: Reason
    effective_from: datetime.date | None = Field(default=None, description="In force from that day on; absent: at once")


class Approvals(Body):
    """Many approvals at once; `versions`: of each revision the version that its reviewer saw."""

    ids: list[RevisionId] = Field(min_length=1, max_length=100)
    versions: dict[RevisionId, Annotated[int, Field(ge=1, le=2**31 - 1)]] = Field(default_factory=dict)
    reason: Reason
    effective_from: datetime.date | None = None


class RevisionSummary(BaseModel):
    """A revision as a list shows it."""

    id: str
    code: str
    kind: Kind
    name: Text
    organisation: str
    organisation_name: Text
    state: RevisionState
    version: int
    from_version: int
    provenance: str
    author: str
    author_name: str
    reviewer: str | None
    reviewer_name: str | None
    reason: str
    effective_at: datetime.datetime | None
    created_at: datetime.datetime
    updated_at: datetime.datetime

    @classmethod
    def of(cls, found: ListedRevision) -> "RevisionSummary":
        return cls.model_validate(_told(found.revision, found.name, found.organisation_name))


class FindingView(BaseModel):
    """What the lint would refuse at publishing."""

    rule: str
    field: str
    cause: Text
    mend: Text
    appealable: bool = Field(description="Whether the catalogue's administrator may let it pass")

    @classmethod
    def of(cls, finding: Finding) -> "FindingView":
        return cls(
            rule=finding.rule,
            field=finding.field,
            cause=finding.cause,
            mend=finding.mend,
            appealable=finding.rule in APPEALABLE,
        )


class TouchedView(BaseModel):
    """An implementation that a change of the base item touches."""

    code: str
    name: Text
    organisation: Text


class RevisionView(RevisionSummary):
    """A revision with its content, and what its author or reviewer must know besides."""

    content: dict[str, Any]
    findings: list[FindingView] = []
    touched: list[TouchedView] = Field(default=[], description="Of a base item: what implements it, the first hundred")
    touched_more: bool = False
    acts: list[Act] = Field(default=[], description="What the caller can do with it by state and role")


class ApprovalOutcome(BaseModel):
    """What became of one of many approvals; `problem` are problem details (RFC 9457)."""

    id: str
    outcome: Literal["published", "reviewed", "refused"]
    problem: dict[str, Any] | None = None

    @classmethod
    def of(cls, approval: reviewing.Approval) -> "ApprovalOutcome":
        if approval.refusal is not None:
            return cls(id=approval.id, outcome="refused", problem=approval.refusal.problem())
        published = approval.revision is not None and approval.revision.state is RevisionState.PUBLISHED
        return cls(id=approval.id, outcome="published" if published else "reviewed")


class ApprovalOutcomes(BaseModel):
    results: list[ApprovalOutcome]


class RevisionComparison(BaseModel):
    """What is in force (`version` 0: nothing) beside the revision (null)."""

    left: dict[str, int]
    right: dict[str, int | None]
    changes: list[ChangeView]


@router.post("/revisions", status_code=201, summary="Begin a draft")
async def begin(body: Draft, officer: Staff, work: Writing, response: Response) -> RevisionView:
    found = await drafting.begin_draft(
        officer, body.kind, body.code, body.content, body.reason, work, department=body.department
    )
    response.headers["Location"] = f"/revisions/{found.revision.id}"
    return await _shown(officer, found, work, response)


@router.get("/revisions", summary="Revisions of the caller's organisations, the newest first")
async def list_revisions(
    officer: Staff,
    work: Reading,
    keyset: ListKeyset,
    state: RevisionState | None = None,
    organisation: Annotated[str | None, Query(max_length=128)] = None,
    code: Annotated[str | None, Query(max_length=128)] = None,
    mine: bool = False,
) -> Page[RevisionSummary]:
    found = await drafting.list_revisions(
        officer,
        work,
        state=state,
        organisation=organisation,
        code=code,
        mine=mine,
        before=after_id(keyset),
        limit=keyset.limit + 1,
    )
    shown, following = keyset.page(found, lambda each: [each.revision.id])
    return Page(items=[RevisionSummary.of(each) for each in shown], next=following)


@router.post("/revisions/approvals", summary="Approve many: each for itself, the good ones are kept")
async def approve_many(body: Approvals, officer: Staff, work: Writing) -> ApprovalOutcomes:
    found = await reviewing.approve_many(officer, body.ids, body.versions, body.reason, body.effective_from, work)
    return ApprovalOutcomes(results=[ApprovalOutcome.of(each) for each in found])


@router.get("/revisions/{revision_id}", summary="A revision with what the lint finds in it")
async def get_revision(revision_id: Id, officer: Staff, work: Reading, response: Response) -> RevisionView:
    async with work:
        return await _view(await drafting.open_revision(officer, revision_id, work), response)


@router.put("/revisions/{revision_id}", summary="Another content for a draft")
async def edit(
    revision_id: Id, body: Edit, officer: Staff, seen: Seen, work: Writing, response: Response
) -> RevisionView:
    found = await drafting.edit_draft(officer, revision_id, seen, body.content, body.reason, work)
    return await _shown(officer, found, work, response)


@router.get("/revisions/{revision_id}/comparison", summary="A revision beside what is in force")
async def compare(revision_id: Id, officer: Staff, work: Reading) -> RevisionComparison:
    version, changes = await drafting.compare_revision(officer, revision_id, work)
    return RevisionComparison(
        left={"version": version}, right={"version": None}, changes=[ChangeView.of(each) for each in changes]
    )


@router.post("/revisions/{revision_id}/submit", summary="Hand a draft to the reviewer")
async def submit(
    revision_id: Id, body: Why, officer: Staff, seen: Seen, work: Writing, response: Response
) -> RevisionView:
    return await _shown(officer, await reviewing.submit(officer, revision_id, seen, body.reason, work), work, response)


@router.post("/revisions/{revision_id}/return", summary="Give a revision back to its author")
async def return_(
    revision_id: Id, body: Why, officer: Staff, seen: Seen, work: Writing, response: Response
) -> RevisionView:
    return await _shown(officer, await reviewing.return_(officer, revision_id, seen, body.reason, work), work, response)


@router.post("/revisions/{revision_id}/approve", summary="Approve a revision, which another person wrote")
async def approve(
    revision_id: Id, body: ApprovalOf, officer: Staff, seen: Seen, work: Writing, response: Response
) -> RevisionView:
    found = await reviewing.approve(officer, revision_id, seen, body.reason, body.effective_from, work)
    return await _shown(officer, found, work, response)


@router.post("/revisions/{revision_id}/discard", summary="Give a draft up")
async def discard(
    revision_id: Id, body: Why, officer: Staff, seen: Seen, work: Writing, response: Response
) -> RevisionView:
    return await _shown(
        officer, await drafting.discard_draft(officer, revision_id, seen, body.reason, work), work, response
    )


@router.post("/revisions/{revision_id}/withdraw", summary="Take back what was approved, before its date")
async def withdraw(
    revision_id: Id, body: Why, officer: Staff, seen: Seen, work: Writing, response: Response
) -> RevisionView:
    return await _shown(
        officer, await reviewing.withdraw(officer, revision_id, seen, body.reason, work), work, response
    )


async def _shown(officer: Staff, found: StoredRevision, work: Writing, response: Response) -> RevisionView:
    """The revision as it is after an act, once that has committed."""
    return await _view(await drafting.open_revision(officer, found.revision.id, work), response)


async def _view(opened: drafting.OpenedRevision, response: Response) -> RevisionView:
    stored = opened.stored
    content, revision = stored.content, stored.revision
    response.headers["ETag"] = etag(revision.version)
    return RevisionView.model_validate(
        {
            **_told(revision, content.name, content.organisation.name),
            "content": content.model_dump(mode="json"),
            "findings": [FindingView.of(each) for each in opened.findings],
            "touched": [TouchedView(code=t.code, name=t.name, organisation=t.organisation) for t in opened.touched],
            "touched_more": opened.touched_more,
            "acts": opened.acts,
        }
    )


def _told(revision: Revision, name: Text, organisation_name: Text) -> dict[str, Any]:
    reviewer = revision.reviewer
    return {
        "id": revision.id,
        "code": revision.code,
        "kind": revision.kind,
        "name": name,
        "organisation": revision.organisation,
        "organisation_name": organisation_name,
        "state": revision.state,
        "version": revision.version,
        "from_version": revision.from_version,
        "provenance": revision.provenance,
        "author": revision.author.id,
        "author_name": revision.author.name,
        "reviewer": reviewer.id if reviewer else None,
        "reviewer_name": reviewer.name if reviewer else None,
        "reason": revision.reason,
        "effective_at": revision.effective_at,
        "created_at": revision.created_at,
        "updated_at": revision.updated_at,
    }
