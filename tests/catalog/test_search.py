"""Finding items: terms of texts and queries, ranking, filters, pages; the same on both databases."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import delete, text

from services.catalog.demo import DEMO_ITEMS, load_demo
from services.catalog.demo.bundles import DEMO_BUNDLES
from services.catalog.demo.for_people import DOG, RESIDENCE_PERMIT
from services.catalog.demo.organisations import DISTRICT, ORGANISATIONS, POLICE
from services.catalog.domain.form import standard_form
from services.catalog.domain.items import ItemContent, Provenance
from services.catalog.domain.search.expressions import either, every, written
from services.catalog.domain.search.mending import keys_of, one_apart
from services.catalog.domain.search.queries import Known, SearchQuery, plan, words_of
from services.catalog.domain.terms import MOST_QUERY_RUNS, MOST_QUERY_TERMS, needed, query_runs, text_terms
from services.catalog.handlers import organisations, publishing, search
from services.catalog.store.tables import search_documents
from services.catalog.store.work import Work
from services.contracts.base import Text
from services.kit.service import Service


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("居住证办理", {"居住", "住证", "证办", "办理"}),
        ("证", {"证"}),
        ("卫生 许可", {"卫生", "许可"}),
        ("Residence ＰＥＲＭＩＴ", {"residence", "permit"}),
        ("A类许可2级", {"a", "类许", "许可", "2", "级"}),
        ("（新办）", {"新办"}),
        ("511A-00_1", {"511a", "00", "1"}),
        ("…！", set()),
    ],
)
def test_terms_of_a_text(text: str, terms: set[str]) -> None:
    assert text_terms(text) == terms


def test_single_characters_of_names() -> None:
    assert text_terms("养犬", single=True) == {"养犬", "养", "犬"}


@pytest.mark.parametrize(
    ("query", "runs"),
    [
        ("怎么办理居住证", ["居住证"]),
        ("办理", ["办理"]),  # nothing else is left
        ("how do I apply for a residence permit", ["residence", "permit"]),
        ("  ", []),
        ("？？", []),
    ],
)
def test_what_a_query_asks_for(query: str, runs: list[str]) -> None:
    assert [run.text for run in query_runs(query)] == runs


def test_a_query_is_bounded() -> None:
    text = "".join(chr(0x4E00 + number) + (" " if number % 3 == 0 else "") for number in range(5000))
    assert len(query_runs(text)) == MOST_QUERY_RUNS
    whole = plan("".join(chr(0x4E00 + number) for number in range(5000)), Known())
    assert len(whole.terms) == MOST_QUERY_TERMS
    assert max(len(written(level, "postgresql")) for level in whole.levels) < 5_000
    assert [needed(count) for count in (1, 2, 3, 4, 5, 24)] == [1, 2, 2, 2, 3, 12]


def test_a_run_is_cut_into_words_that_are_known() -> None:
    known = Known(frozenset({"道路", "运输", "道路运输", "许可"}), synonyms={"开店": ("营业执照",)})
    assert words_of("道路运输许可", known) == [("道路运输", True), ("许可", True)]
    assert words_of("我在道路开店了", known) == [("我在", False), ("道路", True), ("开店", True), ("了", False)]
    assert words_of("护照", known) == [("护照", False)]


def test_operators_are_words() -> None:
    asked = every(["a", "'|!b", either(['"c" OR', "d"])])
    assert written(asked, "postgresql") == "('a' & '''|!b' & ('\"c\" OR' | 'd'))"
    assert written(asked, "sqlite") == '("a" AND "\'|!b" AND ("""c"" OR" OR "d"))'


@pytest.mark.parametrize(
    ("left", "right", "near"),
    [
        ("居住正", "居住证", True),
        ("居住", "居住证", True),
        ("住居证", "居住证", True),
        ("居证住", "居住证", True),
        ("", "证", True),
        ("居住证", "居住证", True),
        ("abcd", "badc", False),
        ("acb", "abd", False),
        ("居住证明", "居住", False),
    ],
)
def test_one_mistake_apart(left: str, right: str, near: bool) -> None:
    assert one_apart(left, right) is near
    assert one_apart(right, left) is near
    if near and min(len(left), len(right)) > 1:
        assert keys_of(left) & keys_of(right), "looked up by a key in common"


def item(number: int, name: str, summary: str = "") -> ItemContent:
    return RESIDENCE_PERMIT.model_copy(
        update={
            "code": f"LEGACY-{number:03d}",
            "code_system": "legacy",
            "name": Text(zh=name),
            "summary": Text(zh=summary) if summary else None,
            "form": standard_form(("person",)),
        }
    )


@pytest.fixture
async def demo(catalog: Service) -> None:
    await load_demo(catalog)


async def names(work: Work, query: str, **filters: str) -> list[str]:
    found = await search.find(SearchQuery(query, filters), work)
    return [orjson.loads(summary)["name"]["zh"] for _, _, summary in found.page]


MEANT = {
    "居住证": "居住证办理",
    "怎么办居住证": "居住证办理",
    "养犬登记": "犬类准养登记",
    "犬": "犬类准养登记",
    "理发店": "公共场所卫生许可（新办）",
    "公共场所卫生许可": "公共场所卫生许可（新办）",
    "ｄｏｇ Registration": "犬类准养登记",
    "失业登记": "失业登记",
    "80岁 津贴": "高龄津贴申领",
    "广告牌": "设置大型户外广告审批",
    "项目备案": "企业投资项目备案",
    RESIDENCE_PERMIT.code.lower(): "居住证办理",
    "护照": None,
    "xyz": None,
    "100%": None,
    "'; DROP TABLE items; --": None,
    "％_": None,
}
"""What people type and the item that comes first, None where nothing is about it."""


@pytest.mark.usefixtures("demo")
async def test_what_people_type_finds_what_they_mean(work: Callable[[], Work]) -> None:
    found = {query: next(iter(await names(work(), query)), None) for query in MEANT}
    assert found == MEANT


async def test_names_count_before_text_and_whole_phrases_before_scattered_ones(work: Callable[[], Work]) -> None:
    async with work() as unit:
        await organisations.register_organisations(ORGANISATIONS, Provenance.DEMO, unit)
        contents = [
            item(1, "其他事项", "和道路运输许可有关"),
            item(2, "许可道路运输"),
            item(3, "道路运输许可"),
            item(4, "道路运输许可的变更、延续和注销"),
            item(5, "运输"),
        ]
        await publishing.publish_items(contents, Provenance.IMPORT, unit)
    assert await names(work(), "道路运输许可") == [
        "道路运输许可",
        "道路运输许可的变更、延续和注销",
        "其他事项",
        "许可道路运输",
    ]


async def test_a_new_version_is_found_by_its_new_words_only(work: Callable[[], Work]) -> None:
    async with work() as unit:
        await organisations.register_organisations(ORGANISATIONS, Provenance.DEMO, unit)
        await publishing.publish_items([item(1, "旧的名字")], Provenance.IMPORT, unit)
        await publishing.publish_items([item(1, "新的叫法")], Provenance.IMPORT, unit)
    assert await names(work(), "旧的名字") == []
    assert await names(work(), "新的叫法") == ["新的叫法"]


@pytest.mark.usefixtures("demo")
async def test_filters(work: Callable[[], Work]) -> None:
    everything = {content.name.zh for content in (*DEMO_ITEMS, *DEMO_BUNDLES)}
    assert set(await names(work(), "")) == everything
    companies = set(await names(work(), "", subject="company"))
    people = set(await names(work(), "", subject="person"))
    assert companies & people == {"犬类准养登记", "用水报装"}
    assert companies | people == everything
    assert set(await names(work(), "", organisation=POLICE.id)) == {"居住证办理", "犬类准养登记"}
    assert await names(work(), "登记", organisation=POLICE.id, subject="company") == ["犬类准养登记"]
    assert set(await names(work(), "", division=DISTRICT)) == everything
    assert await names(work(), "", division="110101000000") == []


async def _all(client: httpx.AsyncClient, path: str, **query: str | int) -> list[Sequence[str]]:
    pages: list[Sequence[str]] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = await client.get(path, params={**query, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        pages.append([row.get("code") or row["id"] for row in page["items"]])
        cursor = page["next"]
    return pages


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("query", ["", "登记 许可 申领"])
async def test_pages_hold_every_item_once(client: httpx.AsyncClient, query: str) -> None:
    [whole] = await _all(client, "/items", q=query, limit=100)
    pages = await _all(client, "/items", q=query, limit=3)
    assert [code for page in pages for code in page] == list(whole)
    assert [len(page) for page in pages[:-1]] == [3] * (len(pages) - 1)
    [organisations] = await _all(client, "/organisations", limit=100)
    assert [code for page in await _all(client, "/organisations", limit=2) for code in page] == list(organisations)
    assert DOG.organisation.id in organisations


async def test_one_answer_serves_all_who_ask_at_once_and_for_a_moment(
    catalog: Service, work: Callable[[], Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def find(query: SearchQuery, *_: Any, finding: Any = search.find) -> search.Found:
        asked.append(query.words)
        if query.words == "broken":
            raise ConnectionError
        found: search.Found = await finding(query, *_)
        return found

    await organisations.register_organisations(ORGANISATIONS, Provenance.DEMO, work())
    monkeypatch.setattr(search, "find", find)
    monkeypatch.setattr(search, "MOST_ANSWERS", 2)
    monkeypatch.setattr(search, "ANSWER_SECONDS", 60.0)
    answers = search.Answers(catalog.context)
    dog = SearchQuery("犬")
    one, other, narrowed = await asyncio.gather(
        answers.to(dog), answers.to(SearchQuery("犬")), answers.to(SearchQuery("犬", {"subject": "person"}))
    )
    assert one is other is not narrowed
    await answers.to(dog)
    assert asked == ["犬", "犬"]
    # What was published is found when the moment is over, and nothing broken is kept.
    await publishing.publish_items([item(1, "犬")], Provenance.IMPORT, work())
    monkeypatch.setattr(search, "ANSWER_SECONDS", 0.0)
    await answers.to(SearchQuery("居住证"))  # one more than are kept: the first goes
    assert [code for _, code, _ in (await answers.to(dog)).page] == ["LEGACY-001"]
    for _ in range(2):
        with pytest.raises(ConnectionError):
            await answers.to(SearchQuery("broken"))
    assert asked[-2:] == ["broken", "broken"]


async def test_few_are_counted_and_many_are_told(work: Callable[[], Work]) -> None:
    """Of many the index tells: what was deleted may count until it is vacuumed."""
    async with work() as held:
        rows = [
            {"code": f"C{number}", "version": 1, "tier": number % 6, "place": number, "name": "n", "name_key": "n\n",
             "facets": "", "words": "许可 少" if number % 2 else "许可", "summary": "{}"}
            for number in range(900)
        ]  # fmt: skip
        await held.insert_many(search_documents, rows)
        await held.execute(text("ANALYZE search_documents"))  # the planner knows how common the words are
    async with work() as held:
        assert [await held.search.count(word) for word in ("许可", "少", "无")] == [900, 450, 0]
        await held.execute(delete(search_documents).where(search_documents.c.place < 700))
    async with work() as held:
        assert 200 <= await held.search.count("许可") <= 900
        assert await held.search.count("少") == 100
