"""Applying: one thing per page, saved at each step; nothing typed is lost whatever goes wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.domain.sessions import Session
from services.gateway.errors import ServiceAway, ServiceProblem
from services.gateway.surfaces.base import Site, key_of, path_id, see_other, version_of
from services.gateway.surfaces.common import forms
from services.gateway.surfaces.common import guide as guides
from services.kit.errors import Kind
from services.kit.ids import new_id
from services.kit.pages import gettext as _
from services.kit.pages import pick

Draft = Mapping[str, Any]
NOT_TAKEN: Final = ("item-suspended", "item-retired")
"""Why an item takes no applications, for a time or for good."""


@dataclass(frozen=True, slots=True)
class Application:
    """A draft with the item's version that it stands on, and its pages."""

    draft: Draft
    item: Mapping[str, Any]
    pages: Sequence[forms.FormPage]

    @property
    def id(self) -> str:
        return str(self.draft["id"])

    @property
    def step_names(self) -> list[str]:
        """Every step by its name, the last two being the same for all."""
        names = [page.title for page in self.pages]
        if self.item["materials"]:
            names.append(_("材料"))
        return [*names, _("核对提交")]

    @property
    def names(self) -> dict[tuple[str, str], str]:
        """What a notice may ask for, by kind and id."""
        found = {("material", str(each["id"])): pick(each["name"]) for each in self.item["materials"]}
        return found | {("field", field.name): field.label for page in self.pages for field in page.fields}

    def address(self, page: str) -> str:
        return f"/apply/{self.id}/pages/{page}"

    def after(self, page: str) -> str:
        """Where a saved page leads to."""
        ids = [each.id for each in self.pages]
        following = ids[ids.index(page) + 1 :] if page in ids else []
        if following:
            return self.address(following[0])
        return f"/apply/{self.id}/materials" if self.item["materials"] else f"/apply/{self.id}/check"

    def before(self, page: str) -> str:
        """Where 返回上一步 leads to."""
        ids = [each.id for each in self.pages]
        index = ids.index(page) if page in ids else len(ids)
        return self.address(ids[index - 1]) if index > 0 else f"/items/{self.item['code']}"


async def opened(site: Site, session: Session, draft_id: str) -> Application:
    """The application of a draft. Raises ServiceProblem (404 for somebody else's)."""
    draft = await site.get(session, "cases", f"/drafts/{draft_id}")
    return await of_draft(site, draft)


async def of_draft(site: Site, draft: Draft) -> Application:
    """The same for a draft that was read already."""
    item = await site.get(None, "catalog", f"/items/{draft['item']['code']}/versions/{draft['item']['version']}")
    return Application(draft, item, forms.pages_of(item["form"], draft["answers"]))


async def start(request: Request) -> Response:
    """Before a new draft: what it takes, and the drafts of this item that are there already."""
    site = Site.of(request)
    session = await site.signed_in(request)
    code = path_id(request, "code")
    item = await site.get(None, "catalog", f"/items/{code}")
    if not (standing := guides.standing(item)).can_apply:
        told = {"title": standing.title, "words": standing.words, "href": f"/items/{code}", "button": _("看办事指南")}
        return await site.pages.render(request, "gateway/notice.html", told, status=409)
    drafts = await site.get(session, "cases", "/drafts", limit=100)
    mine = [draft for draft in drafts["items"] if draft["item"]["code"] == code and not draft["amends"]]
    pages = forms.pages_of(item["form"], {})
    values = {"item": item, "drafts": mine, "pages": pages, "key": new_id()}
    return await site.pages.render(request, "portal/apply-start.html", values)


async def begin(request: Request) -> Response:
    """A new draft; the form's key makes a double click one draft."""
    site = Site.of(request)
    code = path_id(request, "code")
    session = await site.signed_in(request)
    form = await site.form(request)
    try:
        answer = await site.call(
            session,
            "cases",
            "POST",
            "/drafts",
            json={"item_code": code},
            headers={"idempotency-key": key_of(form.text("key", 100))},
        )
    except ServiceProblem as error:
        if error.slug == "item-not-found":
            # The catalogue has it, or this raises: then those who handle cases have not heard of it yet.
            await site.get(None, "catalog", f"/items/{code}")
        elif error.slug not in ("too-many-drafts", *NOT_TAKEN):
            raise
        return await site.pages.render(request, "gateway/notice.html", _not_begun(error, code), status=409)
    return see_other(f"/apply/{answer.body['id']}")


def reason_of(error: ServiceProblem) -> str:
    """Why the item takes no applications, as its officers say it."""
    reason = error.members.get("reason")
    return _("原因：%(reason)s") % {"reason": reason} if isinstance(reason, str) and reason else ""


def _not_begun(error: ServiceProblem, code: str) -> dict[str, str]:
    """Why no draft can be begun, and the way on."""
    if error.slug == "item-not-found":
        words = _("过一会儿就能办，一般不到一分钟。")
        here = f"/items/{code}/apply"
        return {"title": _("这个事项刚刚公布"), "words": words, "href": here, "button": _("再开始一次")}
    if error.slug == "item-suspended":
        words = reason_of(error) or _("过些时候再来，或者打 12345 问。")
        return {"title": _("这个事项暂停办理"), "words": words, "href": "/items", "button": _("去找事项")}
    if error.slug == "too-many-drafts":
        words = _("没填完的草稿已经够多了。请先交掉几份，或者删掉不办的，再开始新的。")
        return {"title": _("草稿太多了"), "words": words, "href": "/cases", "button": _("看我的草稿")}
    words = reason_of(error) or _("这个事项现在不办了，可能换了别的事项。搜一搜，或者打 12345 问。")
    return {"title": _("这个事项停办了"), "words": words, "href": "/items", "button": _("去找事项")}


async def resume(request: Request) -> Response:
    """Go on where it stopped: the first page with something missing or asked for, else materials, else the check."""
    site = Site.of(request)
    session = await site.signed_in(request)
    application = await opened(site, session, path_id(request, "draft_id"))
    if application.draft["status"] == "submitted":
        return see_other(f"/cases/{application.draft['case_id']}/submitted")
    missing = {str(problem["field"]).strip("/").replace("/", ".") for problem in application.draft["problems"]}
    gaps = (application.draft["notice"] or {"gaps": ()})["gaps"]
    asked = {f"answers.{gap['field']}" for gap in gaps if gap.get("field")}
    for wanted in (missing, asked):
        for each in application.pages:
            if any(f"answers.{field.name}" in wanted for field in each.fields):
                return see_other(application.address(each.id))
    asked_for = any(gap.get("material") for gap in gaps)
    if application.item["materials"] and (asked_for or not application.draft["materials"]):
        return see_other(f"/apply/{application.id}/materials")
    return see_other(f"/apply/{application.id}/check")


async def page(request: Request) -> Response:
    """One page of the form, filled with what is saved, or with what a sign-in in between held."""
    site = Site.of(request)
    session = await site.signed_in(request)
    application = await opened(site, session, path_id(request, "draft_id"))
    if application.draft["status"] == "submitted":
        return see_other(f"/cases/{application.draft['case_id']}/submitted")
    shown = _page_of(application, path_id(request, "page"))
    answers = dict(application.draft["answers"])
    note = ""
    if (held := await site.held(request, session)) is not None:
        answers |= forms.posted(shown, held)
        note = _("您退出前填的都在这里，看一眼再存。")
    return await _show(request, site, application, shown, answers, note=note)


async def save(request: Request) -> Response:
    """Save one page. What is wrong comes back on the same page, filled as it was typed."""
    site = Site.of(request)
    draft_id, page_id = path_id(request, "draft_id"), path_id(request, "page")
    form = await site.form(request)
    session = await site.signed_in(request)
    seen = version_of(form)
    application = await opened(site, session, draft_id)
    if application.draft["status"] == "submitted":
        return see_other(f"/cases/{application.draft['case_id']}/submitted")
    shown = _page_of(application, page_id)
    answers = forms.posted(shown, form)
    later = form.text("later", 1) == "1"
    to_check = form.text("back", 10) == "check"
    try:
        answer = await site.call(
            session,
            "cases",
            "PUT",
            f"/drafts/{draft_id}/pages/{page_id}",
            json={"answers": answers, "later": later},
            headers={"if-match": seen},
        )
        saved = await of_draft(site, answer.body)
    except ServiceProblem as error:
        if error.kind is Kind.INVALID:
            wrong = forms.problems_on(shown, error.fields, answers)
            version = error.members.get("version", seen.strip('"'))
            return await _show(request, site, application, shown, answers, wrong=wrong, version=version, status=422)
        if error.kind is not Kind.PRECONDITION_FAILED:
            raise
        saved = await opened(site, session, draft_id)
        if not _same(saved, shown, answers):
            # Saved elsewhere meanwhile (another tab, the kiosk): show what was typed here over what is there now.
            note = _("这份草稿刚在别处改过。下面是您在这里填的，看一眼再存。")
            return await _show(request, site, saved, shown, answers, note=note, status=409)
        # The save before this one came through, and only its answer was lost.
    except ServiceAway:
        note = _("系统这会儿没有存上。您填的还在这一页，过一会儿再存一次。")
        version = seen.strip('"')
        return await _show(request, site, application, shown, answers, note=note, version=version, status=503)
    if later:
        return see_other("/cases")
    if to_check and not _newly_asked(application, saved):
        return see_other(f"/apply/{draft_id}/check")
    return see_other(saved.after(page_id))


async def ask_discard(request: Request) -> Response:
    """Ask before a draft is given up."""
    site = Site.of(request)
    session = await site.signed_in(request)
    draft = await site.get(session, "cases", f"/drafts/{path_id(request, 'draft_id')}")
    return await site.pages.render(request, "portal/discard.html", {"draft": draft})


async def discard(request: Request) -> Response:
    """Give a draft up, with its files."""
    site = Site.of(request)
    session = await site.signed_in(request)
    await site.form(request)
    await site.call(session, "cases", "DELETE", f"/drafts/{path_id(request, 'draft_id')}")
    return see_other("/cases")


def _newly_asked(before: Application, after: Application) -> bool:
    """Whether an answer brought up a page that was not there before: then the check must wait for it."""
    return {page.id for page in after.pages} > {page.id for page in before.pages}


def _page_of(application: Application, page_id: str) -> forms.FormPage:
    for each in application.pages:
        if each.id == page_id:
            return each
    raise HTTPException(404)


def _same(stored: Application, page: forms.FormPage, answers: Mapping[str, Any]) -> bool:
    """Whether the draft holds just these answers on this page."""
    return all(stored.draft["answers"].get(field.name) == answers.get(field.name) for field in page.fields)


async def _show(
    request: Request,
    site: Site,
    application: Application,
    shown: forms.FormPage,
    answers: Mapping[str, Any],
    *,
    wrong: Sequence[tuple[forms.Field, str]] = (),
    note: str = "",
    version: Any = None,
    status: int = 200,
) -> Response:
    session = await site.session(request)
    values = {
        "application": application,
        "draft": application.draft,
        "item": application.item,
        "page": shown,
        "number": [each.id for each in application.pages].index(shown.id) + 1,
        "values": {field.name: forms.shown(field, answers.get(field.name)) for field in shown.fields},
        "errors": {field.name: words for field, words in wrong},
        "summary": [(field.id, words) for field, words in wrong],
        "note": note,
        "version": version or application.draft["version"],
        "back": "check" if request.query_params.get("back") == "check" else "",
        "owner": session.subject if session else "",
    }
    return await site.pages.render(request, "portal/apply-page.html", values, status=status)
