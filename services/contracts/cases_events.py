"""Topic cases.events: the life of a case (办件): applied, accepted, reviewed, decided, delivered.

No personal data: applicant and officers are account ids; an officer who may see more opens the case
at the desk.
"""

import datetime
from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from services.contracts.base import Data, EventData, Text
from services.contracts.catalog_items import Organisation

Status = Literal["submitted", "accepted", "reviewed", "decided", "delivered", "returned", "withdrawn"]


class Due(Data):
    """When the case must be decided and on what that rests.

    `basis`: promised limit, statutory limit, law_default (行政许可法 art. 42: 20 working days), none (nothing
    published) or unknown_year (the arrangement of working days is not known that far, so there is no date).
    The limit is `amount` of `unit`; `working_days` repeats the amount where that is the unit.
    """

    basis: Literal["promised", "statutory", "law_default", "none", "unknown_year"]
    working_days: int | None = None
    date: datetime.date | None = None
    amount: int | None = None
    unit: Literal["working_day", "day", "month"] | None = None


class CaseItem(Data):
    """The service item that the case is about, at the version that the case began with."""

    code: str
    version: int
    name: Text
    item_type: str


class CaseEvent(EventData):
    """What every event of a case carries."""

    topic: ClassVar[str] = "cases.events"

    case_id: str
    number: str
    status: Status
    item: CaseItem
    organisation: Organisation
    division: str
    applicant: str
    """Account id of the applicant."""
    channel: str
    occurred_at: AwareDatetime


class CaseSubmitted(CaseEvent):
    """申请: the applicant handed the case in."""

    event_type: ClassVar[str] = "cn.tongban.cases.submitted.v1"

    due: Due


class CaseAccepted(CaseEvent):
    """受理 (行政许可法 art. 32): the clock begins on the next working day."""

    event_type: ClassVar[str] = "cn.tongban.cases.accepted.v1"

    officer: str
    due: Due


class CaseReturned(CaseEvent):
    """一次告知 (art. 32 (4)): all that is missing, told once."""

    event_type: ClassVar[str] = "cn.tongban.cases.returned.v1"

    officer: str
    gaps: int = Field(ge=1)


class CaseResubmitted(CaseEvent):
    """The applicant handed in what the notice asked for."""

    event_type: ClassVar[str] = "cn.tongban.cases.resubmitted.v1"

    due: Due


class CaseReviewed(CaseEvent):
    """审查: an officer examined the case and gave an opinion."""

    event_type: ClassVar[str] = "cn.tongban.cases.reviewed.v1"

    officer: str
    opinion: Literal["approve", "refuse"]


class CaseDecided(CaseEvent):
    """决定 (art. 37, 38)."""

    event_type: ClassVar[str] = "cn.tongban.cases.decided.v1"

    officer: str
    outcome: Literal["granted", "refused"]


class CaseDelivered(CaseEvent):
    """送达 (art. 44): the result is there for the applicant."""

    event_type: ClassVar[str] = "cn.tongban.cases.delivered.v1"

    officer: str
    outcome: Literal["granted", "refused"]
    document_sha256: str


class CaseWithdrawn(CaseEvent):
    """The applicant took the application back before a decision."""

    event_type: ClassVar[str] = "cn.tongban.cases.withdrawn.v1"
