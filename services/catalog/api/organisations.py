"""HTTP: organisations, their reforms and imports. Any verified caller may read; the registrar writes."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, Field

from services.catalog.api.doors import Body, Division, Reading, Reason, Staff, Writing
from services.catalog.domain.imports import Problem
from services.catalog.domain.items import Outcome
from services.catalog.domain.reform import MOST_ITEMS, MOST_SOURCES, MOST_TARGETS, ReformKind
from services.catalog.handlers import organisation_files, organisations, reform
from services.catalog.handlers.organisations import ShownOrganisation
from services.catalog.store.organisations import ListedOrganisation, OrganisationQuery, PastState
from services.contracts.base import Text
from services.contracts.catalog_organisations import Function, OrganisationKind
from services.kit.auth import caller
from services.kit.errors import Malformed, Unsupported
from services.kit.http import Keyset, ListKeyset, Page, etag, if_match

router = APIRouter(dependencies=[Depends(caller)], tags=["organisations"])

OrganisationId = Annotated[str, Path(min_length=1, max_length=128, description="USCC, or division and name")]
Status = Literal["active", "closed"]
FORMATS: Final[dict[str, Literal["csv", "jsonl"]]] = {
    "text/csv": "csv",
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
}
"""Media types of files (RFC 4180; ndjson.org)."""
MOST_PROBLEMS: Final = 1000


def _seen(if_match_: Annotated[str | None, Header(alias="If-Match", max_length=100)] = None) -> int | None:
    """The version that the caller saw; none where there was none to see."""
    return None if if_match_ is None else if_match(if_match_)


class OrganisationSummary(BaseModel):
    """An organisation and how many items it offers."""

    id: str
    name: Text
    division: str
    uscc: str | None
    uscc_verified: bool
    kind: OrganisationKind
    level: int | None
    parent: str | None
    status: Status
    items: int

    @classmethod
    def of(cls, found: ListedOrganisation) -> "OrganisationSummary":
        return cls(**_summary(found))


class OrganisationAbove(BaseModel):
    id: str
    name: Text


class OrganisationChange(BaseModel):
    """One state that the organisation has had."""

    version: int
    at: AwareDatetime
    reason: str
    name: Text
    status: Status


class OrganisationView(OrganisationSummary):
    """All of an organisation."""

    uscc_proof: str | None = Field(description="What shows that a code which fails its check was issued so")
    functions: tuple[Function, ...]
    successors: tuple[str, ...] = Field(description="Who took over from a closed one")
    version: int
    children: int = Field(description="Active organisations right below it")
    above: list[OrganisationAbove] = Field(description="The top of the tree first, its parent last")
    history: list[OrganisationChange] = Field(description="The newest states; all of them under `versions`")

    @classmethod
    def of_shown(cls, shown: ShownOrganisation) -> "OrganisationView":
        state = shown.listed.state
        return cls(
            **_summary(shown.listed),
            uscc_proof=state.uscc_proof,
            functions=state.functions,
            successors=state.successors,
            version=shown.version,
            children=shown.listed.children,
            above=[OrganisationAbove(id=each.id, name=each.name) for each in shown.above],
            history=[
                OrganisationChange(
                    version=past.version,
                    at=past.at,
                    reason=past.reason,
                    name=past.state.name,
                    status=past.state.status,
                )
                for past in shown.past
            ],
        )


class PastOrganisation(BaseModel):
    """A state that the organisation has had, with who made it so."""

    version: int
    at: AwareDatetime
    actor: str
    reason: str
    state: dict[str, Any]

    @classmethod
    def of(cls, past: PastState) -> "PastOrganisation":
        return cls(version=past.version, at=past.at, actor=past.actor, reason=past.reason, state=past.state.document())


class PutOrganisation(Body):
    """`state`: name, division, uscc, uscc_proof, kind, level, parent, functions; what is left out is empty."""

    state: dict[str, Any]
    reason: Reason


ShortId = Annotated[str, Field(min_length=1, max_length=128)]


class Reform(Body):
    """What is asked for: `targets` are organisations that are there (`id`), changed where more members are given, or
    new ones (without `id`). `items` and `functions` say which target takes what over, where there are several."""

    kind: ReformKind
    sources: Annotated[list[ShortId], Field(min_length=1, max_length=MOST_SOURCES)]
    targets: list[dict[str, Any]] = Field(default_factory=list, max_length=MOST_TARGETS)
    items: dict[str, ShortId] = Field(default_factory=dict, max_length=MOST_ITEMS)
    functions: dict[str, ShortId] = Field(default_factory=dict, max_length=MOST_ITEMS)
    reason: Reason


class ReformView(BaseModel):
    """What a reform did."""

    closed: tuple[str, ...]
    targets: tuple[str, ...]
    children: int = Field(description="Organisations that have another parent")
    carried: int = Field(description="Items and bundles that are the targets' now")
    retired: int = Field(description="Items that nobody took over")
    codes: dict[str, str] = Field(description="Old code → new code; the old one goes on leading to the item")
    revisions: int = Field(description="Revisions under way that went over")
    entries: int = Field(description="Register entries whose source is a target now")


def _summary(found: ListedOrganisation) -> dict[str, Any]:
    state = found.state
    names = ("id", "name", "division", "uscc", "uscc_verified", "kind", "level", "parent", "status")
    return {name: getattr(state, name) for name in names} | {"items": found.items}


@router.get("/organisations", summary="Organisations, by id")
async def list_organisations(
    work: Reading,
    keyset: ListKeyset,
    division: Division = None,
    parent: Annotated[str | None, Query(max_length=128)] = None,
    kind: OrganisationKind | None = None,
    status: Annotated[Status | Literal["any"], Query(description="Closed ones are shown when asked for")] = "active",
    q: Annotated[str, Query(max_length=100, description="A part of the name, or a USCC")] = "",
) -> Page[OrganisationSummary]:
    query = OrganisationQuery(division, parent, kind, None if status == "any" else status, q.strip())
    found = await organisations.list_organisations(query, organisation_cursor(keyset), keyset.limit + 1, work)
    shown, following = keyset.page(found, lambda organisation: (organisation.state.id,))
    return Page[OrganisationSummary](items=[OrganisationSummary.of(each) for each in shown], next=following)


@router.get("/organisations/{organisation_id}", summary="One organisation")
async def get_organisation(organisation_id: OrganisationId, work: Reading, response: Response) -> OrganisationView:
    return _shown(await organisations.show_organisation(organisation_id, work), response)


@router.get("/organisations/{organisation_id}/versions", summary="Every state that it has had; for staff")
async def list_versions(
    organisation_id: OrganisationId, staff: Staff, work: Reading, keyset: ListKeyset
) -> Page[PastOrganisation]:
    before = _number_cursor(keyset)
    found = await organisations.past_states(organisation_id, before, keyset.limit + 1, work)
    shown, following = keyset.page(found, lambda past: (past.version,))
    return Page[PastOrganisation](items=[PastOrganisation.of(each) for each in shown], next=following)


@router.put(
    "/organisations/{organisation_id}",
    summary="Register an organisation, or change it (If-Match)",
    responses={201: {"model": OrganisationView, "description": "Registered"}},
)
async def put_organisation(
    organisation_id: OrganisationId,
    body: PutOrganisation,
    staff: Staff,
    work: Writing,
    response: Response,
    seen: Annotated[int | None, Depends(_seen)],
) -> OrganisationView:
    shown, outcome = await organisations.put_organisation(organisation_id, body.state, body.reason, seen, staff, work)
    if outcome is Outcome.CREATED:
        response.status_code = 201
    return _shown(shown, response)


@router.post("/organisations/reforms", summary="Merge, split, rename or abolish organisations (机构改革)")
async def reform_organisations(body: Reform, staff: Staff, work: Writing) -> ReformView:
    done = await reform.reform_organisations(
        staff, body.kind, body.sources, body.targets, body.items, body.functions, body.reason, work
    )
    return ReformView(**{name: getattr(done, name) for name in ReformView.model_fields})


class RowProblem(BaseModel):
    """What is wrong with a row of a file."""

    row: int
    field: str
    reason: str
    detail: str


class ImportView(BaseModel):
    """What an import did."""

    rows: int
    created: int
    changed: int
    unchanged: int
    refused: int
    problems: list[RowProblem] = Field(description=f"At most {MOST_PROBLEMS} of the rows that were refused")


_FILE: Final = {"schema": {"type": "string", "format": "binary"}}


@router.post(
    "/organisations/imports",
    summary="Register and change organisations from a file: CSV or JSON lines",
    openapi_extra={"requestBody": {"required": True, "content": dict.fromkeys(FORMATS, _FILE)}},
)
async def import_organisations(request: Request, staff: Staff, work: Writing) -> ImportView:
    kind = FORMATS.get(request.headers.get("content-type", "").split(";")[0].strip().lower())
    if kind is None:
        raise Unsupported(f"one of {', '.join(FORMATS)}")
    problems: list[RowProblem] = []

    def tell(found: Problem, _: bool) -> None:
        if len(problems) < MOST_PROBLEMS:
            problems.append(RowProblem(row=found.row, field=found.field, reason=found.reason, detail=found.detail))

    report = await organisation_files.import_uploaded(request.stream(), kind, staff, work, on_problem=tell)
    taken = {outcome.value: report.taken[outcome] for outcome in (Outcome.CREATED, Outcome.CHANGED, Outcome.UNCHANGED)}
    return ImportView(rows=report.rows, **taken, refused=report.refused.total(), problems=problems)


def _shown(shown: ShownOrganisation, response: Response) -> OrganisationView:
    response.headers["ETag"] = etag(shown.version)
    return OrganisationView.of_shown(shown)


def organisation_cursor(keyset: Keyset) -> str | None:
    """Where a list by organisation goes on. Raises Malformed for a cursor that it did not give."""
    match keyset.after:
        case None:
            return None
        case [str(last)] if "\0" not in last:
            return last
    raise Malformed("the cursor is not one that this list gave")


def _number_cursor(keyset: Keyset) -> int | None:
    match keyset.after:
        case None:
            return None
        case [int(last)] if not isinstance(last, bool) and 0 < last < 2**31:
            return last
    raise Malformed("the cursor is not one that this list gave")
