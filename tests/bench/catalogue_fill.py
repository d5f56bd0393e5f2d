"""A catalogue of made-up items for the search bench, put into PostgreSQL by COPY: an import would take its time."""

import json
import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import asyncpg

from services.catalog.demo.generate import rows
from services.catalog.domain.form import standard_form
from services.catalog.domain.items import ItemContent
from services.catalog.domain.search.dictionary import read_name
from services.catalog.domain.search.documents import LAST_TIER, TIERS, document_of, place_of
from services.catalog.domain.search.mending import keys_of
from services.catalog.domain.terms import fold
from services.catalog.domain.topics import TOPICS
from services.catalog.indexer import shipped_synonyms
from services.contracts.base import Text
from services.contracts.catalog_items import Basis, Condition, Fee, Limit, Limits, Organisation

SEED = 20260101
ALIKE = 10
"""Of so many items each, only the code and the use differ: to make every one would take a quarter of an hour."""
GUIDES = 5_000
"""Items with a guide to open: a guide is found by its key, whatever the number of items."""
CHUNK = 20_000
NOW = datetime(2026, 1, 1, tzinfo=UTC)
_TOPICS = [topic.code for topic in TOPICS]
_SUBJECTS = {"个人": "person", "企业": "company"}


def content_of(row: dict[str, str], chance: random.Random) -> ItemContent:
    """The item of a row. Not validated: the generator's rows are well-formed."""
    conditions = [*row["conditions"].split("\n"), f"在{row['department']}的管辖范围内办理{row['name']}"]
    return ItemContent.model_construct(
        code=row["item_code"],
        code_system="gb-31",
        name=Text(zh=row["name"]),
        summary=Text(zh=row["summary"]),
        organisation=Organisation.model_construct(id=row["department_code"], name=Text(zh=row["department"])),
        division=row["area_code"],
        item_type=row["task_type"],
        subjects=tuple(_SUBJECTS[each] for each in row["subject"].split(";")),
        topics=(chance.choice(_TOPICS),),
        case_kind=row["case_kind"],
        limits=Limits(
            statutory=Limit(amount=int(row["statutory_limit"].split()[0])),
            promised=Limit(amount=int(row["promised_limit"].split()[0])),
        ),
        fee=Fee(charged=False),
        visits=int(row["visits"]),
        channels=tuple(row["channels"].split(";")),
        online_depth=int(row["online_depth"]),
        conditions=tuple(Condition(zh=each) for each in conditions),
        basis=(Basis(law=row["basis"]),),
        form=standard_form(("person",)),
    )


async def fill(connection: "asyncpg.Connection[Any]", count: int) -> None:
    """`count` items into an empty, migrated catalogue: what the search reads of all, guides of the first GUIDES."""
    found = await connection.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE indexname LIKE 'fulltext%' OR indexname LIKE 'ix_search%'"
    )
    for index in found:
        await connection.execute(f"DROP INDEX {index['indexname']}")
    chance = random.Random(SEED)
    order = list(range(count))
    chance.shuffle(order)
    names: dict[str, list[Any]] = {}
    departments: dict[str, tuple[str, str]] = {}
    chunk: list[tuple[Any, ...]] = []
    guides: list[tuple[ItemContent, int]] = []
    columns = ("code", "version", "tier", "place", "name", "name_key", "facets", "words", "summary")
    made = count // ALIKE
    for number, row in enumerate(rows(made, SEED)):
        content = content_of(row, chance)
        document = document_of(content, 1)
        assert document is not None
        # How much items are used falls with their rank, as the use of words does (Zipf).
        same = (document.name, document.name_key, document.facets, document.words, document.summary)
        for copy in range(ALIKE):
            used = order[number + copy * made]
            uses = count // (used + 1)
            place = place_of(document.rank, uses)
            tier = next((tier for tier, last in enumerate(TIERS) if used < last), LAST_TIER)
            chunk.append((document.code + (f"-{copy}" if copy else ""), 1, tier, place, *same))
        name = names.setdefault(document.name, [0, place, document.code])
        name[0] += ALIKE
        name[1] = max(name[1], place)
        departments[row["department_code"]] = (row["department"], row["area_code"])
        if number < GUIDES:
            guides.append((content, uses))
        if len(chunk) >= CHUNK or number == made - 1:
            await connection.copy_records_to_table("search_documents", records=chunk, columns=columns)
            chunk = []
    await _organisations(connection, departments)
    await _guides(connection, guides)
    await _vocabulary(connection, names)
    await connection.copy_records_to_table("synonyms", records=shipped_synonyms(), columns=("word", "means"))
    await connection.execute("SET maintenance_work_mem = '256MB'")
    for index in found:
        await connection.execute(index["indexdef"])
    await connection.execute("VACUUM ANALYZE")


async def _organisations(connection: "asyncpg.Connection[Any]", departments: dict[str, tuple[str, str]]) -> None:
    for code, (name, division) in departments.items():
        document = json.dumps({"name": {"zh": name, "en": None}}, ensure_ascii=False)
        values = {
            "id": code, "name_zh": name, "division": division, "kind": "organ", "status": "active",
            "document": document, "digest": "", "version": 1, "updated_at": NOW,
        }  # fmt: skip
        await _insert(connection, "organisations", values)


async def _guides(connection: "asyncpg.Connection[Any]", guides: list[tuple[ItemContent, int]]) -> None:
    form = standard_form(("person",))
    digest = guides[0][0].form_digest
    await _insert(connection, "forms", {"digest": digest, "form": json.dumps(form, ensure_ascii=False)})
    for content, uses in guides:
        item = {
            "code": content.code, "kind": content.kind, "status": "published", "status_reason": "", "version": 1,
            "sequence": 1, "digest": content.digest, "organisation_id": content.organisation.id,
            "division": content.division, "item_type": content.item_type, "for_person": "person" in content.subjects,
            "for_company": "company" in content.subjects, "online_depth": content.online_depth,
            "provenance": "import", "name_key": content.name_key, "rank": content.rank, "uses": uses,
            "published_at": NOW,
        }  # fmt: skip
        await _insert(connection, "items", item)
        document = json.dumps(content.document(), ensure_ascii=False)
        version = {
            "code": content.code, "version": 1, "kind": content.kind, "document": document, "form_digest": digest,
            "provenance": "import", "published_at": NOW,
        }  # fmt: skip
        await _insert(connection, "item_versions", version)


async def _insert(connection: "asyncpg.Connection[Any]", table: str, values: dict[str, Any]) -> None:
    """One row; columns that a newer schema has besides get an empty value of their type."""
    numbers = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    await connection.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({numbers})", *values.values())


async def _vocabulary(connection: "asyncpg.Connection[Any]", names: dict[str, list[Any]]) -> None:
    words: dict[str, dict[str, str]] = {}
    standing: defaultdict[str, int] = defaultdict(int)

    def read() -> Iterator[tuple[Any, ...]]:
        for name, (times, place, code) in names.items():
            found = read_name(name)
            for word in found["words"]:
                words[word["word"]] = word
                standing[word["word"]] += 1
            yield name, fold(name), "", times, place, code, found["pinyin"], found["initials"], True

    columns = ("name", "name_key", "english_key", "times", "place", "code", "pinyin", "initials", "is_read")
    await connection.copy_records_to_table("search_names", records=list(read()), columns=columns)
    rows_ = [(word, each["pinyin"], each["initials"], standing[word]) for word, each in words.items()]
    await connection.copy_records_to_table(
        "search_words", records=rows_, columns=("word", "pinyin", "initials", "names")
    )
    keys = {(key, word) for word, each in words.items() for key in keys_of(word) | keys_of(each["pinyin"])}
    await connection.copy_records_to_table("search_keys", records=keys, columns=("key", "word"))
