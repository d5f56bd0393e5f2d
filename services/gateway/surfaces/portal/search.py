"""Finding an item: home, search with its filters, typing help."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.gateway.domain.sessions import Session
from services.gateway.errors import ServiceAway
from services.gateway.surfaces.base import Site, part_asked
from services.gateway.surfaces.common import casework, kept, terms
from services.kit.pages import gettext as _
from services.kit.pages import pick

SUBJECTS = ("person", "company")
PER_PAGE = 20
LONGEST_QUERY = 100
SHOWN_AT_HOME = 4
POPULAR = 8


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter: its name in the address, the catalogue's name of it, and what may stand there."""

    name: str
    member: str
    allowed: str
    widget: str = "select"


FILTERS = (
    Filter("for", "subject", "person|company", "radio"),
    Filter("topic", "topic", r"[^\x00-\x1f]{1,50}"),
    Filter("organisation", "organisation", r"[^\x00-\x1f]{1,128}"),
    Filter("type", "item_type", r"[0-9]{2}"),
    Filter("kind", "case_kind", "immediate|promised|other"),
    Filter("channel", "channel", "window|computer|mobile|courier|kiosk|hotline|wechat|other"),
    Filter("free", "free", "true", "check"),
    Filter("no_visit", "no_visit", "true", "check"),
)


@dataclass(frozen=True, slots=True)
class Facet:
    """A filter as the page shows it: its options are value, words and count in words; the first chooses none."""

    name: str
    label: str
    widget: str
    chosen: str
    options: Sequence[tuple[str, str, str]]


async def home(request: Request) -> Response:
    """The way in: search, what is under way, life events, topics, what may be done here."""
    site = Site.of(request)
    session = await site.session(request)
    items, organisations, listed, under_way = await asyncio.gather(
        site.get_or({"items": []}, None, "catalog", "/items", limit=8),
        site.get_or({"items": []}, None, "catalog", "/organisations", limit=100),
        kept.offered_topics(request),
        _under_way(site, session),
    )
    values = {
        "items": items["items"],
        "organisations": _by_size(organisations["items"])[:8],
        "total": count_words(items["total"]) if items.get("total") else "",
        "topics": listed["topics"],
        "life_events": listed["life_events"],
        "under_way": under_way,
        "query": "",
        "subject": "",
    }
    return await site.pages.render(request, "portal/home.html", values)


async def results(request: Request) -> Response:
    """Items found, by words and filters, all of it in the address. htmx asks for the part that changes alone."""
    site = Site.of(request)
    asked = request.query_params
    query = asked.get("q", "").strip()[:LONGEST_QUERY]
    chosen = {
        each.name: value for each in FILTERS if re.fullmatch(each.allowed, value := asked.get(each.name, "").strip())
    }
    members = {each.member: chosen.get(each.name) for each in FILTERS}
    cursor = asked.get("cursor", "")[:500]
    found = await site.get(None, "catalog", "/items", q=query, **members, cursor=cursor, limit=PER_PAGE)
    names = await kept.topic_names(request)
    facets = [_facet(each, found, chosen.get(each.name, ""), names) for each in FILTERS]
    address = address_of(query, chosen)
    values = {
        "items": found["items"],
        "next": address_of(query, chosen | {"cursor": found["next"]}) if found["next"] else "",
        "first": address if cursor else "",
        "address": address,
        "total": count_words(found["total"]) if found.get("total") else "",
        "number": (found.get("total") or {}).get("count", len(found["items"])),
        "did_you_mean": _instead(found, chosen),
        "facets": [each for each in facets if len(each.options) > 1 or each.chosen],
        "applied": _applied(query, chosen, facets),
        "popular": [] if found["items"] else (await _popular(request, chosen.get("for", ""))),
        "query": query,
        "part": part_asked(request, "results"),
    }
    template = "portal/results-part.html" if values["part"] else "portal/results.html"
    return await site.pages.render(request, template, values)


async def suggest(request: Request) -> Response:
    """Typing help, for the script alone: what is offered, and where to; nothing where the catalogue is slow or away."""
    site = Site.of(request)
    query = request.query_params.get("q", "").strip()[:LONGEST_QUERY]
    found = (
        await site.get_or({"suggestions": []}, None, "catalog", "/suggest", q=query) if query else {"suggestions": []}
    )
    offered = []
    for each in found["suggestions"][:10]:
        href = f"/items/{quote(each['code'], safe='')}" if each["code"] else ""
        offered.append({"text": each["text"], "href": href})
    return JSONResponse({"suggestions": offered})


def address_of(query: str, chosen: Mapping[str, str], path: str = "/items") -> str:
    """The address of a search."""
    pairs = [("q", query)] if query else []
    pairs += [(name, value) for name, value in chosen.items() if value]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def count_words(total: Mapping[str, Any]) -> str:
    """A count as people read it; one that was not counted to its end says so."""
    return f"{total['count']:,}" + ("+" if total.get("more") else "")


def _facet(each: Filter, found: Mapping[str, Any], chosen: str, names: Mapping[str, Any]) -> Facet:
    """A filter with what is left to choose. What is chosen stays, also where nothing is left."""
    label, everything = {
        "for": (_("为谁办"), _("都找")),
        "topic": (_("主题"), _("所有主题")),
        "organisation": (_("部门"), _("所有部门")),
        "type": (_("种类"), _("所有种类")),
        "kind": (_("多快"), _("不限")),
        "channel": (_("怎么交"), _("不限")),
        "free": ("", ""),
        "no_visit": ("", ""),
    }[each.name]
    options = [("", everything, "")]
    for option in (found.get("facets") or {}).get(each.member, ()):
        value = str(option["value"]).lower() if isinstance(option["value"], bool) else str(option["value"])
        if re.fullmatch(each.allowed, value) and (option["count"] or value == chosen):
            options.append((value, _value_words(each.name, value, option.get("label"), names), count_words(option)))
    if each.name == "for":
        # Both are always there, in one order: who has chosen one would else have to take it back to see the other.
        known = {value: count for value, _words, count in options}
        options = [("", everything, "")]
        options += [(value, terms.subject(value), known.get(value, "")) for value in SUBJECTS]
    if chosen and all(value != chosen for value, _words, _count in options):
        label_of = next((i["organisation"]["name"] for i in found["items"] if i["organisation"]["id"] == chosen), None)
        options.append((chosen, _value_words(each.name, chosen, label_of, names), ""))
    return Facet(each.name, label, each.widget, chosen, options)


def _value_words(name: str, value: str, label: Any, names: Mapping[str, Any]) -> str:
    words: Mapping[str, Callable[[str], str]] = {
        "for": terms.subject,
        "type": terms.item_type,
        "kind": lambda kind: terms.case_kind(kind) or _("其他"),
        "channel": terms.channel,
        "free": lambda _value: _("不收费"),
        "no_visit": lambda _value: _("不用跑"),
        "topic": lambda topic: pick(names.get(topic)),
        "organisation": lambda _value: "",
    }
    return words[name](value) or (label if isinstance(label, str) else pick(label)) or value


def _applied(query: str, chosen: Mapping[str, str], facets: Sequence[Facet]) -> list[tuple[str, str]]:
    """Every filter that is set, in words, with the address without it."""
    found = []
    for facet in facets:
        if facet.chosen:
            words = next(words for value, words, _count in facet.options if value == facet.chosen)
            rest = {name: value for name, value in chosen.items() if name != facet.name}
            found.append((words, address_of(query, rest)))
    return found


def _instead(found: Mapping[str, Any], chosen: Mapping[str, str]) -> tuple[str, str] | None:
    meant = found.get("did_you_mean")
    return (meant, address_of(meant, chosen)) if meant else None


async def _popular(request: Request, subject: str) -> list[Any]:
    """The topics with the most items, for who found nothing."""
    listed = (await kept.offered_topics(request))["topics"]
    fitting = [each for each in listed if not subject or each.get("subject") in (None, subject)]
    return _by_size(fitting)[:POPULAR]


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


def _by_size(listed: Sequence[Any]) -> list[Any]:
    return sorted(listed, key=lambda each: -(each.get("items") or 0))
