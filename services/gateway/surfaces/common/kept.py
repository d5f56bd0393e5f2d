"""What pages keep: answers of the catalogue for a while in this process, and pages that a browser may ask after."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.surfaces.base import Site
from services.gateway.surfaces.common.guide import Known, Names
from services.kit.pages import pick

SECONDS = 300
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


async def topic_names(request: Request) -> dict[str, Any]:
    """Names of topics and life events by code."""
    listed = await topics(request)
    return {each["code"]: each["name"] for each in (*listed["life_events"], *listed["topics"])}


async def names(request: Request, codes: Iterable[tuple[str, str]]) -> Names:
    """Names of licence types and data elements, by register and code; one that is not registered is left out."""
    site, kept = Site.of(request), Kept.of(request)
    wanted = [(register, code, f"/registers/{register}/{quote(code, safe='')}") for register, code in codes]
    entries = await asyncio.gather(
        *(kept.get((path,), partial(site.get_or, None, None, "catalog", path)) for _, _, path in wanted)
    )
    found: dict[tuple[str, str], Known] = {}
    for (register, code, _), entry in zip(wanted, entries, strict=True):
        if entry:
            content = entry["content"]
            shared = content.get("sharing", "none") != "none"
            found[register, code] = Known(pick(content["name"]), pick(content["source"]["name"]), shared)
    return found


def revalidated(request: Request, response: Response, cache: str) -> Response:
    """`response` with an entity tag of its content, or 304 where the browser has just that (RFC 9110 §13.1.2)."""
    tag = f'"{hashlib.sha256(response.body).hexdigest()[:32]}"'
    response.headers.update({"etag": tag, "cache-control": cache, "vary": "cookie, accept-language"})
    known = request.headers.get("if-none-match", "")
    if tag in (each.strip().removeprefix("W/") for each in known.split(",")) or known.strip() == "*":
        kept = ("etag", "cache-control", "vary", "content-language")
        return Response(
            status_code=304, headers={name: response.headers[name] for name in kept if name in response.headers}
        )
    return response
