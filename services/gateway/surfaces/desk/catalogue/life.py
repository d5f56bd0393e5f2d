"""One item: where it stands, its versions and history, and the acts on it, each with its running cases first."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.errors import ServiceProblem
from services.gateway.surfaces.base import Site, see_other
from services.gateway.surfaces.desk.catalogue import officer, review, values, words
from services.gateway.surfaces.desk.catalogue.officer import Officer, Problem
from services.kit.errors import Kind
from services.kit.pages import gettext as _
from services.kit.pages import pick

LATEST = 20


@dataclass(frozen=True, slots=True)
class Act:
    """An act on an item in force: in which states it can be done, and by whom."""

    statuses: tuple[str, ...]
    roles: tuple[str, ...]
    takes_away: bool
    """Whether the item is then no longer offered as it was: its running cases are listed first."""


ACTS: Mapping[str, Act] = {
    "suspend": Act(("published",), ("reviewer", "registrar"), takes_away=True),
    "resume": Act(("suspended",), ("registrar",), takes_away=False),
    "rollback": Act(("published", "suspended", "retired"), ("registrar",), takes_away=True),
    "retire": Act(("published", "suspended"), ("registrar",), takes_away=True),
}


def title(act: str) -> str:
    """An act as a heading and on its button."""
    return {
        "suspend": _("暂停"),
        "resume": _("恢复"),
        "rollback": _("退回旧版"),
        "retire": _("停办"),
    }[act]


def told(act: str) -> str:
    """What follows from an act."""
    return {
        "suspend": _("暂停以后不收新的办件，指南上写明原因。"),
        "resume": _("恢复以后接着收办件。"),
        "rollback": _("旧版的内容作为新的一版发布，原来的版本都留着。"),
        "retire": _("停办以后不再办，编码不再给别的事项用，指南上写明原因。"),
    }[act]


async def page(request: Request) -> Response:
    """An item with its versions, its history and what can be done."""
    who = await officer.entered(request)
    return await show(who, officer.code_of(request))


async def show(
    who: Officer,
    code: str,
    *,
    asked: Mapping[str, str] | None = None,
    known: Mapping[str, Any] | None = None,
    wrong: Sequence[Problem] = (),
) -> Response:
    """The page; `asked` and `known` where the history was asked for a day."""
    path = f"/items/{officer.safe(code)}"
    item, kind = await who.item(code)
    versions, history, under_way = await asyncio.gather(
        who.get(f"{path}/versions", limit=LATEST),
        who.get(f"{path}/history", limit=LATEST),
        who.site.get_or({"items": []}, who.session, "catalog", "/revisions", code=code, limit=5),
    )
    here = item["organisation"]["id"]
    standing = item.get("status", "published")
    offered = [
        act
        for act, each in ACTS.items()
        if standing in each.statuses and any(who.may(role, here) for role in each.roles)
    ]
    rows = versions["items"]
    if len(rows) < 2 and "rollback" in offered:
        offered.remove("rollback")
    if kind == "bundle":
        offered = [act for act in offered if act not in ("suspend", "resume")]
    shown = {
        "item": item,
        "name": pick(item["name"]),
        "status": standing,
        "kind": kind,
        "versions": rows,
        "current": rows[0]["version"] if rows else 1,
        "history": history["items"],
        "more_history": history["next"],
        "acts": [(act, title(act)) for act in offered],
        "may_edit": who.may("editor", here),
        "under_way": [each for each in under_way["items"] if each["state"] in ("draft", "submitted", "reviewed")],
        "whole": values.told(item, kind),
        "valid": officer.boxes(asked or {}, "valid"),
        "known_": officer.boxes(asked or {}, "known"),
        "known": known,
        "errors": dict(wrong),
        "summary": list(wrong),
    }
    return await who.show("item", shown, current="items", status=422 if wrong else 200)


async def history(request: Request) -> Response:
    """The whole history, page by page."""
    who = await officer.entered(request)
    code, cursor = officer.code_of(request), officer.cursor_of(request)
    path = f"/catalogue/items/{officer.safe(code)}"
    page = await who.get(f"/items/{officer.safe(code)}/history", cursor=cursor, limit=50)
    shown = {
        "code": code,
        "path": path,
        "rows": page["items"],
        "next": officer.address(f"{path}/history", cursor=page["next"]) if page["next"] else "",
        "first": f"{path}/history" if cursor else "",
    }
    return await who.show("history", shown, current="items")


async def comparison(request: Request) -> Response:
    """Two versions side by side."""
    who = await officer.entered(request)
    code = officer.code_of(request)
    left, right = (request.query_params.get(side, "") for side in ("left", "right"))
    if not all(side.isascii() and side.isdecimal() and 0 < len(side) < 9 for side in (left, right)):
        raise HTTPException(404)
    path = f"/items/{officer.safe(code)}"
    (item, kind), found = await asyncio.gather(
        who.item(code), who.get(f"{path}/comparison", left=int(left), right=int(right))
    )
    shown = {
        "item": item,
        "name": pick(item["name"]),
        "left": int(left),
        "right": int(right),
        "changes": values.changes(found["changes"], kind),
    }
    return await who.show("comparison", shown, current="items")


async def in_force(request: Request) -> Response:
    """What was in force on a day, as it was known on a day (both may be left empty: today)."""
    who = await officer.entered(request)
    code = officer.code_of(request)
    typed = dict(request.query_params)
    wrong: list[Problem] = []
    days = {name: officer.day_of(typed, name, wrong) for name in ("valid", "known")}
    if wrong:
        return await show(who, code, asked=typed, wrong=wrong)
    path = f"/items/{officer.safe(code)}/in-force"
    found = await who.get(path, valid_on=days["valid"], known_on=days["known"])
    return await show(who, code, asked=typed, known=found)


async def ask(request: Request) -> Response:
    """The page of an act: running cases first, then why."""
    who = await officer.entered(request)
    code, act = officer.code_of(request), _act(request)
    held = await who.site.held(request, who.session)
    return await _ask(who, code, act, officer.typed_of(held) if held else {})


async def act(request: Request) -> Response:
    """Do it, for the reason given."""
    site = Site.of(request)
    form = await site.form(request)
    code, name = officer.code_of(request), _act(request)
    who = await officer.entered(request)
    typed = officer.typed_of(form)
    wrong: list[Problem] = []
    body: dict[str, Any] = {"reason": officer.reason_of(typed, wrong)}
    if name == "rollback":
        to = typed.get("to_version", "")
        if to.isascii() and to.isdecimal() and len(to) < 9:
            body["to_version"] = int(to)
        else:
            wrong.append(("f-to_version", _("请选退回到哪一版")))
    if wrong:
        return await _ask(who, code, name, typed, wrong, status=422)
    if (seen := typed.get("version", "")).isdecimal() and len(seen) < 9:
        body["version"] = int(seen)
    try:
        await who.send("POST", f"/items/{officer.safe(code)}/{name}", json=body)
    except ServiceProblem as error:
        if error.kind in (Kind.NOT_FOUND, Kind.TOO_MANY, Kind.UNAUTHENTICATED, Kind.MALFORMED):
            raise
        return await _ask(who, code, name, typed, refused=error, status=error.status)
    return see_other(f"/catalogue/items/{officer.safe(code)}?done={name}")


def _act(request: Request) -> str:
    name = str(request.path_params["act"])
    if name not in ACTS:
        raise HTTPException(404)
    return name


async def _ask(
    who: Officer,
    code: str,
    name: str,
    typed: Mapping[str, str],
    wrong: Sequence[Problem] = (),
    refused: ServiceProblem | None = None,
    status: int = 200,
) -> Response:
    item, _kind = await who.item(code)
    running = await review.cases_of(who, code) if ACTS[name].takes_away else None
    found = await who.get(f"/items/{officer.safe(code)}/versions", limit=LATEST)
    numbers = [row["version"] for row in found["items"]]
    standing = item.get("status", "published")
    earlier = numbers[1:] if standing == "published" else numbers
    versions = [(str(number), _("第 %(num)d 版") % {"num": number}) for number in earlier]
    shown = {
        "item": item,
        "name": pick(item["name"]),
        "act": name,
        "title": title(name),
        "told": told(name),
        "running": running,
        "lists_running": ACTS[name].takes_away,
        "versions": versions,
        "seen": numbers[0] if numbers else "",
        "typed": typed,
        "errors": dict(wrong),
        "summary": list(wrong),
        "refused": words.refusal(refused) if refused else None,
    }
    return await who.show("item-act", shown, current="items", status=status)
