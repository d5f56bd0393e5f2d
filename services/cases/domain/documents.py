"""The decision document (决定书): what a written decision must say (行政许可法 art. 38), as data for its page."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from services.cases.domain.cases import Case
from services.cases.domain.items import Item
from services.cases.domain.limits import local_day

REMEDIES: Final = (
    "如不服本决定，可以自收到本决定书之日起六十日内向{organ}的本级人民政府申请行政复议，"
    "也可以自收到本决定书之日起六个月内依法向人民法院提起行政诉讼。"
)
"""行政许可法 art. 38 (2): a refusal tells of reconsideration and suit. 行政复议法 (2023) art. 20: 60 days;
行政诉讼法 (2017) art. 46: six months."""
REMEDIES_EN: Final = (
    "If you disagree you may, within 60 days of receiving this decision, apply for administrative reconsideration to "
    "the government that {organ} belongs to, or within six months bring a suit before the people's court."
)


@dataclass(frozen=True, slots=True)
class DecisionDocument:
    """Everything that the page of a decision shows."""

    title: str
    number: str
    item: str
    item_code: str
    applicant: str
    organisation: str
    submitted_on: date
    accepted_on: date
    decided_on: date
    delivered_on: date
    granted: bool
    reason: str | None
    remedies: str | None


def decision_document(
    case: Case, item: Item, applicant: str | None, reason: str | None, now: datetime
) -> DecisionDocument:
    """The document of a decided case, delivered `now`. Raises ValueError for a case that is not decided."""
    if case.decided_at is None or case.accepted_at is None:
        raise ValueError("the case is not decided")
    granted = case.outcome == "granted"
    organ = item.organisation_name.zh
    return DecisionDocument(
        title=("准予" if granted else "不予") + ("行政许可决定书" if item.item_type == "01" else "办理决定书"),
        number=case.number,
        item=item.name.zh,
        item_code=item.code,
        applicant=applicant or "",
        organisation=organ,
        submitted_on=local_day(case.submitted_at),
        accepted_on=local_day(case.accepted_at),
        decided_on=local_day(case.decided_at),
        delivered_on=local_day(now),
        granted=granted,
        reason=reason,
        remedies=None if granted else remedies(item),
    )


def remedies(item: Item) -> str:
    """How to ask for reconsideration or sue, in Chinese and English."""
    names = item.organisation_name
    return f"{REMEDIES.format(organ=names.zh)} {REMEDIES_EN.format(organ=names.en or names.zh)}"
