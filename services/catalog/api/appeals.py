"""HTTP: appeals against refusals of the lint. For staff; what is granted stands on the item's guide page."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from services.catalog.api.corrections import after_id
from services.catalog.api.doors import Body, Id, Reading, Reason, Staff, Writing
from services.catalog.domain.codes import normalise_code
from services.catalog.handlers import appeals
from services.catalog.store.appeals import AppealState, ListedAppeal
from services.contracts.base import Text
from services.kit.auth import caller
from services.kit.http import ListKeyset, Page

router = APIRouter(dependencies=[Depends(caller)], tags=["appeals"])


class AppealBody(Body):
    """The finding (its rule and field), and why it should pass."""

    rule: Annotated[str, Field(min_length=1, max_length=64)]
    field: Annotated[str, Field(min_length=1, max_length=200)]
    reason: Reason


class DecisionBody(Body):
    """What is let pass has a public reason and an end date: the last day on which it passes, at most two years on."""

    granted: bool
    reason: Reason
    until: date | None = None


class AppealView(BaseModel):
    """An appeal as staff see it."""

    id: str
    code: str
    name: Text
    organisation: str
    organisation_name: Text
    revision_id: str | None
    rule: str
    field: str
    state: AppealState
    author: str
    author_name: str
    reason: str
    created_at: datetime
    decision: str | None
    until: date | None
    decided_at: datetime | None

    @classmethod
    def of(cls, listed: ListedAppeal) -> "AppealView":
        made = listed.appeal
        return cls(
            id=made.id,
            code=made.code,
            name=listed.name,
            organisation=listed.organisation,
            organisation_name=listed.organisation_name,
            revision_id=made.revision_id,
            rule=made.rule,
            field=made.field,
            state=made.state,
            author=made.author,
            author_name=made.author_name,
            reason=made.reason,
            created_at=made.created_at,
            decision=made.decision,
            until=made.until,
            decided_at=made.decided_at,
        )


@router.post("/revisions/{revision_id}/appeals", status_code=201, summary="Appeal against a refusal of the lint")
async def appeal(revision_id: Id, body: AppealBody, officer: Staff, work: Writing) -> AppealView:
    return AppealView.of(await appeals.appeal(officer, revision_id, body.rule, body.field, body.reason, work))


@router.get("/appeals", summary="Appeals of the caller's organisations")
async def list_appeals(
    officer: Staff,
    work: Reading,
    keyset: ListKeyset,
    state: AppealState | None = None,
    code: Annotated[str | None, Query(max_length=128)] = None,
) -> Page[AppealView]:
    wanted = normalise_code(code) if code else None
    found = await appeals.list_appeals(officer, state, wanted, after_id(keyset), keyset.limit + 1, work)
    shown, following = keyset.page(found, lambda each: (each.appeal.id,))
    return Page[AppealView](items=[AppealView.of(each) for each in shown], next=following)


@router.get("/appeals/{appeal_id}", summary="An appeal")
async def get_appeal(appeal_id: Id, officer: Staff, work: Reading) -> AppealView:
    return AppealView.of(await appeals.get_appeal(officer, appeal_id, work))


@router.post("/appeals/{appeal_id}/decision", summary="Let a refusal pass until a day, or not")
async def decide(appeal_id: Id, body: DecisionBody, officer: Staff, work: Writing) -> AppealView:
    """By the registrar, who is not the appellant."""
    return AppealView.of(await appeals.decide(officer, appeal_id, body.granted, body.reason, body.until, work))
