"""Organisations (机构): the tree, one of them with its functions, the form that changes it."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.errors import ServiceProblem
from services.gateway.surfaces.base import Site, see_other
from services.gateway.surfaces.desk.catalogue import asked, officer, refusals, sheet, words
from services.gateway.surfaces.desk.catalogue.officer import Officer, Problem
from services.gateway.surfaces.desk.catalogue.sheet import Ask, Flat, Part, Rows
from services.gateway.surfaces.desk.catalogue.view import LIMITS, ROW_ACTS, View, rowed
from services.kit.errors import Kind
from services.kit.pages import gettext as _
from services.kit.pages import pick

PER_PAGE = 100
MEMBERS = ("name", "division", "uscc", "uscc_proof", "kind", "level", "parent", "functions")
_TOLD = (Kind.INVALID, Kind.CONFLICT, Kind.FORBIDDEN, Kind.PRECONDITION_FAILED, Kind.PRECONDITION_REQUIRED)


def parts() -> tuple[Part, ...]:
    """The form of an organisation."""
    kinds = (("organ", _("政府机关")), ("enterprise", _("公共企事业单位")))
    levels = (_("国家级"), _("省级"), _("市级"), _("县级"), _("乡级"), _("村级"), _("按层级"))
    own = (
        *asked.both("name", _("名称"), required=True),
        Ask("division", "line", _("区划代码"), _("12 位（GB/T 2260）"), required=True),
        Ask("uscc", "line", _("统一社会信用代码"), _("18 位（GB 32100）")),
        Ask("uscc_proof", "line", _("代码的凭据"), _("校验不过、但确实发过的代码，写明凭什么")),
        Ask("kind", "choice", _("种类"), options=kinds, required=True),
        Ask("level", "number", _("层级"), options=tuple((str(n), name) for n, name in enumerate(levels, 1))),
        Ask("parent", "line", _("上级机构的编号")),
    )
    row = (
        Ask("id", "line", _("编号"), required=True),
        *asked.both("name", _("职能"), required=True),
        *asked.basis("basis"),
        Ask("items", "codes", _("由它产生的基本目录"), _("事项编码，用空格隔开")),
        *asked.both("reason", _("没有事项的原因")),
    )
    rows = Rows("functions", _("职能"), row, key="id", title="name.zh", fresh={"id": "f"})
    return (
        Part("own", _("机构"), asks=own),
        Part("duties", _("职能"), _("三定规定里的职能；哪些应当有事项，从这里算。"), rows=rows),
    )


async def tree(request: Request) -> Response:
    """The organisations below one, or those that have none above; or those found by name or code."""
    who = await officer.entered(request)
    query = request.query_params.get("q", "").strip()[:100]
    cursor = officer.cursor_of(request)
    page = await who.get("/organisations", q=query, cursor=cursor, limit=PER_PAGE)
    following = officer.address("/catalogue/organisations", q=query, cursor=page["next"]) if page["next"] else ""
    shown = {
        "query": query,
        "rows": branches(page["items"]),
        "registrar": who.may("registrar"),
        "next": following,
        "first": officer.address("/catalogue/organisations", q=query) if cursor else "",
    }
    return await who.show("organisations", shown, current="organisations")


def branches(found: Sequence[Mapping[str, Any]]) -> list[tuple[int, Mapping[str, Any]]]:
    """Each organisation with its depth, below its parent where that is on the same page."""
    here = {each["id"] for each in found}
    below: dict[str, list[Mapping[str, Any]]] = {}
    for each in found:
        parent = str(each.get("parent") or "")
        below.setdefault(parent if parent in here else "", []).append(each)
    ordered: list[tuple[int, Mapping[str, Any]]] = []
    waiting = [(0, each) for each in reversed(below.get("", ()))]
    while waiting:
        depth, each = waiting.pop()
        ordered.append((depth, each))
        waiting += [(depth + 1, child) for child in reversed(below.get(each["id"], ()))]
    # What stands in a circle has no top; it is shown all the same.
    seen = {each["id"] for _depth, each in ordered}
    return ordered + [(0, each) for each in found if each["id"] not in seen]


async def page(request: Request) -> Response:
    """One organisation: what is above and below it, its functions, what it was."""
    who = await officer.entered(request)
    id_ = officer.asked(request, "id")
    one, below = await asyncio.gather(
        who.get(f"/organisations/{officer.safe(id_)}"), who.get("/organisations", parent=id_, limit=PER_PAGE)
    )
    shown = {
        "one": one,
        "name": pick(one["name"]),
        "below": below["items"],
        "below_more": bool(below["next"]),
        "kinds": dict(parts()[0].asks[5].options),
        "levels": dict(parts()[0].asks[6].options),
        "registrar": who.may("registrar", id_),
    }
    return await who.show("organisation", shown, current="organisations")


async def form(request: Request) -> Response:
    """The form of an organisation, or of a new one."""
    who = await officer.entered(request)
    id_ = request.query_params.get("id", "")
    flat, version = sheet.flattened({"kind": "organ"}, parts()), ""
    if id_:
        one = await who.get(f"/organisations/{officer.safe(officer.asked(request, 'id'))}")
        flat, version = sheet.flattened(one, parts()), str(one["version"])
    if (held := await who.site.held(request, who.session)) is not None:
        flat, version = sheet.read(held, parts()), held.text("version", 12)
    return await _form(who, id_, flat, version)


async def keep(request: Request) -> Response:
    """Keep an organisation, or show the form again: a row more or less, what is wrong."""
    site = Site.of(request)
    posted = await site.form(request, **LIMITS)
    request.state.after_sign_in = officer.address(
        "/catalogue/organisations/form", id=request.query_params.get("id", "")
    )
    who = await officer.entered(request)
    id_, version = request.query_params.get("id", ""), posted.text("version", 12)
    flat = sheet.read(posted, parts())
    reason = posted.text("reason", 20_000)
    act, _colon, rest = posted.text("do", 400).partition(":")
    if act in ROW_ACTS:
        flat, touched = rowed(flat, parts(), act, rest)
        return await _form(who, id_, flat, version, reason=reason, touched=touched)
    flat = sheet.tidied(flat, parts())
    state, told = sheet.composed(flat, parts(), {})
    wrong = [(f"f-{path}", text) for path, text in told]
    officer.reason_of({"reason": reason}, wrong)
    if wrong:
        return await _form(who, id_, flat, version, reason=reason, wrong=wrong, status=422)
    target = id_ or state["uscc"] or f"{state['division']}:{state['name']['zh']}"
    headers = {"if-match": f'"{version}"'} if version else {}
    try:
        await who.send(
            "PUT",
            f"/organisations/{officer.safe(target)}",
            json={"state": state, "reason": reason},
            headers=headers,
        )
    except ServiceProblem as error:
        if error.kind not in _TOLD:
            raise
        found = refusals.problems(error, flat, parts()) if error.fields else []
        if error.kind is Kind.PRECONDITION_FAILED and id_:
            # What is kept now stands behind the form; to keep once more is to keep it over that.
            version = str((await who.get(f"/organisations/{officer.safe(id_)}"))["version"])
        refused = None if found and error.kind is Kind.INVALID else words.refusal(error)
        return await _form(who, id_, flat, version, reason=reason, wrong=found, refused=refused, status=error.status)
    return see_other(officer.address("/catalogue/organisations/one", id=target, done="organisation"))


async def _form(
    who: Officer,
    id_: str,
    flat: Flat,
    version: str,
    *,
    reason: str = "",
    touched: str = "",
    wrong: Sequence[Problem] = (),
    refused: tuple[str, str] | None = None,
    status: int = 200,
) -> Response:
    path = officer.address("/catalogue/organisations/form", id=id_)
    shown = {
        "id_": id_,
        "name": flat.get("name.zh") or id_,
        "version": version,
        "view": View(path, parts(), flat, dict(reversed(list(wrong))), touched=touched),
        "reason": reason,
        "errors": dict(wrong),
        "summary": list(wrong),
        "refused": refused,
    }
    return await who.show("organisation-form", shown, current="organisations", status=status)
