"""What becomes of the rows of one batch: drafts, or versions in force."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.catalog.domain.imports import Mode, Problem, Refused, Row
from services.catalog.domain.items import Content, Outcome, Provenance
from services.catalog.domain.life import Act, Actor, ItemStatus, RevisionState
from services.catalog.domain.rows.reader import laid_over
from services.catalog.handlers.drafting import open_drafts
from services.catalog.handlers.publishing import next_version, put_in_force
from services.catalog.store.imports import OpenRevision
from services.catalog.store.items import Done, Published, Standing
from services.catalog.store.work import Work
from services.kit.audit import AuditEntry

ACTOR_ID: Final = "system:import"
ABOUT_NEW: Final = frozenset({"department_absent", "uscc_absent", "uscc_invalid"})
"""Warnings about who offers an item; one that is there keeps its organisation."""
Register = Callable[[set[str]], Awaitable[None]]


@dataclass
class Outcomes:
    """What became of a batch: how its rows were taken, which were refused, what to warn of besides."""

    taken: list[Outcome] = field(default_factory=list)
    refused: list[Problem] = field(default_factory=list)
    warned: list[Problem] = field(default_factory=list)

    @property
    def announced(self) -> int:
        """How many changed something."""
        return sum(outcome is not Outcome.UNCHANGED for outcome in self.taken)


@dataclass(frozen=True, slots=True)
class _Given:
    """A row beside what the catalogue has under its code."""

    row: Row
    content: Content
    standing: Standing | None
    opened: OpenRevision | None


async def take(rows: Sequence[Row], mode: Mode, source: str, register: Register, work: Work) -> Outcomes:
    """Make drafts or versions of some rows (codes differ), in the caller's transaction. `register` is told which
    organisations they name."""
    found = Outcomes()
    if mode is Mode.AS_PUBLISHED:
        await work.one_writer()
    given = await _given(rows, mode, found, work)
    await register({each.content.organisation.id for each in given})
    await (_publish if mode is Mode.AS_PUBLISHED else _draft)(given, source, found, work)
    return found


async def _given(rows: Sequence[Row], mode: Mode, found: Outcomes, work: Work) -> list[_Given]:
    codes = [row.content.code for row in rows]
    standing = await work.items.standing(codes)
    opened = await work.imports.open_revisions(codes)
    ours = {
        code: each for code, each in opened.items() if each.author == ACTOR_ID and each.state is RevisionState.DRAFT
    }
    # A row of columns is laid over what is there; a native one says all there is.
    laid = [row.content.code for row in rows if row.cells is not None]
    drafts = {code: ours[code].id for code in laid if code in ours and mode is Mode.DRAFTS}
    published = [code for code in laid if code in standing and code not in drafts]
    before = await work.imports.contents(published, list(drafts.values()))
    given = []
    for row in rows:
        code = row.content.code
        there = standing.get(code)
        try:
            content = laid_over(row, before[code]) if code in before else row.content
        except Refused as refused:
            found.refused.append(refused.problem)
            continue
        if there is not None and there.status is not ItemStatus.PUBLISHED:
            detail = f"{code} is {there.status.value}: it is changed in the editor, not by an import"
            found.refused.append(Problem(row.number, "code", there.status.value, detail))
        elif there is not None and there.kind != content.kind:
            detail = f"{code} is of the kind {there.kind}"
            found.refused.append(Problem(row.number, "kind", "fixed", detail))
        else:
            given.append(_Given(row, content, there, opened.get(code)))
            found.warned += [each for each in row.warnings if code not in before or each.reason not in ABOUT_NEW]
    return given


async def _publish(given: Sequence[_Given], source: str, found: Outcomes, work: Work) -> None:
    published: list[Published] = []
    for each in given:
        if each.standing is not None and each.standing.digest == each.content.digest:
            found.taken.append(Outcome.UNCHANGED)
            continue
        if each.opened is not None:
            detail = f"a revision of it ({each.opened.state.value}) is under way, and was begun from the version before"
            found.warned.append(Problem(each.row.number, "code", "revision_open", detail, each.opened.id))
        found.taken.append(Outcome.CHANGED if each.standing else Outcome.CREATED)
        published.append(next_version(each.content, each.standing, Provenance.IMPORT))
    if not published:
        return
    await put_in_force(published, work)
    now = work.now()
    for version in published:
        done = Done(version.content.code, Act.PUBLISHED, ACTOR_ID, "", source, now, item_version=version.version)
        work.items.did(done)
    _audit("items.publish", published[0].content.code, f"{len(published)} versions from here on", source, work)


async def _draft(given: Sequence[_Given], source: str, found: Outcomes, work: Work) -> None:
    new: list[tuple[_Given, int]] = []
    again: list[tuple[OpenRevision, int, Content]] = []
    for each in given:
        version = each.standing.version if each.standing else 0
        digest = each.content.digest
        if digest in (each.opened and each.opened.digest, each.standing and each.standing.digest):
            found.taken.append(Outcome.UNCHANGED)
        elif each.opened is None:
            new.append((each, version))
        elif each.opened.author == ACTOR_ID and each.opened.state is RevisionState.DRAFT:
            again.append((each.opened, version, each.content))
            found.taken.append(Outcome.CHANGED)
        else:
            found.refused.append(_under_way(each.row.number, each.opened.state.value))
    author = Actor(ACTOR_ID, source[:100])
    begun = await open_drafts([(each.content, at) for each, at in new], Provenance.IMPORT, author, source, work)
    await work.imports.rewrite(again, source)
    now = work.now()
    touched = [(before.id, content.code, Act.EDITED) for before, _, content in again]
    for (each, version), revision in zip(new, begun, strict=True):
        if revision is None:  # somebody was quicker
            found.refused.append(_under_way(each.row.number, "draft"))
            continue
        found.taken.append(Outcome.CHANGED if version else Outcome.CREATED)
        touched.append((revision.id, revision.code, Act.DRAFTED))
    for id_, code, act in touched:
        work.items.did(Done(code, act, ACTOR_ID, author.name, source, now, revision_id=id_))
    if touched:
        _audit("items.draft", touched[0][1], f"{len(touched)} drafts from here on", source, work)


def _under_way(number: int, state: str) -> Problem:
    return Problem(number, "code", "revision_open", f"a revision of it ({state}) is under way; it stays as it is")


def _audit(action: str, code: str, result: str, source: str, work: Work) -> None:
    work.audit(AuditEntry(ACTOR_ID, action, "items", code, purpose=source[:500], result=result))
