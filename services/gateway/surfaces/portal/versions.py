"""Earlier versions of an item, and what each of them changed."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.surfaces.base import Site, path_id
from services.gateway.surfaces.common import guide as guides
from services.gateway.surfaces.common import terms
from services.kit.pages import gettext as _
from services.kit.pages import pick

AT_ONCE = 5
"""Versions on one page."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one part said before and says now, line by line; lines of both are left out."""

    label: str
    before: tuple[str, ...]
    now: tuple[str, ...]


async def versions(request: Request) -> Response:
    """The newest versions, or those up to ?before, each with its changes against the one before it."""
    site = Site.of(request)
    current = guides.whole(await site.get(None, "catalog", f"/items/{path_id(request, 'code')}"))
    code = current["code"]
    newest = current["current_version"] or current["item_version"]
    before = request.query_params.get("before", "")
    last = min(newest, int(before) - 1) if before.isdecimal() and before.isascii() and len(before) < 9 else newest
    if last < 1:
        raise HTTPException(404)
    numbers = range(last, max(last - AT_ONCE, 0), -1)
    # One more than is shown: the last one's changes are against it.
    read = await asyncio.gather(
        *(
            site.get_or(None, None, "catalog", f"/items/{code}/versions/{number}")
            for number in range(last, max(last - AT_ONCE - 1, 0), -1)
        )
    )
    found = {each["item_version"]: guides.whole(each) for each in read if each}
    rows = [
        {"item": found[number], "changes": changes(found[number - 1], found[number]) if number - 1 in found else None}
        for number in numbers
        if number in found
    ]
    values = {"item": current, "newest": newest, "rows": rows, "older": numbers[-1] if numbers[-1] > 1 else 0}
    return await site.pages.render(request, "portal/versions.html", values)


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    """What a reader of the guide finds changed, in words."""
    found = []
    for label, lines in _parts():
        old, new = lines(before), lines(now)
        if old != new:
            # The same lines in another order are a change too: then all of them are shown.
            gone = tuple(line for line in old if line not in new)
            come = tuple(line for line in new if line not in old)
            found.append(Change(label, *((gone, come) if gone or come else (tuple(old), tuple(new)))))
    return found


def _parts() -> list[tuple[str, Callable[[Mapping[str, Any]], list[str]]]]:
    return [
        (_("名称"), lambda item: [pick(item["name"])]),
        (_("说明"), lambda item: _some(pick(item.get("summary")))),
        (_("谁来办"), lambda item: [pick(item["organisation"]["name"])]),
        (_("为谁办"), lambda item: [terms.subject(each) for each in item["subjects"]]),
        (_("谁可以办"), lambda item: [pick(each) for each in item["conditions"]]),
        (_("要准备什么"), _material_lines),
        (_("怎么办"), lambda item: [_("：").join(_some(*step)) for step in guides.steps(item)]),
        (_("要多久"), _limit_lines),
        (_("办理渠道"), lambda item: _some(guides.channels(item), guides.depth_words(item))),
        (_("跑几次"), lambda item: _some(guides.visit_words(item), pick(item["visit_reason"]))),
        (_("费用"), lambda item: _some(guides.fee_words(item), pick((item.get("fee") or {}).get("note")))),
        (_("结果"), lambda item: [pick(each["name"]) for each in item["results"]]),
        (_("依据"), lambda item: [guides.law(each) for each in item["basis"]]),
        (_("一起办的"), lambda item: [pick(each["name"]) for each in item["cooperating"]]),
        (_("问一问"), _contact_lines),
        (
            _("申请表"),
            lambda item: [str(each.get("title") or "") for each in item["form"].get("properties", {}).values()],
        ),
    ]


def _some(*lines: str) -> list[str]:
    return [line for line in lines if line]


def _material_lines(item: Mapping[str, Any]) -> list[str]:
    return [
        _("：").join([each.name, _("；").join(line.rstrip("。.") for line in [each.tag, *each.lines])])
        for each in guides.materials(item)
    ]


def _limit_lines(item: Mapping[str, Any]) -> list[str]:
    kind = terms.case_kind(item["case_kind"] or "")
    return [*_some(kind), *(_("：").join([label, words]) for label, words, _basis, _note in guides.limits(item))]


def _contact_lines(item: Mapping[str, Any]) -> list[str]:
    contact = item.get("contact") or {}
    return _some(
        contact.get("phone") or "",
        contact.get("complaint_phone") or "",
        pick(contact.get("address")),
        pick(contact.get("hours")),
    )
