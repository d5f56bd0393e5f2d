"""Contract to domain and back: items heard from the catalogue, steps told to the world."""

from functools import lru_cache

import orjson

from services.cases.domain.cases import Case, Step
from services.cases.domain.items import Item, Material, Name
from services.cases.domain.limits import Due, Limit
from services.contracts import cases_events as out
from services.contracts import catalog_items as heard
from services.contracts.base import Envelope, Text
from services.kit.events import event_of

_EVENTS: dict[str, type[out.CaseEvent]] = {
    "submitted": out.CaseSubmitted,
    "returned": out.CaseReturned,
    "resubmitted": out.CaseResubmitted,
    "accepted": out.CaseAccepted,
    "reviewed": out.CaseReviewed,
    "decided": out.CaseDecided,
    "delivered": out.CaseDelivered,
    "withdrawn": out.CaseWithdrawn,
}


def item_of(published: heard.ItemPublished) -> Item:
    """The item's version as a case needs it; `form` keeps the order of its fields."""
    return Item(
        code=published.code,
        version=published.item_version,
        name=_name(published.name),
        organisation=published.organisation.id,
        organisation_name=_name(published.organisation.name),
        division=published.division,
        item_type=published.item_type,
        promised=_limit(published.limits.promised),
        statutory=_limit(published.limits.statutory),
        materials=tuple(
            Material(m.id, _name(m.name), m.required, m.media_types, m.max_bytes, m.max_files)
            for m in published.materials
        ),
        schema=orjson.dumps(published.form).decode(),
    )


def _name(text: Text) -> Name:
    return Name(text.zh, text.en)


def _limit(limit: heard.Limit | None) -> Limit | None:
    return Limit(limit.amount, limit.unit) if limit else None


def case_event(case: Case, step: Step, item: Item, due: Due, sha256: str | None = None) -> Envelope:
    """What happened to the case in `step`, as the world is told: account ids, no words that people wrote.

    `due` is told with what sets it; `sha256` is the seal of the delivered document.
    """
    particulars: dict[str, object] = {}
    if step.event in ("submitted", "resubmitted", "accepted"):
        amount, unit = (due.limit.amount, due.limit.unit) if due.limit else (None, None)
        days = amount if unit == "working_day" else None
        particulars["due"] = out.Due(basis=due.basis, working_days=days, date=due.date, amount=amount, unit=unit)
    if step.actor.kind == "officer":
        particulars["officer"] = step.actor.id
    if step.event == "returned":
        particulars["gaps"] = len(step.gaps)
    elif step.event == "reviewed":
        particulars["opinion"] = case.opinion
    elif step.event in ("decided", "delivered"):
        particulars["outcome"] = case.outcome
    if step.event == "delivered":
        particulars["document_sha256"] = sha256
    data = _EVENTS[step.event](
        case_id=case.id,
        number=case.number,
        status=case.status,
        item=_item(item),
        organisation=_organisation(item),
        division=case.division,
        applicant=case.applicant,
        channel=case.channel,
        occurred_at=step.at,
        **particulars,
    )
    return event_of(data, subject=case.id, version=step.version, time=step.at)


@lru_cache(maxsize=2048)
def _item(item: Item) -> out.CaseItem:
    return out.CaseItem(code=item.code, version=item.version, name=_text(item.name), item_type=item.item_type)


@lru_cache(maxsize=2048)
def _organisation(item: Item) -> heard.Organisation:
    return heard.Organisation(id=item.organisation, name=_text(item.organisation_name))


def _text(name: Name) -> Text:
    return Text(zh=name.zh, en=name.en)
