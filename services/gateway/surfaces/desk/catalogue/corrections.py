"""Correction requests (异议): a disagreement found in use, which the authoritative source answers by a day."""

from collections.abc import Mapping, Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.errors import ServiceProblem
from services.gateway.surfaces.base import Site, path_id, see_other, version_of
from services.gateway.surfaces.desk.catalogue import officer, words
from services.gateway.surfaces.desk.catalogue.officer import Officer, Problem
from services.kit.errors import Kind
from services.kit.pages import gettext as _

STATES = ("open", "accepted", "corrected", "rejected", "withdrawn")
ANSWERS = ("accept", "reject", "correct", "withdraw")
LONGEST_TEXT = officer.LONGEST_REASON
REGISTERS = ("element", "resource", "licence")
_TOLD = (Kind.INVALID, Kind.CONFLICT, Kind.FORBIDDEN, Kind.NOT_FOUND, Kind.PRECONDITION_FAILED)


def answer_word(act: str) -> str:
    """An answer on its button."""
    return {
        "accept": _("受理，去核实"),
        "reject": _("不成立"),
        "correct": _("已改正"),
        "withdraw": _("撤回异议"),
    }[act]


async def listing(request: Request) -> Response:
    """Correction requests, those that are over their day marked."""
    who = await officer.entered(request)
    state = request.query_params.get("state", "")
    if state and state not in STATES:
        raise HTTPException(404)
    cursor = officer.cursor_of(request)
    page = await who.get("/corrections", state=state, cursor=cursor, limit=50)
    shown = {
        "state": state,
        "states": [(each, words.correction_state(each)) for each in STATES],
        "rows": page["items"],
        "next": officer.address("/catalogue/corrections", state=state, cursor=page["next"]) if page["next"] else "",
        "first": officer.address("/catalogue/corrections", state=state) if cursor else "",
    }
    return await who.show("corrections", shown, current="corrections")


async def new(request: Request) -> Response:
    """The form of a request; an entry's page names itself."""
    who = await officer.entered(request)
    held = await who.site.held(request, who.session)
    return await _new(who, officer.typed_of(held) if held else dict(request.query_params))


async def file(request: Request) -> Response:
    """Make a request."""
    site = Site.of(request)
    form = await site.form(request)
    who = await officer.entered(request)
    typed = officer.typed_of(form)
    wrong: list[Problem] = []
    if typed.get("register") not in REGISTERS:
        wrong.append(("f-register", _("请选哪一本登记")))
    for name, text in (("code", _("请填编码")), ("organisation", _("请选提出的机构"))):
        if not typed.get(name):
            wrong.append((f"f-{name}", text))
    text = typed.get("text", "")
    if not text:
        wrong.append(("f-text", _("请写明哪里不对")))
    elif len(text) > LONGEST_TEXT:
        wrong.append(("f-text", _("最多 %(most)d 个字") % {"most": LONGEST_TEXT}))
    if wrong:
        return await _new(who, typed, wrong, status=422)
    body = {name: typed.get(name) or None for name in ("register", "code", "organisation", "text", "item_code")}
    try:
        answer = await who.send("POST", "/corrections", json=body)
    except ServiceProblem as error:
        if error.kind not in _TOLD:
            raise
        places = [(f"f-{each.field.rpartition('.')[2]}", each.detail or each.reason) for each in error.fields]
        return await _new(who, typed, places, refused=None if places else words.refusal(error), status=error.status)
    return see_other(f"/catalogue/corrections/{answer.body['id']}?done=correction")


async def _new(
    who: Officer,
    typed: Mapping[str, str],
    wrong: Sequence[Problem] = (),
    *,
    refused: tuple[str, str] | None = None,
    status: int = 200,
) -> Response:
    shown = {
        "registers": [(each, words.register(each)) for each in REGISTERS],
        "organisations": await who.organisations(),
        "typed": typed,
        "errors": dict(wrong),
        "summary": list(wrong),
        "refused": refused,
    }
    return await who.show("correction-new", shown, current="corrections", status=status)


async def page(request: Request) -> Response:
    """One request, and what can be answered."""
    who = await officer.entered(request)
    held = await who.site.held(request, who.session)
    return await _page(who, path_id(request, "correction"), officer.typed_of(held) if held else {})


async def answer(request: Request) -> Response:
    """Answer it, or take it back."""
    site = Site.of(request)
    form = await site.form(request)
    id_ = path_id(request, "correction")
    who = await officer.entered(request)
    typed = officer.typed_of(form)
    act = typed.get("act", "")
    if act not in ANSWERS:
        raise HTTPException(404)
    wrong: list[Problem] = []
    said = officer.reason_of(typed, wrong, "answer")
    if wrong:
        return await _page(who, id_, typed, wrong, status=422)
    path = f"/corrections/{id_}/{act}"
    try:
        await who.send("POST", path, json={"answer": said}, headers={"if-match": version_of(form)})
    except ServiceProblem as error:
        if error.kind not in _TOLD:
            raise
        return await _page(who, id_, typed, refused=words.refusal(error), status=error.status)
    return see_other(f"/catalogue/corrections/{id_}?done=answered")


async def _page(
    who: Officer,
    id_: str,
    typed: Mapping[str, str],
    wrong: Sequence[Problem] = (),
    *,
    refused: tuple[str, str] | None = None,
    status: int = 200,
) -> Response:
    row = await who.get(f"/corrections/{id_}")
    shown = {
        "row": row,
        "acts": [(act, answer_word(act)) for act in row["acts"]],
        "typed": typed,
        "errors": dict(wrong),
        "summary": list(wrong),
        "refused": refused,
    }
    return await who.show("correction", shown, current="corrections", status=status)
