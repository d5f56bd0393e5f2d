"""Finding items: by words and filters, with typing mistakes mended; typing help; what was not found; synonyms."""

import asyncio
import datetime
import re
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.catalog.domain import topics
from services.catalog.domain.search import mending, queries, ranking
from services.catalog.domain.search.documents import EVERY, filter_term
from services.catalog.domain.search.expressions import Expression, either, every
from services.catalog.domain.search.queries import Known, Plan, SearchQuery
from services.catalog.domain.terms import fold, query_runs
from services.catalog.handlers.life import record
from services.catalog.store.search.words import Miss, Suggestion
from services.catalog.store.work import Work
from services.kit.auth import Principal
from services.kit.errors import Forbidden, PreconditionFailed
from services.kit.service import Context

LONGEST_MISS: Final = 50
TOPICS_SECONDS: Final = 60.0
ANSWER_SECONDS: Final = 0.5
MOST_ANSWERS: Final = 200
"""Answers of some 10 kB each."""
COUNT_SECONDS: Final = 60.0
MOST_COUNTS: Final = 2_000
# An identity number, a telephone number, a name with a number: six digits or more, whatever stands between them.
_NUMBER: Final = re.compile(r"\d(?:[\s\-_.()·]*\d){5}")


@dataclass(frozen=True, slots=True)
class Total:
    """How many there are; `more`: more than that."""

    count: int
    more: bool


@dataclass(frozen=True, slots=True)
class Found:
    """One page of hits, and what all hits have in common."""

    page: Sequence[tuple[int, str, str]] = ()
    """Score, code, and what a list shows (JSON)."""
    following: tuple[int, str] | None = None
    total: Total = Total(0, more=False)
    facets: Mapping[str, Sequence[ranking.Count]] | None = None
    organisations: Mapping[str, Mapping[str, str | None]] | None = None
    """Names of the organisations among the facets."""
    did_you_mean: str | None = None
    missed: bool = False
    """The words found nothing, whatever the filters."""


class Counts:
    """How many hits a question had, where they are more than were looked at: as of a minute ago at most. The number is
    one to go by, and counting to 10,000 costs more than all else of a search."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Expression, tuple[float, int]] = OrderedDict()

    async def of(self, asked: Expression, work: Work) -> int:
        now = time.monotonic()
        until, count = self._kept.get(asked, (0.0, 0))
        if now >= until:
            count = await work.search.count(asked)
            self._kept[asked] = (now + COUNT_SECONDS, count)
            while len(self._kept) > MOST_COUNTS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(asked)
        return count


class Answers:
    """What is asked again within a moment is answered alike, and of those who ask the same at once one asks the
    database: a load is bounded by how many different questions there are. What is published is found when the moment is
    over."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._counts = Counts()
        self._kept: OrderedDict[tuple[Any, ...], tuple[float, asyncio.Task[Found]]] = OrderedDict()

    async def to(self, query: SearchQuery) -> Found:
        asked = (query.words, tuple(sorted(query.filters.items())), query.limit, query.after)
        now = time.monotonic()
        kept = self._kept.get(asked)
        if kept is not None and (now < kept[0] or not kept[1].done()):
            return await asyncio.shield(kept[1])
        task = asyncio.create_task(find(query, Work(self._context, readonly=True), self._counts))
        self._kept[asked] = (now + ANSWER_SECONDS, task)
        self._kept.move_to_end(asked)
        while len(self._kept) > MOST_ANSWERS:
            self._kept.popitem(last=False)
        try:
            return await asyncio.shield(task)
        except Exception:
            self._kept.pop(asked, None)  # whoever asks next may fare better
            raise


async def warm(context: Context) -> None:
    """Ask for everything once: the statements are made and what is used most is at hand before anybody waits for it."""
    await find(SearchQuery(), Work(context, readonly=True))


async def find(query: SearchQuery, work: Work, counts: Counts | None = None) -> Found:
    """Items in force, the best first. No words: everything that passes the filters; words of which nothing can be
    looked for (only punctuation) find nothing. Where nothing is found but a word next to one typed finds something,
    that is shown, and `did_you_mean` says so."""
    narrowed = [_filter(facet, value) for facet, value in sorted(query.filters.items())]
    counts = counts or Counts()
    async with work:
        if not query.words.strip():
            hits = await _hits(Plan((EVERY,), 1), narrowed, work)
            return await _shown(hits, query, work, counts)
        runs = query_runs(query.words)
        if not runs:
            return Found()
        known = await work.search.known(*queries.asked_for(runs))
        hits = await _hits(queries.plan(query.words, known), narrowed, work)
        if hits.sure:
            return await _shown(hits, query, work, counts)
        proposal, mended = await _mended(query.words, known, narrowed, work)
        if mended is not None:
            # What has most of the words comes before a guess about them, which is told all the same.
            return await _shown(hits if hits.candidates else mended, query, work, counts, proposal)
        missed = not hits.candidates and not narrowed
        return await _shown(hits, query, work, counts, missed=missed)


def _filter(facet: str, value: str) -> Expression:
    values = topics.stands_for(fold(value)) if facet == "topic" else (value,)
    return either(filter_term(facet, each) for each in values)


@dataclass(frozen=True, slots=True)
class _Hits:
    plan: Plan
    candidates: Sequence[ranking.Candidate]
    counted: Expression
    more: bool
    sure: bool


async def _hits(plan: Plan, narrowed: Sequence[Expression], work: Work) -> _Hits:
    """Candidates by one level after the other, until there are enough."""
    found: dict[int, ranking.Candidate] = {}
    more = sure = False
    counted: Expression = EVERY
    for level, expression in enumerate(plan.levels):
        if len(found) >= ranking.ENOUGH or more:
            break
        asked = every([expression, *narrowed])
        candidates, more = await work.search.candidates(asked, level)
        for candidate in candidates:
            found.setdefault(candidate.id, candidate)
        counted = asked
        sure = sure or (bool(candidates) and level < plan.sure)
    more = more or len(found) > ranking.CANDIDATES
    if more and len(plan.levels) > 1 and plan.sure > 1:
        counted = every([plan.levels[1], *narrowed])
    return _Hits(plan, list(found.values())[: ranking.CANDIDATES], counted, more, sure)


async def _mended(
    words: str, known: Known, narrowed: Sequence[Expression], work: Work
) -> tuple[str | None, _Hits | None]:
    """The likeliest mending that finds something, and what it finds."""
    runs = query_runs(words)
    parts = mending.suspects(runs, known)
    if not parts:
        return None, None
    sounds = {sound for each in parts.values() for sound in each}
    near = await work.search.near(set(mending.words_near(parts)), sounds)
    for proposal in mending.proposals(fold(words), parts, near):
        anew = await work.search.known(*queries.asked_for(query_runs(proposal)))
        hits = await _hits(queries.plan(proposal, anew), narrowed, work)
        if hits.sure:
            return proposal, hits
    return None, None


async def _shown(
    hits: _Hits,
    query: SearchQuery,
    work: Work,
    counts: Counts,
    did_you_mean: str | None = None,
    *,
    missed: bool = False,
) -> Found:
    ranked = ranking.ranked(hits.candidates, hits.plan)
    if query.after is not None:
        score, code = query.after
        rest = [pair for pair in ranked if (-pair[0], pair[1].code) > (-score, code)]
    else:
        rest = ranked
    page = rest[: query.limit]
    facets = ranking.facets(hits.candidates, more=hits.more)
    summaries, organisations = await work.search.summaries(
        (candidate.id for _, candidate in page), (each.value for each in facets["organisation"])
    )
    shown = [(score, candidate.code, summaries[candidate.id]) for score, candidate in page if candidate.id in summaries]
    last = page[-1] if len(rest) > len(page) and page else None
    count = len(ranked)
    if hits.more:
        count = max(count, await counts.of(hits.counted, work))
    return Found(
        page=shown,
        following=(last[0], last[1].code) if last else None,
        total=Total(min(count, ranking.COUNTED), more=count > ranking.COUNTED),
        facets=facets,
        organisations=organisations,
        did_you_mean=did_you_mean,
        missed=missed,
    )


@dataclass(frozen=True, slots=True)
class TopicCounts:
    """How many items each topic and each life event has, as of a minute ago at most."""

    totals: Mapping[str, Total]
    until: float


async def topic_counts(before: TopicCounts | None, work: Work) -> TopicCounts:
    """Counts for browsing: `before` while that is fresh."""
    now = time.monotonic()
    if before is not None and now < before.until:
        return before
    totals = {}
    async with work:
        for code in [*(topic.code for topic in topics.TOPICS), *(event.code for event in topics.LIFE_EVENTS)]:
            count = await work.search.count(_filter("topic", code))
            totals[code] = Total(min(count, ranking.COUNTED), more=count > ranking.COUNTED)
    return TopicCounts(totals, now + TOPICS_SECONDS)


async def suggest(typed: str, limit: int, work: Work) -> list[Suggestion]:
    """Names that complete what is typed."""
    folded = fold(typed)
    if not folded:
        return []
    async with work:
        return await work.search.suggestions(folded, limit)


def worth_noting(words: str) -> str | None:
    """What of a search that found nothing is kept: its words, unless they may tell who searched."""
    folded = fold(words)[:LONGEST_MISS]
    return None if _NUMBER.search(fold(words)) or "@" in folded or not query_runs(folded) else folded


async def note_miss(words: str, work: Work) -> None:
    """Keep that words found nothing: the words, the day, how often. Nothing of who searched."""
    kept = worth_noting(words)
    if kept is not None:
        async with work:
            await work.search.missed(kept, work.now().date())


async def misses(
    officer: Principal, since: datetime.date, after: tuple[str, int, str] | None, limit: int, work: Work
) -> list[Miss]:
    """What people looked for and did not find. Raises Forbidden."""
    _require_any(officer, "registrar", "editor")
    async with work:
        return await work.search.misses(since, after, limit)


async def synonyms(officer: Principal, work: Work) -> tuple[int, list[tuple[str, str]]]:
    """The synonyms and their version. Raises Forbidden."""
    _require_any(officer, "registrar")
    async with work:
        return await work.search.synonyms()


async def put_synonyms(officer: Principal, pairs: Sequence[tuple[str, str]], seen: int, reason: str, work: Work) -> int:
    """Let these be the synonyms, all of them, from now on. Their version. Raises Forbidden, PreconditionFailed."""
    _require_any(officer, "registrar")
    async with work:
        await work.one_writer()
        version = await work.search.synonyms_version() or 0
        if version != seen:
            raise PreconditionFailed
        await work.search.put_synonyms([(fold(word), means) for word, means in pairs], version + 1)
        record(officer, "search.synonyms", "synonyms", str(version + 1), "", reason, work)
        return version + 1


def _require_any(officer: Principal, *roles: str) -> None:
    """Raise Forbidden unless the officer has one of the roles anywhere."""
    if not any(officer.organisations(role) for role in roles):
        raise Forbidden(f"the role {' or '.join(roles)} is needed")
