"""The editor: a draft as a form, what is refused beside its field, rows added and taken away without a script.

Whatever a button does, the whole form comes with it and comes back: nothing that was typed is lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.errors import ServiceProblem
from services.gateway.surfaces.base import Site, path_id, see_other, version_of
from services.gateway.surfaces.desk.catalogue import asked, officer, refusals, review, sheet, values, words
from services.gateway.surfaces.desk.catalogue.officer import Officer, Problem
from services.gateway.surfaces.desk.catalogue.sheet import Flat, Part
from services.gateway.surfaces.desk.catalogue.view import LIMITS, ROW_ACTS, View, rowed
from services.kit.errors import Kind
from services.kit.pages import gettext as _
from services.kit.pages import pick

Revision = Mapping[str, Any]


async def page(request: Request) -> Response:
    """A revision: a draft to its editors, what it changes to everybody else."""
    who = await officer.entered(request)
    revision = await who.get(f"/revisions/{path_id(request, 'revision')}")
    if "edited" not in revision["acts"]:
        return await review.show(who, revision)
    parts = await _parts(who, revision)
    flat = sheet.flattened(revision["content"], parts)
    returned = await _returned(who, revision)
    reason = _("照退回的意见改") if returned else revision["reason"]
    if (held := await who.site.held(request, who.session)) is not None:
        # Typed before a sign-in that came in between, on what was seen then.
        flat, reason = sheet.read(held, parts), held.text("reason", 20_000)
        revision = dict(revision) | {"version": version_of(held).strip('"')}
    return await _show(who, revision, parts, flat, reason=reason, returned=returned)


async def _returned(who: Officer, revision: Revision) -> Mapping[str, Any] | None:
    """Who gave the draft back to be changed and why, where that was the last that was done with it."""
    path = f"/items/{officer.safe(revision['code'])}/history"
    history = await who.site.get_or({"items": []}, who.session, "catalog", path, limit=10)
    last = next((each for each in history["items"] if each["revision"] == revision["id"]), None)
    return last if last and last["act"] == "returned" else None


async def change(request: Request) -> Response:
    """A button of the form: rows come and go, the draft is saved, and from there it goes to review or to an appeal."""
    site = Site.of(request)
    form = await site.form(request, **LIMITS)
    who = await officer.entered(request)
    revision = await who.get(f"/revisions/{path_id(request, 'revision')}")
    parts = await _parts(who, revision)
    flat = sheet.read(form, parts)
    act, _colon, rest = form.text("do", 400).partition(":")
    reason = form.text("reason", 20_000)
    if act in ROW_ACTS:
        flat, touched = rowed(flat, parts, act, rest)
        # What was seen is what a later save is compared with.
        seen = dict(revision) | {"version": version_of(form).strip('"')}
        return await _show(who, seen, parts, flat, touched=touched, reason=reason)
    draft = Typed(flat, version_of(form), reason)
    return await _save(who, revision, parts, draft, onward=_onward(revision["id"], act, rest))


@dataclass(frozen=True, slots=True)
class Typed:
    """What came with the form: its controls, the version that it was made from, why it is changed."""

    flat: Flat
    version: str
    reason: str


def _onward(id_: str, act: str, rest: str) -> str:
    here = f"/catalogue/revisions/{id_}"
    if act == "submit":
        return f"{here}/submit"
    if act == "appeal":
        rule, _colon, field_ = rest.partition(":")
        return f"{here}/appeal?{urlencode({'rule': rule, 'field': field_})}"
    return f"{here}?done=saved"


async def _save(who: Officer, revision: Revision, parts: Sequence[Part], typed: Typed, *, onward: str) -> Response:
    flat = sheet.tidied(typed.flat, parts)
    seen = dict(revision) | {"version": typed.version.strip('"')}
    content, wrong = sheet.composed(flat, parts, revision["content"])
    found = [(f"f-{path}", text) for path, text in wrong]
    officer.reason_of({"reason": typed.reason}, found)
    if found:
        return await _show(who, seen, parts, flat, reason=typed.reason, wrong=found, status=422)
    body = {"content": content, "reason": typed.reason}
    try:
        await who.send("PUT", f"/revisions/{revision['id']}", json=body, headers={"if-match": typed.version})
    except ServiceProblem as error:
        if error.kind is Kind.PRECONDITION_FAILED:
            return await _conflict(who, revision["id"], parts, flat, typed.reason)
        if error.kind is Kind.INVALID:
            found = refusals.problems(error, flat, parts)
            return await _show(who, seen, parts, flat, reason=typed.reason, wrong=found, status=422)
        if error.kind is not Kind.CONFLICT:
            raise
        refused = words.refusal(error)
        return await _show(who, seen, parts, flat, reason=typed.reason, refused=refused, status=409)
    return see_other(onward)


async def _conflict(who: Officer, id_: str, parts: Sequence[Part], flat: Flat, reason: str) -> Response:
    """Both are shown: what is kept now beside what was typed, which stays in the form and can be saved over it."""
    now = await who.get(f"/revisions/{id_}")
    conflict = values.differences(sheet.flattened(now["content"], parts), flat, now["kind"])
    return await _show(who, now, parts, flat, reason=reason, conflict=conflict, status=412)


async def _parts(who: Officer, revision: Revision) -> tuple[Part, ...]:
    found = await who.site.get_or({"topics": []}, who.session, "catalog", "/topics")
    topics = [(each["code"], pick(each["name"])) for each in found["topics"]]
    return asked.parts(revision["kind"], topics, await who.item_types(revision["content"]["division"]))


async def _show(
    who: Officer,
    revision: Revision,
    parts: Sequence[Part],
    flat: Flat,
    *,
    wrong: Sequence[Problem] = (),
    conflict: Sequence[values.Change] = (),
    refused: tuple[str, str] | None = None,
    touched: str = "",
    reason: str = "",
    returned: Mapping[str, Any] | None = None,
    status: int = 200,
) -> Response:
    errors: dict[str, str] = {}
    for place, text in wrong:
        errors.setdefault(place, text)
    places = [sheet.place(each["field"], flat, parts) for each in revision["findings"]]
    found: dict[str, list[Mapping[str, Any]]] = {}
    for place, each in zip(places, revision["findings"], strict=True):
        found.setdefault(place, []).append(each)
    content = revision["content"]
    view = View(
        path=f"/catalogue/revisions/{revision['id']}",
        parts=parts,
        flat=flat,
        errors=errors,
        found=found,
        places=places,
        fields=_form_fields(content.get("form") or {}),
        touched=touched,
    )
    shown = {
        "revision": revision,
        "content": content,
        "name": flat.get("name.zh") or pick(content["name"]) or revision["code"],
        "view": view,
        "summary": list(wrong),
        "conflict": conflict,
        "refused": refused,
        "returned": returned,
        "reason": reason,
        "errors": errors,
        "clean": status == 200 and not touched and not revision["findings"],
    }
    return await who.show("editor", shown, current="revisions", status=status)


def _form_fields(schema: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """The fields of an application form: name, question, widget, data element. What is no schema has none."""
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return []
    found = []
    for name, each in properties.items():
        if isinstance(each, Mapping):
            widget = str(each.get("x-widget") or each.get("format") or each.get("type") or "")
            found.append((str(name), str(each.get("title", "")), widget, str(each.get("x-element") or "")))
    return found
