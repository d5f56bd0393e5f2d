"""Finding items: the index that the versions in force are found by, and the ranked query."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, case, delete, func, insert, select

from services.catalog.domain.items import Content, SearchQuery
from services.catalog.domain.terms import needed
from services.catalog.store.tables import item_terms, item_versions, items
from services.kit.db import UnitOfWork


@dataclass(frozen=True, slots=True)
class FoundItem:
    """One row of a list: the document without its form, and its place in the order."""

    document: Mapping[str, Any]
    version: int
    score: int


class SearchStore:
    """The index and the queries on it, in one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def index(self, contents: Sequence[Content]) -> None:
        """Let `contents` be found as they are now, by what they were found by before no longer."""
        codes = [content.code for content in contents]
        await self._work.execute(delete(item_terms).where(item_terms.c.code.in_(codes)))
        terms = [
            {"term": term, "code": content.code, "weight": weight}
            for content in contents
            for term, weight in content.terms().items()
        ]
        if terms:
            await self._work.execute(insert(item_terms), terms)

    async def search(self, query: SearchQuery) -> Sequence[FoundItem]:
        """Items that pass the filters and have enough of the terms, the best first, then by code."""
        found = _ranked(query).subquery()
        statement = (
            select(found.c.score, item_versions.c.version, item_versions.c.document)
            .join(items, items.c.code == found.c.code)
            .join(
                item_versions,
                (item_versions.c.code == items.c.code) & (item_versions.c.version == items.c.version),
            )
            .order_by(found.c.score.desc(), found.c.code)
            .limit(query.limit)
        )
        if query.after is not None:
            score, code = query.after
            statement = statement.where((found.c.score < score) | ((found.c.score == score) & (found.c.code > code)))
        rows = await self._work.execute(statement)
        return [FoundItem(row.document, row.version, row.score) for row in rows]


def _ranked(query: SearchQuery) -> Select[tuple[str, int]]:
    """Code and score of all that matches: first how many terms, then where they stand, then the item's own rank.

    The steps are far enough apart that a lower one never outweighs a higher: 24 terms of weight 8 make 9,600.
    """
    filters: list[ColumnElement[bool]] = [
        items.c.status == "published",
        items.c.kind.in_(("implementation", "handling")),
    ]
    if query.subject:
        filters.append(items.c.for_person if query.subject == "person" else items.c.for_company)
    if query.organisation:
        filters.append(items.c.organisation_id == query.organisation)
    if query.division:
        filters.append(items.c.division == query.division)
    if not query.terms:
        return select(items.c.code, items.c.rank.label("score")).where(*filters)
    whole = case((items.c.name_key.contains(query.phrase, autoescape=True), 400), else_=0)
    score = func.count() * 10_000 + func.sum(item_terms.c.weight) * 50 + whole + items.c.rank
    return (
        select(items.c.code, score.label("score"))
        .join(item_terms, item_terms.c.code == items.c.code)
        .where(item_terms.c.term.in_(query.terms), *filters)
        .group_by(items.c.code)
        .having(func.count() >= needed(len(query.terms)))
    )
