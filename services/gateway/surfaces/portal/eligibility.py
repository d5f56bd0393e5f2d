"""The check before a sign-in: may I apply? A few questions, an answer to each condition. Nothing of it is kept.

The answers are posted and answered at once: they are in no address, no log and no table.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.errors import ServiceProblem
from services.gateway.surfaces.base import Site, path_id
from services.gateway.surfaces.common import forms
from services.gateway.surfaces.common import guide as guides
from services.kit.errors import FieldProblem, Kind
from services.kit.pages import gettext as _
from services.kit.pages import pick

_TYPES = {"integer": "integer", "number": "number", "date": "string", "boolean": "boolean", "text": "string"}
_YES_NO = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the answers come to: title, what to do next, each condition with its tag."""

    kind: str
    title: str
    words: str
    conditions: Sequence[tuple[str, str, str]]


async def ask(request: Request) -> Response:
    """The questions."""
    item, page = await _questions(request)
    return await _show(request, item, page, {})


async def answer(request: Request) -> Response:
    """What the answers come to, with the questions under it to answer anew."""
    site = Site.of(request)
    form = await site.form(request)
    item, page = await _questions(request)
    given = forms.posted(page, form)
    found, problems = await answered(site, f"/items/{item['code']}/eligibility", page, given)
    return await _show(request, item, page, given, outcome=outcome_of(found) if found else None, problems=problems)


async def answered(
    site: Site, path: str, page: forms.FormPage, given: Mapping[str, Any]
) -> tuple[dict[str, Any] | None, list[tuple[forms.Field, str]]]:
    """What the catalogue says to these answers; or None, and what is wrong with which of them."""
    reasons = {"radio": "choice"}
    wrong = [
        FieldProblem(field.name, reasons.get(field.kind, "format"))
        for field in page.fields
        if not _well_formed(field, given)
    ]
    if not wrong:
        try:
            answer = await site.call(None, "catalog", "POST", path, json={"answers": answers_of(page, given)})
        except ServiceProblem as error:
            problems = forms.problems_on(page, error.fields, given)
            if error.kind is not Kind.INVALID or not problems:
                raise
            return None, problems
        return answer.body, []
    return None, forms.problems_on(page, wrong, given)


def page_of(questions: Sequence[Mapping[str, Any]]) -> forms.FormPage:
    """The questions as one page of a form. No answer is asked for by force: what one does not know stays unknown."""
    return forms.FormPage("eligibility", "", "", tuple(_field(each) for each in questions))


def _field(question: Mapping[str, Any]) -> forms.Field:
    data_type = question.get("data_type") or "text"
    if data_type == "boolean":
        kind, options = "radio", [("true", _("是")), ("false", _("不是")), ("", _("不清楚"))]
    elif question.get("options"):
        kind, options = "radio", [*map(_option, question["options"]), ("", _("不清楚"))]
    else:
        kind, options = ("date" if data_type == "date" else "text"), []
    unit = pick(question.get("unit"))
    return forms.Field(
        name=str(question["element"]),
        kind=kind,
        label=pick(question["name"]),
        hint=_("单位：%(unit)s") % {"unit": unit} if unit and kind == "text" else "",
        options=tuple(options),
        required=True,
        autocomplete="",
        longest=200,
        value_type=_TYPES.get(data_type, "string"),
    )


def _option(option: Any) -> tuple[str, str]:
    if isinstance(option, Mapping):
        value = str(option["value"])
        return value, pick(option.get("name") or option.get("label")) or value
    return str(option), str(option)


def answers_of(page: forms.FormPage, given: Mapping[str, Any]) -> dict[str, Any]:
    """The answers as the catalogue takes them: a yes is true."""
    return {
        field.name: _YES_NO[given[field.name]] if field.value_type == "boolean" else given[field.name]
        for field in page.fields
        if field.name in given
    }


def _well_formed(field: forms.Field, given: Mapping[str, Any]) -> bool:
    value = given.get(field.name)
    if value is None:
        return True
    if field.kind == "radio":
        return str(value) in dict(field.options)
    if field.kind == "date":
        try:
            return re.fullmatch(r"\d{4}-\d{2}-\d{2}", value) is not None and bool(date.fromisoformat(value))
        except ValueError:
            return False
    return not isinstance(value, str) if field.value_type in ("integer", "number") else len(value) <= 200


def outcome_of(body: Mapping[str, Any]) -> Outcome:
    """The catalogue's outcome in words. Only the department decides, so no title promises anything."""
    title, words = {
        "eligible": (_("您答的都符合"), _("可以申请。批不批准，由受理的部门看了材料再定。")),
        "not_eligible": (_("有条件不符合"), _("照您答的，现在办不了。答错了可以在下面改；觉得不对，打电话问一问。")),
    }.get(
        body["outcome"],
        (_("还说不准"), _("有的条件要受理的部门来看，或者您还没有答。可以先申请，也可以打电话问一问。")),
    )
    tags = {
        "met": (_("符合"), "act"),
        "not_met": (_("不符合"), "wait"),
        "unknown": (_("还没有答"), ""),
        "not_checkable": (_("受理时看"), ""),
    }
    found = [(pick(each), *tags.get(each["outcome"], tags["unknown"])) for each in body["conditions"]]
    return Outcome(str(body["outcome"]), title, words, found)


async def _questions(request: Request) -> tuple[dict[str, Any], forms.FormPage]:
    site = Site.of(request)
    code = path_id(request, "code")
    item = guides.whole(await site.get(None, "catalog", f"/items/{code}"))
    found = await site.get(None, "catalog", f"/items/{item['code']}/eligibility")
    return item | {"listed": found.get("conditions") or item["conditions"]}, page_of(found["questions"])


async def _show(
    request: Request,
    item: Mapping[str, Any],
    page: forms.FormPage,
    given: Mapping[str, Any],
    *,
    outcome: Outcome | None = None,
    problems: Sequence[tuple[forms.Field, str]] = (),
) -> Response:
    values = {
        "item": item,
        "standing": guides.standing(item),
        "page": page,
        "values": {field.name: forms.shown(field, given.get(field.name)) for field in page.fields},
        "errors": {field.name: words for field, words in problems},
        "summary": [(field.id, words) for field, words in problems],
        "outcome": outcome,
        "phone": (item.get("contact") or {}).get("phone") or "12345",
    }
    status = 422 if problems else 200
    return await Site.of(request).pages.render(request, "portal/eligibility.html", values, status=status)
