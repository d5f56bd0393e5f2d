"""A citizen's messages: which there are, what each is made of, and its words.

A message is kept as its kind and parameters and put into words when it is read, in the reader's language then. The
parameters name the case, the item and the department; nothing about the person (Personal Information Protection Law
art. 6: no more than is needed).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.kit.pages.dates import day_text
from services.kit.pages.languages import gettext as _
from services.kit.pages.languages import ngettext, pick


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `id` is that of the event that it tells of, `created_at` its time."""

    id: str
    account_id: str
    kind: str
    parameters: dict[str, Any]
    case_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Words:
    """A message in words: title and paragraphs."""

    title: str
    body: str


def render(kind: str, parameters: Mapping[str, Any]) -> Words:
    """The words of a message in the language in use (`kit.pages.languages`). Raises KeyError for an unknown kind."""
    facts = {
        "number": parameters["number"],
        "item": pick(parameters["item"]),
        "department": pick(parameters["department"]),
    }
    title, paragraphs = _WORDS[kind](facts, parameters)
    case = _("办件编号 {number}，由{department}办。").format(**facts)
    return Words(title, "\n".join([*(part for part in paragraphs if part), case]))


def kinds() -> frozenset[str]:
    """Every kind of message."""
    return frozenset(_WORDS)


Facts = Mapping[str, str]
Told = tuple[str, list[str]]


def _submitted(facts: Facts, _parameters: Mapping[str, Any]) -> Told:
    return _("{item}交上了").format(**facts), [
        _("接下来{department}看材料齐不齐，有结果马上告诉您。现在不用您做什么。").format(**facts)
    ]


def _accepted(facts: Facts, parameters: Mapping[str, Any]) -> Told:
    return _("{item}受理了").format(**facts), [_due(parameters.get("due") or {}), _("现在不用您做什么。")]


def _returned(facts: Facts, parameters: Mapping[str, Any]) -> Told:
    facts = {**facts, "gaps": str(parameters["gaps"])}
    return _("{item}有 {gaps} 处要补").format(**facts), [
        _("要补的都列在办件里，只告知这一次。您填过的都在，补好再交就行。").format(**facts)
    ]


def _resubmitted(facts: Facts, _parameters: Mapping[str, Any]) -> Told:
    return _("{item}补好的材料交上了").format(**facts), [
        _("接下来{department}再看一遍，有结果马上告诉您。现在不用您做什么。").format(**facts)
    ]


def _reviewed(facts: Facts, _parameters: Mapping[str, Any]) -> Told:
    return _("{item}审查完了").format(**facts), [_("接下来{department}作决定。现在不用您做什么。").format(**facts)]


def _decided(facts: Facts, parameters: Mapping[str, Any]) -> Told:
    if parameters["outcome"] == "granted":
        title = _("{item}批准了").format(**facts)
    else:
        title = _("{item}没有批准").format(**facts)
    return title, [_("接下来{department}把决定送给您，送到再告诉您。现在不用您做什么。").format(**facts)]


def _delivered(facts: Facts, parameters: Mapping[str, Any]) -> Told:
    if parameters["outcome"] == "granted":
        return _("{item}的结果可以看了").format(**facts), [_("打开办件就能看结果。")]
    # Administrative Licensing Law art. 38: the refusal gives its reasons and tells of review and suit.
    return _("{item}的决定书可以看了").format(**facts), [
        _("打开办件就能看。里面写着没有批准的理由，也写着怎么申请行政复议、怎么提起行政诉讼。")
    ]


def _withdrawn(facts: Facts, _parameters: Mapping[str, Any]) -> Told:
    return _("{item}撤回了").format(**facts), [_("这次申请不再往下办。还要办的话，重新交一次就行。")]


def _due(due: Mapping[str, Any]) -> str:
    basis, date = due.get("basis", "none"), due.get("date")
    amount = due.get("working_days") if due.get("amount") is None else due["amount"]
    if basis == "none" or amount is None:
        return _("这个事项没有公布办理时限。") if basis == "none" else ""
    words = {"period": _period(amount, due.get("unit") or "working_day")}
    if basis == "unknown_year" or not date:
        return _("时限是 {period}。到期那年的放假安排还没公布，日子暂时算不出来。").format(**words)
    words["day"] = day_text(date)
    if basis == "promised":
        return _("承诺 {period}办完，最晚{day} 24:00。").format(**words)
    if basis == "law_default":
        return _("这个事项没有公布时限，按行政许可法 {period}办完，最晚{day} 24:00。").format(**words)
    return _("法定 {period}办完，最晚{day} 24:00。").format(**words)


def _period(amount: int, unit: str) -> str:
    """A limit in words; calendar days say so beside the law's working days (行政许可法 art. 82)."""
    if unit == "day":
        text = ngettext("{amount} 个自然日", "{amount} 个自然日", amount)
    elif unit == "month":
        text = ngettext("{amount} 个月", "{amount} 个月", amount)
    else:
        text = ngettext("{amount} 个工作日", "{amount} 个工作日", amount)
    return text.format(amount=amount)


_WORDS: Mapping[str, Callable[[Facts, Mapping[str, Any]], Told]] = {
    "submitted": _submitted,
    "accepted": _accepted,
    "returned": _returned,
    "resubmitted": _resubmitted,
    "reviewed": _reviewed,
    "decided": _decided,
    "delivered": _delivered,
    "withdrawn": _withdrawn,
}
