"""Words: the vocabulary, typing help, synonyms, and what was looked for without finding."""

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Integer, String, bindparam, delete, func, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from services.catalog.domain.search.mending import keys_of
from services.catalog.store.tables import (
    search_keys,
    search_misses,
    search_names,
    search_state,
    search_words,
    synonyms,
)
from services.kit.db import UnitOfWork
from services.kit.statements import Statement

LOOKED_AT: Final = 2_000
"""Names that typing help looks at, at most."""
MOST_MISSES: Final = 5_000
"""Different words kept of one day: who searches at random fills no table."""
SYNONYMS: Final = "synonyms"


def _suggesting(make: Callable[[str, str], str]) -> Statement:
    """A statement of typing help. Beginnings are compared by code point, whatever the database's collation: the
    indexes of `migrations/fulltext.py` are in that order."""

    def of(insert_: Any) -> Any:
        postgres = insert_ is postgresql.insert
        last = "chr(1114111)" if postgres else "char(1114111)"
        plain = ' COLLATE "C"' if postgres else ""
        binds = [bindparam("typed", type_=String()), bindparam("letters", type_=String())]
        return text(make(plain, last)).bindparams(*binds, bindparam("many", type_=Integer()))

    return Statement(of)


def _begins(column: str, typed: str, plain: str, last: str) -> str:
    given = f"CAST(:{typed} AS VARCHAR)"
    return f"{column}{plain} >= {given} AND {column}{plain} < {given} || {last}"


_COLUMNS: Final = (("name_key", "typed"), ("pinyin", "letters"), ("initials", "letters"), ("english_key", "typed"))


def _beginning(plain: str, last: str) -> str:
    each = (
        f"SELECT * FROM (SELECT name, code, times, place FROM search_names"  # noqa: S608
        f" WHERE {_begins(column, typed, plain, last)} AND times > 0 LIMIT {LOOKED_AT}) AS n{number}"
        for number, (column, typed) in enumerate(_COLUMNS)
    )
    every = " UNION ALL ".join(each)
    # A name may begin so in two ways.
    return f"SELECT * FROM ({every}) AS found ORDER BY place DESC, name LIMIT 2 * CAST(:many AS INTEGER)"  # noqa: S608


def _most_used(plain: str, last: str) -> str:
    any_of = " OR ".join(_begins(column, typed, plain, last) for column, typed in _COLUMNS)
    most = f"SELECT * FROM search_names ORDER BY place DESC LIMIT {LOOKED_AT}"  # noqa: S608
    return (
        f"SELECT name, code, times, place FROM ({most}) AS most WHERE times > 0 AND ({any_of})"  # noqa: S608
        " ORDER BY place DESC, name LIMIT 2 * CAST(:many AS INTEGER)"
    )


_BEGINNING: Final = _suggesting(_beginning)
_MOST_USED: Final = _suggesting(_most_used)
"""For one letter, with which too many begin: among the names used most."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A name to complete what is typed; `code` where one item alone has it."""

    text: str
    code: str | None


@dataclass(frozen=True, slots=True)
class Miss:
    day: datetime.date
    words: str
    count: int


class WordStore:
    """The vocabulary and what goes with it, in one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def suggestions(self, typed: str, limit: int) -> list[Suggestion]:
        """Names that begin with `typed` (folded) in Chinese, pinyin, initials or English, those used most first."""
        letters = typed.replace(" ", "")
        statement = _BEGINNING if len(letters) > 1 else _MOST_USED
        rows = await self._work.run(statement, typed=typed, letters=letters, many=limit)
        found = {row[0]: Suggestion(row[0], row[1] if row[2] == 1 else None) for row in rows}
        return list(found.values())[:limit]

    async def unread_names(self, limit: int) -> list[tuple[str, str]]:
        """Names, Chinese and English, whose words are not in the vocabulary yet."""
        unread = select(search_names.c.name, search_names.c.english_key).where(search_names.c.is_read.is_(False))
        return [(row.name, row.english_key) for row in await self._work.execute(unread.limit(limit))]

    async def learn(self, names: Sequence[Mapping[str, Any]]) -> None:
        """Take in what `domain.search.dictionary` read in names."""
        words: dict[str, dict[str, Any]] = {}
        heard = update(search_names).where(search_names.c.name == bindparam("of"))
        heard = heard.values(pinyin=bindparam("sound"), initials=bindparam("letters"), is_read=True)
        given = [
            {"of": name["name"], "sound": name["pinyin"][:700], "letters": name["initials"][:100]} for name in names
        ]
        await self._work.execute(heard, given)
        for name in names:
            for word in name["words"]:
                words.setdefault(word["word"], {**word, "names": 0})["names"] += 1
        if not words:
            return
        dialect = postgresql if self._work.context.database.dialect == "postgresql" else sqlite
        add: Any = dialect.insert(search_words)
        counted = {"names": search_words.c.names + add.excluded.names}
        rows = [row for _, row in sorted(words.items())]
        await self._work.execute(add.on_conflict_do_update(index_elements=["word"], set_=counted), rows)
        keys = [
            {"key": key, "word": word}
            for word, row in sorted(words.items())
            for key in sorted(keys_of(word) | (keys_of(row["pinyin"]) if len(word) > 1 else frozenset()))
        ]
        for at in range(0, len(keys), 5000):
            add = dialect.insert(search_keys).on_conflict_do_nothing()
            await self._work.execute(add, keys[at : at + 5000])

    async def synonyms(self) -> tuple[int, list[tuple[str, str]]]:
        """Their version, and people's words with what the items call it."""
        rows = await self._work.execute(select(synonyms).order_by(synonyms.c.word, synonyms.c.means))
        return await self.synonyms_version() or 0, [(row.word, row.means) for row in rows]

    async def synonyms_version(self) -> int | None:
        """None before the first were put in."""
        version = select(search_state.c.value).where(search_state.c.name == SYNONYMS)
        return (await self._work.execute(version)).scalar_one_or_none()

    async def put_synonyms(self, pairs: Iterable[tuple[str, str]], version: int) -> None:
        """Let these be the synonyms, all of them."""
        await self._work.execute(delete(synonyms))
        rows = [{"word": word, "means": means} for word, means in dict.fromkeys(pairs)]
        if rows:
            await self._work.execute(insert(synonyms), rows)
        await self._work.upsert(search_state, [{"name": SYNONYMS, "value": version}], ["name"])

    async def missed(self, words: str, day: datetime.date) -> None:
        """Count that `words` found nothing."""
        again = (search_misses.c.day == day) & (search_misses.c.words == words)
        counted = update(search_misses).where(again).values(count=search_misses.c.count + 1)
        changed: Any = await self._work.execute(counted)
        if changed.rowcount:
            return
        today = select(func.count()).select_from(search_misses).where(search_misses.c.day == day)
        if (await self._work.execute(today)).scalar_one() < MOST_MISSES:
            row = {"day": day, "words": words, "count": 1}
            await self._work.insert_ignore(search_misses, [row], search_misses.c.words)

    async def misses(self, since: datetime.date, after: tuple[str, int, str] | None, limit: int) -> list[Miss]:
        """What was looked for and not found, the newest day first, in it the most frequent first."""
        day, count, words = search_misses.c.day, search_misses.c.count, search_misses.c.words
        statement = select(day, words, count).where(day >= since)
        if after is not None:
            last = datetime.date.fromisoformat(after[0])
            later = (count < after[1]) | ((count == after[1]) & (words > after[2]))
            statement = statement.where((day < last) | ((day == last) & later))
        rows: Any = await self._work.execute(statement.order_by(day.desc(), count.desc(), words).limit(limit))
        return [Miss(row[0], row[1], row[2]) for row in rows]
