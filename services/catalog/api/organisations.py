"""HTTP: organisations. Any verified caller may read."""

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from services.catalog.api.doors import Division, Reading
from services.catalog.handlers import organisations
from services.catalog.store.organisations import ListedOrganisation
from services.contracts.base import Text
from services.kit.auth import caller
from services.kit.errors import Malformed
from services.kit.http import Keyset, ListKeyset, Page

router = APIRouter(dependencies=[Depends(caller)])


class OrganisationSummary(BaseModel):
    """An organisation and how many items it offers."""

    id: str
    name: Text
    division: str
    uscc: str | None
    uscc_verified: bool
    items: int

    @classmethod
    def of(cls, found: ListedOrganisation) -> "OrganisationSummary":
        state = found.state
        return cls(
            id=state.id,
            name=state.name,
            division=state.division,
            uscc=state.uscc,
            uscc_verified=state.uscc_verified,
            items=found.items,
        )


@router.get("/organisations", summary="Organisations that offer items")
async def list_organisations(work: Reading, keyset: ListKeyset, division: Division = None) -> Page[OrganisationSummary]:
    found = await organisations.list_organisations(division, _organisation_cursor(keyset), keyset.limit + 1, work)
    shown, following = keyset.page(found, lambda organisation: (organisation.state.id,))
    return Page[OrganisationSummary](items=[OrganisationSummary.of(each) for each in shown], next=following)


def _organisation_cursor(keyset: Keyset) -> str | None:
    match keyset.after:
        case None:
            return None
        case [str(last)] if "\0" not in last:
            return last
    raise Malformed("the cursor is not one that this list gave")
