"""Who is at the catalogue's pages, and what every one of them shows besides."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote, urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.clients import Answer
from services.gateway.domain.sessions import Session
from services.gateway.errors import ServiceProblem
from services.gateway.surfaces.base import Site
from services.gateway.surfaces.desk import grants
from services.gateway.surfaces.desk.catalogue import words
from services.kit.errors import Kind
from services.kit.pages import Form
from services.kit.pages import gettext as _

LONGEST_REASON = 1000
MOST_ORGANISATIONS = 500
PER_PAGE = 100
_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._()-]{0,127}")
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,128}")
Problem = tuple[str, str]
"""The id of a control ("" for none) and what is wrong there."""


@dataclass(frozen=True, slots=True)
class Officer:
    """One who is signed in with a role at the catalogue."""

    request: Request
    site: Site
    session: Session
    grants: tuple[grants.Grant, ...]

    def may(self, role: str, organisation: str | None = None) -> bool:
        """Whether they hold the role, at this organisation where one is named: only to choose what is offered."""
        here = (None, grants.EVERYWHERE)
        return any(
            each.role == role and (organisation in here or each.organisation in (grants.EVERYWHERE, organisation))
            for each in self.grants
        )

    async def get(self, path: str, **params: Any) -> Any:
        """The body of a GET at the catalogue."""
        return await self.site.get(self.session, "catalog", path, **params)

    async def item(self, code: str) -> tuple[dict[str, Any], str]:
        """What has this code, an item or a bundle, and its kind."""
        try:
            found = await self.get(f"/items/{safe(code)}")
            return found, str(found.get("kind", "implementation"))
        except ServiceProblem as error:
            if error.kind is not Kind.NOT_FOUND:
                raise
        return await self.get(f"/bundles/{safe(code)}"), "bundle"

    async def send(self, method: str, path: str, **parts: Any) -> Answer:
        """A change at the catalogue."""
        return await self.site.call(self.session, "catalog", method, path, **parts)

    async def show(self, template: str, values: Mapping[str, Any], *, current: str, status: int = 200) -> Response:
        """A page of the catalogue with its side."""
        shared = {
            "officer": self,
            "words": words,
            "areas": self._areas(),
            "area": current,
            "summary": [],
            "errors": {},
            "typed": {},
            "refused": None,
            "done": words.done(self.request.query_params.get("done", "")),
        }
        return await self.site.pages.render(
            self.request, f"desk/catalogue/{template}.html", shared | dict(values), status=status
        )

    def _areas(self) -> list[tuple[str, str, str]]:
        found = [
            ("revisions", _("草稿和审核"), "/catalogue"),
            ("items", _("事项"), "/catalogue/items"),
            ("coverage", _("应上尽上"), "/catalogue/coverage"),
            ("appeals", _("申诉"), "/catalogue/appeals"),
            ("corrections", _("数据异议"), "/catalogue/corrections"),
            ("organisations", _("机构"), "/catalogue/organisations"),
            ("registers", _("登记"), "/catalogue/registers/element"),
        ]
        if self.may("registrar") or self.may("editor"):
            found.append(("misses", _("没搜到的"), "/catalogue/misses"))
        return found

    async def organisations(self, role: str = "") -> list[tuple[str, str]]:
        """Organisations with their names, those where the officer has the role, as far as a choice can list them."""
        named: dict[str, str] = {}
        cursor: str | None = ""
        while cursor is not None and len(named) < MOST_ORGANISATIONS:
            page = await self.site.get_or(
                {"items": [], "next": None}, self.session, "catalog", "/organisations", cursor=cursor, limit=PER_PAGE
            )
            named |= {each["id"]: words.pick(each["name"]) for each in page["items"]}
            cursor = page["next"]
        if not role or (self.may(role, grants.EVERYWHERE) and self._everywhere(role)):
            return list(named.items())
        held = dict.fromkeys(each.organisation for each in self.grants if each.role == role)
        return [(id_, named.get(id_, id_)) for id_ in held]

    async def item_types(self, division: str | None = None) -> list[tuple[str, str]]:
        """Types of items with their names, those in force in this division (12 digits); None: in any."""
        named: dict[str, list[str]] = {}
        for each in (await self.get("/item-types"))["item_types"]:
            if division is None or each["province"] is None or each["province"][:2] == division[:2]:
                named.setdefault(each["code"], []).append(words.pick(each["name"]))
        return [(code, " / ".join(names)) for code, names in named.items()]

    def _everywhere(self, role: str) -> bool:
        return grants.Grant(grants.EVERYWHERE, role) in self.grants


def pairs_of(text: str) -> tuple[list[tuple[str, str]], int | None]:
    """The two sides of lines "one = other", and the number of the first line that is not so (None: all are)."""
    found: list[tuple[str, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        one, sign, other = (part.strip() for part in line.replace("＝", "=").partition("="))
        if one and other:
            found.append((one, other))
        elif one or sign:
            return found, number
    return found, None


async def entered(request: Request) -> Officer:
    """The officer of this request. Raises SignInNeeded; 403 for one without a role at the catalogue."""
    site = Site.of(request)
    session = await site.signed_in(request)
    held = await grants.of(site, session)
    if not any(grant.role in grants.CATALOGUE for grant in held):
        raise HTTPException(403)
    return Officer(request, site, session, held)


def code_of(request: Request, name: str = "code") -> str:
    """A code from the path, safe to put into a service's path; anything else is a page that is not there."""
    value = str(request.path_params[name])
    if not _CODE.fullmatch(value):
        raise HTTPException(404)
    return value


def asked(request: Request, name: str) -> str:
    """An id from the query, which may hold Chinese. A page without it is not there."""
    value = request.query_params.get(name, "")
    if not _NAME.fullmatch(value):
        raise HTTPException(404)
    return value


def safe(value: str) -> str:
    """An id as one segment of a path (RFC 3986 §3.3)."""
    return quote(value, safe="")


def address(path: str, **params: Any) -> str:
    """A path with a query; what is empty is left out."""
    given = {name: value for name, value in params.items() if value not in (None, "", False)}
    return f"{path}?{urlencode(given)}" if given else path


def cursor_of(request: Request) -> str:
    """Where a list goes on."""
    return request.query_params.get("cursor", "")[:500]


def typed_of(form: Form) -> dict[str, str]:
    """What was typed, without what the page itself put in."""
    own = ("_token", "hold", "owner")
    return {name: form.text(name, 400_000) for name in form if name not in own and len(form.many(name)) == 1}


def reason_of(typed: Mapping[str, str], wrong: list[Problem], name: str = "reason") -> str:
    """The reason of an act, 1–1000 characters; else what is wrong is added."""
    reason = typed.get(name, "")
    if not reason:
        wrong.append((f"f-{name}", _("请写明原因")))
    elif len(reason) > LONGEST_REASON:
        words_ = _("最多 %(most)d 个字，现在有 %(num)d 个") % {"most": LONGEST_REASON, "num": len(reason)}
        wrong.append((f"f-{name}", words_))
    return reason


def day_of(typed: Mapping[str, str], name: str, wrong: list[Problem], *, required: bool = False) -> str | None:
    """A date of three boxes as ISO 8601; else what is wrong is added."""
    given = [typed.get(f"{name}.{part}", "") for part in ("year", "month", "day")]
    if not any(given):
        if required:
            wrong.append((f"f-{name}", _("请填日期")))
        return None
    try:
        if not all(part.isascii() and part.isdecimal() for part in given):
            raise ValueError
        return date(*map(int, given)).isoformat()
    except (ValueError, OverflowError):
        shown = "-".join(given)[:40]
        wrong.append((f"f-{name}", _("“%(date)s”不是一个日子，请核对年、月、日") % {"date": shown}))
        return None


def boxes(typed: Mapping[str, str], name: str) -> dict[str, str]:
    """The three boxes of a date as they were typed."""
    return {part: typed.get(f"{name}.{part}", "") for part in ("year", "month", "day")}
