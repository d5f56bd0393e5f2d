"""The citizen's cases: list, case page with clock and timeline, who opened it, withdrawal, amendment, result."""

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.domain.sessions import Session
from services.gateway.errors import ServiceProblem
from services.gateway.surfaces.base import Site, key_of, part_asked, path_id, see_other
from services.gateway.surfaces.common import casework, files, forms
from services.kit.errors import Kind
from services.kit.pages import gettext as _

WITHDRAWABLE = ("submitted", "returned", "accepted", "reviewed")
LONGEST_REASON = 500


async def listing(request: Request) -> Response:
    """Drafts and cases, newest first."""
    site = Site.of(request)
    session = await site.signed_in(request)
    cursor = request.query_params.get("cursor", "")[:500]
    drafts, cases = await asyncio.gather(
        site.get(session, "cases", "/drafts", limit=50),
        site.get(session, "cases", "/cases", limit=20, cursor=cursor),
    )
    values = {
        "drafts": [] if cursor else drafts["items"],
        "cases": cases["items"],
        "next": cases["next"],
        "continued": bool(cursor),
    }
    return await site.pages.render(request, "portal/cases.html", values)


async def case(request: Request) -> Response:
    """The case page; asked for by htmx, only the part that lives."""
    site = Site.of(request)
    session = await site.signed_in(request)
    found = await read(site, session, path_id(request, "case_id"))
    part = part_asked(request, "live")
    values = await _values(site, session, found)
    return await site.pages.render(request, "portal/case-live.html" if part else "portal/case.html", values)


async def read(site: Site, session: Session, case_id: str) -> Mapping[str, Any]:
    """One case of the one who is signed in. Raises ServiceProblem (404 for somebody else's)."""
    found: Mapping[str, Any] = await site.get(session, "cases", f"/cases/{case_id}")
    return found


async def _values(site: Site, session: Session, found: Mapping[str, Any]) -> dict[str, Any]:
    accesses = await site.get_or({"items": []}, session, "cases", f"/cases/{found['id']}/accesses", limit=100)
    values: dict[str, Any] = {
        "case": found,
        "clock": casework.clock(found),
        "trail": casework.timeline(found),
        "accesses": accesses["items"],
        "more_accesses": bool(accesses.get("next")),
        "withdrawable": found["status"] in WITHDRAWABLE,
        "amendment_key": f"amendment-{found['id']}-{found['version']}",
        "contact": None,
        "given": [],
        "material_names": {},
    }
    code, version = found["item"]["code"], found["item"]["version"]
    item = await site.get_or(None, None, "catalog", f"/items/{code}/versions/{version}")
    if item is not None:
        values["contact"] = item.get("contact")
        values["material_names"] = {each["id"]: each["name"] for each in item["materials"]}
        answers = found["answers"]
        values["given"] = [
            (field.label, forms.in_words(field, answers.get(field.name)))
            for page in forms.pages_of(item["form"], answers)
            for field in page.fields
        ]
    return values


async def confirmation(request: Request) -> Response:
    """Handed in: number, what happens next, by when. Opened again it says the same."""
    site = Site.of(request)
    session = await site.signed_in(request)
    found = await read(site, session, path_id(request, "case_id"))
    values = {"case": found, "coming": casework.to_come(found)}
    return await site.pages.render(request, "portal/submitted.html", values)


async def accesses(request: Request) -> Response:
    """Who of the staff opened the case, when and why, one by one."""
    site = Site.of(request)
    session = await site.signed_in(request)
    case_id = path_id(request, "case_id")
    cursor = request.query_params.get("cursor", "")[:500]
    found, listed = await asyncio.gather(
        read(site, session, case_id),
        site.get(session, "cases", f"/cases/{case_id}/accesses", limit=50, cursor=cursor),
    )
    values = {"case": found, "accesses": listed["items"], "next": listed["next"], "continued": bool(cursor)}
    return await site.pages.render(request, "portal/accesses.html", values)


async def ask_withdrawal(request: Request) -> Response:
    """Ask before an application is taken back."""
    site = Site.of(request)
    session = await site.signed_in(request)
    found = await read(site, session, path_id(request, "case_id"))
    if found["status"] not in WITHDRAWABLE:
        return see_other(f"/cases/{found['id']}")
    held = await site.held(request, session)
    reason = held.text("reason", 20_000) if held else ""
    return await site.pages.render(request, "portal/withdrawal.html", {"case": found, "reason": reason, "error": ""})


async def withdraw(request: Request) -> Response:
    """Take the application back."""
    site = Site.of(request)
    case_id = path_id(request, "case_id")
    form = await site.form(request)
    session = await site.signed_in(request)
    reason = form.text("reason", 20_000)
    if len(reason) > LONGEST_REASON:
        found = await read(site, session, case_id)
        error = _("原因最多 %(most)d 个字，您写了 %(num)d 个") % {"most": LONGEST_REASON, "num": len(reason)}
        values = {"case": found, "reason": reason, "error": error}
        return await site.pages.render(request, "portal/withdrawal.html", values, status=422)
    try:
        await site.call(session, "cases", "POST", f"/cases/{case_id}/withdrawal", json={"reason": reason or None})
    except ServiceProblem as error:
        # Decided or withdrawn meanwhile: the case page says what is so.
        if error.kind is not Kind.CONFLICT:
            raise
    return see_other(f"/cases/{case_id}")


async def amend(request: Request) -> Response:
    """Begin to hand in what the notice asks for, with everything that was given before."""
    site = Site.of(request)
    session = await site.signed_in(request)
    case_id = path_id(request, "case_id")
    form = await site.form(request)
    key = key_of(form.text("key", 100))
    try:
        answer = await site.call(
            session, "cases", "POST", f"/cases/{case_id}/amendment", headers={"idempotency-key": key}
        )
    except ServiceProblem as error:
        if error.kind is not Kind.CONFLICT:
            raise
        return see_other(f"/cases/{case_id}")
    return see_other(f"/apply/{answer.body['id']}")


async def file(request: Request) -> Response:
    """A file that was handed in."""
    site = Site.of(request)
    session = await site.signed_in(request)
    case_id, file_id = path_id(request, "case_id"), path_id(request, "file_id")
    return await files.pass_on(site, session, f"/cases/{case_id}/materials/{file_id}", request=request)


async def result(request: Request) -> Response:
    """The delivered decision."""
    site = Site.of(request)
    session = await site.signed_in(request)
    return await files.pass_on(site, session, f"/cases/{path_id(request, 'case_id')}/result", request=request)
