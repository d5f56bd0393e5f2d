"""Lists: revisions (mine, to review, all), items by code or name; a new item, a change of one in force."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from services.contracts.catalog_items import BundlePublished, ItemPublished
from services.gateway.errors import ServiceProblem
from services.gateway.surfaces.base import Site, see_other
from services.gateway.surfaces.desk.catalogue import asked, officer, refusals, sheet, words
from services.gateway.surfaces.desk.catalogue.officer import Officer, Problem
from services.kit.errors import Kind
from services.kit.pages import gettext as _
from services.kit.pages import pick

SHOWN = ("mine", "review", "all")
STATES = ("draft", "submitted", "reviewed", "published", "discarded", "withdrawn")
PER_PAGE = 50
LONGEST_QUERY = 100
_WRITTEN_CODE = re.compile(r"[0-9A-Z][0-9A-Z._()-]{5,63}")
_ID = re.compile(r"[0-9a-f]{32}")
_OWN = frozenset({"f-name.zh", "f-item_type", "f-subjects", "f-base", "f-organisation", "f-department"})
_TOLD = (Kind.INVALID, Kind.CONFLICT, Kind.FORBIDDEN, Kind.NOT_FOUND)
FIRST_FORM: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"applicant": {"type": "string", "title": "申请人姓名", "x-title-en": "Name of the applicant"}},
    "required": ["applicant"],
}
"""A form to begin with: one without any field is none."""


async def home(request: Request) -> Response:
    """The revisions under way."""
    who = await officer.entered(request)
    shown = request.query_params.get("show", "")
    if shown not in SHOWN:
        shown = "mine" if who.may("editor") else "review" if who.may("reviewer") else "all"
    return await listing(who, shown)


async def listing(
    who: Officer,
    shown: str,
    *,
    typed: Mapping[str, str] | None = None,
    chosen: Sequence[str] = (),
    wrong: Sequence[Problem] = (),
) -> Response:
    """One of the lists of revisions; `typed`, `chosen` and `wrong` where approving many comes back."""
    cursor = officer.cursor_of(who.request)
    state = who.request.query_params.get("state", "")
    state = "submitted" if shown == "review" else state if state in STATES else ""
    page = await who.get(
        "/revisions", state=state, mine="true" if shown == "mine" else "", cursor=cursor, limit=PER_PAGE
    )
    rows = page["items"]
    path = officer.address("/catalogue", show=shown, state=state if shown != "review" else "")
    following = officer.address("/catalogue", show=shown, state=state, cursor=page["next"]) if page["next"] else ""
    values = {
        "shown": shown,
        "state": state,
        "states": [(each, words.state(each)) for each in STATES],
        "rows": [(row, pick(row["name"]) or row["code"], pick(row["organisation_name"])) for row in rows],
        "approving": shown == "review" and who.may("reviewer"),
        "tickable": {row["id"] for row in rows if row["author"] != who.session.subject},
        "chosen": chosen,
        "typed": typed or {},
        "from_": officer.boxes(typed or {}, "from"),
        "errors": dict(wrong),
        "summary": list(wrong),
        "next": following,
        "first": path if cursor else "",
    }
    return await who.show("revisions", values, current="revisions", status=422 if wrong else 200)


async def search(request: Request) -> Response:
    """Items by code or by words; a whole code leads to its item."""
    who = await officer.entered(request)
    query = request.query_params.get("q", "").strip()[:LONGEST_QUERY]
    cursor = officer.cursor_of(request)
    code = query.upper()
    if _WRITTEN_CODE.fullmatch(code) and any(letter.isdecimal() for letter in code):
        found = await who.site.get_or(None, who.session, "catalog", f"/items/{officer.safe(code)}")
        if found is not None:
            return see_other(f"/catalogue/items/{officer.safe(found['code'])}")
    page = await who.get("/items", q=query, cursor=cursor, limit=PER_PAGE)
    following = officer.address("/catalogue/items", q=query, cursor=page["next"]) if page["next"] else ""
    first = officer.address("/catalogue/items", q=query) if cursor else ""
    values = {"query": query, "rows": page["items"], "next": following, "first": first}
    return await who.show("items", values, current="items")


async def new(request: Request) -> Response:
    """The form of a new item: only what has to stand before the rest can be written."""
    who = await officer.entered(request)
    held = await who.site.held(request, who.session)
    typed = officer.typed_of(held) if held else dict(request.query_params)
    return await (_change(who, typed) if typed.get("code") else _new(who, typed))


async def create(request: Request) -> Response:
    """Begin a new item, or a change of one in force (`code`); the catalogue mints the code."""
    site = Site.of(request)
    form = await site.form(request)
    request.state.after_sign_in = "/catalogue/new"
    who = await officer.entered(request)
    typed = officer.typed_of(form)
    if typed.get("code"):
        return await _begin(who, typed)
    typed["subjects"] = "\n".join(form.many("subjects"))
    wrong = _missing(typed)
    base: Mapping[str, Any] | None = None
    if typed.get("base") and not wrong:
        base = await who.site.get_or(None, who.session, "catalog", f"/items/{officer.safe(typed['base'])}")
        if base is None:
            wrong.append(("f-base", _("没有编码是“%(code)s”的事项") % {"code": typed["base"][:64]}))
    if wrong:
        return await _new(who, typed, wrong, status=422)
    kind = typed["kind"]
    parts = asked.parts(kind)
    content = await _first(who, typed, base)
    try:
        body: dict[str, Any] = {"kind": kind, "content": content, "reason": typed["reason"]}
        if kind == "base":
            body["department"] = typed.get("department") or None
        answer = await who.send("POST", "/revisions", json=body)
    except ServiceProblem as error:
        if error.kind not in _TOLD:
            raise
        flat = sheet.flattened(content, parts)
        besides = {"base": _("所属事项的编码"), "organisation": _("机构"), "department": _("部门类别")}
        found = refusals.problems(error, flat, parts, besides) if error.fields else []
        # What has no control on this form yet is told above it.
        told = [(place if place in _OWN else "", text) for place, text in found]
        return await _new(who, typed, told, refused=None if told else words.refusal(error), status=error.status)
    return see_other(f"/catalogue/revisions/{answer.body['id']}")


async def _change(
    who: Officer,
    typed: Mapping[str, str],
    wrong: Sequence[Problem] = (),
    *,
    refused: tuple[str, str] | None = None,
    status: int = 200,
) -> Response:
    """Why a change of what is in force is begun."""
    item, _kind = await who.item(typed["code"])
    shown = {
        "item": item,
        "name": pick(item["name"]),
        "typed": typed,
        "errors": dict(wrong),
        "summary": list(wrong),
        "refused": refused,
    }
    return await who.show("change", shown, current="items", status=status)


async def _begin(who: Officer, typed: Mapping[str, str]) -> Response:
    """A change begins from what is in force."""
    wrong: list[Problem] = []
    reason = officer.reason_of(typed, wrong)
    if wrong:
        return await _change(who, typed, wrong, status=422)
    item, kind = await who.item(typed["code"])
    body = {"code": item["code"], "kind": kind, "content": written(item, kind), "reason": reason}
    try:
        answer = await who.send("POST", "/revisions", json=body)
    except ServiceProblem as error:
        under_way = str(error.members.get("revision", ""))
        if error.slug == "revision-open" and _ID.fullmatch(under_way):
            # One is under way already: on with it.
            return see_other(f"/catalogue/revisions/{under_way}")
        if error.kind not in _TOLD:
            raise
        return await _change(who, typed, refused=words.refusal(error), status=error.status)
    return see_other(f"/catalogue/revisions/{answer.body['id']}")


_WRITTEN = {
    "bundle": frozenset(BundlePublished.model_fields) - {"bundle_version", "published_at"},
    "item": frozenset(ItemPublished.model_fields)
    - {"item_version", "published_at", "code_system", "aliases", "exemptions", "provenance"},
}
"""The members that an author writes."""


def written(published: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """What the author of a published item or bundle wrote of it."""
    members = _WRITTEN["bundle" if kind == "bundle" else "item"]
    return {name: value for name, value in published.items() if name in members}


def _missing(typed: Mapping[str, str]) -> list[Problem]:
    bundle = typed.get("kind") == "bundle"
    wrong: list[Problem] = []
    if typed.get("kind") not in dict(asked.kinds()):
        wrong.append(("f-kind", _("请选种类")))
    if not typed.get("organisation"):
        wrong.append(("f-organisation", _("请选机构")))
    if typed.get("kind") in ("implementation", "handling") and not typed.get("base"):
        wrong.append(("f-base", _("请填它所属的事项的编码")))
    officer.reason_of(typed, wrong)
    if typed.get("kind") == "base" and not re.fullmatch(r"[0-9]{2}", typed.get("department", "")):
        wrong.append(("f-department", _("请填两位数字的部门类别")))
    if not typed.get("base") or bundle:
        if not typed.get("name.zh"):
            wrong.append(("f-name.zh", _("请填名称")))
        if not bundle and not typed.get("item_type"):
            wrong.append(("f-item_type", _("请选事项类型")))
        if not typed["subjects"]:
            wrong.append(("f-subjects", _("请选办给谁")))
    return wrong


async def _first(who: Officer, typed: Mapping[str, str], base: Mapping[str, Any] | None) -> dict[str, Any]:
    """The first content: what was typed over what the base item says (同一事项、同一标准)."""
    id_ = typed["organisation"]
    organisation = await who.get(f"/organisations/{officer.safe(id_)}")
    content: dict[str, Any] = written(base, typed["kind"]) if base else {}
    content |= {
        "organisation": {"id": organisation["id"], "name": organisation["name"]},
        "division": organisation["division"],
        "kind": typed["kind"],
    }
    content.pop("code", None)
    if base is not None:
        form = content["form"] if content.get("form", {}).get("properties") else dict(FIRST_FORM)
        return content | {"base": base["code"], "form": form}
    content["name"] = {"zh": typed["name.zh"], "en": typed.get("name.en") or None}
    content["subjects"] = typed["subjects"].split("\n")
    if typed["kind"] == "bundle":
        return content | {"members": []}
    return content | {"item_type": typed["item_type"], "form": {} if typed["kind"] == "base" else dict(FIRST_FORM)}


async def _new(
    who: Officer,
    typed: Mapping[str, str],
    wrong: Sequence[Problem] = (),
    *,
    refused: tuple[str, str] | None = None,
    status: int = 200,
) -> Response:
    values = {
        "kinds": asked.kinds(),
        "item_types": await who.item_types(),
        "subjects": asked.subjects(),
        "chosen": typed.get("subjects", "").split("\n"),
        "organisations": await who.organisations("editor"),
        "typed": typed,
        "errors": dict(wrong),
        "summary": list(wrong),
        "refused": refused,
    }
    return await who.show("new", values, current="revisions", status=status)
