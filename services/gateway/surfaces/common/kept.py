"""What pages keep: answers of the catalogue for a while in this process, and pages that a browser may ask after."""

import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.surfaces.base import Site
from services.gateway.surfaces.common.guide import Registered
from services.kit.pages import pick

SECONDS = 60
AWAY_SECONDS = 20
"""How long nothing is kept for an answer that did not come: a catalogue that is slow is not asked by every page."""
MOST = 5000


class Kept:
    """Answers by key, each for a while; the oldest go first. What fails is None."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._values: dict[tuple[str, ...], tuple[float, Any]] = {}

    @staticmethod
    def of(request: Request) -> "Kept":
        """What this surface keeps in this process."""
        state = request.app.state
        if not hasattr(state, "kept"):
            state.kept = Kept()
        found: Kept = state.kept
        return found

    async def get(self, key: tuple[str, ...], load: Callable[[], Awaitable[Any]]) -> Any:
        """The value of `key`, loaded where it is not known or too old."""
        now = self._clock()
        until, value = self._values.get(key, (0.0, None))
        if until > now:
            return value
        value = await load()
        self._values.pop(key, None)
        self._values[key] = now + (SECONDS if value is not None else AWAY_SECONDS), value
        while len(self._values) > MOST:
            del self._values[next(iter(self._values))]
        return value


async def topics(request: Request) -> dict[str, Any]:
    """Topics and life events with their names; empty where the catalogue does not tell."""
    site = Site.of(request)
    found = await Kept.of(request).get(("topics",), partial(site.get_or, None, None, "catalog", "/topics")) or {}
    # An event that names nobody is one of a person's life.
    return {
        "topics": [{"subject": None, **each} for each in found.get("topics", ())],
        "life_events": [{"subject": "person", **each} for each in found.get("life_events", ())],
    }


async def offered_topics(request: Request) -> dict[str, Any]:
    """Those that lead anywhere: an empty one is no way on."""
    listed = await topics(request)
    return {name: [each for each in found if each.get("items") != 0] for name, found in listed.items()}


async def topic_names(request: Request) -> dict[str, Any]:
    """Names of topics and life events by code."""
    listed = await topics(request)
    return {each["code"]: each["name"] for each in (*listed["life_events"], *listed["topics"])}


async def registered(request: Request, item: Mapping[str, Any]) -> Registered:
    """What the registers say of what an item's materials and results name; nothing where the catalogue is away."""
    if not any(each.get("licence_type") or each.get("elements") for each in (*item["materials"], *item["results"])):
        return Registered()
    path, version = f"/items/{quote(item['code'], safe='')}/named", item["item_version"]
    load = partial(Site.of(request).get_or, None, None, "catalog", path, version=version)
    found = await Kept.of(request).get((path, str(version)), load) or {"entries": (), "known": ()}
    return Registered(
        {(each["register"], each["code"]): pick(each["name"]) for each in found["entries"]},
        {each["material"]: pick(each["source"]["name"]) for each in found["known"]},
    )


PAGE: Mapping[str, str] = {"cache-control": "private, no-cache", "vary": "cookie, accept-language"}
"""Kept by the browser alone, which asks each time whether it still holds; language and text size are cookies."""
DOCUMENT: Mapping[str, str] = {"cache-control": "public, no-cache"}
"""The same for everybody, and asked after each time too: what was published a second ago is what is read."""


def revalidated(request: Request, response: Response, policy: Mapping[str, str]) -> Response:
    """`response` with an entity tag of its content, or 304 where the browser has just that (RFC 9110 §13.1.2)."""
    tag = f'"{hashlib.sha256(response.body).hexdigest()[:32]}"'
    response.headers.update({"etag": tag, **policy})
    known = request.headers.get("if-none-match", "")
    if tag in (each.strip().removeprefix("W/") for each in known.split(",")) or known.strip() == "*":
        kept = ("etag", "cache-control", "vary", "content-language")
        return Response(
            status_code=304, headers={name: response.headers[name] for name in kept if name in response.headers}
        )
    return response
