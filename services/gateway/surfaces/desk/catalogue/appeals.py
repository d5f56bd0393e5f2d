"""Appeals against refusals of the lint: asked where the refusal stands, decided by the catalogue's administrator."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.errors import ServiceProblem
from services.gateway.surfaces.base import Site, path_id, see_other
from services.gateway.surfaces.desk.catalogue import officer, values, words
from services.gateway.surfaces.desk.catalogue.officer import Officer, Problem
from services.kit.errors import Kind
from services.kit.pages import gettext as _
from services.kit.pages import pick

STATES = ("open", "granted", "refused")
_TOLD = (Kind.INVALID, Kind.CONFLICT, Kind.FORBIDDEN, Kind.PRECONDITION_FAILED)


async def ask(request: Request) -> Response:
    """The form of an appeal: what was refused, and why it should pass."""
    who = await officer.entered(request)
    held = await who.site.held(request, who.session)
    typed = officer.typed_of(held) if held else dict(request.query_params)
    return await _ask(who, path_id(request, "revision"), typed)


async def file(request: Request) -> Response:
    """Make an appeal."""
    site = Site.of(request)
    form = await site.form(request)
    id_ = path_id(request, "revision")
    who = await officer.entered(request)
    typed = officer.typed_of(form)
    wrong: list[Problem] = []
    body = {"rule": typed.get("rule", ""), "field": typed.get("field", "")}
    body["reason"] = officer.reason_of(typed, wrong)
    if wrong:
        return await _ask(who, id_, typed, wrong, status=422)
    try:
        await who.send("POST", f"/revisions/{id_}/appeals", json=body)
    except ServiceProblem as error:
        if error.kind not in _TOLD:
            raise
        return await _ask(who, id_, typed, refused=words.refusal(error), status=error.status)
    return see_other(f"/catalogue/revisions/{id_}?done=appeal")


async def _ask(
    who: Officer,
    id_: str,
    typed: Mapping[str, str],
    wrong: Sequence[Problem] = (),
    *,
    refused: tuple[str, str] | None = None,
    status: int = 200,
) -> Response:
    revision = await who.get(f"/revisions/{id_}")
    rule, field = typed.get("rule", ""), typed.get("field", "")
    finding = next((each for each in revision["findings"] if (each["rule"], each["field"]) == (rule, field)), None)
    if finding is None and refused is None:
        # Mended in the meantime, or never found: there is nothing to appeal.
        return see_other(f"/catalogue/revisions/{id_}")
    shown = {
        "revision": revision,
        "name": pick(revision["content"]["name"]) or revision["code"],
        "finding": finding,
        "rule": rule,
        "field": field,
        "typed": typed,
        "errors": dict(wrong),
        "summary": list(wrong),
        "refused": refused,
    }
    return await who.show("appeal", shown, current="revisions", status=status)


async def listing(request: Request) -> Response:
    """Appeals by state; the open ones first."""
    who = await officer.entered(request)
    held = await who.site.held(request, who.session)
    return await _listing(who, officer.typed_of(held) if held else {})


async def decide(request: Request) -> Response:
    """Let it pass until a day, or do not; the reason is public where it passes."""
    site = Site.of(request)
    form = await site.form(request)
    id_ = path_id(request, "appeal")
    request.state.after_sign_in = "/catalogue/appeals"
    who = await officer.entered(request)
    typed = officer.typed_of(form)
    wrong: list[Problem] = []
    granted = {"yes": True, "no": False}.get(typed.get("granted", ""))
    if granted is None:
        wrong.append((f"f-granted-{id_}", _("请选放行还是不放行")))
    reason = officer.reason_of(typed, wrong)
    until = officer.day_of(typed, "until", wrong, required=granted is True)
    # Several forms stand on the page: what is wrong belongs to this one.
    wrong = [(name if name.endswith(id_) else f"{name}-{id_}", text) for name, text in wrong]
    if wrong:
        return await _listing(who, typed, id_, wrong, status=422)
    body = {"granted": granted, "reason": reason, "until": until if granted else None}
    try:
        await who.send("POST", f"/appeals/{id_}/decision", json=body)
    except ServiceProblem as error:
        if error.kind not in _TOLD:
            raise
        return await _listing(who, typed, id_, refused=words.refusal(error), status=error.status)
    return see_other("/catalogue/appeals?done=decided")


async def _listing(
    who: Officer,
    typed: Mapping[str, str],
    open_: str = "",
    wrong: Sequence[Problem] = (),
    *,
    refused: tuple[str, str] | None = None,
    status: int = 200,
) -> Response:
    state = who.request.query_params.get("state", "open")
    if state not in STATES:
        raise HTTPException(404)
    cursor = officer.cursor_of(who.request)
    page = await who.get("/appeals", state=state, cursor=cursor, limit=30)
    shown: dict[str, Any] = {
        "state": state,
        "states": [(each, words.appeal_state(each)) for each in STATES],
        "rows": [(row, values.Names("implementation").label(row["field"])) for row in page["items"]],
        "deciding": who.may("registrar"),
        "open_": open_,
        "typed": typed,
        "until": officer.boxes(typed, "until"),
        "nothing": officer.boxes({}, "until"),
        "errors": dict(wrong),
        "summary": list(wrong),
        "refused": refused,
        "next": officer.address("/catalogue/appeals", state=state, cursor=page["next"]) if page["next"] else "",
        "first": officer.address("/catalogue/appeals", state=state) if cursor else "",
    }
    return await who.show("appeals", shown, current="appeals", status=status)
