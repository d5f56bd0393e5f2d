"""Questions to the index. Each is one statement whose cost is bounded, however common the words are."""

from collections.abc import Collection, Iterable
from typing import Any, Final

import orjson
from sqlalchemy import ARRAY, String, bindparam, text
from sqlalchemy.dialects import postgresql

from services.catalog.domain.search.documents import LAST_TIER, TIER_MARK
from services.catalog.domain.search.expressions import Expression, written
from services.catalog.domain.search.mending import Word
from services.catalog.domain.search.queries import Known
from services.catalog.domain.search.ranking import CANDIDATES, COUNTED, Candidate
from services.catalog.store.tables import search_documents
from services.kit.db import UnitOfWork
from services.kit.statements import Statement

_SHOWN: Final = "id, code, place, name_key, facets"
_TERMS: Final = "array_to_tsvector(string_to_array(words, ' '))"
_MOST_SOUNDS: Final = 6
"""Words that letters may stand for."""


def _matches(tier: int, *, postgres: bool) -> str:
    # The tier is part of the text: PostgreSQL proves by it that the tier's own index answers.
    if postgres:
        return f"tier = {tier} AND {_TERMS} @@ CAST(CAST(:asked AS text) AS tsquery)"
    asked = f":asked || ' AND \"{TIER_MARK}{tier}\"'"
    return f"tier = {tier} AND id IN (SELECT rowid FROM fulltext WHERE fulltext MATCH {asked})"  # noqa: S608


def _candidates(*, postgres: bool) -> str:
    """From tier to tier until there are more than CANDIDATES; the first of them in the order of use."""
    parts = []
    for tier in range(LAST_TIER + 1):
        before = " + ".join(f"(SELECT count(*) FROM t{number})" for number in range(tier))  # noqa: S608
        until = f" AND {before} <= {CANDIDATES}" if before else ""
        found = f"SELECT {_SHOWN} FROM search_documents WHERE {_matches(tier, postgres=postgres)}{until}"  # noqa: S608
        parts.append(f"t{tier} AS MATERIALIZED ({found})")
    every = " UNION ALL ".join(f"SELECT * FROM t{tier}" for tier in range(LAST_TIER + 1))  # noqa: S608
    best = f"SELECT * FROM ({every}) AS found ORDER BY place DESC, id LIMIT {CANDIDATES + 1}"  # noqa: S608
    return f"WITH {', '.join(parts)} {best}"


def _count() -> str:
    """From tier to tier until there are more than COUNTED, and no further (SQLite)."""
    parts = []
    for tier in range(LAST_TIER + 1):
        before = "".join(f" - (SELECT found FROM t{number})" for number in range(tier))  # noqa: S608
        some = f"SELECT 1 FROM search_documents WHERE {_matches(tier, postgres=False)}"  # noqa: S608
        some += f" LIMIT max(0, {COUNTED + 1}{before})"
        parts.append(f"t{tier} AS MATERIALIZED (SELECT count(*) AS found FROM ({some}) AS some{tier})")  # noqa: S608
    every = " + ".join(f"(SELECT found FROM t{tier})" for tier in range(LAST_TIER + 1))  # noqa: S608
    return f"WITH {', '.join(parts)} SELECT {every} AS found"


def _both(postgres: str, sqlite: str, **arrays: Any) -> Statement:
    """One statement in two dialects; `arrays` name parameters that are lists (JSON on SQLite)."""

    def make(insert: Any) -> Any:
        if insert is not postgresql.insert:
            return text(sqlite)
        return text(postgres).bindparams(*(bindparam(name, type_=kind) for name, kind in arrays.items()))

    return Statement(make)


_CANDIDATES: Final = _both(_candidates(postgres=True), _candidates(postgres=False), asked=String())
_COUNT: Final = _both(f"SELECT fulltext_count(:asked, {COUNTED}) AS found", _count(), asked=String())
_WORDS: Final = """
SELECT 'word' AS kind, word AS asked, '' AS means, 0 AS names FROM search_words WHERE word {words}
UNION ALL SELECT 'synonym', word, means, 0 FROM synonyms WHERE word {words}
"""
_SOUNDS: Final = """
UNION ALL SELECT 'sound', pinyin, word, names FROM search_words WHERE pinyin {letters}
UNION ALL SELECT 'initials', initials, word, names FROM search_words WHERE initials {letters}
UNION ALL SELECT 'sound', pinyin, name, times FROM search_names WHERE pinyin{plain} {letters} AND times > 0
UNION ALL SELECT 'initials', initials, name, times FROM search_names WHERE initials{plain} {letters} AND times > 0
"""
_JSON: Final = "IN (SELECT value FROM json_each(:{name}))"


def _known(statement: str) -> tuple[str, str]:
    # In the collation of the indexes (`migrations/fulltext.py`).
    postgres = statement.format(words="= ANY(:words)", letters="= ANY(:letters)", plain=' COLLATE "C"')
    return postgres, statement.format(words=_JSON.format(name="words"), letters=_JSON.format(name="letters"), plain="")


_KNOWN_WORDS: Final = _both(*_known(_WORDS), words=ARRAY(String()))
_KNOWN: Final = _both(*_known(_WORDS + _SOUNDS), words=ARRAY(String()), letters=ARRAY(String()))
_NEAR_WORDS: Final = """
SELECT word, pinyin, names FROM search_words
WHERE word IN (SELECT word FROM search_keys WHERE key {keys}) OR pinyin {sounds}
ORDER BY names DESC, word LIMIT 200
"""
_NEAR: Final = _both(
    _NEAR_WORDS.format(keys="= ANY(:keys)", sounds="= ANY(:sounds)"),
    _NEAR_WORDS.format(
        keys="IN (SELECT value FROM json_each(:keys))", sounds="IN (SELECT value FROM json_each(:sounds))"
    ),
    keys=ARRAY(String()),
    sounds=ARRAY(String()),
)
_SHOWN_OF: Final = """
SELECT 'item' AS kind, CAST(id AS VARCHAR) AS id, summary FROM search_documents WHERE id {ids}
UNION ALL SELECT 'organisation', id, {name} FROM organisations WHERE id {organisations}
"""
_SUMMARIES: Final = _both(
    _SHOWN_OF.format(ids="= ANY(:ids)", organisations="= ANY(:organisations)", name="CAST(document -> 'name' AS text)"),
    _SHOWN_OF.format(
        ids=_JSON.format(name="ids"),
        organisations=_JSON.format(name="organisations"),
        name="json_extract(document, '$.name')",
    ),
    ids=ARRAY(search_documents.c.id.type),
    organisations=ARRAY(String()),
)


class FindingStore:
    """Reads of the index, in one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def candidates(self, expression: Expression, level: int) -> tuple[list[Candidate], bool]:
        """Documents that hold what `expression` asks for, at most CANDIDATES, those first in the order of use; whether
        there are more."""
        rows = await self._work.run(_CANDIDATES, asked=self._written(expression))
        found = [Candidate(row[0], row[1], level, row[2], row[3], row[4]) for row in rows[:CANDIDATES]]
        return found, len(rows) > CANDIDATES

    async def count(self, expression: Expression) -> int:
        """How many documents hold it; of more than COUNTED, any number above that."""
        [row] = await self._work.run(_COUNT, asked=self._written(expression))
        return int(row[0])

    async def known(self, words: Iterable[str], letters: Collection[str]) -> Known:
        """What the vocabulary and the synonyms know of the words and letters of a query."""
        if letters:
            rows = await self._work.run(_KNOWN, words=self._list(words), letters=self._list(letters))
        else:
            rows = await self._work.run(_KNOWN_WORDS, words=self._list(words))
        synonyms: dict[str, list[str]] = {}
        sounds: dict[str, list[str]] = {}
        for row in sorted((row for row in rows if row[0] == "synonym"), key=lambda row: row[2]):
            synonyms.setdefault(row[1], []).append(row[2])
        # A whole pinyin before initials, and what stands in many names before what stands in few.
        for wanted in ("sound", "initials"):
            heard = sorted((row for row in rows if row[0] == wanted), key=lambda row: (-row[3], row[2]))
            for _, asked, means, _ in heard:
                so_far = sounds.setdefault(asked, [])
                if len(so_far) < _MOST_SOUNDS and means not in so_far:
                    so_far.append(means)
        return Known(
            frozenset(row[1] for row in rows if row[0] == "word"),
            {asked: tuple(each) for asked, each in sounds.items()},
            {asked: tuple(each) for asked, each in synonyms.items()},
        )

    async def near(self, keys: Iterable[str], sounds: Iterable[str]) -> list[Word]:
        """Words of the vocabulary that a mistyped word may be (see `domain.search.mending`)."""
        rows = await self._work.run(_NEAR, keys=self._list(keys), sounds=self._list(sounds))
        return [Word(row[0], row[1], row[2]) for row in rows]

    async def summaries(
        self, ids: Iterable[int], organisations: Iterable[str]
    ) -> tuple[dict[int, str], dict[str, dict[str, str | None]]]:
        """What a list shows of each document, as JSON, and what organisations are called."""
        rows = await self._work.run(_SUMMARIES, ids=self._list(ids), organisations=self._list(organisations))
        items = {int(row[1]): row[2] for row in rows if row[0] == "item"}
        return items, {row[1]: orjson.loads(row[2]) for row in rows if row[0] == "organisation"}

    @property
    def _postgres(self) -> bool:
        return self._work.context.database.dialect == "postgresql"

    def _written(self, expression: Expression) -> str:
        return written(expression, "postgresql" if self._postgres else "sqlite")

    def _list(self, values: Iterable[Any]) -> Any:
        found = sorted(values)
        return found if self._postgres else orjson.dumps(found).decode()
