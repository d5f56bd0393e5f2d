"""Check your answers, and hand in: once, however often it is pressed."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.domain.sessions import Session
from services.gateway.errors import ServiceAway, ServiceProblem
from services.gateway.surfaces.base import Site, path_id, see_other, version_of
from services.gateway.surfaces.common import forms
from services.gateway.surfaces.portal.apply import NOT_TAKEN, Application, opened, reason_of
from services.gateway.surfaces.portal.materials import missing
from services.kit.errors import FieldProblem, Kind
from services.kit.pages import gettext as _
from services.kit.pages import pick


async def check(request: Request) -> Response:
    """Everything on one page, with links that change it and come back here."""
    site = Site.of(request)
    session = await site.signed_in(request)
    application = await opened(site, session, path_id(request, "draft_id"))
    if application.draft["status"] == "submitted":
        return see_other(f"/cases/{application.draft['case_id']}/submitted")
    return await _show(request, site, session, application)


async def submit(request: Request) -> Response:
    """Hand the draft in. The key is the draft and its version: a refresh or a double click gives the same case."""
    site = Site.of(request)
    session = await site.signed_in(request)
    draft_id = path_id(request, "draft_id")
    form = await site.form(request)
    seen = version_of(form)
    try:
        answer = await site.call(
            session,
            "cases",
            "POST",
            f"/drafts/{draft_id}/submission",
            headers={"idempotency-key": "submission-{}-{}".format(draft_id, seen.strip('"')), "if-match": seen},
        )
    except ServiceProblem as error:
        if error.kind not in (Kind.INVALID, Kind.CONFLICT, Kind.PRECONDITION_FAILED):
            raise
        application = await opened(site, session, draft_id)
        if application.draft["status"] == "submitted":
            return see_other(f"/cases/{application.draft['case_id']}/submitted")
        changed = error.kind is not Kind.INVALID
        note = _("这份草稿刚在别处改过，请再核对一遍。") if changed else ""
        if error.slug in NOT_TAKEN:
            told = _("这个事项暂停办理") if error.slug == "item-suspended" else _("这个事项停办了")
            note = " ".join(
                filter(None, [_("%(why)s，现在交不了。您填的都已存好。") % {"why": told}, reason_of(error)])
            )
        status = 409 if changed else 422
        return await _show(request, site, session, application, problems=error.fields, note=note, status=status)
    except ServiceAway:
        application = await opened(site, session, draft_id)
        note = _("系统这会儿没有收下。您填的都已存好，过一会儿再交一次，不会交成两件。")
        return await _show(request, site, session, application, note=note, status=503)
    return see_other(f"/cases/{answer.body['id']}/submitted")


async def _show(
    request: Request,
    site: Site,
    session: Session,
    application: Application,
    *,
    problems: Sequence[FieldProblem] = (),
    note: str = "",
    status: int = 200,
) -> Response:
    draft = application.draft
    listed = [*problems] or [FieldProblem(each["field"], each["reason"], "") for each in draft["problems"]]
    groups: list[dict[str, Any]] = []
    wrong: list[tuple[str, str]] = []
    for page in application.pages:
        on_page = forms.problems_on(page, listed, draft["answers"])
        wrong += [(f"row-{field.name}", words) for field, words in on_page]
        words_of = {field.name: words for field, words in on_page}
        rows = [
            {
                "id": f"row-{field.name}",
                "label": field.label,
                "value": forms.in_words(field, draft["answers"].get(field.name)),
                "href": f"{application.address(page.id)}?back=check#{field.id}",
                "error": words_of.get(field.name, ""),
            }
            for field in page.fields
        ]
        groups.append({"title": page.title, "rows": rows})
    wrong += [("row-materials", _("还没有上传：%(name)s") % {"name": name}) for name in missing(application)]
    files: dict[str, list[Any]] = {}
    for each in draft["materials"]:
        files.setdefault(each["material"], []).append(each)
    values = {
        "application": application,
        "draft": draft,
        "item": application.item,
        "groups": groups,
        "materials": [
            {"name": pick(each["name"]), "files": files.get(each["id"], []), "required": each["required"]}
            for each in application.item["materials"]
        ],
        "summary": wrong,
        # A page that is only opened shows what is missing as rows; an error summary is for what was tried.
        "tried": bool(problems) or status != 200,
        "note": note,
        "number": len(application.step_names),
        "applicant": session.name,
    }
    return await site.pages.render(request, "portal/check.html", values, status=status)
