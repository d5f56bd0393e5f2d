"""HTTP: coverage (应上尽上), for officers of the organisations that it tells of."""

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.catalog.api.doors import Division, Reading, Staff
from services.catalog.api.organisations import OrganisationId, organisation_cursor
from services.catalog.domain.coverage import DEPTHS, Coverage
from services.catalog.handlers import coverage
from services.contracts.base import Text
from services.kit.auth import caller
from services.kit.http import ListKeyset, Page

router = APIRouter(dependencies=[Depends(caller)], tags=["coverage"])


class Named(BaseModel):
    id: str
    name: Text


class NotOnlineItem(BaseModel):
    """An item that is not wholly online, with the reason that it states."""

    code: str
    name: Text
    depth: int | None
    reason: Text | None


class MissingFunction(BaseModel):
    """A function (职能) that is not covered."""

    function: Named
    items: tuple[str, ...] = Field(description="Codes of the base items that exist by it and are not published")
    reason: Text | None = Field(description="Why it gives rise to no item, where that is stated")


class CoverageRow(BaseModel):
    """What one organisation should offer, has published, and has online."""

    organisation: Named
    functions: int
    expected: int = Field(description="Items that exist by its functions")
    fulfilled: int = Field(description="Those of them that it has published")
    published: int = Field(description="Items that it has in force")
    unlinted: int = Field(description="Those of them that were imported as published and never linted")
    by_depth: dict[str, int] = Field(description="Items in force by depth of online handling, 1 to 4")
    not_online: list[NotOnlineItem]
    not_online_more: bool
    missing: list[MissingFunction]

    @classmethod
    def of(cls, found: Coverage) -> "CoverageRow":
        state, depths = found.organisation, found.counts.by_depth or {}
        return cls(
            organisation=Named(id=state.id, name=state.name),
            functions=len(state.functions),
            expected=found.expected,
            fulfilled=found.fulfilled,
            published=found.counts.published,
            unlinted=found.counts.unlinted,
            by_depth={str(depth): depths.get(depth, 0) for depth in DEPTHS},
            not_online=[
                NotOnlineItem(code=each.code, name=each.name, depth=each.depth, reason=each.reason)
                for each in found.not_online
            ],
            not_online_more=found.not_online_more,
            missing=[
                MissingFunction(
                    function=Named(id=each.function.id, name=each.function.name), items=each.items, reason=each.reason
                )
                for each in found.missing
            ],
        )


@router.get("/coverage", summary="Coverage of the organisations that the officer works for")
async def list_coverage(
    officer: Staff, work: Reading, keyset: ListKeyset, division: Division = None
) -> Page[CoverageRow]:
    found = await coverage.covered(officer, division, organisation_cursor(keyset), keyset.limit + 1, work)
    shown, following = keyset.page(found, lambda row: (row.organisation.id,))
    return Page[CoverageRow](items=[CoverageRow.of(row) for row in shown], next=following)


@router.get("/coverage/{organisation_id}", summary="Coverage of one organisation")
async def get_coverage(organisation_id: OrganisationId, officer: Staff, work: Reading) -> CoverageRow:
    return CoverageRow.of(await coverage.coverage_of(officer, organisation_id, work))
