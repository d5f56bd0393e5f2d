"""Questions to the index. Each is one statement whose cost is bounded, however common the words are."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import ARRAY, String, bindparam, select, text
from sqlalchemy.dialects import postgresql

from services.catalog.domain.search.documents import LAST_TIER, TIER_MARK
from services.catalog.domain.search.expressions import Expression, written
from services.catalog.domain.search.mending import Word
from services.catalog.domain.search.queries import Known
from services.catalog.domain.search.ranking import CANDIDATES, COUNTED, Candidate
from services.catalog.store.tables import organisations, search_documents
from services.kit.db import UnitOfWork
from services.kit.statements import Statement

_TERMS: Final = "array_to_tsvector(string_to_array(words, ' '))"
_MOST_SOUNDS: Final = 6
"""Words that letters may stand for."""


def _tiers(columns: str, enough: int, end: str, *, postgres: bool) -> str:
    """A statement that goes from tier to tier until it has more than `enough` rows."""
    parts = []
    for tier in range(LAST_TIER + 1):
        # The tier is part of the text: PostgreSQL proves by it that the tier's own index answers.
        if postgres:
            matches = f"{_TERMS} @@ CAST(CAST(:asked AS text) AS tsquery)"
        else:
            matches = f"id IN (SELECT rowid FROM fulltext WHERE fulltext MATCH :asked || ' AND \"{TIER_MARK}{tier}\"')"  # noqa: S608
        before = " + ".join(f"(SELECT count(*) FROM t{number})" for number in range(tier))  # noqa: S608
        until = f" AND {before} <= {enough}" if before else ""
        parts.append(
            f"t{tier} AS MATERIALIZED (SELECT {columns} FROM search_documents"  # noqa: S608
            f" WHERE tier = {tier} AND {matches}{until} LIMIT {{limit}})".replace(
                " LIMIT {limit}", f" LIMIT {enough + 1}" if columns == "1 AS one" else ""
            )
        )
    every = " UNION ALL ".join(f"SELECT * FROM t{tier}" for tier in range(LAST_TIER + 1))  # noqa: S608
    return f"WITH {', '.join(parts)} {end.format(every=every)}"


def _both(postgres: str, sqlite: str, **arrays: Any) -> Statement:
    """One statement in two dialects; `arrays` name parameters that are lists (JSON on SQLite)."""

    def make(insert: Any) -> Any:
        if insert is not postgresql.insert:
            return text(sqlite)
        return text(postgres).bindparams(*(bindparam(name, type_=kind) for name, kind in arrays.items()))

    return Statement(make)


_RANKED: Final = f"SELECT * FROM ({{every}}) AS found ORDER BY place DESC, id LIMIT {CANDIDATES + 1}"  # noqa: S608
_COUNTED: Final = f"SELECT count(*) AS found FROM (SELECT * FROM ({{every}}) AS every LIMIT {COUNTED + 1}) AS some"  # noqa: S608
_SHOWN: Final = "id, code, place, name_key, facets"
_CANDIDATES: Final = _both(
    _tiers(_SHOWN, CANDIDATES, _RANKED, postgres=True),
    _tiers(_SHOWN, CANDIDATES, _RANKED, postgres=False),
    asked=String(),
)
_COUNT: Final = _both(
    _tiers("1 AS one", COUNTED, _COUNTED, postgres=True),
    _tiers("1 AS one", COUNTED, _COUNTED, postgres=False),
    asked=String(),
)
_WORDS: Final = """
SELECT 'word' AS kind, word AS asked, '' AS means, 0 AS names FROM search_words WHERE word {words}
UNION ALL SELECT 'synonym', word, means, 0 FROM synonyms WHERE word {words}
UNION ALL SELECT 'sound', pinyin, word, names FROM search_words WHERE pinyin {letters}
UNION ALL SELECT 'initials', initials, word, names FROM search_words WHERE initials {letters}
UNION ALL SELECT 'sound', pinyin, name, times FROM search_names WHERE pinyin {letters} AND times > 0
UNION ALL SELECT 'initials', initials, name, times FROM search_names WHERE initials {letters} AND times > 0
"""
_KNOWN: Final = _both(
    _WORDS.format(words="= ANY(:words)", letters="= ANY(:letters)"),
    _WORDS.format(
        words="IN (SELECT value FROM json_each(:words))", letters="IN (SELECT value FROM json_each(:letters))"
    ),
    words=ARRAY(String()),
    letters=ARRAY(String()),
)
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
_SUMMARIES: Final = _both(
    "SELECT id, summary FROM search_documents WHERE id = ANY(:ids)",
    "SELECT id, summary FROM search_documents WHERE id IN (SELECT value FROM json_each(:ids))",
    ids=ARRAY(search_documents.c.id.type),
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
        """How many documents hold it, at most one more than COUNTED."""
        [row] = await self._work.run(_COUNT, asked=self._written(expression))
        return min(int(row[0]), COUNTED + 1)

    async def known(self, words: Iterable[str], letters: Iterable[str]) -> Known:
        """What the vocabulary and the synonyms know of the words and letters of a query."""
        rows = await self._work.run(_KNOWN, words=self._list(words), letters=self._list(letters))
        synonyms: dict[str, list[str]] = {}
        sounds: dict[str, list[str]] = {}
        # A whole pinyin before initials, and what stands in many names before what stands in few.
        for kind, asked, means, _ in sorted(rows, key=lambda row: (row[0], -row[3], row[2]), reverse=False):
            if kind == "synonym":
                synonyms.setdefault(asked, []).append(means)
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

    async def summaries(self, ids: Sequence[int]) -> dict[int, str]:
        """What a list shows of each document, as JSON."""
        if not ids:
            return {}
        given = list(ids) if self._postgres else self._list(ids)
        return {row[0]: row[1] for row in await self._work.run(_SUMMARIES, ids=given)}

    async def organisation_names(self, ids: Iterable[str]) -> dict[str, str]:
        """What organisations are called."""
        wanted = select(organisations.c.id, organisations.c.name_zh).where(organisations.c.id.in_(list(ids)))
        return {row.id: row.name_zh for row in await self._work.execute(wanted)}

    @property
    def _postgres(self) -> bool:
        return self._work.context.database.dialect == "postgresql"

    def _written(self, expression: Expression) -> str:
        return written(expression, "postgresql" if self._postgres else "sqlite")

    def _list(self, values: Iterable[Any]) -> Any:
        import orjson

        found = sorted(values)
        return found if self._postgres else orjson.dumps(found).decode()
