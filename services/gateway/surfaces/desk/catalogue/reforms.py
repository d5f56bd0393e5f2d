"""Reforms of organisations (机构改革) and their import from files."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.errors import ServiceProblem
from services.gateway.surfaces.base import Site
from services.gateway.surfaces.common.uploads import Upload
from services.gateway.surfaces.desk.catalogue import officer, words
from services.gateway.surfaces.desk.catalogue.officer import Officer, Problem
from services.kit.errors import FieldProblem, Kind, TooLarge
from services.kit.pages import gettext as _

KINDS = ("rename", "merge", "abolish", "split")
_PARTS = ("items.", "functions.")
LARGEST_FILE = 10 * 1024 * 1024
_TOLD = (Kind.INVALID, Kind.CONFLICT, Kind.FORBIDDEN, Kind.NOT_FOUND, Kind.TOO_LARGE, Kind.MALFORMED)


def kind_word(kind: str) -> str:
    """A reform by its name."""
    return {"rename": _("改名"), "merge": _("合并"), "abolish": _("撤销"), "split": _("拆分")}[kind]


async def form(request: Request) -> Response:
    """The form of a reform."""
    who = await officer.entered(request)
    held = await who.site.held(request, who.session)
    return await _form(who, officer.typed_of(held) if held else dict(request.query_params))


async def reform(request: Request) -> Response:
    """Do it: items are carried over, their old codes stay as aliases."""
    site = Site.of(request)
    posted = await site.form(request)
    who = await officer.entered(request)
    typed = officer.typed_of(posted)
    wrong: list[Problem] = []
    body = _body(typed, wrong)
    body["reason"] = officer.reason_of(typed, wrong)
    if wrong:
        return await _form(who, typed, wrong, status=422)
    try:
        if body["kind"] == "split" and len(body["sources"]) == 1:  # of several the catalogue says that it is no split
            body |= await _functions_apart(who, body["sources"][0], body["items"])
        answer = await who.send("POST", "/organisations/reforms", json=body)
    except ServiceProblem as error:
        if error.kind not in _TOLD:
            raise
        listed = [("f-items" if each.field.startswith(_PARTS) else "", _told(each)) for each in error.fields]
        # What nothing was said of gets a line to say it on.
        silent = [each.field.partition(".")[2] for each in error.fields if each.reason == "no_target"]
        typed["items"] = "\n".join([typed.get("items", ""), *(f"{code} =" for code in silent)]).strip()
        return await _form(who, typed, listed, refused=words.refusal(error), status=error.status)
    return await who.show("reformed", {"found": answer.body}, current="organisations")


def _body(typed: Mapping[str, str], wrong: list[Problem]) -> dict[str, Any]:
    kind = typed.get("kind", "")
    if kind not in KINDS:
        wrong.append(("f-kind", _("请选怎么改")))
    sources = _lines(typed.get("sources", ""))
    if not sources:
        wrong.append(("f-sources", _("请填原来的机构，一行一个编号")))
    body: dict[str, Any] = {"kind": kind, "sources": sources, "targets": []}
    name = {"zh": typed.get("name.zh", ""), "en": typed.get("name.en") or None}
    target = typed.get("target", "")
    if kind == "rename":
        if not name["zh"]:
            wrong.append(("f-name.zh", _("请填新名称")))
        body["targets"] = [{"name": name}]
    elif kind == "merge":
        if not target:
            wrong.append(("f-target", _("请填并到哪个机构")))
        body["targets"] = [{"id": target}]
    elif kind == "abolish" and target:
        body["targets"] = [{"id": target}]
    elif kind == "split":
        targets = _lines(typed.get("targets", ""))
        if len(targets) < 2:
            wrong.append(("f-targets", _("请填拆成哪几个机构，一行一个编号")))
        items, bad = officer.pairs_of(typed.get("items", ""))
        if bad is not None:
            wrong.append(("f-items", _("第 %(num)d 行要写成“事项编码 = 机构编号”") % {"num": bad}))
        elif len(dict(items)) < len(items):
            wrong.append(("f-items", _("有一个事项写了两行，留一行")))
        body |= {"targets": [{"id": each} for each in targets], "items": dict(items)}
    return body


async def _functions_apart(who: Officer, source: str, given: Mapping[str, str]) -> dict[str, Any]:
    """What was said of items, and what of functions, which one list names together. Raises ServiceProblem."""
    found = await who.get(f"/organisations/{officer.safe(source)}")
    functions = {each["id"] for each in found["functions"]}
    return {
        "items": {code: target for code, target in given.items() if code not in functions},
        "functions": {code: target for code, target in given.items() if code in functions},
    }


def _lines(text: str) -> list[str]:
    return [each.strip() for each in text.split("\n") if each.strip()]


def _told(problem: FieldProblem) -> str:
    place, _dot, code = problem.field.partition(".")
    if problem.reason == "no_target" and code:
        return _("还没说 %(code)s 归哪个机构") % {"code": code}
    if place == "items" and problem.reason == "unknown":
        return _("原来的机构没有编码是 %(code)s 的事项") % {"code": code}
    return f"{problem.field}: {problem.detail or problem.reason}"


async def _form(
    who: Officer,
    typed: Mapping[str, str],
    wrong: Sequence[Problem] = (),
    *,
    refused: tuple[str, str] | None = None,
    status: int = 200,
) -> Response:
    shown = {
        "kinds": [(each, kind_word(each)) for each in KINDS],
        "typed": typed,
        "errors": dict(wrong),
        "summary": list(wrong),
        "refused": refused,
    }
    return await who.show("reform", shown, current="organisations", status=status)


async def import_form(request: Request) -> Response:
    """The form that takes a file."""
    return await _import(await officer.entered(request))


async def import_file(request: Request) -> Response:
    """Take a file of organisations, CSV or JSON lines, and show what became of each row."""
    site = Site.of(request)
    site.pages.forms.check_site(request)
    who = await officer.entered(request)
    received = Upload(request, LARGEST_FILE)
    try:
        await received.begin()
        site.pages.forms.check(request, received.token)
        if received.told_too_large:
            raise TooLarge
        if received.empty:
            return await _import(who, [("f-file", _("请先选一个文件"))], status=422)
        lines = re.search(r"\.(jsonl|ndjson|json)$", received.filename.lower())
        content = b"".join([part async for part in received.content()])
    except TooLarge:
        await received.drain()
        return await _import(who, [("f-file", _("文件太大，最多 10 MB，请拆开"))], status=413)
    kind = "application/x-ndjson" if lines else "text/csv; charset=utf-8"
    try:
        answer = await who.send("POST", "/organisations/imports", content=content, headers={"content-type": kind})
    except ServiceProblem as error:
        if error.kind not in _TOLD:
            raise
        return await _import(who, refused=words.refusal(error), status=error.status)
    return await _import(who, report=answer.body)


async def _import(
    who: Officer,
    wrong: Sequence[Problem] = (),
    *,
    report: Mapping[str, Any] | None = None,
    refused: tuple[str, str] | None = None,
    status: int = 200,
) -> Response:
    shown = {"report": report, "errors": dict(wrong), "summary": list(wrong), "refused": refused}
    return await who.show("organisations-import", shown, current="organisations", status=status)
