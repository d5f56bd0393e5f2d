"""The catalogue's code lists in words: item types, channels, kinds, whom an item is for."""

from services.kit.pages import gettext as _


def item_type(code: str) -> str:
    """An item type (GB/T 39046-2020); "" for one that provinces add."""
    return {
        "01": _("行政许可"),
        "02": _("行政处罚"),
        "03": _("行政强制"),
        "04": _("行政征收"),
        "05": _("行政给付"),
        "06": _("行政检查"),
        "07": _("行政确认"),
        "08": _("行政奖励"),
        "09": _("行政裁决"),
        "10": _("其他行政权力"),
        "20": _("公共服务"),
    }.get(code, "")


def channel(code: str) -> str:
    """A channel form (GB/T 39046-2020, and our own besides)."""
    return {
        "window": _("窗口"),
        "computer": _("网上"),
        "mobile": _("手机"),
        "courier": _("邮寄"),
        "kiosk": _("自助机"),
        "hotline": _("电话"),
        "wechat": _("微信"),
        "other": _("其他办法"),
    }.get(code, "")


def case_kind(code: str) -> str:
    """When it is done: at once (即办) or within a promised time (承诺)."""
    return {"immediate": _("当场办结"), "promised": _("承诺时限内办结")}.get(code, "")


def subject(code: str) -> str:
    """Whom an item is for."""
    return {"person": _("为自己办"), "company": _("为企业办")}.get(code, "")


def rule(name: str) -> str:
    """What a rule of the catalogue's lint asks for, in a few words."""
    return {
        "known-to-network": _("能从系统里取到的，不得再要"),
        "no-basis": _("要交的材料要有法律依据"),
        "unobtainable": _("要交的材料要开得出来"),
        "circular-proof": _("几样证明不得互相等"),
        "visit-reason": _("能在网上办的，不得要求到现场"),
        "promised-over-statutory": _("承诺时限不得超过法定时限"),
        "statutory-over-law": _("法定时限不得超过法律的规定"),
        "fee-basis": _("收费要有依据"),
        "alignment": _("要和基本目录一致"),
        "code": _("编码要核对得上"),
    }.get(name, _("目录的一条规则"))
