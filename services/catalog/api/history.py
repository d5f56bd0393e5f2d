"""HTTP: what was done to an item, its versions side by side, what was in force when; and acts on what is in force."""

import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from services.catalog.api.doors import Body, Code, Reading, Reason, Staff, Writing, after_number
from services.catalog.domain.comparison import Change
from services.catalog.domain.life import Act, ItemStatus
from services.catalog.handlers import standing
from services.kit.auth import caller, officer
from services.kit.http import ListKeyset, Page

router = APIRouter(dependencies=[Depends(caller)], tags=["history"])
Staffed = [Depends(officer)]
"""Who did what, and what was not or is no longer in force, is the staff's to read."""
VersionQuery = Annotated[int, Query(ge=1, le=2**31 - 1)]


class ChangeView(BaseModel):
    """One field that differs between two contents (dotted: "materials.photo.required")."""

    field: str
    kind: Literal["added", "removed", "changed"]
    left: Any
    right: Any

    @classmethod
    def of(cls, change: Change) -> "ChangeView":
        return cls(field=change.field, kind=change.kind, left=change.left, right=change.right)


class Comparison(BaseModel):
    left: int
    right: int
    changes: list[ChangeView]


class TransitionView(BaseModel):
    """Who did what, when and why."""

    act: Act
    at: datetime.datetime
    actor: str
    actor_name: str
    reason: str
    version: int | None = Field(description="The version of the item that it is about, where it is about one")
    revision: str | None


class VersionView(BaseModel):
    """A published version; the people and the reason are those of its revision, where it has one."""

    version: int
    published_at: datetime.datetime
    provenance: str
    revision: str | None
    author_name: str
    reviewer_name: str
    reason: str


class InForce(BaseModel):
    """What was in force on a day, as it was known on a day; both at their end, today's now.

    `version` is null where none was in force: `status` then tells why, and is null too where nothing was known.
    """

    version: int | None
    status: ItemStatus | None
    valid_from: datetime.datetime | None = None
    valid_to: datetime.datetime | None = None
    known_from: datetime.datetime | None = None
    known_to: datetime.datetime | None = None


class StandingView(BaseModel):
    """Where an item stands now."""

    code: str
    version: int
    status: ItemStatus
    status_reason: str

    @classmethod
    def of(cls, found: standing.StandingNow) -> "StandingView":
        return cls(code=found.code, version=found.version, status=found.status, status_reason=found.reason)


class StandingAct(Body):
    """An act on what is in force; `version`: the version that the caller saw in force."""

    reason: Reason
    version: int | None = Field(default=None, ge=1, le=2**31 - 1)


class RollBack(StandingAct):
    to_version: int = Field(ge=1, le=2**31 - 1)


@router.get("/items/{code}/in-force", summary="What was in force on a day, as known on a day")
async def in_force(
    code: Code,
    work: Reading,
    valid_on: datetime.date | None = None,
    known_on: datetime.date | None = None,
) -> InForce:
    found = await standing.held_on(code, valid_on, known_on, work)
    if found is None:
        return InForce(version=None, status=None)
    period = found.period
    return InForce(
        version=period.version if period.status is ItemStatus.PUBLISHED else None,
        status=period.status,
        valid_from=period.valid_from,
        valid_to=period.valid_to,
        known_from=found.known_from,
        known_to=found.known_to,
    )


@router.get("/items/{code}/history", dependencies=Staffed, summary="Who did what to a code, the latest first")
async def list_history(code: Code, work: Reading, keyset: ListKeyset) -> Page[TransitionView]:
    found = await standing.list_transitions(code, after_number(keyset), keyset.limit + 1, work)
    shown, following = keyset.page(found, lambda each: [each[0]])
    views = [
        TransitionView(
            act=done.act,
            at=done.at,
            actor=done.actor,
            actor_name=done.actor_name,
            reason=done.reason,
            version=done.item_version,
            revision=done.revision_id,
        )
        for _, done in shown
    ]
    return Page(items=views, next=following)


@router.get("/items/{code}/versions", dependencies=Staffed, summary="The versions of a code, the newest first")
async def list_versions(code: Code, work: Reading, keyset: ListKeyset) -> Page[VersionView]:
    found = await standing.list_versions(code, after_number(keyset), keyset.limit + 1, work)
    shown, following = keyset.page(found, lambda each: [each.version])
    views = [
        VersionView(
            version=each.version,
            published_at=each.published_at,
            provenance=each.provenance,
            revision=each.revision_id,
            author_name=each.author_name,
            reviewer_name=each.reviewer_name,
            reason=each.reason,
        )
        for each in shown
    ]
    return Page(items=views, next=following)


@router.get("/items/{code}/comparison", dependencies=Staffed, summary="Two versions side by side")
async def compare(code: Code, work: Reading, left: VersionQuery, right: VersionQuery) -> Comparison:
    found = await standing.compare_versions(code, left, right, work)
    return Comparison(left=left, right=right, changes=[ChangeView.of(each) for each in found])


@router.post("/items/{code}/suspend", summary="Take no new cases for a time")
async def suspend(code: Code, body: StandingAct, staff: Staff, work: Writing) -> StandingView:
    return StandingView.of(await standing.suspend(staff, code, body.version, body.reason, work))


@router.post("/items/{code}/resume", summary="Offer a suspended item again")
async def resume(code: Code, body: StandingAct, staff: Staff, work: Writing) -> StandingView:
    return StandingView.of(await standing.resume(staff, code, body.version, body.reason, work))


@router.post("/items/{code}/retire", summary="Offer it no longer")
async def retire(code: Code, body: StandingAct, staff: Staff, work: Writing) -> StandingView:
    return StandingView.of(await standing.retire(staff, code, body.version, body.reason, work))


@router.post("/items/{code}/rollback", summary="Put an earlier version in force again, as a new one")
async def roll_back(code: Code, body: RollBack, staff: Staff, work: Writing) -> StandingView:
    return StandingView.of(await standing.roll_back(staff, code, body.version, body.to_version, body.reason, work))
