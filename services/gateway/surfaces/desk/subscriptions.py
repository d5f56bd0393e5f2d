"""Webhook subscriptions of departments, for officers with the role integrator: made, tried, paused, removed."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.contracts.cases_events import CaseEvent
from services.gateway.domain.sessions import Session
from services.gateway.errors import ServiceProblem
from services.gateway.surfaces.base import Site, key_of, path_id, see_other
from services.gateway.surfaces.desk import grants, words
from services.kit.errors import Kind
from services.kit.ids import new_id
from services.kit.pages import Form, pick
from services.kit.pages import gettext as _

ROLE = "integrator"
MOST_ORGANISATIONS = 100
OVERLAP_HOURS = 24
LONGEST_FILTERS = 8000
TYPES: Mapping[str, str] = {
    model.event_type: model.event_type.split(".")[-2]
    for model in sorted(CaseEvent.__subclasses__(), key=lambda model: model.event_type)
}
"""Event types of cases with the word that the timeline has for each."""


def status_word(status: str) -> str:
    """Where a subscription stands."""
    return {
        "pending": _("等对方确认"),
        "active": _("在推送"),
        "paused": _("已暂停"),
        "disabled": _("已停用"),
    }.get(status, status)


def status_kind(status: str) -> str:
    """The colour of a subscription's tag."""
    return {"active": "act", "pending": "wait", "disabled": "stop"}.get(status, "")


def attempt_word(attempt: Mapping[str, Any]) -> str:
    """How an attempt ended."""
    if not attempt["cause"]:
        return _("送到")
    return _("没送到：%(cause)s") % {"cause": cause_word(attempt["cause"])}


def cause_word(cause: str) -> str:
    """Why a sink was not reached; causes that name themselves (HTTP 500) stay as they are."""
    return {
        "connect": _("连不上"),
        "timeout": _("没有按时回应"),
        "tls": _("证书不对"),
        "address-refused": _("地址不允许"),
        "connection-broken": _("连接断了"),
    }.get(cause, cause)


async def listing(request: Request) -> Response:
    """The subscriptions of the officer's organisations."""
    site = Site.of(request)
    session = await site.signed_in(request)
    cursor = request.query_params.get("cursor", "")[:500]
    page, names = await asyncio.gather(
        site.get(session, "notify", "/subscriptions", cursor=cursor, limit=50), _names(site)
    )
    values = {
        "subscriptions": page["items"],
        "next": page["next"],
        "continued": bool(cursor),
        "names": names,
        "removed": request.query_params.get("removed") == "1",
        "status_word": status_word,
        "status_kind": status_kind,
    }
    return await site.pages.render(request, "desk/subscriptions.html", values)


async def new(request: Request) -> Response:
    """The form of a new subscription."""
    site = Site.of(request)
    session = await site.signed_in(request)
    return await _form(request, site, session, await site.held(request, session))


async def create(request: Request) -> Response:
    """Make one. The answer shows its secret, here and nowhere else; the form's key makes a double click one."""
    site = Site.of(request)
    form = await site.form(request)
    request.state.after_sign_in = "/subscriptions/new"
    session = await site.signed_in(request)
    wanted, wrong = _wanted(form)
    if wrong:
        return await _form(request, site, session, form, wrong)
    try:
        answer = await site.call(
            session,
            "notify",
            "POST",
            "/subscriptions",
            json=wanted,
            headers={"idempotency-key": key_of(form.text("key", 100))},
        )
    except ServiceProblem as error:
        if error.kind not in (Kind.INVALID, Kind.CONFLICT):
            raise
        return await _form(request, site, session, form, _refused(error))
    return await _secret(request, site, answer.body, answer.body["secret"])


async def page(request: Request) -> Response:
    """One subscription, how its sink does, and the latest attempts."""
    site = Site.of(request)
    session = await site.signed_in(request)
    return await _page(request, site, session, path_id(request, "subscription_id"))


async def change(request: Request) -> Response:
    """Pause, resume, rotate the secret, send again, remove: one button each."""
    site = Site.of(request)
    id_ = path_id(request, "subscription_id")
    form = await site.form(request)
    request.state.after_sign_in = f"/subscriptions/{id_}"
    session = await site.signed_in(request)
    path = f"/subscriptions/{id_}"
    what = request.path_params["change"]
    try:
        if what in ("pause", "resume"):
            status = {"pause": "paused", "resume": "active"}[what]
            await site.call(session, "notify", "PATCH", path, json={"status": status})
        elif what == "secret":
            key = {"idempotency-key": key_of(form.text("key", 100))}
            wanted = {"overlap_hours": OVERLAP_HOURS}
            answer = await site.call(session, "notify", "POST", f"{path}/secrets", json=wanted, headers=key)
            subscription = await site.get(session, "notify", path)
            return await _secret(
                request, site, subscription, answer.body["secret"], answer.body["previous_valid_until"]
            )
        elif what == "resend":
            delivery = form.text("delivery", 20)
            if not (delivery.isascii() and delivery.isdecimal()):
                raise HTTPException(400)
            await site.call(session, "notify", "POST", f"{path}/redeliveries", json={"delivery_id": int(delivery)})
        elif what == "removal":
            await site.call(session, "notify", "DELETE", path)
            return see_other("/subscriptions?removed=1")
        else:
            raise HTTPException(404)
    except ServiceProblem as error:
        if error.kind is not Kind.CONFLICT:
            raise
        return await _page(request, site, session, id_, refused=_refused(error)[0][1])
    return see_other(f"{path}?done={what}")


async def _page(request: Request, site: Site, session: Session, id_: str, *, refused: str = "") -> Response:
    cursor = request.query_params.get("cursor", "")[:500]
    found, attempts, names = await asyncio.gather(
        site.get(session, "notify", f"/subscriptions/{id_}"),
        site.get(session, "notify", f"/subscriptions/{id_}/attempts", cursor=cursor, limit=25),
        _names(site),
    )
    done = {"pause": _("已暂停"), "resume": _("请过了，对方还没有确认"), "resend": _("已排上，马上再送")}
    if found["status"] == "active":
        done["resume"] = _("已恢复推送")
    values = {
        "subscription": found,
        "types": _types(found["types"]),
        "filters": json.dumps(found["filters"], ensure_ascii=False) if found["filters"] else "",
        "attempts": attempts["items"],
        "next": attempts["next"],
        "continued": bool(cursor),
        "names": names,
        "done": done.get(request.query_params.get("done", ""), ""),
        "refused": refused,
        "key": new_id(),
        "hours": OVERLAP_HOURS,
        "status_word": status_word,
        "status_kind": status_kind,
        "attempt_word": attempt_word,
        "cause_word": cause_word,
    }
    return await site.pages.render(request, "desk/subscription.html", values, status=409 if refused else 200)


async def _secret(
    request: Request, site: Site, subscription: Mapping[str, Any], secret: str, until: str | None = None
) -> Response:
    values = {
        "subscription": subscription,
        "secret": secret,
        "until": until,
        "cause_word": cause_word,
        "status_word": status_word,
        "status_kind": status_kind,
    }
    return await site.pages.render(request, "desk/secret.html", values)


async def _form(
    request: Request,
    site: Site,
    session: Session,
    form: Form | None = None,
    wrong: Sequence[tuple[str, str]] = (),
) -> Response:
    held = [grant.organisation for grant in await grants.of(site, session) if grant.role == ROLE]
    names = await _names(site)
    everywhere = grants.EVERYWHERE in held
    offered = [*names] if everywhere else held
    choices = [(organisation, pick(names.get(organisation)) or organisation) for organisation in offered]
    typed = {name: form.text(name, 20_000) for name in ("organisation", "sink", "filters")} if form else {}
    values = {
        "organisations": [(grants.EVERYWHERE, _("所有部门")), *choices] if everywhere else choices,
        "types": [(type_, words.event_word(word)) for type_, word in TYPES.items()],
        "chosen": form.many("types") if form else [],
        "typed": typed,
        "errors": dict(wrong),
        "summary": list(wrong),
        "key": new_id(),
    }
    return await site.pages.render(request, "desk/subscription-new.html", values, status=422 if wrong else 200)


def _wanted(form: Form) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """What is asked for, and what is wrong with it as far as that shows here."""
    wrong = []
    organisation, sink = form.text("organisation", 200), form.text("sink", 20_000)
    if not organisation:
        wrong.append(("f-organisation", _("请选部门")))
    if not sink:
        wrong.append(("f-sink", _("请填接收地址")))
    filters: Any = []
    text = form.text("filters", 20_000)
    if text:
        try:
            filters = json.loads(text) if len(text) <= LONGEST_FILTERS else None
        except (ValueError, RecursionError):
            filters = None
        if not isinstance(filters, list):
            wrong.append(("f-filters", _("筛选要写成 JSON 数组，照例子改一改")))
    types = [type_ for type_ in form.many("types") if type_ in TYPES]
    return {"organisation": organisation, "sink": sink, "types": types, "filters": filters}, wrong


def _refused(error: ServiceProblem) -> list[tuple[str, str]]:
    """What the notify service has against it, in words at the field that it names."""
    slug = error.slug
    if slug == "too-many-subscriptions":
        return [("", _("这个部门的订阅已经够多，请先删掉不用的"))]
    if slug == "too-many-secrets":
        return [("", _("密钥换得太勤，等旧的到期再换"))]
    if slug == "sink-not-verified":
        return [("", _("对方还没有确认，现在不能暂停"))]
    found = []
    for problem in error.fields:
        field = problem.field.removeprefix("body.").split(".")[0]
        if field == "sink" and problem.reason == "address-refused":
            found.append(("f-sink", _("这个地址不能推送：只送到对外的 https 地址，或者运维允许的网段")))
        elif field == "sink":
            found.append(("f-sink", _("这不是可以推送的地址，请写完整的 https 地址")))
        elif field == "filters":
            found.append(("f-filters", _("筛选写得不对，请照例子核对")))
        elif field in ("organisation", "types"):
            found.append((f"f-{field}", _("这一项不行，请重新选")))
    # A filter is checked against every dialect: one problem in it is told many times.
    return list(dict.fromkeys(found)) or [("", _("没有收下，请核对再试"))]


async def _names(site: Site) -> dict[str, Any]:
    """Organisations by id, as far as one page of the catalogue goes; without the catalogue ids stand for themselves."""
    found = await site.get_or({"items": []}, None, "catalog", "/organisations", limit=MOST_ORGANISATIONS)
    return {each["id"]: each["name"] for each in found["items"]}


def _types(types: Sequence[str]) -> str:
    """Event types in words."""
    return _("、").join(words.event_word(TYPES.get(each, each)) for each in types) if types else _("全部事件")
