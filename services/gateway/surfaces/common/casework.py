"""A case in words and as a line: its state, its clock, its timeline. Times and names come from the case service."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from markupsafe import Markup

from services.kit.pages import Ruler, day_text, ngettext, pick, ruler
from services.kit.pages import gettext as _

Case = Mapping[str, Any]
ENDED = ("delivered", "withdrawn")
DUE_SOON = 0.8
"""Part of the limit after which the clock turns to its warning colour."""


def status_word(status: str) -> str:
    """A state as a tag."""
    return {
        "draft": _("草稿"),
        "submitted": _("等受理"),
        "accepted": _("审查中"),
        "reviewed": _("等决定"),
        "decided": _("已决定"),
        "delivered": _("办结"),
        "returned": _("等您补"),
        "withdrawn": _("已撤回"),
    }[status]


def status_kind(status: str) -> str:
    """The colour of a state's tag: asked of you, done, or neither."""
    return {"returned": "wait", "delivered": "act", "decided": "act"}.get(status, "")


def headline(case: Case) -> str:
    """What is so now, in one line."""
    decided = case.get("decision")
    if case["status"] in ("decided", "delivered") and decided:
        granted = decided["outcome"] == "granted"
        return _("批准了") if granted else _("没有批准")
    return {
        "submitted": _("交上去了，等受理"),
        "accepted": _("受理了，正在审查"),
        "reviewed": _("审查完了，等决定"),
        "decided": _("决定了"),
        "delivered": _("办结了"),
        "returned": _("要您补一次材料"),
        "withdrawn": _("您撤回了申请"),
    }[case["status"]]


def what_to_do(case: Case) -> str:
    """Whether the person must act."""
    if case["status"] == "returned":
        return _("请按告知单补齐，再交一次。")
    if case["status"] == "delivered":
        return _("结果出来了，可以打开和打印。")
    return _("现在不用您做什么。")


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock of a case: a figure with words, the ruler, and what the limit rests on."""

    kind: str
    before: str
    after: str
    figure: str
    drawn: Ruler | None
    note: str


def clock(case: Case) -> Clock | None:
    """The clock, where one runs or will run; None where the case has ended or no limit is known."""
    due = case["due"]
    days, left, used = due["days"], due["days_left"], due["days_used"]
    if case["status"] in (*ENDED, "decided") or due["basis"] in ("none", "unknown_year") or days is None:
        return None
    if left is None or used is None:
        words = ngettext("受理后 {n} 个工作日，从受理第二天数起", "受理后 {n} 个工作日，从受理第二天数起", days)
        drawn = ruler("w" * days, {days: _limit_flag(due)}, basis_words(due))
        return Clock("", *_around(words), str(days), drawn, basis_words(due))
    kind = "stop" if left < 0 else "wait" if used >= DUE_SOON * days else ""
    over = max(0, -left)
    if left < 0:
        words = ngettext("超了 {n} 个工作日", "超了 {n} 个工作日", over)
    elif kind:
        words = ngettext("只剩 {n} 个工作日", "只剩 {n} 个工作日", left)
    else:
        words = ngettext("还剩 {n} 个工作日", "还剩 {n} 个工作日", left)
    drawn = drawn_days(due, used, over, _label(used, left, due))
    return Clock(kind, *_around(words), str(abs(left)), drawn, basis_words(due))


def _around(words: str) -> tuple[str, str]:
    """What stands before and after the figure: languages differ in it."""
    before, _sign, after = words.partition("{n}")
    return before.strip(), after.strip()


def drawn_days(due: Mapping[str, Any], used: int, over: int, label: str) -> Ruler:
    """The ruler of a running clock: used, open, over; beyond a promise the law's own days as outlines."""
    days = int(due["days"])
    inside = "u" * min(used, days) + "-" * max(0, days - used) + "o" * over
    beyond = max(0, (due["statutory_days"] or 0) - days - over) if due["basis"] == "promised" else 0
    flags = {days: _limit_flag(due)}
    if 0 < used < days:
        flags[used] = _("今天")
    if beyond:
        flags[days + over + beyond] = _("法定 %(day)s") % {"day": _short(due["statutory_date"])}
    return ruler(inside + "s" * beyond, flags, label)


def _limit_flag(due: Mapping[str, Any]) -> str:
    name = _("承诺") if due["basis"] == "promised" else _("法定")
    return f"{name} {_short(due['date'])}" if due["date"] else name


def _short(value: str | None) -> str:
    return day_text(date.fromisoformat(value), weekday=False) if value else ""


def _label(used: int, left: int, due: Mapping[str, Any]) -> str:
    if left < 0:
        return _("期限 %(days)d 个工作日，已超 %(over)d 个") % {"days": due["days"], "over": -left}
    return _("已用 %(used)d 个工作日，还剩 %(left)d 个") % {"used": used, "left": left}


def basis_words(due: Mapping[str, Any]) -> str:
    """What a limit rests on."""
    days = {"num": due["days"] or 0, "law": due["statutory_days"] or 0}
    basis = due["basis"]
    if basis == "promised" and due["statutory_days"]:
        return _("承诺 %(num)d 个工作日，法定 %(law)d 个工作日") % days
    if basis == "promised":
        return _("承诺 %(num)d 个工作日") % days
    if basis == "statutory":
        return _("法定 %(num)d 个工作日") % days
    if basis == "law_default":
        return _("没有公布时限，按行政许可法第四十二条，20 个工作日")
    if basis == "unknown_year":
        return _("那一年的放假安排还没有公布，公布后给出日子")
    return _("没有公布时限")


def due_words(due: Mapping[str, Any]) -> str:
    """By when, in one line."""
    if due["date"]:
        day = day_text(date.fromisoformat(due["date"]))
        return (_("按今天受理算，最晚 %(day)s 决定") if due["estimate"] else _("最晚 %(day)s 决定")) % {"day": day}
    return basis_words(due)


@dataclass(frozen=True, slots=True)
class Happening:
    """One entry of the timeline. `kind` is the style of its node: "" done, now, next."""

    kind: str
    at: str | None
    title: str
    notes: tuple[str | Markup, ...]
    event: str


def happening_title(event: str) -> str:
    """What happened, as the applicant is told."""
    return {
        "submitted": _("您交了申请"),
        "returned": _("一次告知：要补材料"),
        "resubmitted": _("您补齐了材料"),
        "accepted": _("正式受理"),
        "reviewed": _("审查完毕"),
        "decided": _("作出决定"),
        "delivered": _("结果送达"),
        "withdrawn": _("您撤回了申请"),
    }.get(event, event)


def channel_word(channel: str) -> str:
    """Where something was handed in."""
    return {"portal": _("网上"), "kiosk": _("自助机"), "desk": _("窗口")}.get(channel, channel)


def timeline(case: Case) -> list[Happening]:
    """What happened and what is still to come."""
    found = []
    steps: Sequence[Mapping[str, Any]] = case["timeline"]
    for number, step in enumerate(steps, 1):
        actor = step["actor"]
        notes: list[str] = []
        if step["event"] == "submitted":
            notes.append(channel_word(case["channel"]))
        if actor["kind"] == "officer":
            place = pick((actor.get("organisation") or {}).get("name"))
            notes.append(_("，").join(part for part in (place, actor.get("name") or "") if part))
        if step["event"] == "accepted" and case["due"]["counting_from"]:
            first = day_text(date.fromisoformat(case["due"]["counting_from"]))
            notes.append(_("受理日不计入，时限从 %(day)s 起算") % {"day": first})
        if step.get("note"):
            notes.append(step["note"])
        last = number == len(steps) and case["status"] not in ENDED
        found.append(
            Happening(
                "now" if last else "",
                step["at"],
                happening_title(step["event"]),
                tuple(n for n in notes if n),
                step["event"],
            )
        )
    return found + to_come(case)


def to_come(case: Case) -> list[Happening]:
    """The steps that are left, without dates that nobody can know."""
    status = case["status"]
    left: list[tuple[str, str]] = []
    if status == "returned":
        left.append((_("您补齐材料"), _("补齐当天就再交到受理")))
    if status in ("submitted", "returned"):
        left.append((_("受理"), _("5 个工作日内一次说清缺什么；没有回音，就算已经受理")))
    if status in ("submitted", "returned", "accepted"):
        left.append((_("审查"), ""))
    if status in ("submitted", "returned", "accepted", "reviewed"):
        left.append((_("作出决定"), due_words(case["due"])))
    if status not in ENDED:
        left.append((_("结果送达"), _("决定后 10 个工作日内")))
    return [Happening("next", None, title, (note,) if note else (), "") for title, note in left]


def purpose_word(purpose: str) -> str:
    """Why an officer opened a case."""
    return {
        "intake": _("受理"),
        "review": _("审查"),
        "decision": _("决定"),
        "delivery": _("送达"),
        "enquiry": _("答复询问"),
    }.get(purpose, purpose)


def opened_word(what: str) -> str:
    """What an officer opened."""
    return {"case": _("申请内容"), "material": _("材料"), "result": _("结果")}.get(what, what)
