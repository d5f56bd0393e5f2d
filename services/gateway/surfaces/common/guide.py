"""The guide in words, from an item of the catalogue: figures, steps, materials, where it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.gateway.surfaces.common import terms
from services.kit.pages import ENGLISH, Ruler, language, ngettext, pick, ruler
from services.kit.pages import gettext as _

Item = Mapping[str, Any]
LICENCE = "01"
"""Item type 行政许可 (GB/T 39046-2020)."""

_SAYS_NOTHING: Item = {
    "kind": "implementation",
    "topics": (),
    "visits": None,
    "visit_reason": None,
    "visit_basis": None,
    "channels": (),
    "online_depth": None,
    "offline_reason": None,
    "results": (),
    "cooperating": (),
    "aliases": (),
    "exemptions": (),
    "provenance": "",
    "status": "published",
    "status_reason": None,
    "current_version": None,
}


def whole(item: Item) -> dict[str, Any]:
    """`item` with every member that its version may leave out: what a template asks for is there."""
    return {**_SAYS_NOTHING, **item}


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
    limits = item.get("limits") or {}
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


def facts(item: Item, fetched: int = 0) -> list[tuple[str, str, str, str]]:
    """The key facts: label, figure, unit, note. What the item does not say is not shown.

    `fetched`: how many of its materials the network has, so that nobody brings them.
    """
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
        note = _("网上办完，结果在网上取") if visits == 0 else pick(item.get("visit_reason"))
        found.append((_("要跑几次"), str(visits), ngettext("次", "次", visits), note))
    needed = [each for each in item["materials"] if each["required"]]
    free = len(item["materials"]) - len(needed) - fetched
    note = _("在网上传，不用跑") if needed else _("填好就行")
    if fetched:
        note = ngettext("另外 %(num)d 样系统里有，不用交", "另外 %(num)d 样系统里有，不用交", fetched) % {
            "num": fetched
        }
    elif free:
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


def steps(item: Item) -> list[tuple[str, str, str]]:
    """The steps of the guide with the post that answers for each: the item's own, else the five of every case."""
    if item["steps"]:
        return [(pick(step["name"]), pick(step["text"]), pick(step.get("post"))) for step in item["steps"]]
    return [
        (_("申请"), _("网上填、网上交，填到一半可以停下，换个地方接着填。"), ""),
        (_("受理"), _("5 个工作日内一次说清缺什么；没有回音，就算已经受理。"), ""),
        (_("审查"), _("看您交的材料，需要补的话只说一次。"), ""),
        (_("决定"), _("不批准会写明理由，以及怎样复议和起诉。"), ""),
        (_("送达"), _("结果在网上打开、打印。"), ""),
    ]


def law(basis: Mapping[str, Any]) -> str:
    """A law by its name and article."""
    name = str(basis["law"]).replace("《", "").replace("》", "")
    return f"《{name}》{basis.get('article') or ''}"


def other_name(item: Item) -> tuple[str, str]:
    """The item's name in the other language, with the language's tag; ("", "") where it has no second name."""
    names = item["name"]
    if not names.get("en") or names["en"] == names["zh"]:
        return "", ""
    return (str(names["zh"]), "zh-CN") if language() == ENGLISH else (str(names["en"]), ENGLISH)


def limits(item: Item) -> list[tuple[str, str, str, str]]:
    """Each published limit: which, how long, the law that sets it, its note."""
    found = []
    for name, label in (("promised", _("承诺时限")), ("statutory", _("法定时限"))):
        if limit := item["limits"].get(name):
            basis = law(limit["basis"]) if limit.get("basis") else ""
            found.append((label, limit_words(limit), basis, pick(limit.get("note"))))
    return found


def channels(item: Item) -> str:
    """Every way to apply, in words."""
    return _("、").join(words for each in item.get("channels") or () if (words := terms.channel(each)))


def depth_words(item: Item) -> str:
    """How far one gets online (网上办理深度)."""
    return {
        1: _("网上能看办事指南，要到窗口办"),
        2: _("网上能预约、预审，要到窗口交"),
        3: _("网上能申请、受理，最后到窗口取一次"),
        4: _("从申请到拿结果，都能在网上办"),
    }.get(item.get("online_depth") or 0, "")


def can_be_checked(item: Item) -> bool:
    """Whether any condition can be checked by answering questions, before a sign-in."""
    return any(condition.get("expression") for condition in item.get("conditions") or ())


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the shown version stands. `can_apply`: whether the page offers to apply at all."""

    kind: str
    title: str = ""
    words: str = ""
    can_apply: bool = True
    current: int | None = None
    """The version that is used now, where it is not the shown one."""


def standing(item: Item) -> Standing:
    """In force, suspended (暂停), retired (停办), an earlier version, or a base item, which nobody applies for."""
    status, reason = item.get("status") or "published", item.get("status_reason") or ""
    # Titles of a banner, so without a full stop; the reason is the catalogue's own words.
    reason = reason if isinstance(reason, str) else pick(reason)
    if status == "retired":
        title = _("这件事停办了") if "members" in item else _("这个事项停办了")
        return Standing("retired", title, reason, can_apply=False)
    if status == "suspended":
        title = _("这件事暂停办理") if "members" in item else _("这个事项暂停办理")
        return Standing("suspended", title, reason, can_apply=False)
    current = item.get("current_version")
    if current and current != item["item_version"]:
        words = _("您看的是第 %(old)d 版，现在用的是第 %(now)d 版。") % {"old": item["item_version"], "now": current}
        return Standing("earlier", _("这是以前的版本"), words, can_apply=False, current=current)
    if item.get("kind") == "base":
        words = _("各地按它办，名称、依据和条件处处一样。要办的话，请找当地的事项。")
        return Standing("base", _("这是基本目录里的事项"), words, can_apply=False)
    return Standing("published")


@dataclass(frozen=True, slots=True)
class MaterialShown:
    """One material of the guide: its tag, what the note says, and who has it already."""

    name: str
    tag: str
    tag_kind: str
    lines: tuple[str, ...]
    holder: str = ""
    """The department that has it in the network already."""
    result_of: str = ""
    """Code of the item whose result it is."""
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Registered:
    """What the registers say of what an item names: names by register ("licence", "element") and code; of materials
    that the network has already, by id, who holds them."""

    names: Mapping[tuple[str, str], str] = field(default_factory=dict)
    holders: Mapping[str, str] = field(default_factory=dict)


NOT_ASKED = Registered()


def materials(item: Item, registered: Registered = NOT_ASKED) -> list[MaterialShown]:
    """What to bring, who makes it, what it proves, and what the network has already (不得要求重复提供)."""
    found = []
    for each in item["materials"]:
        licence = registered.names.get(("licence", each.get("licence_type") or ""))
        proved = [name for code in each.get("elements") or () if (name := registered.names.get(("element", code)))]
        holder = registered.holders.get(each["id"], "")
        lines = [pick(each.get("note")), _made_by(each)]
        lines.append(_("用来证明：%(what)s") % {"what": _("、").join(proved)} if proved else "")
        lines.append(_("证照：%(name)s") % {"name": licence} if licence else "")
        if holder and each["required"]:
            lines.append(_("%(who)s已经有了，还没有接通，先请您交。") % {"who": holder})
        tag, kind = material_tag(required=each["required"], holder=holder)
        basis = law(each["basis"]) if each.get("basis") else ""
        shown = tuple(line for line in lines if line)
        holder = "" if each["required"] else holder
        found.append(
            MaterialShown(pick(each["name"]), tag, kind, shown, holder, str(each.get("result_of") or ""), basis)
        )
    return found


def material_tag(*, required: bool, holder: str) -> tuple[str, str]:
    """Whether a material must be handed in, as a tag and its colour."""
    if required:
        return _("要交"), "wait"
    return (_("不用交"), "act") if holder else (_("可交可不交"), "")


def _made_by(material: Mapping[str, Any]) -> str:
    issuer = pick(material.get("issuer"))
    if material.get("made_by") == "applicant":
        return _("您自己准备")
    if issuer:
        return _("由%(who)s出具") % {"who": issuer}
    return _("由机关或机构出具") if material.get("made_by") == "organ" else ""


def results(item: Item, registered: Registered) -> list[tuple[str, str]]:
    """What one gets, and the licence type that it is."""
    names = registered.names
    return [
        (pick(each["name"]), names.get(("licence", each.get("licence_type") or ""), "")) for each in item["results"]
    ]
