"""Browsing: topics of people and of companies, life events, bundles."""

import asyncio
import re
from typing import Any
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.surfaces.base import Site
from services.gateway.surfaces.common import kept
from services.gateway.surfaces.portal.search import PER_PAGE, address_of, count_words
from services.kit.pages import gettext as _
from services.kit.pages import pick

_CODE = re.compile(r"[^\x00-\x1f\x7f/?#]{1,50}")


async def index(request: Request) -> Response:
    """Every topic by person and company, life events and bundles."""
    site = Site.of(request)
    listed, bundles = await asyncio.gather(
        kept.offered_topics(request), site.get_or({"items": []}, None, "catalog", "/bundles", limit=50)
    )
    by_subject = {
        subject: [_entry(each) for each in listed["topics"] if each.get("subject") in (subject, None)]
        for subject in ("person", "company")
    }
    both = [
        {"name": each["name"], "href": f"/bundles/{each['code']}", "count": "", "number": 0}
        for each in bundles["items"]
    ]
    groups = [
        ("events", _("人生大事、企业大事"), [_entry(each) for each in listed["life_events"]]),
        ("bundles", _("一件事，几个手续一起办"), both),
        ("person", _("为自己办"), by_subject["person"]),
        ("company", _("为企业办"), by_subject["company"]),
    ]
    return await site.pages.render(request, "portal/topics.html", {"groups": groups})


async def topic(request: Request) -> Response:
    """The items of one topic or life event."""
    site = Site.of(request)
    code = str(request.path_params["code"])
    if not _CODE.fullmatch(code):
        raise HTTPException(404)
    cursor = request.query_params.get("cursor", "")[:500]
    names, found = await asyncio.gather(
        kept.topic_names(request),
        site.get(None, "catalog", "/items", topic=code, cursor=cursor, limit=PER_PAGE),
    )
    if code not in names and not found["items"]:
        raise HTTPException(404)
    path = request.url.path
    values = {
        "name": pick(names.get(code)) or code,
        "items": found["items"],
        "total": count_words(found["total"]) if found.get("total") else "",
        "number": (found.get("total") or {}).get("count", 0),
        "next": address_of("", {"cursor": found["next"] or ""}, path) if found["next"] else "",
        "first": path if cursor else "",
        "narrower": address_of("", {"topic": code}),
    }
    return await site.pages.render(request, "portal/topic.html", values)


def _entry(each: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": each["name"],
        "href": f"/topics/{quote(each['code'], safe='')}",
        "number": each["items"],
        "count": count_words({"count": each["items"], "more": each.get("more")}),
    }
