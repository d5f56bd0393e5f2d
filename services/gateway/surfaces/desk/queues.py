"""The queues: counts, a list by remaining time, search by number or the applicant's whole name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.domain.sessions import Session
from services.gateway.errors import ServiceProblem
from services.gateway.surfaces.base import Site, see_other
from services.gateway.surfaces.desk import grants, words
from services.kit.errors import Kind
from services.kit.pages import gettext as _
from services.kit.pages import ngettext

PER_PAGE = 25
LONGEST_QUERY = 100
SOON_DAYS = 3
"""Working days left from which a row is marked, as the case service counts `due_soon`."""
TASK_DAYS: Mapping[str, int] = {"intake": 5, "delivery": 10}
"""Working days that the law gives for a step of its own (行政许可法 art. 32, 44); the others share the case's limit."""
BAR = 60


@dataclass(frozen=True, slots=True)
class Counts:
    """How much waits; a queue that none of the officer's roles shows is not in `queues`."""

    queues: Mapping[str, int | None]
    overdue: int = 0
    due_soon: int = 0

    @property
    def first(self) -> str:
        """The queue to begin with: the first with something in it, else the first there is."""
        return next((name for name, count in self.queues.items() if count), next(iter(self.queues), ""))

    def shows(self, purpose: str) -> bool:
        """Whether the officer has the step `purpose` among their duties."""
        return purpose in self.queues and purpose in words.PURPOSES

    def named(self) -> list[tuple[str, str, int | None]]:
        """Every queue with its name and count."""
        return [(queue, words.queue_name(queue), count) for queue, count in self.queues.items()]


async def counts(site: Site, session: Session) -> Counts:
    """What waits at this officer's desk; no queues for one without any role on cases."""
    try:
        found = await site.get(session, "cases", "/desk/queues")
    except ServiceProblem as error:
        if error.kind is not Kind.FORBIDDEN:
            raise
        return Counts({})
    waiting: dict[str, int | None] = {name: found[name] for name in words.PURPOSES if found[name] is not None}
    waiting |= {"returned": found["returned"], "closed": None}
    return Counts(waiting, found["overdue"], found["due_soon"])


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of the time: words, and a bar of `BAR` units (kind u used, w near its end, o over)."""

    words: str
    kind: str = ""
    width: int = 0


def left(row: Mapping[str, Any], step: str) -> Left:
    """The time left for the officer's step of `row`."""
    due = row["due"]
    days_left = row.get("act_days_left", due["days_left"])
    total = TASK_DAYS.get(step) or due["days"]
    if days_left is None:
        return Left(_("没有时限") if due["basis"] == "none" else "–")
    if days_left < 0:
        over = ngettext("超 %(num)d 天", "超 %(num)d 天", -days_left) % {"num": -days_left}
        return Left(over, "o", BAR)
    used = max(0, (total or days_left) - days_left)
    width = min(BAR, round(BAR * used / total)) if total else 0
    text = ngettext("%(num)d 天", "%(num)d 天", days_left) % {"num": days_left}
    return Left(text, "w" if days_left <= SOON_DAYS else "u", max(2, width))


async def home(request: Request) -> Response:
    """The first queue of the officer's own; for one who only keeps the catalogue, that."""
    site = Site.of(request)
    session = await site.signed_in(request)
    found = await counts(site, session)
    if found.first:
        return see_other(f"/queues/{found.first}")
    if any(grant.role in grants.CATALOGUE for grant in await grants.of(site, session)):
        return see_other("/catalogue")
    return await site.pages.render(request, "desk/no-role.html", {})


async def queue(request: Request) -> Response:
    """One queue, the most urgent first."""
    site = Site.of(request)
    session = await site.signed_in(request)
    name = request.path_params["queue"]
    if name not in words.QUEUES:
        raise HTTPException(404)
    waiting = await counts(site, session)
    if name not in waiting.queues:
        return see_other("/")
    cursor = request.query_params.get("cursor", "")[:500]
    page = await site.get(session, "cases", "/desk/cases", queue=name, cursor=cursor, limit=PER_PAGE)
    count = waiting.queues[name]
    values = {
        "title": words.queue_name(name),
        "count": count,
        "rows": [_row(row, waiting) for row in page["items"]],
        "next": f"/queues/{name}?{urlencode({'cursor': page['next']})}" if page["next"] else "",
        "first": f"/queues/{name}" if cursor else "",
        "done": words.done(request.query_params.get("done", "")),
        "number": _number(request.query_params.get("number", "")),
        "waiting": waiting,
        "words": words,
        "queue": name,
        "query": "",
    }
    return await site.pages.render(request, "desk/queue.html", values)


async def search(request: Request) -> Response:
    """Cases with this number or this applicant's name, wherever they stand."""
    site = Site.of(request)
    session = await site.signed_in(request)
    query = request.query_params.get("q", "").strip()[:LONGEST_QUERY]
    if not query:
        return see_other("/")
    cursor = request.query_params.get("cursor", "")[:500]
    waiting = await counts(site, session)
    if not waiting.queues:
        return see_other("/")
    page = await site.get(session, "cases", "/desk/cases", q=query, cursor=cursor, limit=PER_PAGE)
    values = {
        "title": _("找“%(query)s”") % {"query": query},
        "count": None,
        "rows": [_row(row, waiting) for row in page["items"]],
        "next": f"/search?{urlencode({'q': query, 'cursor': page['next']})}" if page["next"] else "",
        "first": f"/search?{urlencode({'q': query})}" if cursor else "",
        "done": "",
        "number": "",
        "waiting": waiting,
        "words": words,
        "queue": "",
        "query": query,
    }
    return await site.pages.render(request, "desk/queue.html", values)


def _row(row: Mapping[str, Any], waiting: Counts) -> dict[str, Any]:
    """A row with where it leads: opened for the officer's own step, else an enquiry that asks why."""
    purpose = words.PURPOSE_OF_STATUS.get(row["status"], "")
    own = waiting.shows(purpose)
    href = f"/cases/{row['id']}?purpose={purpose}" if own else f"/cases/{row['id']}/enquiry"
    return {"case": row, "href": href, "own": own, "left": left(row, purpose) if purpose else Left("")}


def _number(value: str) -> str:
    """A case number out of the address, for the words that confirm an act; "" for anything else."""
    return value if len(value) <= 40 and value.replace("-", "").isalnum() and value.isascii() else ""
