"""Drafts: begin, fill page by page, look at, give up."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from services.cases.domain import drafts as rules
from services.cases.domain import forms
from services.cases.domain.cases import Step
from services.cases.domain.dossier import StoredFile
from services.cases.domain.drafts import Draft
from services.cases.domain.items import Item
from services.cases.errors import AnswersInvalid, ItemNotFound, PageNotFound, TooManyDrafts, WrongStep
from services.cases.handlers import upkeep
from services.cases.handlers.acts import item_in_force, item_version, own_case, record
from services.cases.store.work import Work
from services.kit.auth import Principal
from services.kit.errors import FieldProblem, Invalid
from services.kit.idempotency import once
from services.kit.ids import new_id


@dataclass(frozen=True, slots=True)
class OpenDraft:
    """A draft with what is needed to go on with it. An amendment's files begin with those that the case has."""

    draft: Draft
    item: Item
    files: list[StoredFile]
    notice: Step | None
    problems: list[FieldProblem]


def lifetime(work: Work) -> timedelta:
    """How long a draft is kept after its last change."""
    return timedelta(days=work.context.settings.draft_days)


async def draft_item(work: Work, draft: Draft) -> Item:
    """The item's version that a draft stands on: its case's for an amendment, else the current one, retired or not."""
    if draft.item_version is not None:
        return await item_version(work, draft.item_code, draft.item_version)
    known = await work.items.current(draft.item_code)
    if known is None:
        raise ItemNotFound
    return await item_version(work, draft.item_code, known.version)


async def draft_files(work: Work, draft: Draft) -> list[StoredFile]:
    """The files of a draft; of an amendment also those of its case that it does not replace."""
    own = await work.files.of_draft(draft.id)
    if draft.amends is None:
        return own
    replaced = {file.material for file in own}
    kept = [f for f in await work.files.of_case(draft.amends) if f.kind == "material" and f.material not in replaced]
    return kept + own


async def begin_draft(work: Work, citizen: Principal, item_code: str, key: str) -> OpenDraft:
    """Begin an application. Raises ItemNotFound, ItemSuspended, ItemRetired, TooManyDrafts, KeyReused."""

    async def begin() -> str:
        await item_in_force(work, item_code)
        if await work.drafts.open_count(citizen.sub) >= work.context.settings.max_open_drafts:
            raise TooManyDrafts
        return await _add(work, citizen, item_code)

    async with work:
        request = {"begin": item_code}
        kept, _ = await once(work, caller=citizen.sub, key=key, request=request, act=begin, keep=str)
        return await _opened(work, await work.drafts.get(kept, citizen.sub))


async def begin_amendment(work: Work, citizen: Principal, case_id: str, key: str) -> OpenDraft:
    """Begin to hand in what the notice asks for; a second call finds the same draft. Raises CaseNotFound, WrongStep."""

    async def begin() -> str:
        case = await own_case(work, citizen, case_id, lock=True)
        if case.status != "returned":
            raise WrongStep(f"the case is {case.status}", case_status=case.status)
        begun = await work.drafts.amending(case_id)
        if begun is not None:
            return begun.id
        await upkeep.expire(work, await work.drafts.expired_amendment(case_id))
        answers, _ = await work.cases.content(case_id)
        return await _add(
            work, citizen, case.item_code, item_version=case.item_version, amends=case_id, answers=answers
        )

    async with work:
        request = {"amend": case_id}
        kept, _ = await once(work, caller=citizen.sub, key=key, request=request, act=begin, keep=str)
        return await _opened(work, await work.drafts.get(kept, citizen.sub))


async def _add(work: Work, citizen: Principal, item_code: str, **fields: Any) -> str:
    now = work.now()
    draft = Draft(
        **{"item_version": None, "amends": None} | fields,
        id=new_id(),
        owner=citizen.sub,
        item_code=item_code,
        case_id=None,
        version=1,
        channel=citizen.client_id,
        created_at=now,
        updated_at=now,
        expires_at=now + lifetime(work),
    )
    await work.drafts.add(draft)
    record(work, citizen, "draft.begun", "draft", draft.id)
    return draft.id


async def open_draft(work: Work, citizen: Principal, draft_id: str) -> OpenDraft:
    """The draft with its files and with what is still missing. Raises DraftNotFound."""
    async with work:
        return await _opened(work, await work.drafts.get(draft_id, citizen.sub))


async def _opened(work: Work, draft: Draft) -> OpenDraft:
    item = await draft_item(work, draft)
    files = await draft_files(work, draft)
    notice = None
    if draft.amends is not None:
        notice = next((s for s in await work.cases.timeline(draft.amends) if s.event == "returned"), None)
    problems = rules.problems(item, draft.answers, {f.material or "" for f in files}) if draft.case_id is None else []
    return OpenDraft(draft, item, files, notice, problems)


async def list_drafts(work: Work, citizen: Principal, after: str | None, limit: int) -> list[tuple[Draft, Item]]:
    """The citizen's open drafts, newest first."""
    async with work:
        found = await work.drafts.of_owner(citizen.sub, after, limit)
        return [(draft, await draft_item(work, draft)) for draft in found]


async def fill_page(
    work: Work, citizen: Principal, draft_id: str, page_id: str, posted: dict[str, Any], *, later: bool, seen: int
) -> OpenDraft:
    """Keep the answers of one page; the page's earlier answers are replaced whole.

    What is valid is kept even when something else is not: then AnswersInvalid tells the rest and the draft's new
    version. With `later` everything is kept as typed. Raises DraftNotFound, DraftSubmitted, DraftChanged, PageNotFound.
    """
    if not forms.is_storable(posted):
        raise Invalid(fields=[FieldProblem("answers", "too_large", "at most 128 KiB of JSON in UTF-8")])
    async with work:
        draft = await work.drafts.locked(draft_id, citizen.sub)
        rules.check_open(draft, seen)
        item = await draft_item(work, draft)
        page = item.form.page(page_id)
        if page is None:
            raise PageNotFound
        strange = [name for name in posted if name not in page.fields]
        if strange:
            raise AnswersInvalid(
                fields=[
                    FieldProblem(f"answers.{name}"[:200], "unknown", "the page has no such field")
                    for name in strange[:20]
                ],
                version=draft.version,
            )
        merged = {name: value for name, value in draft.answers.items() if name not in page.fields}
        merged |= forms.answered(posted)
        if not forms.is_storable(merged):
            raise Invalid(fields=[FieldProblem("answers", "too_large", "at most 128 KiB of answers in all")])
        problems = [] if later else item.form.page_problems(page, merged)
        wrong = {problem.field.split(".")[1] for problem in problems}
        kept = {name: value for name, value in merged.items() if name not in wrong}
        draft = rules.changed(draft, work.now(), lifetime(work), answers=kept)
        await work.drafts.save(draft)
        record(work, citizen, "draft.filled", "draft", draft.id)
        opened = await _opened(work, draft)
    if problems:
        raise AnswersInvalid(fields=problems, version=draft.version)
    return opened


async def discard_draft(work: Work, citizen: Principal, draft_id: str, seen: int | None) -> None:
    """Give a draft up, with everything uploaded to it.

    Raises DraftNotFound, DraftSubmitted, DraftChanged when `seen` is not its version.
    """
    async with work:
        draft = await work.drafts.locked(draft_id, citizen.sub)
        rules.check_open(draft, seen)
        await work.files.give_up_drafts([draft_id])
        await work.drafts.remove([draft_id])
        record(work, citizen, "draft.discarded", "draft", draft_id)
