"""What the catalogue has against a content, in words at the control that it names."""

from collections.abc import Sequence

from services.gateway.errors import ServiceProblem
from services.gateway.surfaces.desk.catalogue import sheet
from services.gateway.surfaces.desk.catalogue.officer import Problem
from services.gateway.surfaces.desk.catalogue.sheet import Flat, Part
from services.kit.errors import FieldProblem
from services.kit.pages import gettext as _


def problems(error: ServiceProblem, flat: Flat, parts: Sequence[Part]) -> list[Problem]:
    """What the catalogue has against a content, in words at the control that it names."""
    labels = {f"f-{ask.path}": ask.label for ask in sheet.asks_of(parts, flat)}
    found = []
    for each in error.fields:
        place = sheet.place(each.field, flat, parts)
        label = labels.get(place, each.field)
        found.append((place, _wrong(label, each)))
    return list(dict.fromkeys(found)) or [("", error.detail or _("没有收下，请核对再试"))]


def _wrong(label: str, problem: FieldProblem) -> str:
    known = {
        "missing": _("请填：%(label)s"),
        "required": _("请填：%(label)s"),
        "string_too_short": _("请填：%(label)s"),
        "string_too_long": _("%(label)s太长，请改短"),
        "too-long": _("%(label)s太长，请改短"),
        "too_long": _("%(label)s太多"),
        "too_short": _("请填：%(label)s"),
        "literal_error": _("%(label)s里有不认识的，请重新选"),
        "control-character": _("%(label)s里有看不见的控制字符，请删掉"),
        "bidi": _("%(label)s里有改变文字方向的字符，请删掉"),
        "html": _("%(label)s里有网页标签，请删掉"),
    }.get(problem.reason)
    if known:
        return known % {"label": label}
    return _("%(label)s：%(detail)s") % {"label": label, "detail": problem.detail or problem.reason}
