"""HTTP: the administrative divisions (GB/T 2260), year by year, and the item types in force in them. Any verified
caller may read."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, Field

from services.catalog import errors
from services.catalog.domain import codes, divisions
from services.catalog.domain.divisions import FIRST_YEAR
from services.catalog.handlers.organisations import CHINA
from services.contracts.base import Text
from services.kit.auth import caller
from services.kit.errors import Malformed
from services.kit.http import ListKeyset, Page

router = APIRouter(dependencies=[Depends(caller)], tags=["divisions"])


def _year(
    request: Request,
    on: Annotated[
        int | None, Query(ge=FIRST_YEAR, le=2100, description="As of this year; the current one where absent")
    ] = None,
) -> int:
    current: int = request.app.state.context.clock().astimezone(CHINA).year
    return current if on is None else on


Year = Annotated[int, Depends(_year)]
DivisionCode = Annotated[str, Path(pattern=r"^[0-9]{12}$")]
Parent = Annotated[str | None, Query(pattern=r"^[0-9]{12}$", description="None: the provinces")]


class DivisionName(BaseModel):
    code: str
    name: str
    level: Literal["province", "prefecture", "county"]


class SuccessorView(BaseModel):
    code: str
    year: int | None = Field(description="Where it is not the year in which the old one ended")


class DivisionView(DivisionName):
    """A division as it was called from one year to another."""

    since: int
    until: int | None = Field(description="The first year in which it was so no longer")
    successors: list[SuccessorView]

    @classmethod
    def of(cls, found: divisions.Division) -> "DivisionView":
        return cls(
            code=found.code,
            name=found.name,
            level=found.level,
            since=found.since,
            until=found.until,
            successors=[SuccessorView(code=each.code, year=each.year) for each in found.successors],
        )


class DivisionHistory(BaseModel):
    """All that has had a code, and what it lies in."""

    code: str
    names: list[DivisionView]
    above: list[DivisionName] = Field(description="What it lies in and the division itself, the widest first")


@router.get("/divisions", summary="The divisions right below one, or the provinces")
async def list_divisions(keyset: ListKeyset, year: Year, parent: Parent = None) -> Page[DivisionView]:
    found = divisions.children(parent, year)
    match keyset.after:
        case None:
            pass
        case [str(last)]:
            found = tuple(each for each in found if each.code > last)
        case _:
            raise Malformed("the cursor is not one that this list gave")
    shown, following = keyset.page(found, lambda each: (each.code,))
    return Page[DivisionView](items=[DivisionView.of(each) for each in shown], next=following)


@router.get("/divisions/{code}", summary="What has had a code")
async def get_division(code: DivisionCode, year: Year) -> DivisionHistory:
    found = divisions.history(code)
    if not found:
        raise errors.DivisionNotFound
    above = divisions.ancestry(code, year)
    names = [DivisionName(code=each.code, name=each.name, level=each.level) for each in above]
    return DivisionHistory(code=code, names=[DivisionView.of(each) for each in found], above=names)


class ItemType(BaseModel):
    code: str = Field(description="Two digits")
    name: Text
    province: str | None = Field(description="The province that added it; none for those of GB/T 39046-2020")


class ItemTypes(BaseModel):
    item_types: list[ItemType]


@router.get("/item-types", summary="Types of items: the nation's, then those that provinces have added")
async def list_item_types() -> ItemTypes:
    national = [ItemType(code=code, name=_text(names), province=None) for code, names in codes.ITEM_TYPES.items()]
    added = [
        ItemType(code=code, name=_text(names), province=f"{province}0000000000")
        for province, code, names in codes.provincial_types()
    ]
    return ItemTypes(item_types=national + added)


def _text(names: tuple[str, str]) -> Text:
    zh, en = names
    return Text(zh=zh, en=en)
