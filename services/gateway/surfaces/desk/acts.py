"""The officers' acts: accept, return once, review, decide, deliver. Plain forms, done once, on what was seen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.domain.sessions import Session
from services.gateway.errors import ServiceProblem
from services.gateway.surfaces.base import Site, key_of, path_id, see_other, version_of
from services.gateway.surfaces.desk import cases, words
from services.kit.errors import Kind
from services.kit.pages import Form, ngettext
from services.kit.pages import gettext as _

LONGEST_NOTE = 4000
LONGEST_GAP = 500
MOST_GAPS = 50
LONGEST_TYPED = 20_000
"""More than any field takes: what is too long comes back to be shortened, it is not thrown away."""

Typed = Mapping[str, str]
Wrong = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Act:
    """One act: for which step the case is open, and its body (or what is wrong) from what was typed."""

    purpose: str
    body: Callable[[Typed], tuple[dict[str, Any] | None, Wrong]]


def _nothing(_typed: Typed) -> tuple[None, Wrong]:
    return None, []


def _long(typed: Typed, name: str, most: int) -> Wrong:
    over = len(typed.get(name, "")) - most
    if over <= 0:
        return []
    text = ngettext("最多 %(most)d 个字，多了 %(num)d 个", "最多 %(most)d 个字，多了 %(num)d 个", over)
    return [(f"f-{name}", text % {"most": most, "num": over})]


def _return(typed: Typed) -> tuple[dict[str, Any], Wrong]:
    gaps: list[dict[str, str]] = []
    wrong: Wrong = []
    for name, what in typed.items():
        kind, _dot, target = name.partition(".")
        if not what or kind not in ("material", "field", "other"):
            continue
        gaps.append({"what": what} if kind == "other" else {kind: target, "what": what})
        wrong += _long(typed, name, LONGEST_GAP)
    if not gaps:
        wrong.append(("gaps", _("请写明缺什么、要改什么，至少一项")))
    if len(gaps) > MOST_GAPS:
        wrong.append(("gaps", _("一次最多 %(most)d 项") % {"most": MOST_GAPS}))
    wrong += _long(typed, "note", LONGEST_NOTE)
    return {"gaps": gaps, "note": typed.get("note") or None}, wrong


def _review(typed: Typed) -> tuple[dict[str, Any], Wrong]:
    opinion = typed.get("opinion", "")
    wrong = [] if opinion in ("approve", "refuse") else [("f-opinion", _("请选审查意见"))]
    return {"opinion": opinion, "note": typed.get("note") or None}, wrong + _long(typed, "note", LONGEST_NOTE)


def _decide(typed: Typed) -> tuple[dict[str, Any], Wrong]:
    outcome, reason = typed.get("outcome", ""), typed.get("reason", "")
    wrong = [] if outcome in ("granted", "refused") else [("f-outcome", _("请选决定"))]
    if outcome == "refused" and not reason:
        wrong.append(("f-reason", _("不批准要写明理由（行政许可法第三十八条）")))
    return {"outcome": outcome, "reason": reason or None}, wrong + _long(typed, "reason", LONGEST_NOTE)


ACTS: Mapping[str, Act] = {
    "acceptance": Act("intake", _nothing),
    "return": Act("intake", _return),
    "review": Act("review", _review),
    "decision": Act("decision", _decide),
    "delivery": Act("delivery", _nothing),
}
ACTION_OF: Mapping[str, str] = {
    "acceptance": "accept",
    "return": "return",
    "review": "review",
    "decision": "decide",
    "delivery": "deliver",
}


async def form_again(request: Request) -> Response:
    """The case page with one act's form, filled with what a sign-in in between held."""
    site = Site.of(request)
    name, _step = _act(request)
    session = await site.signed_in(request)
    held = await site.held(request, session)
    typed = _typed(held) if held else {}
    return await _again(request, site, session, name, typed, status=200)


async def act(request: Request) -> Response:
    """Do one act: at most once for the form's key, and only on the version that the officer saw."""
    site = Site.of(request)
    name, act_ = _act(request)
    case_id = path_id(request, "case_id")
    form = await site.form(request)
    session = await site.signed_in(request)
    typed = _typed(form)
    body, wrong = act_.body(typed)
    if wrong:
        return await _again(request, site, session, name, typed, wrong=wrong, status=422)
    try:
        answer = await site.call(
            session,
            "cases",
            "POST",
            f"/desk/cases/{case_id}/{name}",
            json=body,
            headers={"if-match": version_of(form), "idempotency-key": key_of(form.text("key", 100))},
        )
    except ServiceProblem as error:
        if error.kind not in (Kind.INVALID, Kind.CONFLICT, Kind.PRECONDITION_FAILED):
            raise
        refused = words.refusal(error.slug)
        return await _again(request, site, session, name, typed, refused=refused, status=error.status)
    return see_other(_onward(case_id, name, act_.purpose, answer.body))


def _onward(case_id: str, name: str, purpose: str, case: Mapping[str, Any]) -> str:
    """Where an act leads: on with the same case where its next step is this officer's too, else back to the queue."""
    if case["actions"]:
        following = {"purpose": words.PURPOSE_OF_ACTION[case["actions"][0]], "done": name}
        return f"/cases/{case_id}?{urlencode(following)}"
    return f"/queues/{purpose}?{urlencode({'done': name, 'number': case['number']})}"


async def _again(
    request: Request,
    site: Site,
    session: Session,
    name: str,
    typed: Typed,
    *,
    refused: tuple[str, str] | None = None,
    wrong: Sequence[tuple[str, str]] = (),
    status: int,
) -> Response:
    purpose, case_id = ACTS[name].purpose, path_id(request, "case_id")
    try:
        found = await cases.opened(site, session, case_id, purpose)
    except ServiceProblem as error:
        if error.kind is not Kind.FORBIDDEN:
            raise
        # The step is over, so the case is opened again only for a reason; what was typed can still be read.
        gone = words.refusal(error.slug)
        return await cases.ask(request, site, session, case_id, refused=gone, typed=typed, status=status)
    return await cases.show(
        request, site, session, found, purpose, refused=refused, act=name, typed=typed, wrong=wrong, status=status
    )


def _act(request: Request) -> tuple[str, Act]:
    name = request.path_params["act"]
    if name not in ACTS:
        raise HTTPException(404)
    return name, ACTS[name]


def _typed(form: Form) -> dict[str, str]:
    """What the officer typed, without what the page itself put into the form."""
    own = ("_token", "key", "version", "owner", "hold")
    return {name: form.text(name, LONGEST_TYPED) for name in form if name not in own and len(name) < 140}
