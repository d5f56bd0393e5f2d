"""Drafts: begun, changed, given up, read. One revision of a code is open at a time."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from services.catalog import errors
from services.catalog.domain import drafts, life
from services.catalog.domain.codes import normalise_code
from services.catalog.domain.comparison import Change, changes
from services.catalog.domain.findings import Finding
from services.catalog.domain.items import Content, Kind, Provenance
from services.catalog.domain.life import Act, Actor, ItemStatus, Revision, RevisionState
from services.catalog.handlers import codes, judging
from services.catalog.handlers.life import actor_of, check_seen, keep, require, roles_at, seen_revision
from services.catalog.store.items import Standing
from services.catalog.store.revisions import ListedRevision, RevisionFilter, StoredRevision, Touched
from services.catalog.store.work import Work
from services.kit.auth import EVERYWHERE, Principal
from services.kit.errors import FieldProblem
from services.kit.ids import new_id

_PLACEHOLDER: Final = "-"
"""Stands for a code that is not minted yet while the content that it is minted for is looked at."""


@dataclass(frozen=True, slots=True)
class OpenedRevision:
    """A revision with what its author or reviewer must know besides."""

    stored: StoredRevision
    findings: Sequence[Finding]
    touched: Sequence[Touched]
    touched_more: bool
    acts: Sequence[Act]


async def begin_draft(
    officer: Principal,
    kind: Kind,
    code: str | None,
    body: Mapping[str, Any],
    reason: str,
    work: Work,
    *,
    department: str | None = None,
) -> StoredRevision:
    """A draft: of what is new (its code is minted), or of a change to `code`. Raises ContentInvalid, ItemNotFound,
    RevisionOpen, ItemIsRetired, Forbidden, and what `codes.mint` raises."""
    async with work:
        new = code is None
        code = await _minted(officer, kind, body, department, work) if code is None else normalise_code(code)
        standing = (await work.items.standing([code])).get(code)
        if not new and standing is None and (alias := await work.items.alias(code)) is not None:
            return await begin_draft(officer, kind, alias, body, reason, work)
        # A code of a draft that was given up may be drafted again; any other is minted here or is none.
        if not new and standing is None and not await work.revisions.ever(code):
            raise errors.ItemNotFound
        if standing is not None:
            _check_standing(standing, kind)
        content = await _checked(body, kind, code, work)
        require(officer, Act.DRAFTED, _organisations(content, standing))
        author = actor_of(officer)
        revision = await open_draft(content, standing.version if standing else 0, author, reason, work)
        keep(revision, Act.DRAFTED, officer, reason, work)
        return StoredRevision(revision, content)


async def open_draft(content: Content, from_version: int, author: Actor, reason: str, work: Work) -> Revision:
    """Keep a new draft. Raises RevisionOpen, naming the one that is open."""
    [revision] = await open_drafts([(content, from_version)], Provenance.EDITOR, author, reason, work)
    if revision is None:
        found = (await work.revisions.open_ones([content.code])).get(content.code)
        raise errors.RevisionOpen(revision=found, code=content.code)
    return revision


async def open_drafts(
    contents: Sequence[tuple[Content, int]], provenance: Provenance, author: Actor, reason: str, work: Work
) -> list[Revision | None]:
    """Keep new drafts (codes differ), each with the version that it is begun from; None where another is open. Its
    history is the caller's to keep."""
    now = work.now()
    begun = [
        Revision(
            id=new_id(),
            code=content.code,
            kind=content.kind,
            state=RevisionState.DRAFT,
            version=1,
            from_version=from_version,
            organisation=content.organisation.id,
            provenance=provenance.value,
            author=author,
            reason=reason,
            created_at=now,
            updated_at=now,
        )
        for content, from_version in contents
    ]
    kept = await work.revisions.begin(
        [(revision, content) for revision, (content, _) in zip(begun, contents, strict=True)]
    )
    return [revision if revision.id in kept else None for revision in begun]


async def edit_draft(
    officer: Principal, id_: str, seen: int, body: Mapping[str, Any], reason: str, work: Work
) -> StoredRevision:
    """Another content for a draft. It then follows what is in force now: its author has seen what differs.

    Raises RevisionNotFound, PreconditionFailed, WrongState, ContentInvalid, Forbidden.
    """
    async with work:
        found = await seen_revision(id_, officer, work, lock=True)
        revision, code = found.revision, found.revision.code
        check_seen(revision, seen)
        standing = (await work.items.standing([code])).get(code)
        content = await _checked(body, found.content.kind, code, work)
        require(officer, Act.EDITED, {revision.organisation, *_organisations(content, standing)})
        after = life.moved(
            revision,
            Act.EDITED,
            work.now(),
            reason,
            author=actor_of(officer),
            organisation=content.organisation.id,
            from_version=standing.version if standing else 0,
        )
        await work.revisions.save(after, content)
        keep(after, Act.EDITED, officer, reason, work)
        return StoredRevision(after, content)


async def discard_draft(officer: Principal, id_: str, seen: int, reason: str, work: Work) -> StoredRevision:
    """Give a draft up; its code is free for another. Raises RevisionNotFound, PreconditionFailed, WrongState."""
    async with work:
        found = await seen_revision(id_, officer, work, lock=True)
        check_seen(found.revision, seen)
        require(officer, Act.DISCARDED, [found.revision.organisation])
        after = life.moved(found.revision, Act.DISCARDED, work.now(), reason)
        await work.revisions.save(after)
        keep(after, Act.DISCARDED, officer, reason, work)
        return replace(found, revision=after)


async def open_revision(officer: Principal, id_: str, work: Work) -> OpenedRevision:
    """A revision with what the lint finds in it now and, of a base item, what it will touch."""
    async with work:
        found = await seen_revision(id_, officer, work)
        revision = found.revision
        underway = revision.state in life.OPEN
        findings = await judging.findings_in(found.content, work) if underway else ()
        touched: list[Touched] = []
        more = False
        if underway and revision.kind == "base":
            touched, more = await judging.touched_by(revision.code, work)
        acts = life.acts_open_to(revision.state, roles_at(officer, revision.organisation))
        return OpenedRevision(found, findings, touched, more, acts)


async def list_revisions(
    officer: Principal,
    work: Work,
    *,
    state: RevisionState | None,
    organisation: str | None,
    code: str | None,
    mine: bool,
    before: str | None,
    limit: int,
) -> Sequence[ListedRevision]:
    """Revisions of the organisations that the officer works for, the newest first."""
    at = frozenset[str]().union(*(officer.organisations(role) for role in ("editor", "reviewer", "registrar")))
    wanted = RevisionFilter(
        organisations=frozenset({EVERYWHERE}) if EVERYWHERE in at else at,
        state=state,
        organisation=organisation,
        author=officer.sub if mine else None,
        code=normalise_code(code) if code is not None else None,
    )
    async with work:
        return await work.revisions.listed(wanted, before, limit)


async def compare_revision(officer: Principal, id_: str, work: Work) -> tuple[int, list[Change]]:
    """A revision beside what is in force (0: nothing is): the version, and what differs."""
    async with work:
        found = await seen_revision(id_, officer, work)
        standing = await work.items.item(found.revision.code)
        left = standing.content if standing is not None else None
        return standing.version if standing is not None else 0, changes(left, found.content)


async def _minted(officer: Principal, kind: Kind, body: Mapping[str, Any], department: str | None, work: Work) -> str:
    """A code for what `body` describes: only once it describes something, so that no number is wasted."""
    if "code" in body:
        raise errors.ContentInvalid(fields=[FieldProblem("code", "not_allowed", "what is new gets its code here")])
    content = await _checked(body, kind, _PLACEHOLDER, work)
    require(officer, Act.DRAFTED, [content.organisation.id])
    wanted = codes.NewCode(
        kind, content.organisation.id, content.division, content.item_type, content.base, department=department
    )
    return (await codes.mint(wanted, work)).code


def _check_standing(standing: Standing, kind: Kind) -> None:
    if standing.kind != kind:
        raise errors.ContentInvalid(fields=[FieldProblem("kind", "fixed", f"this code is a {standing.kind}'s")])
    if standing.status is ItemStatus.RETIRED:
        raise errors.ItemIsRetired


def _organisations(content: Content, standing: Standing | None) -> set[str]:
    """Whose item it is and would be: nobody gives an item to, or takes it from, an organisation that is not theirs."""
    return {content.organisation.id} | ({standing.organisation} if standing else set())


async def _checked(body: Mapping[str, Any], kind: Kind, code: str, work: Work) -> Content:
    """The content that `body` describes, its organisation as the register names it. Raises ContentInvalid."""
    content, problems = drafts.content_from(body, kind, code)
    if content is not None:
        # On another thread: the metaschema takes its time over a large form (0.8 s for the largest).
        problems = [*problems, *await asyncio.to_thread(judging.form_problems_of, content)]
        found = await work.organisations.one(content.organisation.id)
        if found is None or found[0].status != "active":
            problems.append(FieldProblem("organisation.id", "unknown", "no organisation that is active has this id"))
        else:
            named = content.organisation.model_copy(update={"name": found[0].name})
            content = content.model_copy(update={"organisation": named})
    if content is None or problems:
        raise errors.ContentInvalid(fields=problems[:100])
    return content
