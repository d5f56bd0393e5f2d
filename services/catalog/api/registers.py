"""HTTP: the registers of data elements, resources and licence types. Any verified caller may read."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from pydantic import BaseModel, Field

from services.catalog.api.doors import Body, Code, Reading, Reason, Staff, Writing
from services.catalog.domain.registers import Register
from services.catalog.handlers import registers
from services.catalog.handlers.named import named
from services.catalog.store.registers import Entry
from services.contracts.base import Text
from services.contracts.catalog_items import Organisation
from services.contracts.catalog_resources import ElementContent, LicenceTypeContent, ResourceContent
from services.kit import http
from services.kit.auth import caller
from services.kit.errors import Malformed
from services.kit.http import Keyset, ListKeyset, Page, etag

router = APIRouter(dependencies=[Depends(caller)], tags=["registers"])

# A resource code holds a slash.
EntryCode = Annotated[str, Path(max_length=128, description="Code in the register")]


class EntryView(BaseModel):
    """An entry of a register as it stands; `content` as the register has it."""

    register_name: Register = Field(alias="register")
    version: int
    updated_at: datetime
    content: ElementContent | ResourceContent | LicenceTypeContent

    @classmethod
    def of(cls, entry: Entry) -> "EntryView":
        # Not validated again: the three models overlap, and the first that fits would take it.
        return cls.model_construct(
            register_name=entry.register, version=entry.version, updated_at=entry.updated_at, content=entry.content
        )


class EntryBody(Body):
    """The whole of an entry, and why it is entered or changed. Its code is in the address; of its source the id is
    enough."""

    content: dict[str, Any]
    reason: Reason


def seen_or_new(
    if_match: Annotated[str | None, Header(max_length=100)] = None,
    if_none_match: Annotated[str | None, Header(max_length=100)] = None,
) -> int | None:
    """Dependency: the version that the caller saw, or None for `If-None-Match: *`: there is none (RFC 9110 §13.1)."""
    if if_match is None and if_none_match is not None:
        if if_none_match.strip() != "*":
            raise Malformed("If-None-Match takes * here")
        return None
    return http.if_match(if_match)


class NamedEntry(BaseModel):
    register_name: Register = Field(alias="register")
    code: str
    name: Text
    source: Organisation


class KnownMaterial(BaseModel):
    """A material that the network has: a licence type that is shared, or resources that give all that it proves."""

    material: str = Field(description="id of the material in the item")
    name: Text
    source: Organisation


class NamedByItem(BaseModel):
    """What the registers say of what an item's materials and results name."""

    entries: list[NamedEntry]
    known: list[KnownMaterial]


@router.get("/items/{code}/named", summary="What the registers say of what an item names")
async def get_named(
    code: Code,
    work: Reading,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="the version in force, where absent")] = None,
) -> NamedByItem:
    found = await named(code, version, work)
    return NamedByItem(
        entries=[
            NamedEntry.model_construct(
                register_name=entry.register,
                code=entry.content.code,
                name=entry.content.name,
                source=entry.content.source,
            )
            for entry in found.entries.values()
        ],
        known=[
            KnownMaterial(material=material.id, name=holder.name, source=holder.source)
            for material, holder in found.known
        ],
    )


@router.get("/registers/{register}", summary="Entries of a register")
async def list_entries(
    register: Register,
    work: Reading,
    keyset: ListKeyset,
    q: Annotated[str, Query(max_length=100, description="part of a code or a name")] = "",
    source: Annotated[str | None, Query(max_length=128, description="id of the source")] = None,
) -> Page[EntryView]:
    found = await registers.list_entries(register, q, source, _after(keyset), keyset.limit + 1, work)
    shown, following = keyset.page(found, lambda entry: (entry.content.code,))
    return Page[EntryView].model_construct(items=[EntryView.of(entry) for entry in shown], next=following)


@router.get("/registers/{register}/{code:path}", summary="An entry of a register")
async def get_entry(register: Register, code: EntryCode, work: Reading, response: Response) -> EntryView:
    return _shown(await registers.get_entry(register, code, work), response)


@router.put("/registers/{register}/{code:path}", summary="Enter or change an entry")
async def put_entry(
    register: Register,
    code: EntryCode,
    body: EntryBody,
    officer: Staff,
    seen: Annotated[int | None, Depends(seen_or_new)],
    work: Writing,
    response: Response,
) -> EntryView:
    """By the registrar, or an editor of the organisation that is its source. `If-None-Match: *` enters what is new,
    `If-Match` changes what was seen. A second source is refused (409 second-source), naming the holder; so is closing
    what is still in use (409 register-entry-still-used)."""
    entry = await registers.put_entry(officer, register, code, body.content, body.reason, seen, work)
    return _shown(entry, response)


def _shown(entry: Entry, response: Response) -> EntryView:
    response.headers["ETag"] = etag(entry.version)
    return EntryView.of(entry)


def _after(keyset: Keyset) -> str | None:
    match keyset.after:
        case None:
            return None
        case [str(last)]:
            return last
    raise Malformed("the cursor is not one that this list gave")
