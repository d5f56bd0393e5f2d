"""What people search for without finding it, and the synonyms that mend it."""

from collections.abc import Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.errors import ServiceProblem
from services.gateway.surfaces.base import Site, see_other, version_of
from services.gateway.surfaces.desk.catalogue import officer, words
from services.gateway.surfaces.desk.catalogue.officer import Officer, Problem
from services.gateway.surfaces.desk.catalogue.view import LIMITS
from services.kit.errors import Kind
from services.kit.pages import gettext as _


async def page(request: Request) -> Response:
    """The words that found nothing, by how often; for the registrar the synonyms besides."""
    who = await officer.entered(request)
    held = await who.site.held(request, who.session)
    return await _page(who, officer.typed_of(held) if held else None)


async def keep(request: Request) -> Response:
    """Keep the synonyms: a line each, people's word = the items' word."""
    site = Site.of(request)
    form = await site.form(request, **LIMITS)
    who = await officer.entered(request)
    typed = officer.typed_of(form)
    pairs, wrong = _pairs(typed.get("synonyms", ""))
    reason = officer.reason_of(typed, wrong)
    if wrong:
        return await _page(who, typed, wrong, status=422)
    body = {"synonyms": pairs, "reason": reason}
    try:
        await who.send("PUT", "/search/synonyms", json=body, headers={"if-match": version_of(form)})
    except ServiceProblem as error:
        if error.kind not in (Kind.INVALID, Kind.CONFLICT, Kind.FORBIDDEN, Kind.PRECONDITION_FAILED):
            raise
        told = [("f-synonyms", each.detail or each.reason) for each in error.fields[:10]]
        return await _page(who, typed, told, refused=None if told else words.refusal(error), status=error.status)
    return see_other("/catalogue/misses?done=synonyms")


def _pairs(typed: str) -> tuple[list[dict[str, str]], list[Problem]]:
    found, bad = officer.pairs_of(typed)
    if bad is not None:
        return [], [("f-synonyms", _("第 %(num)d 行要写成“大家的词 = 事项的词”") % {"num": bad})]
    return [{"word": word, "means": means} for word, means in found], []


async def _page(
    who: Officer,
    typed: Mapping[str, str] | None,
    wrong: Sequence[Problem] = (),
    *,
    refused: tuple[str, str] | None = None,
    status: int = 200,
) -> Response:
    cursor = officer.cursor_of(who.request)
    page = await who.get("/search/misses", cursor=cursor, limit=100)
    registrar, written, version = who.may("registrar"), "", ""
    if registrar:
        kept = await who.send("GET", "/search/synonyms")
        written = "\n".join(f"{each['word']} = {each['means']}" for each in kept.body["synonyms"])
        version = kept.etag.strip('"')
    shown = {
        "rows": page["items"],
        "next": officer.address("/catalogue/misses", cursor=page["next"]) if page["next"] else "",
        "first": "/catalogue/misses" if cursor else "",
        "registrar": registrar,
        "version": version,
        "typed": typed if typed is not None else {"synonyms": written},
        "errors": dict(wrong),
        "summary": list(wrong),
        "refused": refused,
    }
    return await who.show("misses", shown, current="misses", status=status)
