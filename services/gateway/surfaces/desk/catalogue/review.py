"""Review: what a revision changes, side by side; approving, returning, for one or for many at once."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.errors import ServiceProblem
from services.gateway.surfaces.base import Site, path_id, see_other, version_of
from services.gateway.surfaces.desk.catalogue import items, officer, values, words
from services.gateway.surfaces.desk.catalogue.officer import Officer, Problem
from services.kit.errors import Kind, Malformed
from services.kit.pages import gettext as _
from services.kit.pages import pick

Revision = Mapping[str, Any]
MOST_AT_ONCE = 100


PAGES: Mapping[str, str] = {"submit": "submitted", "discard": "discarded", "withdraw": "withdrawn"}
"""Acts on a revision that have a page of their own, as addresses and as the catalogue call them."""
ACTS = (*PAGES, "approve", "return")


def title(act: str) -> str:
    """An act as the heading of its page and on its button."""
    return {
        "submit": _("送审"),
        "discard": _("作废草稿"),
        "withdraw": _("撤回，不让它生效"),
    }[act]


def told(act: str) -> str:
    """What follows from an act."""
    return {
        "submit": _("送审以后不能再改，要改请审核的人退回来。审核的人不能是您自己。"),
        "discard": _("草稿作废以后找不回来，在用的那一版不受影响。"),
        "withdraw": _("到了日子也不发布，在用的那一版照旧。"),
    }[act]


async def ask(request: Request) -> Response:
    """The page of an act: what follows, and why it is done."""
    who = await officer.entered(request)
    act = request.path_params["act"]
    revision = await who.get(f"/revisions/{path_id(request, 'revision')}")
    if act not in PAGES:
        return see_other(f"/catalogue/revisions/{revision['id']}")
    held = await who.site.held(request, who.session)
    return await _ask(who, revision, act, officer.typed_of(held) if held else {})


async def act(request: Request) -> Response:
    """Do an act on a revision, on what the officer saw of it."""
    site = Site.of(request)
    form = await site.form(request)
    name, id_ = request.path_params["act"], path_id(request, "revision")
    who = await officer.entered(request)
    if name not in ACTS:
        raise HTTPException(404)
    typed = officer.typed_of(form)
    wrong: list[Problem] = []
    suffix = "-return" if name == "return" else ""
    body: dict[str, Any] = {"reason": officer.reason_of(typed, wrong, f"reason{suffix}")}
    if name == "approve" and (day := officer.day_of(typed, "from", wrong)):
        body["effective_from"] = day
    if wrong:
        return await _again(who, id_, name, typed, wrong=wrong, status=422)
    try:
        await who.send("POST", f"/revisions/{id_}/{name}", json=body, headers={"if-match": version_of(form)})
    except ServiceProblem as error:
        if error.kind in (Kind.NOT_FOUND, Kind.TOO_MANY, Kind.UNAUTHENTICATED):
            raise
        return await _again(who, id_, name, typed, refused=error, status=error.status)
    return see_other(f"/catalogue?done={name}" if name != "return" else f"/catalogue?show=review&done={name}")


async def _again(
    who: Officer,
    id_: str,
    name: str,
    typed: Mapping[str, str],
    *,
    wrong: Sequence[Problem] = (),
    refused: ServiceProblem | None = None,
    status: int,
) -> Response:
    revision = await who.get(f"/revisions/{id_}")
    if name in PAGES:
        return await _ask(who, revision, name, typed, wrong, refused, status)
    return await show(who, revision, typed, wrong, refused, status)


async def _ask(
    who: Officer,
    revision: Revision,
    act: str,
    typed: Mapping[str, str],
    wrong: Sequence[Problem] = (),
    refused: ServiceProblem | None = None,
    status: int = 200,
) -> Response:
    running = await cases_of(who, revision["code"]) if act == "withdraw" else None
    shown = {
        "revision": revision,
        "name": pick(revision["content"]["name"]) or revision["code"],
        "act": act,
        "title": title(act),
        "told": told(act),
        "open": PAGES[act] in revision["acts"],
        "running": running,
        "lists_running": act == "withdraw",
        "typed": typed,
        "errors": dict(wrong),
        "summary": list(wrong),
        "refused": words.refusal(refused) if refused else None,
        "listed": listed(refused, revision),
    }
    return await who.show("revision-act", shown, current="revisions", status=status)


def listed(refused: ServiceProblem | None, revision: Revision) -> list[str]:
    """What the catalogue named besides: refusals of the lint in words, where the revision knows them."""
    if refused is None:
        return []
    if refused.slug == "lint-refused":
        return [pick(each["cause"]) for each in revision["findings"]]
    return [each.detail or each.reason for each in refused.fields]


async def cases_of(who: Officer, code: str) -> Any:
    """Running cases of an item; None where the case service does not answer."""
    return await who.site.get_or(None, who.session, "cases", f"/desk/items/{officer.safe(code)}/running")


async def show(
    who: Officer,
    revision: Revision,
    typed: Mapping[str, str] | None = None,
    wrong: Sequence[Problem] = (),
    refused: ServiceProblem | None = None,
    status: int = 200,
) -> Response:
    """A revision as its reviewer sees it."""
    comparison = await who.get(f"/revisions/{revision['id']}/comparison")
    content, kind = revision["content"], revision["kind"]
    found = comparison["changes"]
    own = revision["author"] == who.session.subject
    acts = revision["acts"]
    reviewing = "reviewed" in acts
    shown = {
        "revision": revision,
        "content": content,
        "name": pick(content["name"]) or revision["code"],
        "changes": values.changes(found, kind),
        "new": not revision["from_version"],
        "unchanged": values.told(content, kind, sorted({each["field"].split(".")[0] for each in found})),
        "whole": values.told(content, kind),
        "finding_labels": [values.Names(kind).label(each["field"]) for each in revision["findings"]],
        "touched": revision["touched"],
        "own": own,
        "reviewing": reviewing and not own,
        "author_reviews": reviewing and own,
        "may_discard": "discarded" in acts,
        "may_withdraw": "withdrawn" in acts,
        "typed": typed or {},
        "from_": officer.boxes(typed or {}, "from"),
        "errors": dict(wrong),
        "summary": list(wrong),
        "refused": words.refusal(refused) if refused else None,
        "listed": listed(refused, revision),
    }
    return await who.show("review", shown, current="revisions", status=status)


async def approve_many(request: Request) -> Response:
    """Approve what was ticked; each has its own outcome, and what was refused says why."""
    site = Site.of(request)
    form = await site.form(request)
    request.state.after_sign_in = "/catalogue?show=review"
    who = await officer.entered(request)
    ids = [each for each in form.many("ids") if each.isascii() and each.isalnum()][:MOST_AT_ONCE]
    typed = officer.typed_of(form)
    wrong: list[Problem] = [] if ids else [("pick", _("请先勾选要通过的"))]
    # What was seen: one that was changed since is not approved.
    seen = {each: int(typed[f"version-{each}"]) for each in ids if typed.get(f"version-{each}", "").isdecimal()}
    body: dict[str, Any] = {"ids": ids, "versions": seen, "reason": officer.reason_of(typed, wrong)}
    if day := officer.day_of(typed, "from", wrong):
        body["effective_from"] = day
    if wrong:
        return await items.listing(who, "review", typed=typed, chosen=ids, wrong=wrong)
    try:
        answer = await who.send("POST", "/revisions/approvals", json=body)
    except ServiceProblem as error:
        if error.kind is not Kind.INVALID:
            raise
        raise Malformed(error.detail) from None
    revisions = await asyncio.gather(*(who.get(f"/revisions/{each['id']}") for each in answer.body["results"]))
    results = [
        (revision, each["outcome"], _told(each.get("problem")))
        for revision, each in zip(revisions, answer.body["results"], strict=True)
    ]
    return await who.show("approvals", {"results": results}, current="revisions")


def _told(problem: Mapping[str, Any] | str | None) -> str:
    if not problem:
        return ""
    if isinstance(problem, str):
        return problem
    slug = str(problem.get("type", "")).rpartition(":")[2]
    return words.slug_words(slug) or str(problem.get("detail") or problem.get("title") or slug)
