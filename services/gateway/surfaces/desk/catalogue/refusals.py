"""What the catalogue has against a content, in words at the control that it names."""

from collections.abc import Mapping, Sequence

from services.gateway.errors import ServiceProblem
from services.gateway.surfaces.desk.catalogue import sheet
from services.gateway.surfaces.desk.catalogue.officer import Problem
from services.gateway.surfaces.desk.catalogue.sheet import Flat, Part
from services.kit.errors import FieldProblem
from services.kit.pages import gettext as _


def problems(
    error: ServiceProblem, flat: Flat, parts: Sequence[Part], besides: Mapping[str, str] | None = None
) -> list[Problem]:
    """The problems of a content. `besides`: fields that stand on the page without being of the content, with labels."""
    labels = {f"f-{ask.path}": ask.label for ask in sheet.asks_of(parts, flat)}
    found = []
    for each in error.fields:
        if besides and each.field in besides:
            found.append((f"f-{each.field}", _wrong(besides[each.field], each)))
            continue
        place = sheet.place(each.field, flat, parts)
        found.append((place, _wrong(labels.get(place, each.field), each)))
    return list(dict.fromkeys(found)) or [("", error.detail or _("没有收下，请核对再试"))]


def _wrong(label: str, problem: FieldProblem) -> str:
    known = {
        "missing": _("请填：%(label)s"),
        "required": _("请填：%(label)s"),
        "string_too_short": _("请填：%(label)s"),
        "too_long": _("%(label)s太长，请改短"),
        "string_too_long": _("%(label)s太长，请改短"),
        "too_many": _("%(label)s太多"),
        "repeated": _("%(label)s有重复的"),
        "literal_error": _("%(label)s里有不认识的，请重新选"),
        "unknown": _("%(label)s里有不认识的，请核对"),
        "unknown_division": _("%(label)s里有不认识的，请核对"),
        "closed": _("%(label)s里有停用了的，请核对"),
        "bad_character": _("%(label)s里有看不见的控制字符，请删掉"),
        "markup": _("%(label)s里有网页标签，请删掉"),
    }.get(problem.reason)
    if known:
        return known % {"label": label}
    return _("%(label)s：%(detail)s") % {"label": label, "detail": problem.detail or problem.reason}
