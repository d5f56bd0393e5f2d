"""Finding an item: home, search, the guide page."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.domain.sessions import Session
from services.gateway.errors import ServiceAway
from services.gateway.surfaces.base import Site, path_id
from services.gateway.surfaces.common import casework
from services.gateway.surfaces.common import guide as guides
from services.kit.ids import new_id

SUBJECTS = ("person", "company")
PER_PAGE = 20
LONGEST_QUERY = 100
SHOWN_AT_HOME = 4


async def home(request: Request) -> Response:
    """The way in: search, what is under way, what may be done here."""
    site = Site.of(request)
    session = await site.session(request)
    items, organisations, under_way = await asyncio.gather(
        site.get_or({"items": []}, None, "catalog", "/items", limit=8),
        site.get_or({"items": []}, None, "catalog", "/organisations", limit=100),
        _under_way(site, session),
    )
    values = {
        "items": items["items"],
        "organisations": _by_size(organisations["items"])[:8],
        "total": sum(each["items"] for each in organisations["items"]),
        "complete": not organisations.get("next"),
        "under_way": under_way,
        "query": "",
        "subject": "",
    }
    return await site.pages.render(request, "portal/home.html", values)


async def results(request: Request) -> Response:
    """Items found, by words, person or company, and department; every filter is part of the address."""
    site = Site.of(request)
    asked = request.query_params
    subject = asked.get("for", "")
    wanted: dict[str, Any] = {
        "q": asked.get("q", "").strip()[:LONGEST_QUERY],
        "subject": subject if subject in SUBJECTS else "",
        "organisation": asked.get("organisation", "")[:128],
    }
    found, organisations = await asyncio.gather(
        site.get(None, "catalog", "/items", **wanted, cursor=asked.get("cursor", "")[:500], limit=PER_PAGE),
        site.get_or({"items": []}, None, "catalog", "/organisations", limit=100),
    )
    nearest: list[Any] = []
    if not found["items"] and wanted["q"]:
        nearest = (await site.get_or({"items": []}, None, "catalog", "/items", limit=3))["items"]
    values = {
        "items": found["items"],
        "next": found["next"],
        "nearest": nearest,
        "organisations": sorted(organisations["items"], key=lambda each: each["name"]["zh"]),
        "query": wanted["q"],
        "subject": wanted["subject"],
        "organisation": wanted["organisation"],
        "continued": bool(asked.get("cursor")),
    }
    return await site.pages.render(request, "portal/results.html", values)


async def guide(request: Request) -> Response:
    """The guide page (办事指南) of an item; earlier versions by ?version."""
    site = Site.of(request)
    code = path_id(request, "code")
    version = request.query_params.get("version", "")
    path = f"/items/{code}" + (f"/versions/{int(version)}" if version.isdecimal() and len(version) < 9 else "")
    item = await site.get(None, "catalog", path)
    values = {
        "item": item,
        "facts": guides.facts(item),
        "limit": guides.limit_ruler(item),
        "steps": guides.steps(item),
        "key": new_id(),
        "signed_in": await site.session(request) is not None,
    }
    return await site.pages.render(request, "portal/guide.html", values)


async def _under_way(site: Site, session: Session | None) -> list[dict[str, Any]]:
    """Drafts and cases that are not ended yet, the ones that wait for the person first."""
    if session is None:
        return []
    try:
        drafts, cases = await asyncio.gather(
            site.get(session, "cases", "/drafts", limit=SHOWN_AT_HOME),
            site.get(session, "cases", "/cases", limit=SHOWN_AT_HOME),
        )
    except ServiceAway:
        return []
    rows = [{"draft": True, **draft} for draft in drafts["items"]]
    running = [case for case in cases["items"] if case["status"] not in casework.ENDED]
    rows += [{"draft": False, **case} for case in sorted(running, key=lambda case: case["status"] != "returned")]
    return rows[:SHOWN_AT_HOME]


def _by_size(organisations: list[Any]) -> list[Any]:
    return sorted(organisations, key=lambda each: -each["items"])
