"""Domain to wire: building the views. What nobody may see is left out here, in one place."""

from datetime import datetime
from functools import lru_cache

from services.cases.api import views as v
from services.cases.domain import cases as rules
from services.cases.domain import documents
from services.cases.domain.cases import Case, Step
from services.cases.domain.dossier import Dossier, StoredFile
from services.cases.domain.drafts import Draft
from services.cases.domain.items import Item, Name
from services.cases.domain.limits import Due
from services.cases.handlers.acts import roles_at
from services.cases.handlers.desk import Queues
from services.cases.handlers.drafts import OpenDraft
from services.cases.handlers.running import Running
from services.cases.store.cases import Access, Listed
from services.kit.auth import Principal
from services.kit.errors import FieldProblem


def _name(name: Name) -> v.NameView:
    return v.NameView(zh=name.zh, en=name.en)


@lru_cache(maxsize=2048)
def organisation_view(item: Item) -> v.OrganisationView:
    return v.OrganisationView(id=item.organisation, name=_name(item.organisation_name))


@lru_cache(maxsize=2048)
def item_view(item: Item) -> v.ItemView:
    return v.ItemView(code=item.code, version=item.version, name=_name(item.name), organisation=organisation_view(item))


def file_view(file: StoredFile) -> v.MaterialView:
    return v.MaterialView(
        file_id=file.id,
        material=file.material or "",
        filename=file.name,
        media_type=file.media_type,
        size=file.size,
        uploaded_at=file.created_at,
    )


def problem_view(problem: FieldProblem) -> v.ProblemView:
    return v.ProblemView(field=problem.field, reason=problem.reason, detail=problem.detail)


def due_view(due: Due) -> v.DueView:
    return v.DueView(
        date=due.date,
        days=due.limit.amount if due.limit else None,
        unit=due.limit.unit if due.limit else None,
        basis=due.basis,
        counting_from=due.counting_from,
        days_left=due.days_left,
        days_used=due.days_used,
        estimate=due.estimate,
        provisional=due.provisional,
        statutory_date=due.statutory_date,
        statutory_days=due.statutory.amount if due.statutory and due.statutory.unit == "working_day" else None,
    )


def notice_view(step: Step | None, item: Item) -> v.NoticeView | None:
    if step is None:
        return None
    gaps = [v.GapView(material=gap.material, field=gap.field, what=gap.what) for gap in step.gaps]
    return v.NoticeView(gaps=gaps, note=step.note, at=step.at, organisation=organisation_view(item))


def draft_view(opened: OpenDraft) -> v.DraftView:
    draft = opened.draft
    return v.DraftView(
        id=draft.id,
        version=draft.version,
        item=item_view(opened.item),
        status="open" if draft.case_id is None else "submitted",
        answers=draft.answers,
        materials=[file_view(file) for file in opened.files],
        problems=[problem_view(problem) for problem in opened.problems],
        amends=draft.amends,
        case_id=draft.case_id,
        notice=notice_view(opened.notice, opened.item),
        created_at=draft.created_at,
        updated_at=draft.updated_at,
        expires_at=draft.expires_at,
    )


def draft_summary(draft: Draft, item: Item) -> v.DraftSummary:
    return v.DraftSummary(
        id=draft.id,
        version=draft.version,
        item=item_view(item),
        amends=draft.amends,
        created_at=draft.created_at,
        updated_at=draft.updated_at,
        expires_at=draft.expires_at,
    )


def step_view(step: Step, dossier: Dossier, *, officer: bool) -> v.StepView:
    """A step. What an officer noted for their colleagues at the review is not the applicant's to read."""
    official = step.actor.kind == "officer"
    actor = v.ActorView(
        kind=step.actor.kind,
        name=step.actor.name if official else dossier.applicant_name,
        organisation=organisation_view(dossier.item) if official else None,
    )
    note = step.note if officer or step.event != "reviewed" else None
    return v.StepView(event=step.event, version=step.version, at=step.at, actor=actor, note=note)


def _decision(dossier: Dossier) -> v.DecisionView | None:
    step, outcome = dossier.step("decided"), dossier.case.outcome
    if step is None or outcome is None:
        return None
    refused = outcome == "refused"
    return v.DecisionView(
        outcome=outcome,
        reason=step.note,
        at=step.at,
        officer=step.actor.name,
        remedies=documents.remedies(dossier.item) if refused else None,
    )


def _result(file: StoredFile | None) -> v.ResultView | None:
    if file is None:
        return None
    return v.ResultView(sha256=file.sha256, media_type=file.media_type, size=file.size)


def case_view(dossier: Dossier, now: datetime, *, officer: bool = False) -> v.CaseView:
    """The case as its applicant reads it; with `officer` as its officers do."""
    case = dossier.case
    return v.CaseView(
        id=case.id,
        number=case.number,
        status=case.status,
        version=case.version,
        item=item_view(dossier.item),
        channel=case.channel,
        submitted_at=case.submitted_at,
        received_at=case.received_at,
        accepted_at=case.accepted_at,
        applicant=v.ApplicantView(sub=case.applicant, name=dossier.applicant_name),
        answers=dossier.answers,
        materials=[file_view(file) for file in dossier.materials],
        due=due_view(dossier.due(now)),
        timeline=[step_view(step, dossier, officer=officer) for step in dossier.steps],
        notice=notice_view(dossier.notice, dossier.item),
        amendment=dossier.amendment,
        decision=_decision(dossier),
        result=_result(dossier.result),
        delivered_at=case.delivered_at,
        withdrawn_at=case.withdrawn_at,
    )


def desk_case_view(dossier: Dossier, officer: Principal, now: datetime) -> v.DeskCaseView:
    """The case at the desk, with what this officer may do next."""
    case = dossier.case
    reviewed = dossier.step("reviewed")
    shared = case_view(dossier, now, officer=True)
    return v.DeskCaseView(
        **{name: getattr(shared, name) for name in v.CaseView.model_fields},
        opinion=case.opinion,
        opinion_note=reviewed.note if reviewed else None,
        actions=rules.actions(case, officer.sub, roles_at(officer, case.organisation), now),
    )


def case_summary(case: Case, item: Item, now: datetime) -> v.CaseSummary:
    return v.CaseSummary(**_summary(case, item, now))


def desk_summary(listed: Listed, item: Item, now: datetime) -> v.DeskCaseSummary:
    applicant = v.ApplicantView(sub=listed.case.applicant, name=listed.applicant_name)
    task = rules.task_due(listed.case, item.terms, now)
    return v.DeskCaseSummary(
        **_summary(listed.case, item, now),
        applicant=applicant,
        act_by=task.date if task else None,
        act_days_left=task.days_left if task else None,
    )


def _summary(case: Case, item: Item, now: datetime) -> dict[str, object]:
    return {
        "id": case.id,
        "number": case.number,
        "status": case.status,
        "version": case.version,
        "item": item_view(item),
        "submitted_at": case.submitted_at,
        "updated_at": case.updated_at,
        "due": due_view(rules.due(case, item.terms, now)),
    }


def queues_view(queues: Queues) -> v.QueuesView:
    return v.QueuesView(**queues.waiting, returned=queues.returned, overdue=queues.overdue, due_soon=queues.due_soon)


def running_view(running: Running) -> v.RunningView:
    cases = [
        v.RunningCaseView(
            number=case.number, item_version=case.item_version, status=case.status, submitted_at=case.submitted_at
        )
        for case in running.cases
    ]
    return v.RunningView(count=running.count, more=running.more, cases=cases)


def access_view(access: Access, item: Item) -> v.AccessView:
    return v.AccessView(
        at=access.at,
        officer=access.officer_name,
        organisation=organisation_view(item),
        what=access.what,
        purpose=access.purpose,
        reason=access.reason,
    )
