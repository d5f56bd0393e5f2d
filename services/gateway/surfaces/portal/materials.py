"""Uploading materials: one form for each, no script needed; a file streams through to the case service."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.errors import ServiceAway, ServiceProblem
from services.gateway.surfaces.base import Site, key_of, path_id, see_other
from services.gateway.surfaces.common import files
from services.gateway.surfaces.common.uploads import Upload
from services.gateway.surfaces.portal.apply import Application, opened
from services.kit.errors import Kind, Malformed, TooLarge
from services.kit.ids import new_id
from services.kit.pages import gettext as _
from services.kit.pages import pick
from services.kit.pages.dates import size_text

KINDS = {"application/pdf": "PDF", "image/jpeg": "JPG", "image/png": "PNG"}


async def page(request: Request) -> Response:
    """The materials of the item, what was uploaded, and a form for each."""
    site = Site.of(request)
    session = await site.signed_in(request)
    application = await opened(site, session, path_id(request, "draft_id"))
    if application.draft["status"] == "submitted":
        return see_other(f"/cases/{application.draft['case_id']}/submitted")
    return await _show(request, site, application)


async def upload(request: Request) -> Response:
    """Take one file. The form's token comes before the file, and is checked before a byte of it goes on."""
    site = Site.of(request)
    draft_id, material = path_id(request, "draft_id"), path_id(request, "material")
    site.pages.forms.check_site(request)
    session = await site.signed_in(request)
    received = Upload(request, site.upload_bytes)
    problem = ""
    try:
        await received.begin()
        site.pages.forms.check(request, received.token)
        if received.told_too_large:
            raise TooLarge
        if received.empty:
            problem = _("请先选一个文件")
        else:
            await site.call(
                session,
                "cases",
                "POST",
                f"/drafts/{draft_id}/materials/{material}",
                content=received.content(),
                headers={
                    "content-type": "application/octet-stream",
                    "content-disposition": received.disposition,
                    "idempotency-key": key_of(received.fields.get("key", "")),
                },
            )
    except ServiceProblem as error:
        if error.kind in (Kind.NOT_FOUND, Kind.UNAUTHENTICATED, Kind.FORBIDDEN):
            raise
        problem = refusal(error, received.filename)
    except TooLarge:
        problem = _("“%(name)s”太大，这里最多收 %(size)s") % {
            "name": received.filename[:60] or _("文件"),
            "size": size_text(site.upload_bytes),
        }
    except ServiceAway:
        problem = _("“%(name)s”没有存上：系统没有回应。请过一会儿再传。") % {"name": received.filename}
    if not problem:
        return see_other(f"/apply/{draft_id}/materials#m-{material}")
    # A browser that is still sending would show a broken connection instead of the answer.
    await received.drain()
    application = await opened(site, session, draft_id)
    return await _show(request, site, application, wrong=[(material, problem)], status=422)


def refusal(error: ServiceProblem, filename: str) -> str:
    """Why a file was not taken: names the file and the way out."""
    values = {"name": filename[:60] or _("文件")}
    if error.kind is Kind.TOO_LARGE:
        return _("“%(name)s”太大，请压缩或拆开再传") % values
    if error.kind is Kind.UNSUPPORTED:
        return _("“%(name)s”不是可以收的格式，请换成要求的格式再传") % values
    if error.kind is Kind.CONFLICT:
        return _("“%(name)s”没有存上：这一样的文件已经够了，或者已经交过。请先拿掉一份再传。") % values
    return _("“%(name)s”没有存上，请换一个文件再传") % values


async def file(request: Request) -> Response:
    """A file of the draft, as it was uploaded."""
    site = Site.of(request)
    session = await site.signed_in(request)
    names = (path_id(request, name) for name in ("draft_id", "material", "file_id"))
    return await files.pass_on(site, session, "/drafts/{}/materials/{}/{}".format(*names), request=request)


async def remove(request: Request) -> Response:
    """Take a file out of the draft."""
    site = Site.of(request)
    session = await site.signed_in(request)
    await site.form(request)
    draft_id, material, file_id = (path_id(request, name) for name in ("draft_id", "material", "file_id"))
    await site.call(session, "cases", "DELETE", f"/drafts/{draft_id}/materials/{material}/{file_id}")
    return see_other(f"/apply/{draft_id}/materials#m-{material}")


async def _show(
    request: Request,
    site: Site,
    application: Application,
    *,
    wrong: Sequence[tuple[str, str]] = (),
    status: int = 200,
) -> Response:
    files_of: dict[str, list[Any]] = {}
    for each in application.draft["materials"]:
        files_of.setdefault(each["material"], []).append(each)
    rows = [
        {
            "material": material,
            "files": files_of.get(material["id"], []),
            "full": len(files_of.get(material["id"], [])) >= material["max_files"],
            "accept": ",".join(material["media_types"]),
            "takes": _("、").join(KINDS.get(kind, kind) for kind in material["media_types"]),
            "most": size_text(material["max_bytes"]),
            "key": new_id(),
            "error": dict(wrong).get(material["id"], ""),
        }
        for material in application.item["materials"]
    ]
    if wrong and not any(row["error"] for row in rows):
        raise Malformed("the item has no such material")
    values = {
        "application": application,
        "draft": application.draft,
        "item": application.item,
        "rows": rows,
        "gaps": _gaps(application),
        "summary": [(f"f-{material}", words) for material, words in wrong],
        "number": len(application.step_names) - 1,
    }
    return await site.pages.render(request, "portal/materials.html", values, status=status)


def _gaps(application: Application) -> dict[str, str]:
    """What the notice asked for, by material: an amendment says it beside each."""
    notice = application.draft.get("notice")
    return {gap["material"]: gap["what"] for gap in notice["gaps"] if gap.get("material")} if notice else {}


def missing(application: Application) -> list[str]:
    """Names of required materials without a file."""
    there = {each["material"] for each in application.draft["materials"]}
    return [
        pick(each["name"]) for each in application.item["materials"] if each["required"] and each["id"] not in there
    ]
