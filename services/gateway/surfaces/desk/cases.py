"""The case page at the desk. Opening it is recorded with its purpose, and the applicant can read who, when and why."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.domain.sessions import Session
from services.gateway.errors import ServiceProblem
from services.gateway.surfaces.base import Site, path_id, see_other
from services.gateway.surfaces.common import casework, files, forms
from services.gateway.surfaces.desk import queues, words
from services.kit.errors import Kind
from services.kit.ids import new_id
from services.kit.pages import gettext as _

LONGEST_REASON = 500
Case = Mapping[str, Any]


async def case(request: Request) -> Response:
    """The case, opened for one of the officer's own steps; without one an enquiry asks why."""
    site = Site.of(request)
    session = await site.signed_in(request)
    case_id = path_id(request, "case_id")
    purpose = request.query_params.get("purpose", "")
    if purpose not in words.PURPOSES:
        return see_other(f"/cases/{case_id}/enquiry")
    try:
        found = await opened(site, session, case_id, purpose)
    except ServiceProblem as error:
        if error.kind is not Kind.FORBIDDEN:
            raise
        # Not this officer's duty: it can still be opened with a reason.
        return see_other(f"/cases/{case_id}/enquiry")
    done = words.done(request.query_params.get("done", ""))
    return await show(request, site, session, found, purpose, done=done)


async def ask_reason(request: Request) -> Response:
    """Ask why the case is opened, before it is."""
    site = Site.of(request)
    session = await site.signed_in(request)
    held = await site.held(request, session)
    return await ask(request, site, session, path_id(request, "case_id"), held.text("reason", 20_000) if held else "")


async def enquire(request: Request) -> Response:
    """Open the case for the reason given. The answer is the page itself: a reason has no place in an address."""
    site = Site.of(request)
    case_id = path_id(request, "case_id")
    form = await site.form(request)
    session = await site.signed_in(request)
    reason = form.text("reason", 20_000)
    error = _("请写明为什么要看") if not reason else ""
    if len(reason) > LONGEST_REASON:
        error = _("原因最多 %(most)d 个字，您写了 %(num)d 个") % {"most": LONGEST_REASON, "num": len(reason)}
    if error:
        return await ask(request, site, session, case_id, reason, error)
    found = await opened(site, session, case_id, "enquiry", reason)
    return await show(request, site, session, found, "enquiry", reason=reason)


async def file(request: Request) -> Response:
    """A material, opened for one of the officer's own steps."""
    site = Site.of(request)
    session = await site.signed_in(request)
    case_id, file_id = path_id(request, "case_id"), path_id(request, "file_id")
    purpose = request.query_params.get("purpose", "")
    if purpose not in words.PURPOSES:
        return see_other(f"/cases/{case_id}/enquiry")
    path = f"/desk/cases/{case_id}/materials/{file_id}"
    try:
        return await files.pass_on(site, session, path, {"purpose": purpose}, request=request)
    except ServiceProblem as error:
        if error.kind is not Kind.FORBIDDEN:
            raise
        # The case has moved on since its page was opened: a reason is asked now.
        return see_other(f"/cases/{case_id}/enquiry")


async def enquired_file(request: Request) -> Response:
    """A material, opened for the reason that the case was opened for."""
    site = Site.of(request)
    case_id, file_id = path_id(request, "case_id"), path_id(request, "file_id")
    form = await site.form(request)
    request.state.after_sign_in = f"/cases/{case_id}/enquiry"
    session = await site.signed_in(request)
    reason = form.text("reason", LONGEST_REASON)
    if not reason:
        return see_other(f"/cases/{case_id}/enquiry")
    path = f"/desk/cases/{case_id}/materials/{file_id}"
    return await files.pass_on(site, session, path, {"purpose": "enquiry", "reason": reason}, request=request)


async def opened(site: Site, session: Session, case_id: str, purpose: str, reason: str = "") -> Case:
    """The case; the service records who opened it and why. Raises ServiceProblem (404; 403: not their turn)."""
    found: Case = await site.get(session, "cases", f"/desk/cases/{case_id}", purpose=purpose, reason=reason)
    return found


async def show(
    request: Request,
    site: Site,
    session: Session,
    found: Case,
    purpose: str,
    *,
    reason: str = "",
    done: str = "",
    refused: tuple[str, str] | None = None,
    act: str = "",
    typed: Mapping[str, str] | None = None,
    wrong: Sequence[tuple[str, str]] = (),
    status: int = 200,
) -> Response:
    """The case page; `act`, `typed` and `wrong` where a form comes back, filled as it was typed."""
    waiting = await queues.counts(site, session)
    code, version = found["item"]["code"], found["item"]["version"]
    item = await site.get_or(None, None, "catalog", f"/items/{code}/versions/{version}")
    answers = found["answers"]
    pages = forms.pages_of(item["form"], answers) if item else []
    typed = typed or {}
    values = {
        "case": found,
        "waiting": waiting,
        "queue": purpose if purpose in waiting.queues else "",
        "query": "",
        "purpose": purpose,
        "reason": reason,
        "done": done,
        "refused": refused,
        "act": act,
        "typed": typed,
        "errors": dict(wrong),
        "summary": list(wrong),
        "words": words,
        "clock": casework.clock(found),
        "trail": words.trail(found),
        "pages": [
            (page.title, [(f.label, forms.in_words(f, answers.get(f.name))) for f in page.fields]) for page in pages
        ],
        "raw": [] if item else list(answers.items()),
        "material_names": {each["id"]: each["name"] for each in item["materials"]} if item else {},
        "field_names": {field.name: field.label for page in pages for field in page.fields},
        "askable": _askable(item, pages),
        "key": new_id(),
        "owner": session.subject,
        # Who took the case in sees why the decision is not offered to them.
        "separated": found["status"] == "reviewed" and waiting.shows("decision") and "decide" not in found["actions"],
    }
    return await site.pages.render(request, "desk/case.html", values, status=status)


def _askable(item: Mapping[str, Any] | None, pages: Sequence[forms.FormPage]) -> list[tuple[str, str, Any]]:
    """What a notice can ask for: form name, kind, label. Materials first, then the questions of the form."""
    found: list[tuple[str, str, Any]] = [
        (f"material.{each['id']}", "material", each["name"]) for each in (item or {"materials": ()})["materials"]
    ]
    found += [(f"field.{field.name}", "field", field.label) for page in pages for field in page.fields]
    return found


async def ask(
    request: Request,
    site: Site,
    session: Session,
    case_id: str,
    reason: str = "",
    error: str = "",
    *,
    refused: tuple[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    """The page that asks why; after an act that was refused it says so, and shows what had been typed for it."""
    values = {
        "refused": refused,
        "typed": typed or {},
        "case_id": case_id,
        "reason": reason,
        "error": error,
        "waiting": await queues.counts(site, session),
        "queue": "",
        "query": "",
    }
    return await site.pages.render(request, "desk/enquiry.html", values, status=422 if error else status)
