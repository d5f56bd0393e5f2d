"""HTTP: typing help, topics; for staff what was not found, and the synonyms."""

import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from services.catalog.api.doors import Reading, Seen, Staff, Writing
from services.catalog.domain import topics
from services.catalog.domain.terms import LONGEST_QUERY
from services.catalog.handlers import search
from services.contracts.base import Text
from services.contracts.catalog_items import Subject
from services.kit.auth import caller
from services.kit.errors import Malformed
from services.kit.http import Keyset, ListKeyset, Page, etag

router = APIRouter(dependencies=[Depends(caller)])

SUGGESTIONS: Final = 8
MISS_DAYS: Final = 30
MOST_SYNONYMS: Final = 5_000
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50, pattern=r"^[^\x00-\x1f]+$")]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]


class Suggested(BaseModel):
    text: str
    code: str | None = Field(description="Where one item alone has the name")


class Suggestions(BaseModel):
    suggestions: list[Suggested]


class TopicShown(BaseModel):
    code: str
    name: Text
    subject: Subject
    items: int = Field(description="As of a minute ago at most")
    more: bool = Field(description="There are more than that")


class Topics(BaseModel):
    topics: list[TopicShown]
    life_events: list[TopicShown]


class MissShown(BaseModel):
    day: datetime.date
    words: str
    count: int


class Synonym(BaseModel):
    """People's word, and what the items call it."""

    word: Word
    means: Word


class Synonyms(BaseModel):
    synonyms: list[Synonym] = Field(max_length=MOST_SYNONYMS)


class SynonymsChange(Synonyms):
    reason: Reason


@router.get("/suggest", summary="Names that complete what is typed")
async def suggest(work: Reading, q: Annotated[str, Query(max_length=LONGEST_QUERY)] = "") -> Suggestions:
    """By Chinese, pinyin, its initials or English; those used most first."""
    found = await search.suggest(q, SUGGESTIONS, work)
    return Suggestions(suggestions=[Suggested(text=each.text, code=each.code) for each in found])


@router.get("/topics", summary="Topics and life events, with how many items each has")
async def list_topics(work: Reading, request: Request) -> Topics:
    counted = request.app.state.topics = await search.topic_counts(request.app.state.topics, work)
    return Topics(
        topics=[_topic(each, counted) for each in topics.TOPICS],
        life_events=[_topic(each, counted) for each in topics.LIFE_EVENTS],
    )


@router.get("/search/misses", summary="What was looked for and not found")
async def list_misses(
    officer: Staff, work: Reading, keyset: ListKeyset, since: datetime.date | None = None
) -> Page[MissShown]:
    """The words, the day, how often; nothing of who searched. For editors and the registrar."""
    first = since or (work.now() - datetime.timedelta(days=MISS_DAYS)).date()
    found = await search.misses(officer, first, _miss_cursor(keyset), keyset.limit + 1, work)
    shown, following = keyset.page(found, lambda miss: (miss.day.isoformat(), miss.count, miss.words))
    items = [MissShown(day=miss.day, words=miss.words, count=miss.count) for miss in shown]
    return Page[MissShown](items=items, next=following)


@router.get("/search/synonyms", summary="People's words and what the items call it")
async def get_synonyms(officer: Staff, work: Reading, response: Response) -> Synonyms:
    version, pairs = await search.synonyms(officer, work)
    response.headers["ETag"] = etag(version)
    return Synonyms(synonyms=[Synonym(word=word, means=means) for word, means in pairs])


@router.put("/search/synonyms", summary="Replace the synonyms", status_code=204)
async def put_synonyms(officer: Staff, work: Writing, seen: Seen, change: SynonymsChange, response: Response) -> None:
    pairs = [(each.word, each.means) for each in change.synonyms]
    response.headers["ETag"] = etag(await search.put_synonyms(officer, pairs, seen, change.reason, work))


def _topic(topic: topics.Topic | topics.LifeEvent, counted: search.TopicCounts) -> TopicShown:
    total = counted.totals[topic.code]
    return TopicShown(code=topic.code, name=topic.name, subject=topic.subject, items=total.count, more=total.more)


def _miss_cursor(keyset: Keyset) -> tuple[str, int, str] | None:
    match keyset.after:
        case None:
            return None
        case [str(day), int(count), str(words)] if not isinstance(count, bool) and abs(count) < 2**31:
            try:
                return datetime.date.fromisoformat(day).isoformat(), count, words
            except ValueError:
                pass
    raise Malformed("the cursor is not one that this list gave")
