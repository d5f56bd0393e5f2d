"""The guide page's figures and steps, from an item of the catalogue."""

from collections.abc import Mapping
from typing import Any

from services.kit.pages import Ruler, ngettext, pick, ruler
from services.kit.pages import gettext as _

Item = Mapping[str, Any]
LICENCE = "01"
"""Item type 行政许可 (GB/T 39046-2020)."""


def limit_words(limit: Mapping[str, Any]) -> str:
    """A limit with its unit."""
    amount = limit["amount"]
    words = {
        "working_day": ngettext("%(num)d 个工作日", "%(num)d 个工作日", amount),
        "day": ngettext("%(num)d 天", "%(num)d 天", amount),
        "month": ngettext("%(num)d 个月", "%(num)d 个月", amount),
    }
    return words[limit["unit"]] % {"num": amount}


def unit_words(limit: Mapping[str, Any]) -> str:
    """The unit alone, beside the figure."""
    amount = limit["amount"]
    return {
        "working_day": ngettext("个工作日", "个工作日", amount),
        "day": ngettext("天", "天", amount),
        "month": ngettext("个月", "个月", amount),
    }[limit["unit"]]


def how_long(item: Item) -> str:
    """How long it takes, in a few words for a list."""
    limits = item["limits"]
    if item.get("case_kind") == "immediate":
        return _("当场办结")
    if limits.get("promised"):
        return _("承诺 %(limit)s") % {"limit": limit_words(limits["promised"])}
    if limits.get("statutory"):
        return _("法定 %(limit)s") % {"limit": limit_words(limits["statutory"])}
    return ""


def fee_words(item: Item) -> str:
    """Whether it costs something, for a list."""
    fee = item.get("fee")
    return "" if fee is None else _("收费") if fee["charged"] else _("不收费")


def visit_words(item: Item) -> str:
    """How often one must come, for a list."""
    visits = item.get("visits")
    if visits is None:
        return ""
    return _("不用跑") if visits == 0 else ngettext("跑 %(num)d 次", "跑 %(num)d 次", visits) % {"num": visits}


def facts(item: Item) -> list[tuple[str, str, str, str]]:
    """The key facts: label, figure, unit, note. What the item does not say is not shown."""
    found = []
    limits = item["limits"]
    promised, statutory = limits.get("promised"), limits.get("statutory")
    if item.get("case_kind") == "immediate":
        found.append((_("多久"), _("当场"), _("办结"), ""))
    elif promised:
        note = _("承诺；法定 %(limit)s") % {"limit": limit_words(statutory)} if statutory else _("承诺")
        found.append((_("多久"), str(promised["amount"]), unit_words(promised), note))
    elif statutory:
        found.append((_("多久"), str(statutory["amount"]), unit_words(statutory), _("法定")))
    elif item["item_type"] == LICENCE:
        found.append((_("多久"), "20", _("个工作日"), _("没有公布时限，行政许可法第四十二条")))
    else:
        found.append((_("多久"), "–", "", _("没有公布时限")))
    if (fee := item.get("fee")) is not None:
        found.append((_("费用"), _("收费") if fee["charged"] else _("不收费"), "", pick(fee.get("note"))))
    if (visits := item.get("visits")) is not None:
        note = _("网上办完，结果在网上取") if visits == 0 else ""
        found.append((_("要跑几次"), str(visits), ngettext("次", "次", visits), note))
    needed = [each for each in item["materials"] if each["required"]]
    free = len(item["materials"]) - len(needed)
    note = _("在网上传，不用跑") if needed else _("填好就行")
    if free:
        note = ngettext("另有 %(num)d 样可交可不交", "另有 %(num)d 样可交可不交", free) % {"num": free}
    found.append((_("要您交的材料"), str(len(needed)), ngettext("样", "样", len(needed)), note))
    return found


def limit_ruler(item: Item) -> Ruler | None:
    """Promised and statutory working days on one line; None where there is nothing to draw."""
    limits = item["limits"]
    promised, statutory = limits.get("promised"), limits.get("statutory")
    if any(limit and limit["unit"] != "working_day" for limit in (promised, statutory)):
        return None
    inner = promised["amount"] if promised else 0
    outer = statutory["amount"] if statutory else 0
    if max(inner, outer) == 0 or max(inner, outer) > 250:
        return None
    flags = {}
    if outer:
        flags[outer] = _("法定 %(num)d 天") % {"num": outer}
    if inner:
        flags[inner] = _("承诺 %(num)d 天") % {"num": inner}
    return ruler("w" * inner + "-" * max(0, outer - inner), flags, _("，").join(flags[day] for day in sorted(flags)))


def steps(item: Item) -> list[tuple[str, str]]:
    """The steps of the guide: the item's own, else the five that every case goes through."""
    if item["steps"]:
        return [(pick(step["name"]), pick(step["text"])) for step in item["steps"]]
    return [
        (_("申请"), _("网上填、网上交，填到一半可以停下，换个地方接着填。")),
        (_("受理"), _("5 个工作日内一次说清缺什么；没有回音，就算已经受理。")),
        (_("审查"), _("看您交的材料，需要补的话只说一次。")),
        (_("决定"), _("不批准会写明理由，以及怎样复议和起诉。")),
        (_("送达"), _("结果在网上打开、打印。")),
    ]
