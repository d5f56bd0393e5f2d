"""The registers: data elements, shareable resources, licence types; each entry with its one source (一数一源)."""

from collections.abc import Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.errors import ServiceProblem
from services.gateway.surfaces.base import Site, see_other
from services.gateway.surfaces.desk.catalogue import asked, officer, refusals, sheet, words
from services.gateway.surfaces.desk.catalogue.officer import Officer, Problem
from services.gateway.surfaces.desk.catalogue.sheet import Ask, Flat, Part
from services.gateway.surfaces.desk.catalogue.view import View
from services.kit.errors import Kind
from services.kit.pages import gettext as _
from services.kit.pages import pick

REGISTERS = ("element", "resource", "licence")
PER_PAGE = 50
_TOLD = (Kind.INVALID, Kind.CONFLICT, Kind.FORBIDDEN, Kind.PRECONDITION_FAILED, Kind.PRECONDITION_REQUIRED)


def parts(register: str, organisations: Sequence[tuple[str, str]] = ()) -> tuple[Part, ...]:
    """The form of an entry."""
    hints = {
        "element": _("小写字母、数字、下划线，字母开头，表达式里就用它"),
        "resource": _("类、项、目、细目，斜杠，顺序号，比如 3001001/1"),
        "licence": _("定义机构的统一社会信用代码加三位数字（GB/T 36904）"),
    }
    asks: list[Ask] = [
        Ask("code", "line", _("编码"), hints[register], required=True),
        *asked.both("name", _("名称"), required=True),
        Ask("source.id", "choice", _("权威来源"), _("一数一源：只有一个"), options=tuple(organisations), required=True),
    ]
    if register == "element":
        types = tuple((each, words.data_type(each)) for each in ("text", "integer", "number", "boolean", "date"))
        asks += [*asked.both("definition", _("定义"), "lines")]
        asks += [Ask("data_type", "choice", _("值的类型"), options=types, required=True)]
        asks += [*asked.both("unit", _("单位"))]
    else:
        sharing = tuple((each, words.sharing(each)) for each in ("unconditional", "conditional", "none"))
        asks += [Ask("sharing", "choice", _("共享"), options=sharing, required=True)]
    if register == "resource":
        bases = (
            ("population", _("人口")),
            ("legal_persons", _("法人")),
            ("geography", _("地理空间")),
            ("credit", _("信用")),
            ("licences", _("电子证照")),
        )
        asks += [*asked.both("condition", _("共享的条件，或者不共享的原因"), "lines")]
        asks += [Ask("base_register", "choice", _("属于哪个基础库"), options=bases)]
    if register != "element":
        told = _("给得出的数据元") if register == "resource" else _("证明的数据元")
        asks += [Ask("elements", "codes", told, _("编号，用空格隔开"))]
    states = (("active", _("在用")), ("closed", _("停用")))
    asks += [Ask("status", "choice", _("状态"), options=states, required=True)]
    return (Part("entry", words.register(register), asks=tuple(asks)),)


async def listing(request: Request) -> Response:
    """One register."""
    who = await officer.entered(request)
    register = _register(request)
    query, cursor = request.query_params.get("q", "").strip()[:100], officer.cursor_of(request)
    page = await who.get(f"/registers/{register}", q=query, cursor=cursor, limit=PER_PAGE)
    path = f"/catalogue/registers/{register}"
    shown = {
        "register": register,
        "registers": [(each, words.register(each)) for each in REGISTERS],
        "query": query,
        "rows": [row.get("content", row) for row in page["items"]],
        "writing": who.may("registrar") or who.may("editor"),
        "next": officer.address(path, q=query, cursor=page["next"]) if page["next"] else "",
        "first": officer.address(path, q=query) if cursor else "",
    }
    return await who.show("registers", shown, current="registers")


async def form(request: Request) -> Response:
    """An entry as a form, or an empty one."""
    who = await officer.entered(request)
    register, code = _register(request), request.query_params.get("code", "")
    offered = parts(register, await who.organisations())
    flat = sheet.flattened({"status": "active", "data_type": "text"}, offered)
    version = ""
    if code:
        entry = await who.get(f"/registers/{register}/{officer.safe(officer.asked(request, 'code'))}")
        flat, version = sheet.flattened(entry.get("content", entry), offered), str(entry["version"])
    if (held := await who.site.held(request, who.session)) is not None:
        flat, version = sheet.read(held, offered), held.text("version", 12)
    return await _form(who, register, code, flat, version, offered)


async def keep(request: Request) -> Response:
    """Enter or change an entry; a second source is refused, naming the holder."""
    site = Site.of(request)
    posted = await site.form(request)
    register, code = _register(request), request.query_params.get("code", "")
    path = f"/catalogue/registers/{register}"
    request.state.after_sign_in = officer.address(f"{path}/form", code=code)
    who = await officer.entered(request)
    offered = parts(register, await who.organisations())
    flat, version = sheet.read(posted, offered), posted.text("version", 12)
    reason = posted.text("reason", 20_000)
    content, told = sheet.composed(flat, offered, {})
    wrong = [(f"f-{name}", text) for name, text in told]
    officer.reason_of({"reason": reason}, wrong)
    if wrong:
        return await _form(who, register, code, flat, version, offered, reason=reason, wrong=wrong, status=422)
    target = code or str(content["code"])
    headers = {"if-match": f'"{version}"'} if code else {"if-none-match": "*"}
    try:
        await who.send(
            "PUT",
            f"/registers/{register}/{officer.safe(target)}",
            json={"content": content, "reason": reason},
            headers=headers,
        )
    except ServiceProblem as error:
        if error.kind not in _TOLD:
            raise
        if error.kind is Kind.PRECONDITION_FAILED and code:
            version = str((await who.get(f"/registers/{register}/{officer.safe(code)}"))["version"])
        found = refusals.problems(error, flat, offered) if error.fields else []
        refused = None if found and error.kind is Kind.INVALID else _refusal(error)
        holder = _holder(error)
        return await _form(
            who, register, code, flat, version, offered,
            reason=reason, wrong=found, refused=refused, holder=holder, status=error.status,
        )  # fmt: skip
    return see_other(officer.address(path, q=target, done="register"))


def _refusal(error: ServiceProblem) -> tuple[str, str]:
    if error.slug == "second-source" and (holder := _holder(error)) is not None:
        title = _("一数一源：这个已经有来源了，是%(holder)s") % {"holder": holder[2]}
        return title, _("发现它不对，请向来源提出异议，不能再登记一个。")
    return words.refusal(error)


def _holder(error: ServiceProblem) -> tuple[str, str, str] | None:
    """The register and code of the entry that has its source already, and who that is."""
    found: Any = error.members.get("holder")
    if error.slug != "second-source" or not isinstance(found, dict):
        return None
    register, code = str(error.members.get("register", "")), str(error.members.get("code", ""))
    return register, code, pick(found.get("name")) or str(found.get("id", ""))


def _register(request: Request) -> str:
    register = str(request.path_params["register"])
    if register not in REGISTERS:
        raise HTTPException(404)
    return register


async def _form(
    who: Officer,
    register: str,
    code: str,
    flat: Flat,
    version: str,
    offered: Sequence[Part],
    *,
    reason: str = "",
    wrong: Sequence[Problem] = (),
    refused: tuple[str, str] | None = None,
    holder: tuple[str, str, str] | None = None,
    status: int = 200,
) -> Response:
    path = officer.address(f"/catalogue/registers/{register}/form", code=code)
    shown = {
        "register": register,
        "code": code,
        "name": flat.get("name.zh") or code,
        "version": version,
        "view": View(path, offered, flat, dict(reversed(list(wrong)))),
        "reason": reason,
        "errors": dict(wrong),
        "summary": list(wrong),
        "refused": refused,
        "holder": holder,
    }
    return await who.show("register-form", shown, current="registers", status=status)
