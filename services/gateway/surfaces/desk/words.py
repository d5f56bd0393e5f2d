"""The desk's words: queues, states, steps, what a refusal means. Officers are told other words than applicants."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from services.gateway.surfaces.common import casework
from services.gateway.surfaces.common.casework import Happening
from services.kit.pages import gettext as _

QUEUES = ("intake", "review", "decision", "delivery", "returned", "closed")
PURPOSES = ("intake", "review", "decision", "delivery")
"""Steps for which a case is opened without further words; anything else is an enquiry and needs a reason."""
PURPOSE_OF_STATUS: Mapping[str, str] = {
    "submitted": "intake",
    "accepted": "review",
    "reviewed": "decision",
    "decided": "delivery",
}
PURPOSE_OF_ACTION: Mapping[str, str] = {
    "accept": "intake",
    "return": "intake",
    "review": "review",
    "decide": "decision",
    "deliver": "delivery",
}
BUTTONS: Mapping[str, Mapping[str, str]] = {
    "accept": {"zh": "受理", "en": "Accept"},
    "decide": {"zh": "作出决定", "en": "Decide"},
    "deliver": {"zh": "送达", "en": "Deliver"},
}
"""The verbs on buttons. In Chinese they are the nouns of the steps as well, in English they are not."""


def queue_name(queue: str) -> str:
    """A queue by its name."""
    return {
        "intake": _("待受理"),
        "review": _("待审查"),
        "decision": _("待决定"),
        "delivery": _("待送达"),
        "returned": _("已退回"),
        "closed": _("已办结"),
    }[queue]


def status_word(status: str) -> str:
    """A state as a tag."""
    return {
        "submitted": _("待受理"),
        "accepted": _("待审查"),
        "reviewed": _("待决定"),
        "decided": _("待送达"),
        "delivered": _("已送达"),
        "returned": _("等补正"),
        "withdrawn": _("已撤回"),
    }[status]


def status_kind(status: str) -> str:
    """The colour of a state's tag."""
    return {"returned": "wait", "delivered": "act"}.get(status, "")


def event_word(event: str) -> str:
    """What happened, for the timeline at the desk."""
    return {
        "submitted": _("申请人交了申请"),
        "returned": _("一次告知：退回补正"),
        "resubmitted": _("申请人补齐了材料"),
        "accepted": _("受理"),
        "reviewed": _("审查完毕"),
        "decided": _("作出决定"),
        "delivered": _("送达"),
        "withdrawn": _("申请人撤回"),
    }.get(event, event)


def trail(case: Mapping[str, Any]) -> list[Happening]:
    """The timeline, in words for officers. What the applicant must do next is said of them, not to them."""
    found = []
    for step in casework.timeline(case):
        if step.event:
            found.append(replace(step, title=event_word(step.event)))
        elif case["status"] == "returned" and not any(each.kind == "next" for each in found):
            found.append(replace(step, title=_("等申请人补齐"), notes=()))
        else:
            found.append(step)
    return found


def done(act: str) -> str:
    """What was just done."""
    return {
        "acceptance": _("已受理"),
        "return": _("一次告知已发出"),
        "review": _("审查意见已记下"),
        "decision": _("决定已作出"),
        "delivery": _("结果已送达"),
    }.get(act, "")


def opinion_word(opinion: str | None) -> str:
    """What the review advises."""
    return {"approve": _("建议批准"), "refuse": _("建议不批准")}.get(opinion or "", "")


def outcome_word(outcome: str | None) -> str:
    """How the case was decided."""
    return {"granted": _("批准"), "refused": _("不批准")}.get(outcome or "", "")


def refusal(slug: str) -> tuple[str, str]:
    """Why the case service did not do it: a title and what follows from it."""
    return {
        "version-mismatch": (_("这件刚在别处改过"), _("下面是现在的样子。您刚才写的还在，看一眼再交。")),
        "precondition-failed": (_("这件刚在别处改过"), _("下面是现在的样子。您刚才写的还在，看一眼再交。")),
        "wrong-step": (_("这件已经不在这一步"), _("别人刚办过，或者申请人撤回了。下面是现在的样子。")),
        "not-its-turn": (_("这件已经不在这一步"), _("别人刚办过，或者申请人撤回了。要再看，请写明原因。")),
        "notice-already-given": (
            _("一次告知：这件已经告知过一次"),
            _("行政许可法第三十二条：要补的一次说清，不能再退回。请受理，或者在审查、决定里写明。"),
        ),
        "notice-too-late": (
            _("一次告知的时限过了"),
            _("行政许可法第三十二条：五个工作日内没有告知的，收到申请那天就算受理。请受理，或者在审查、决定里写明。"),
        ),
        "separation-of-duties": (
            _("接办分离：这件由您受理，不能由您决定"),
            _("受理和决定要由不同的人办。请交给有决定权的同事；他可以用自己的账号登录。"),
        ),
        "reason-required": (_("还不能交"), _("不批准要写明理由（行政许可法第三十八条）。")),
        "unknown-gap": (_("还不能交"), _("告知单里有一项不在这个事项要的材料和表格里。请重新填。")),
    }.get(slug, (_("这一步没有办成"), _("系统没有收下。请核对下面的内容再试。")))
