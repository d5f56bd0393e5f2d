"""What the doors say: the wire models of drafts, cases and desk lists. All times are UTC with an offset."""

import datetime as dt
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Status = Literal["submitted", "accepted", "reviewed", "decided", "delivered", "returned", "withdrawn"]
Basis = Literal["promised", "statutory", "law_default", "none", "unknown_year"]
Outcome = Literal["granted", "refused"]
Opinion = Literal["approve", "refuse"]
Purpose = Literal["intake", "review", "decision", "delivery", "enquiry"]
Queue = Literal["intake", "review", "decision", "delivery", "returned", "closed"]


class View(BaseModel):
    """Base of every answer: built once, never changed, no unknown members."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NameView(View):
    """A name in the languages that the catalogue has; English may be missing."""

    zh: str
    en: str | None = None


class OrganisationView(View):
    id: str
    name: NameView


class ItemView(View):
    """The service item (事项) and the version that this draft or case stands on."""

    code: str
    version: int
    name: NameView
    organisation: OrganisationView


class ProblemView(View):
    """One thing that stands between a draft and its submission."""

    field: str = Field(description="dotted name: answers.<field> or materials.<material>")
    reason: str = Field(description="Stable word for programs, such as required, format, too_long")
    detail: str = Field(description="The same in words")


class MaterialView(View):
    """An uploaded file (材料). It is read at its own address, never by its digest."""

    file_id: str
    material: str
    filename: str
    media_type: str
    size: int = Field(description="bytes")
    uploaded_at: datetime


class GapView(View):
    """One thing missing: of a material or of a field of the form."""

    material: str | None = None
    field: str | None = None
    what: str


class NoticeView(View):
    """The one correction notice that a case may get (一次告知, 行政许可法 art. 32)."""

    gaps: list[GapView]
    note: str | None
    at: datetime
    organisation: OrganisationView


class DraftView(View):
    """A draft. `version` is its ETag. It follows the item's current version; an amendment stands on its case's."""

    id: str
    version: int
    item: ItemView
    status: Literal["open", "submitted"]
    answers: dict[str, Any]
    materials: list[MaterialView]
    problems: list[ProblemView] = Field(description="Empty when it can be submitted")
    amends: str | None = Field(description="The id of the returned case that this draft amends")
    case_id: str | None = Field(description="The case that it became, once submitted")
    notice: NoticeView | None = None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime


class DraftSummary(View):
    id: str
    version: int
    item: ItemView
    amends: str | None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime


class DueView(View):
    """By when the organ must decide (行政许可法 art. 42, 82: working days).

    Before acceptance `estimate` is true: nothing runs yet, and the date is what the law gives when receipt becomes
    acceptance (art. 32). `basis` unknown_year: the State Council has not announced, or this platform has not loaded,
    the year's arrangement, so no date is given.
    """

    date: dt.date | None
    days: int | None = Field(description="the limit, in `unit`")
    unit: Literal["working_day", "day", "month"] | None
    basis: Basis
    counting_from: dt.date | None = Field(
        description="the first day that counts (民法典 art. 201: the day itself does not)"
    )
    days_left: int | None = Field(
        description="working days left today, Asia/Shanghai; negative when overdue; null when nothing runs"
    )
    days_used: int | None
    estimate: bool
    provisional: bool = Field(
        description="in the last announced December, which the next year's notice may still change"
    )
    statutory_date: dt.date | None = Field(description="the law's own limit, where a promise is shorter")
    statutory_days: int | None


class ActorView(View):
    kind: Literal["applicant", "officer", "system"]
    name: str | None = None
    organisation: OrganisationView | None = None


class StepView(View):
    """One entry of the timeline: what happened, when, by whom."""

    event: Literal[
        "submitted",
        "returned",
        "resubmitted",
        "accepted",
        "reviewed",
        "decided",
        "delivered",
        "withdrawn",
    ]
    version: int
    at: datetime
    actor: ActorView
    note: str | None = None


class ApplicantView(View):
    sub: str
    name: str | None


class DecisionView(View):
    outcome: Outcome
    reason: str | None
    at: datetime
    officer: str | None
    remedies: str | None = Field(
        description="how to ask for reconsideration or sue (行政许可法 art. 38); with a refusal"
    )


class ResultView(View):
    """The delivered decision document; its bytes are at /cases/{id}/result."""

    sha256: str = Field(description="the seal: hexadecimal SHA-256 of the document's bytes")
    media_type: str
    size: int


class CaseView(View):
    """A case (办件). `version` is its ETag and the version of its latest event."""

    id: str
    number: str
    status: Status
    version: int
    item: ItemView
    channel: str
    submitted_at: datetime
    received_at: datetime = Field(
        description="the latest complete submission: the first, or the amendment after a notice"
    )
    accepted_at: datetime | None
    applicant: ApplicantView
    answers: dict[str, Any]
    materials: list[MaterialView]
    due: DueView
    timeline: list[StepView]
    notice: NoticeView | None
    amendment: str | None = Field(description="the open amendment draft, if one was begun")
    decision: DecisionView | None
    result: ResultView | None
    delivered_at: datetime | None
    withdrawn_at: datetime | None


class CaseSummary(View):
    id: str
    number: str
    status: Status
    version: int
    item: ItemView
    submitted_at: datetime
    updated_at: datetime
    due: DueView


class DeskCaseView(CaseView):
    """The case as an officer sees it: with the review's opinion and what this officer may do next."""

    opinion: Opinion | None
    opinion_note: str | None
    actions: list[Literal["accept", "return", "review", "decide", "deliver"]] = Field(
        description="what this officer may do now"
    )


class DeskCaseSummary(CaseSummary):
    """A case in a queue. `act_by` is when the officer whose turn it is must have acted: what queues are sorted by."""

    applicant: ApplicantView
    act_by: dt.date | None = Field(description="null where it is no officer's turn, or nothing limits it")
    act_days_left: int | None = Field(description="working days left today, negative when overdue")


class QueuesView(View):
    """How much waits at this officer's desk, by step; among it `overdue` and `due_soon` (within three working days)."""

    intake: int | None = Field(description="null: this officer has no such role anywhere")
    review: int | None
    decision: int | None
    delivery: int | None
    returned: int
    overdue: int
    due_soon: int


class RunningCaseView(View):
    """A case that has not come to its end, without anything of its applicant."""

    number: str
    item_version: int
    status: Status
    submitted_at: datetime


class RunningView(View):
    """Running cases of an item: how many (`more`: that many at least), and the oldest hundred of them."""

    count: int
    more: bool
    cases: list[RunningCaseView]


class AccessView(View):
    """Who opened the case, when and why; the applicant reads this."""

    at: datetime
    officer: str | None
    organisation: OrganisationView
    what: Literal["case", "material", "result"]
    purpose: Purpose
    reason: str | None


class Body(BaseModel):
    """Base of every question: strict about unknown members."""

    model_config = ConfigDict(extra="forbid", frozen=True)


ItemCode = Annotated[str, Field(min_length=1, max_length=128)]
ShortText = Annotated[str, Field(min_length=1, max_length=500)]
LongText = Annotated[str, Field(min_length=1, max_length=4000)]
Name = Annotated[str, Field(min_length=1, max_length=100)]


class NewDraft(Body):
    item_code: ItemCode


class PageAnswers(Body):
    """The answers of one page. With `later` they are kept as typed, unchecked, to be gone on with another day."""

    answers: dict[str, Any]
    later: bool = False


class NewCase(Body):
    item_code: ItemCode
    answers: dict[str, Any]


class Withdrawal(Body):
    reason: ShortText | None = None


class Gap(Body):
    """Exactly one of `material` and `field` may be named; with neither the gap is of the application as a whole."""

    material: Name | None = None
    field: Name | None = None
    what: ShortText


class Return(Body):
    gaps: Annotated[list[Gap], Field(min_length=1, max_length=50)]
    note: LongText | None = None


class Review(Body):
    opinion: Opinion
    note: LongText | None = None


class Decision(Body):
    outcome: Outcome
    reason: LongText | None = None
